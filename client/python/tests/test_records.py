"""Answers of another shape are refused; exit codes become their exceptions. A small program stands in for answers that the real one never gives."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

import redoubt
from redoubt import errors
from redoubt.records import Appraisal, Check, Proposal, Table, Verdict


def answering(folder: Path, body: str) -> redoubt.Program:
    path = folder / "program"
    path.write_text("#!/bin/sh\n" + body + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return redoubt.Program(path)


@pytest.mark.parametrize("code,kind", [(1, redoubt.InternalError), (2, redoubt.UsageError), (3, redoubt.NotFound), (4, redoubt.AuthenticationFailed),
                                       (5, redoubt.Refused), (6, redoubt.Unavailable), (10, redoubt.Malformed), (11, redoubt.EvidenceRejected),
                                       (16, redoubt.EvidenceRejected), (17, redoubt.LogProofFailed), (20, redoubt.Partial),
                                       (69, redoubt.MissingDependency), (99, redoubt.InternalError)])
def test_each_exit_code_has_its_exception(tmp_path: Path, code: int, kind: Any) -> None:
    program = answering(tmp_path, f"echo 'warning: look' >&2; echo 'error: what: expected this, found that' >&2; echo 'next: do so' >&2; exit {code}")
    with pytest.warns(redoubt.RedoubtWarning, match="look"), pytest.raises(kind) as failure:
        program.call(["query", "list"])
    assert failure.value.message == "what: expected this, found that" and failure.value.next_step == "do so" and failure.value.exit_code == code
    assert type(failure.value) is kind


@pytest.mark.parametrize("output", ["{", "[1,]", '{"a": 1, "a": 2}', "\\303("])
def test_an_answer_that_is_not_json_is_refused(tmp_path: Path, output: str) -> None:
    with pytest.raises(redoubt.BadOutput):
        answering(tmp_path, f"printf '%b' '{output}'").call(["query", "list"])


def test_a_failure_with_json_is_a_failure_unless_it_is_asked_for(tmp_path: Path) -> None:
    program = answering(tmp_path, "echo '{\"accepted\": false}'; echo 'error: no' >&2; exit 5")
    with pytest.raises(redoubt.Refused):
        program.call(["receipt", "verify"])
    assert program.call(["receipt", "verify"], also=[5]).value == {"accepted": False}


def test_a_failure_without_json_is_never_an_answer(tmp_path: Path) -> None:
    with pytest.raises(redoubt.Refused):
        answering(tmp_path, "exit 5").call(["receipt", "verify"], also=[5])


def test_a_program_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    with pytest.raises(redoubt.Unavailable):
        answering(tmp_path, "exec sleep 60").call(["query", "list"], timeout=0.2)


def test_a_program_that_is_absent_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(redoubt.MissingDependency):
            redoubt.Program(path)


def test_tables_are_rectangles_of_text_and_null() -> None:
    assert Table.read({"columns": ["a", "b"], "rows": [["1", None]]}).records() == [{"a": "1", "b": None}]
    for rows in ([["1"]], [["1", 2]], [["1", "2", "3"]], ["12"], [None]):
        with pytest.raises(redoubt.BadOutput):
            Table.read({"columns": ["a", "b"], "rows": rows})
    with pytest.raises(redoubt.BadOutput):
        Table.read({"columns": ["a", "a"], "rows": []}).records()


def test_types_are_exact() -> None:
    good = {"checks": [], "host_asserted": True, "instance": None, "policy": "p", "program": None, "remarks": [], "status": "warning"}
    assert Appraisal.read(good).host_asserted
    for name, bad in (("host_asserted", "true"), ("host_asserted", 1), ("status", None), ("remarks", [1]), ("checks", {}), ("checks", [1])):
        with pytest.raises(redoubt.BadOutput):
            Appraisal.read({**good, name: bad})
    assert Check.read({"id": "T1", "outcome": "failed", "expected": "1", "found": "2"}).found == "2"


def test_counts_are_decimal_text() -> None:
    value = {"query": "q", "index": "7", "log_size": "9", "log_root": "r",
             "proposal": {"sql": "SELECT 1", "proposer": "a", "terms": {"level": "none", "k": 10, "recipients": ["a"], "manifests": []}}}
    assert Proposal.read(value).log_index == 7
    for bad in (7, "-7", "0x7", "", "\u0667", "1" * 21, None):
        with pytest.raises(redoubt.BadOutput):
            Proposal.read({**value, "index": bad})
    with pytest.raises(redoubt.BadOutput):
        Proposal.read({**value, "proposal": json.dumps(value["proposal"])})


def test_a_refused_verdict_names_rule_and_place() -> None:
    verdict = Verdict.read({"verdict": "refused", "rule": "S8", "message": "m", "suggestion": "s", "line": 2, "column": 3})
    assert not verdict.accepted and (verdict.rule, verdict.line, verdict.column) == ("S8", 2, 3)


def test_every_documented_exit_code_is_known() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/cli.md").read_text().split("Exit codes: ")[1].split(".\n")[0]
    codes = [int(part.split()[0]) for part in page.replace("\n", " ").split(", ")]
    assert codes[0] == 0 and len(codes) > 10
    for code in codes[1:]:
        assert type(errors.error_for(code, "", "")) is not redoubt.InternalError or code == 1
