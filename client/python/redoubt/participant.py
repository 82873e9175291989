"""A participant, and the environments it takes part in."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from redoubt.errors import BadOutput, RedoubtWarning, UsageError
from redoubt.program import Answer, PathLike, Program
from redoubt.records import Dataset, LogView, Proposal, PublicKeys, QueryStatus, QuerySummary, ReceiptVerdict, Table, Verdict, Verification

T = TypeVar("T")

_REFUSED = 5
_LOG_PROOF = 17
_EVIDENCE = range(11, 17)


@dataclass(frozen=True)
class Member:
    """Somebody whom a contract names: the file of public keys that they handed over themselves, and whether they vote."""

    name: str
    public_keys: PathLike
    votes: bool = True


def _file(path: PathLike) -> str:
    return os.path.abspath(os.path.expanduser(os.fspath(path)))


def _items(answer: Answer, read: Callable[[Any], T]) -> Tuple[T, ...]:
    items = answer.value.get("items") if isinstance(answer.value, dict) else None
    if not isinstance(items, list):
        raise BadOutput("list: expected an object with items")
    return tuple(read(item) for item in items)


@contextmanager
def _as_file(text: str, suffix: str) -> Iterator[str]:
    """The path of a file of this user's that holds the text for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="redoubt-") as folder:
        path = Path(folder) / ("text" + suffix)
        path.write_text(text, encoding="utf-8")
        yield str(path)


