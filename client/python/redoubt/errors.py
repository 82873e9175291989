"""What the program's exit codes mean (docs/cli.md), as exceptions."""

from __future__ import annotations

from typing import Dict, Type


class RedoubtWarning(UserWarning):
    """A warning that the program printed, for example that only the host vouches for a measurement."""


class RedoubtError(Exception):
    """The program failed. `message` says what, where, expected and found; `next_step` what to do; `exit_code` is the program's."""

    def __init__(self, message: str, next_step: str = "", exit_code: int = 1) -> None:
        super().__init__(message if not next_step else f"{message} (next: {next_step})")
        self.message = message
        self.next_step = next_step
        self.exit_code = exit_code


class InternalError(RedoubtError):
    """Exit code 1."""


class UsageError(RedoubtError):
    """Exit code 2: the command was not understood."""


class NotFound(RedoubtError):
    """Exit code 3."""


class AuthenticationFailed(RedoubtError):
    """Exit code 4: the hub or the enclave program does not know these keys."""


class Refused(RedoubtError):
    """Exit code 5: a rule of the contract, of the privacy level or of the store says no."""


class Unavailable(RedoubtError):
    """Exit code 6: not reachable or not ready; the same call may succeed later."""


class Malformed(RedoubtError):
    """Exit code 10: bytes that are not what they should be."""


class EvidenceRejected(RedoubtError):
    """Exit codes 11 to 16: chain, TCB, measurement, freshness, binding or policy. Do not send data."""


class LogProofFailed(RedoubtError):
    """Exit code 17: a log was rolled back or forked, or a proof does not hold."""


class Partial(RedoubtError):
    """Exit code 20: done in part."""


class MissingDependency(RedoubtError):
    """Exit code 69, or the program itself is not there."""


class BadOutput(RedoubtError):
    """The program answered something that this version of the package does not know: are both of one release?"""


_BY_CODE: Dict[int, Type[RedoubtError]] = {
    1: InternalError, 2: UsageError, 3: NotFound, 4: AuthenticationFailed, 5: Refused, 6: Unavailable, 10: Malformed,
    17: LogProofFailed, 20: Partial, 69: MissingDependency,
}


def error_for(exit_code: int, message: str, next_step: str) -> RedoubtError:
    """The exception of an exit code. A code that nobody documented is an internal error."""
    kind: Type[RedoubtError] = _BY_CODE.get(exit_code, InternalError)
    if 11 <= exit_code <= 16:
        kind = EvidenceRejected
    return kind(message, next_step, exit_code)
