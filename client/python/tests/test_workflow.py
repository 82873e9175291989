"""The two-party workflow with the real programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import redoubt
from stage import HOSPITAL, QUERY, Stage


def test_everyone_verified_and_the_host_asserted_tier_is_said(stage: Stage) -> None:
    verification = stage.verifications["analyst"]
    assert verification.open and set(verification.joined) == {"hospital", "laboratory", "analyst"}
    assert verification.appraisal.host_asserted and verification.appraisal.status == "warning"
    assert not verification.appraisal.failed() and len(verification.appraisal.checks) > 10
    with pytest.warns(redoubt.RedoubtWarning, match="asserted by the host"):
        stage.room("analyst").verify_and_join(contract=stage.folder / "contract.json")


def test_an_approved_query_gives_the_exact_table_to_its_recipients_only(stage: Stage, tmp_path: Path) -> None:
    query = stage.answered()
    table = stage.room("analyst").result(query, receipt=tmp_path / "receipt.json")
    assert table.columns == ("diagnosis", "patients", "total")
    assert table.records() == [{"diagnosis": "benign", "patients": "60", "total": str(sum(n % 10 for n in range(1, 61)))},
                               {"diagnosis": "malignant", "patients": "40", "total": str(sum(n % 10 for n in range(61, 101)))}]
    assert table.column("patients") == ["60", "40"]
    with pytest.raises((redoubt.Refused, redoubt.NotFound, redoubt.AuthenticationFailed)):
        stage.room("laboratory").result(query, wait=1)
    status = stage.room("hospital").review(query)
    assert set(status.approval.approved) == {"hospital", "laboratory"} and status.proposal.sql == QUERY


def test_a_receipt_is_verified_offline_and_a_changed_one_is_not_accepted(stage: Stage, tmp_path: Path) -> None:
    stage.room("analyst").result(stage.answered(), receipt=tmp_path / "receipt.json")
    laboratory = stage.people["laboratory"]
    verdict = laboratory.verify_receipt(tmp_path / "receipt.json", contract=stage.folder / "contract.json", tpm_root=stage.root)
    assert verdict.accepted and verdict.sequence >= 1 and all(check.outcome != "failed" for check in verdict.checks)
    text = (tmp_path / "receipt.json").read_text()
    signature = json.loads(text)["receipt"]
    assert "signature" in json.dumps(signature)
    other = text.replace("2026-", "2025-", 1)
    assert other != text
    (tmp_path / "other.json").write_text(other)
    try:
        assert not laboratory.verify_receipt(tmp_path / "other.json", contract=stage.folder / "contract.json", tpm_root=stage.root).accepted
    except redoubt.RedoubtError as error:
        assert error.exit_code not in (0, 1)


def test_a_query_that_one_owner_rejects_has_no_result(stage: Stage) -> None:
    analyst, hospital = stage.room("analyst"), stage.room("hospital")
    query = analyst.submit("SELECT count(*) AS n FROM hospital").query
    hospital.reject(hospital.review(query))
    with pytest.raises(redoubt.Refused):
        analyst.result(query, wait=10)
    assert hospital.review(query).approval.rejected == ("hospital",)


def test_a_query_about_one_person_is_refused_with_its_rule(stage: Stage) -> None:
    with pytest.raises(redoubt.Refused) as refusal:
        stage.room("analyst").submit("SELECT patient_id, diagnosis FROM hospital")
    assert "rule" in refusal.value.message and refusal.value.exit_code == 5 and refusal.value.next_step


def test_the_static_verdict_needs_no_hub(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "hospital.json").write_text(json.dumps(HOSPITAL))
    stranger = redoubt.Participant("stranger", folder=tmp_path / "nobody", program=stage.program)
    assert stranger.check("SELECT diagnosis, count(*) FROM hospital GROUP BY 1", {"hospital": tmp_path / "hospital.json"}).accepted
    refused = stranger.check("SELECT diagnosis,\n  patient_id FROM hospital", {"hospital": tmp_path / "hospital.json"})
    assert not refused.accepted and refused.rule and refused.message and refused.line >= 1
    with pytest.raises(redoubt.NotFound):
        stranger.check("SELECT 1", {"hospital": tmp_path / "absent.json"})


def test_votes_need_what_was_reviewed(stage: Stage) -> None:
    query = stage.room("analyst").submit("SELECT count(*) AS n FROM laboratory").query
    with pytest.raises(redoubt.UsageError):
        stage.room("hospital").approve(query)  # type: ignore[arg-type]
    assert stage.room("hospital").review(query).approval.approved == ()
    assert query in [summary.query for summary in stage.room("hospital").queries()]


def test_a_contract_with_another_key_in_a_name_is_not_joined(stage: Stage, tmp_path: Path) -> None:
    forger = redoubt.Participant("hospital", folder=tmp_path / "forger", program=stage.program)
    forger.create_keys(without_recovery=True)
    forger.public_keys(save_to=tmp_path / "forger.pub")
    with pytest.raises(redoubt.RedoubtError) as refusal:
        stage.room("laboratory").verify_and_join(members={"hospital": tmp_path / "forger.pub"})
    assert refusal.value.exit_code not in (0, 1, 2)


def test_the_log_is_listed_and_extends(stage: Stage, tmp_path: Path) -> None:
    before = stage.room("hospital").audit_log()
    stage.room("analyst").submit("SELECT count(*) AS patients FROM hospital")
    after = stage.room("hospital").audit_log(save_to=tmp_path / "log.json")
    assert after.size > before.size and after.entries[:before.size] == before.entries and after.entries[0].kind == "boot"
    assert {dataset.name for dataset in stage.room("analyst").datasets()} == {"hospital", "laboratory"}


def test_keys_that_exist_are_never_replaced(stage: Stage) -> None:
    before = stage.people["hospital"].public_keys()
    with pytest.raises(redoubt.Refused, match="is there already"):
        stage.people["hospital"].create_keys(without_recovery=True)
    assert stage.people["hospital"].public_keys() == before
    with pytest.raises(redoubt.UsageError):
        stage.people["hospital"].create_keys()
    assert "study" in [environment.name for environment in stage.people["hospital"].environments()]


def test_a_hub_with_another_key_is_not_talked_to(stage: Stage) -> None:
    laboratory = stage.people["laboratory"]
    assert laboratory.call("dataset", "list", "-e", "study").exit_code == 0
    with pytest.raises(redoubt.RedoubtError) as refusal:
        laboratory.call("dataset", "list", "-e", "study", "--pin", "00" * 32)
    assert refusal.value.exit_code in (4, 11, 15)
