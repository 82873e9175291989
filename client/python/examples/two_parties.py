# A hospital and a laboratory hold different columns of the same patients; an analyst asks one question of both. Nobody hands a table
# over. Run it as a script, or cell by cell in an editor that knows "# %%".
#
#   python client/python/examples/two_parties.py --programs build/release/bin
#
# It starts a hub on this machine with a software TPM: format and protocol are real, but the host vouches for the program, and a
# lying operator could forge that. On a measured image with a hardware TEE only the two accept_... arguments go.

# %% Where the programs and the example's table are
import argparse
import csv
import json
import subprocess
import tempfile
import time
from pathlib import Path

import redoubt

ROOT = Path(__file__).resolve().parents[3]
parser = argparse.ArgumentParser(description="Two organisations and an analyst: one query, start to end.")
parser.add_argument("--programs", type=Path, default=ROOT / "build/release/bin", help="folder of redoubt and redoubt-hub")
programs: Path = parser.parse_args().programs.resolve()
program = redoubt.Program(programs / "redoubt")
scratch = tempfile.TemporaryDirectory(prefix="redoubt-example-")
work = Path(scratch.name)

# %% The operator starts a hub. Nobody trusts it.
hub = subprocess.Popen([str(programs / "redoubt"), "up", "--state", str(work / "hub"), "--listen", "127.0.0.1:0"],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
assert hub.stdout is not None
first_line = hub.stdout.readline()
if not first_line.startswith("listening on "):
    raise SystemExit(f"the hub did not start: {first_line}")
url = "https://" + first_line.split()[-1]
while not (work / "hub/hub.pin").exists() or not (work / "hub/admin.key").exists():
    time.sleep(0.05)
pin = (work / "hub/hub.pin").read_text().strip()
try:
    # %% Three participants make keys and exchange the public halves
    everyone = {}
    for name in ("hospital", "laboratory", "analyst"):
        who = redoubt.Participant(name, folder=work / name, program=program)
        who.create_keys(without_recovery=True)
        who.public_keys(save_to=work / f"{name}.pub")
        who.use_hub(url, pin=pin, api_key_file=work / "hub/admin.key")
        everyone[name] = who
    hospital, laboratory, analyst = everyone.values()

    # %% The analyst writes the contract: who, by which keys, under which program; both owners must approve
    analyst.measure(programs / "redoubt-cleanroom", save_to=work / "program.json")
    root = work / "hub/tpm-ca/swtpm-localca-rootca-cert.pem"
    members = [redoubt.Member("hospital", work / "hospital.pub"), redoubt.Member("laboratory", work / "laboratory.pub"),
               redoubt.Member("analyst", work / "analyst.pub", votes=False)]
    analyst.create_environment("study", members, contract_out=work / "contract.json", programs=[work / "program.json"], tpm_roots=[root], k=10,
                               accept_host_asserted=True, accept_software_tpm=True)

    # %% Each verifies the enclave program against the contract that it holds, and joins
    for who in everyone.values():
        verification = who.environment("study").verify_and_join(contract=work / "contract.json")
        print(f"{who.name}: {verification.appraisal.status}, {len(verification.appraisal.checks)} checks, joined by {', '.join(verification.joined)}")

    # %% The owners seal their tables; keys go to the attested program alone
    with open(ROOT / "demo/data/wdbc.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]  # 30 measurements and a label: 0 is malignant
    tables = {"hospital": [[number, "malignant" if row[30] == "0" else "benign"] for number, row in enumerate(rows, start=1)],
              "laboratory": [[number, *row[:30]] for number, row in enumerate(rows, start=1)]}
    for who in (hospital, laboratory):
        schema = ROOT / f"demo/{who.name}.json"
        with open(work / f"{who.name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(column["name"] for column in json.loads(schema.read_text())["columns"])
            writer.writerows(tables[who.name])
        study = who.environment("study")
        sealed = study.put(who.name, work / f"{who.name}.csv", schema)
        study.release(who.name)
        print(f"{who.name}: {sealed.rows} rows sealed")

    # %% The analyst asks
    proposal = analyst.environment("study").submit(
        "SELECT h.diagnosis, count(*) AS patients, avg(l.radius_mean) AS mean_radius "
        "FROM hospital h JOIN laboratory l ON h.patient_id = l.patient_id GROUP BY h.diagnosis ORDER BY h.diagnosis",
        recipients=["analyst", "hospital"])

    # %% The owners read what would be signed, and approve exactly that
    for who in (hospital, laboratory):
        study = who.environment("study")
        reviewed = study.review(proposal.query)
        print(f"{who.name} approves: {reviewed.proposal.sql}")
        study.approve(reviewed)

    # %% The answer and its receipt
    answer = analyst.environment("study").result(proposal.query, wait=60, receipt=work / "receipt.json")
    for record in answer.records():
        print(record)
    verdict = laboratory.verify_receipt(work / "receipt.json", environment="study", tpm_root=root)
    if not verdict.accepted:
        raise SystemExit("the receipt is not accepted: " + ", ".join(check.id for check in verdict.checks if check.outcome == "failed"))
    print(f"receipt accepted: {len(verdict.checks)} checks")
finally:
    hub.terminate()
    hub.wait()
    scratch.cleanup()
