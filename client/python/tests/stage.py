"""A hub on this machine with two owners, an analyst and one open room: real programs, a software TPM."""

from __future__ import annotations

import csv
import json
import subprocess
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import redoubt
from redoubt.program import Answer

HOSPITAL: Dict[str, object] = {"columns": [{"name": "patient_id", "type": "BIGINT", "role": "unit"},
                                           {"name": "diagnosis", "type": "VARCHAR", "role": "attribute"}]}
LABORATORY: Dict[str, object] = {"columns": [{"name": "patient_id", "type": "BIGINT", "role": "unit"},
                                             {"name": "radius", "type": "INTEGER", "role": "attribute"}]}
QUERY = ("SELECT h.diagnosis, count(*) AS patients, sum(l.radius) AS total FROM hospital h "
         "JOIN laboratory l ON h.patient_id = l.patient_id GROUP BY h.diagnosis ORDER BY h.diagnosis")


class PatientProgram(redoubt.Program):
    """Waits where the enclave program says that one peer asks for quotes too often; nothing was asked of it then."""

    def call(self, arguments: Sequence[str], *, text: Optional[str] = None, timeout: Optional[float] = None, also: Sequence[int] = ()) -> Answer:
        deadline = time.monotonic() + 120
        while True:
            try:
                return super().call(arguments, text=text, timeout=timeout, also=also)
            except redoubt.Unavailable as error:
                if "asks for quotes too often" not in error.message or time.monotonic() > deadline:
                    raise
            time.sleep(0.5)


class Stage:
    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        self.program = PatientProgram(programs / "redoubt")
        with open(folder / "hub.log", "wb") as log:
            self.hub = subprocess.Popen([str(programs / "redoubt"), "up", "--state", str(folder / "hub"), "--listen", "127.0.0.1:0"],
                                        stdout=log, stderr=subprocess.STDOUT)
        self.url = "https://" + self._address()
        self.root = folder / "hub/tpm-ca/swtpm-localca-rootca-cert.pem"
        self.people = {name: self._person(name) for name in ("hospital", "laboratory", "analyst")}
        analyst = self.people["analyst"]
        analyst.measure(programs / "redoubt-cleanroom", save_to=folder / "program.json")
        analyst.create_environment("study", [redoubt.Member("hospital", folder / "hospital.pub"), redoubt.Member("laboratory", folder / "laboratory.pub"),
                                             redoubt.Member("analyst", folder / "analyst.pub", votes=False)],
                                   contract_out=folder / "contract.json", programs=[folder / "program.json"], tpm_roots=[self.root],
                                   accept_host_asserted=True, accept_software_tpm=True)
        self.verifications = {name: who.environment("study").verify_and_join(contract=folder / "contract.json") for name, who in self.people.items()}
        patients = range(1, 101)
        self._table("hospital", HOSPITAL, [[n, "benign" if n <= 60 else "malignant"] for n in patients])
        self._table("laboratory", LABORATORY, [[n, n % 10] for n in patients])

    def room(self, name: str) -> redoubt.Environment:
        return self.people[name].environment("study")

    def answered(self) -> str:
        """A query that both owners approved."""
        query = self.room("analyst").submit(QUERY, recipients=["analyst", "hospital"]).query
        for name in ("hospital", "laboratory"):
            self.room(name).approve(self.room(name).review(query))
        return query

    def close(self) -> None:
        self.hub.terminate()
        self.hub.wait(timeout=60)

    def _address(self) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.hub.poll() is None:
            lines = (self.folder / "hub.log").read_text().splitlines()
            ready = (self.folder / "hub/hub.pin").exists() and (self.folder / "hub/admin.key").exists()
            if ready and lines and lines[0].startswith("listening on "):
                return lines[0].split()[-1]
            time.sleep(0.05)
        raise RuntimeError("the hub did not start: " + (self.folder / "hub.log").read_text())

    def _person(self, name: str) -> redoubt.Participant:
        who = redoubt.Participant(name, folder=self.folder / name, program=self.program)
        who.create_keys(without_recovery=True)
        who.public_keys(save_to=self.folder / f"{name}.pub")
        who.use_hub(self.url, pin=(self.folder / "hub/hub.pin").read_text().strip(), api_key_file=self.folder / "hub/admin.key")
        return who

    def _table(self, name: str, schema: Dict[str, object], rows: List[List[object]]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(schema))
        with open(self.folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(column["name"] for column in schema["columns"])  # type: ignore[attr-defined]
            writer.writerows(rows)
        sealed = self.room(name).put(name, self.folder / f"{name}.csv", self.folder / f"{name}.json")
        assert sealed.rows == len(rows)
        self.room(name).release(name)
