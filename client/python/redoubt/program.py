"""Running the `redoubt` program: one call, its JSON answer, its warnings and its failure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional, Sequence, Union

from redoubt.errors import BadOutput, MissingDependency, RedoubtWarning, Unavailable, error_for

PathLike = Union[str, "os.PathLike[str]"]

_MAX_ANSWER = 1 << 28  # bytes


@dataclass(frozen=True)
class Answer:
    """What a call gave: the JSON value (None where the program printed none) and the exit code."""

    value: Any
    exit_code: int


class Program:
    """The `redoubt` program on this machine. `path` is the file; without it PATH is searched."""

    def __init__(self, path: Optional[PathLike] = None) -> None:
        found = shutil.which("redoubt") if path is None else os.path.expanduser(os.fspath(path))
        if found is None:
            raise MissingDependency("no redoubt program on PATH", "install it, or name it: redoubt.Program('/path/to/redoubt')", 69)
        if not os.access(found, os.X_OK) or os.path.isdir(found):
            raise MissingDependency(f"{found}: expected a program that can be run", "build or install redoubt", 69)
        self.path = Path(found).resolve()

    def version(self) -> str:
        done = subprocess.run([str(self.path), "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
        return done.stdout.strip()

    def call(self, arguments: Sequence[str], *, text: Optional[str] = None, timeout: Optional[float] = None,
             also: Sequence[int] = ()) -> Answer:
        """Runs the program with `-o json`. `text` goes to its standard input; `also` names exit codes that are answers too, when JSON
        came with them. Raises a RedoubtError otherwise. After `timeout` seconds the program is ended and Unavailable is raised."""
        command: List[str] = [str(self.path), "-o", "json", *arguments]
        try:
            done = subprocess.run(command, input=b"" if text is None else text.encode(), capture_output=True, check=False,
                                  timeout=timeout, env={**os.environ, "NO_COLOR": "1"})
        except subprocess.TimeoutExpired as expired:
            raise Unavailable(f"redoubt {' '.join(arguments[:2])}: no answer in {timeout} seconds", "give it more time", 6) from expired
        message, next_step = _read_complaints(done.stderr.decode("utf-8", "replace"))
        value = _read_value(done.stdout) if done.returncode == 0 or done.returncode in also else None
        if done.returncode != 0 and (value is None or done.returncode not in also):
            raise error_for(done.returncode, message or f"exit code {done.returncode}", next_step)
        return Answer(value, done.returncode)


def _read_complaints(lines: str) -> "tuple[str, str]":
    """The error and the next step; warnings are handed on as Python's."""
    message = next_step = ""
    for line in lines.splitlines():
        if line.startswith("error: "):
            message = line[len("error: "):]
        elif line.startswith("next: "):
            next_step = line[len("next: "):]
        elif line.startswith("warning: "):
            warnings.warn(line[len("warning: "):], RedoubtWarning, stacklevel=4)
    return message, next_step


def _no_duplicates(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return out


def _read_value(output: bytes) -> Any:
    if not output.strip():
        return None
    if len(output) > _MAX_ANSWER:
        raise BadOutput(f"expected at most {_MAX_ANSWER} bytes, found {len(output)}")
    try:
        return json.loads(output.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except ValueError as bad:
        raise BadOutput(f"expected JSON, found something else: {bad}", "use the program and the package of one release") from bad