class Participant:
    """One participant: its keys, contexts and environments live in `folder` (default: where the program keeps them)."""

    def __init__(self, name: str, *, folder: Optional[PathLike] = None, program: Union[Program, PathLike, None] = None) -> None:
        self.name = name
        self.folder = None if folder is None else _file(folder)
        self.program = program if isinstance(program, Program) else Program(program)

    def __repr__(self) -> str:
        return f"Participant({self.name!r}, folder={self.folder!r})"

    def call(self, *arguments: str, text: Optional[str] = None, timeout: Optional[float] = None, also: Sequence[int] = ()) -> Answer:
        """Any command of the program as this participant; `also`: exit codes that are answers when JSON came with them."""
        where = [] if self.folder is None else ["--config", self.folder]
        return self.program.call([*where, *arguments], text=text, timeout=timeout, also=also)

    # Keys and hubs.

    def create_keys(self, *, recovery: Optional[PathLike] = None, without_recovery: bool = False) -> PublicKeys:
        """Makes this participant's keys. Keys that exist are never replaced (Refused). Move the recovery key to a place offline;
        `without_recovery=True` makes none: if the keys are lost, results sealed to them are gone."""
        if (recovery is None) != without_recovery:
            raise UsageError("say either where the recovery key goes (recovery=...), or without_recovery=True", "", 2)
        choice = ["--no-recovery"] if recovery is None else ["--recovery", _file(recovery)]
        return PublicKeys.read(self.call("key", "new", self.name, *choice).value)

    def public_keys(self, save_to: Optional[PathLike] = None) -> PublicKeys:
        """The public half, also into a file for the others."""
        return PublicKeys.read(self.call("key", "show", *([] if save_to is None else ["--public", _file(save_to)])).value)

    def use_hub(self, url: str, *, pin: str, api_key_file: Optional[PathLike] = None, context: str = "default") -> None:
        """Keeps a hub under a name and uses it from now on. `pin`: SHA-256 of its TLS key, hexadecimal."""
        key = [] if api_key_file is None else ["--key-file", _file(api_key_file)]
        self.call("context", "set", context, "--hub", url, "--pin", pin, *key)

    # Environments.

    def environment(self, name: str) -> "Environment":
        """An environment by its name; nothing is asked of anybody."""
        return Environment(self, name)

    def environments(self) -> Tuple["Environment", ...]:
        """Those whose contracts this participant keeps."""
        def named(item: Any) -> "Environment":
            if not isinstance(item, dict) or not isinstance(item.get("environment"), str):
                raise BadOutput("environment: expected an object with a name")
            return Environment(self, item["environment"])
        return _items(self.call("environment", "list"), named)

    def create_environment(self, name: str, members: Sequence[Member], *, contract_out: PathLike, programs: Sequence[PathLike],
                           tpm_roots: Sequence[PathLike], k: int = 10, privacy_floor: str = "aggregate_only", approval: str = "unanimous",
                           veto: Sequence[str] = (), submitter_counts: bool = False, accept_host_asserted: bool = False,
                           accept_software_tpm: bool = False, hardware_roots: bool = False, require_secure_boot: bool = False) -> "Environment":
        """Writes the contract, keeps it, and has the hub start an enclave program under it. `programs`: files that `measure` wrote.
        Everybody else gets the contract's file and verifies it for themselves."""
        arguments: List[str] = ["environment", "create", name, "--yes", "--k", str(k), "--privacy-floor", privacy_floor, "--approval", approval,
                                "--contract-out", _file(contract_out)]
        for member in members:
            arguments += ["--participant", f"{member.name}={_file(member.public_keys)}" + (":votes" if member.votes else "")]
        for program in programs:
            arguments += ["--program", _file(program)]
        for root in tpm_roots:
            arguments += ["--tpm-root", _file(root)]
        for voter in veto:
            arguments += ["--veto", voter]
        flags = {"--submitter-counts": submitter_counts, "--accept-host-asserted": accept_host_asserted,
                 "--accept-software-tpm": accept_software_tpm, "--hardware-roots": hardware_roots, "--require-secure-boot": require_secure_boot}
        self.call(*arguments, *(flag for flag, on in flags.items() if on))
        return Environment(self, name)

    # What needs neither hub nor enclave program.

    def measure(self, program: PathLike, save_to: PathLike) -> Mapping[str, Any]:
        """Measures an enclave program's files on this machine and writes the accepted program's file for a contract."""
        value = self.call("evidence", "measure", _file(program)).value
        if not isinstance(value, dict):
            raise BadOutput("measure: expected an object")
        Path(_file(save_to)).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        return value

    def check(self, sql: str, schemas: Mapping[str, PathLike], *, level: str = "aggregate_only", k: int = 10) -> Verdict:
        """The static verdict on a query over schemas, by the rules and the code of the enclave program."""
        arguments = ["query", "check", "--level", level, "--k", str(k), "--sql", "-"]
        for name, schema in schemas.items():
            arguments += ["--schema", f"{name}={_file(schema)}"]
        return Verdict.read(self.call(*arguments, text=sql, also=[_REFUSED]).value)

    def verify_receipt(self, receipt: PathLike, *, contract: Optional[PathLike] = None, environment: Optional[str] = None,
                       tpm_root: Optional[PathLike] = None) -> ReceiptVerdict:
        """Verifies a receipt file offline against the contract that this participant holds. A receipt that is not accepted is an
        answer (`accepted` is False), not an exception."""
        if (contract is None) == (environment is None):
            raise UsageError("name either the contract's file or the environment whose contract is kept", "", 2)
        arguments = ["receipt", "verify", _file(receipt)]
        arguments += ["-e", environment] if environment is not None else ["--contract", _file(contract or "")]
        if tpm_root is not None:
            arguments += ["--tpm-root", _file(tpm_root)]
        return ReceiptVerdict.read(self.call(*arguments, also=[_REFUSED, _LOG_PROOF, *_EVIDENCE]).value)


class Environment:
    """An environment as one participant sees it. Every call that reaches the enclave program appraises its Evidence first."""

    def __init__(self, participant: Participant, name: str) -> None:
        self.participant = participant
        self.name = name

    def __repr__(self) -> str:
        return f"Environment({self.name!r} of {self.participant.name!r})"

    def _call(self, *arguments: str, timeout: Optional[float] = None) -> Any:
        return self.participant.call(*arguments, "-e", self.name, timeout=timeout).value

    def verify_and_join(self, *, contract: Optional[PathLike] = None, members: Optional[Mapping[str, PathLike]] = None,
                        tpm_roots: Sequence[PathLike] = (), wait: int = 60) -> Verification:
        """Appraises the enclave program against the contract that this participant holds, and signs that instance. `contract` on the
        first time; `members`: public key files that must stand in the contract under these names. Raises EvidenceRejected or Refused,
        and then nothing was signed."""
        arguments = ["environment", "verify", self.name, "--yes", "--wait", str(wait)]
        if contract is not None:
            arguments += ["--contract", _file(contract)]
        for name, keys in (members or {}).items():
            arguments += ["--participant", f"{name}={_file(keys)}"]
        for root in tpm_roots:
            arguments += ["--tpm-root", _file(root)]
        verification = Verification.read(self.participant.call(*arguments).value)
        if verification.appraisal.host_asserted:
            warnings.warn("software TPM, asserted by the host: format and protocol exercised, a lying operator could forge this", RedoubtWarning,
                          stacklevel=2)
        return verification

    # Tables.

    def put(self, name: str, csv: PathLike, schema: PathLike, *, version: Optional[int] = None,
            budget: Optional[Tuple[str, str]] = None) -> Dataset:
        """Seals a CSV file under a fresh key, signs its manifest and uploads the ciphertext; an upload that broke off goes on where it
        stopped. `budget`: epsilon and delta, decimal text, for queries with noise. The key stays here until `release`."""
        arguments = ["dataset", "put", name, "--file", _file(csv), "--schema", _file(schema)]
        if version is not None:
            arguments += ["--version", str(version)]
        if budget is not None:
            arguments += ["--budget-epsilon", budget[0], "--budget-delta", budget[1]]
        return Dataset.read(self._call(*arguments))

    def release(self, name: str) -> None:
        """Hands the table's key to the attested enclave program, and to nobody else."""
        self._call("dataset", "release", name)

    def datasets(self) -> Tuple[Dataset, ...]:
        return _items(Answer(self._call("dataset", "list"), 0), Dataset.read)

    # Questions.

    def submit(self, sql: str, *, recipients: Sequence[str] = (), datasets: Sequence[str] = (), level: Optional[str] = None,
               k: Optional[int] = None, noise: Optional[Tuple[str, str]] = None, expires_in_hours: int = 24) -> Proposal:
        """Signs a proposal and reserves its place in the log. `recipients`: who gets the result (default: this participant);
        `noise`: epsilon and delta, decimal text, at differential_privacy. Refused names the privacy rule and the place in the text."""
        with _as_file(sql, ".sql") as path:
            arguments = ["query", "submit", "--sql-file", path, "--expires-in", str(expires_in_hours)]
            for name in recipients:
                arguments += ["--recipient", name]
            for name in datasets:
                arguments += ["--dataset", name]
            if level is not None:
                arguments += ["--level", level]
            if k is not None:
                arguments += ["--k", str(k)]
            if noise is not None:
                arguments += ["--epsilon", noise[0], "--delta", noise[1]]
            return Proposal.read(self._call(*arguments))

    def queries(self) -> Tuple[QuerySummary, ...]:
        return _items(Answer(self._call("query", "list"), 0), QuerySummary.read)

    def review(self, query: str) -> QueryStatus:
        """A proposal through the attested session, its place in the log proven. Read `proposal.sql` before you approve."""
        return QueryStatus.read(self._call("query", "show", query))

    def approve(self, reviewed: QueryStatus) -> None:
        """Signs a ballot for exactly what was reviewed: its id is the digest of text, level, tables, recipients and program."""
        self._vote("approve", reviewed)

    def reject(self, reviewed: QueryStatus) -> None:
        self._vote("reject", reviewed)

    def _vote(self, verb: str, reviewed: QueryStatus) -> None:
        if not isinstance(reviewed, QueryStatus):
            raise UsageError(f"{verb}: expected what review() gave, found {type(reviewed).__name__}", "look at the proposal first", 2)
        self._call("query", verb, reviewed.query, "--yes")

    def result(self, query: str, *, wait: int = 60, receipt: Optional[PathLike] = None) -> Table:
        """The result, opened with this participant's key and held against its receipt, which `receipt` gets as a file."""
        keep = [] if receipt is None else ["--receipt", _file(receipt)]
        return Table.read(self._call("result", "get", query, "--wait", str(wait), *keep))

    # The record.

    def audit_log(self, save_to: Optional[PathLike] = None) -> LogView:
        """The instance's whole log, checked against its signed head and the heads that this participant saw."""
        return LogView.read(self._call("audit", "log", *([] if save_to is None else ["--save", _file(save_to)])))
