#!/usr/bin/env python3
"""Switches off each check in turn and requires that a test notices.

For every check of every platform (mutation_ids) runs the tests of that platform with REDOUBT_DISABLED_CHECK set to its id, and prints
the first test that failed and whose output names the id, or in which the program ended once the switched-off check had spoken. Exit
status 1 if a check was switched off and no test noticed, 2 if the tests are not green with every check on or nothing was tried. With
--id only those ids, with --platform only those platforms.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# Where a platform's checks are tried, nearest first: (program, filter of GoogleTest).
PLACES = {
    "tpm": [("test_appraise", "AppraisalTest.*"), ("test_appraise", "AppraiseCertifiedTpm.*"), ("test_evidence", "*")],
    "sgx": [("test_appraise", "AppraiseSgx.*"), ("test_evidence_dcap", "*"), ("test_endorse_intel", "*"), ("test_appraise", "AppraiseVectors.Intel*")],
    "tdx": [("test_appraise", "AppraiseTdx.*"), ("test_evidence_dcap", "*"), ("test_endorse_intel", "*"), ("test_appraise", "AppraiseVectors.Intel*")],
    "snp": [("test_appraise", "AppraiseSnp.*"), ("test_evidence_snp", "*")],
    "nitro": [("test_appraise", "AppraiseNitro.*"), ("test_evidence_nitro", "*")],
    "token": [("test_appraise", "AppraiseToken.*"), ("test_evidence_tokens", "*")],
    "cert": [("test_evidence_tokens", "*")],
    "azure": [("test_evidence_azure", "*"), ("test_appraise", "AppraiseAzure.*")],
    "uvm": [("test_evidence_azure_uvm", "*")],
}
# Checks that no Evidence of a platform fails, and why.
NOT_JUDGED = {
    ("sgx", "T2"): "an enclave has no TDX components",
    ("sgx", "T3"): "an enclave has no TDX module",
    ("sgx", "T4"): "an enclave has no TDX module",
    ("sgx", "T7"): "an enclave is not relaunched",
}
# Checks that nothing fails anywhere, and why; the run makes sure that no test meets one that did.
NEVER_FAILS = {
    "Q1": "parse() refuses such bytes",
    "Q2": "parse() refuses such bytes",
    "Q5": "it tells what stands after the quote, which nobody reads",
}
TIMEOUT_SECONDS = 600
ENDED = " (ended)"  # the program did, in this test: an assertion of ours or of the library's


class Broken(Exception):
    """The run itself is wrong: not a matter of one check."""


def run_tests(programs, program, pattern, disabled):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GTEST_")}
    environment.pop("REDOUBT_DISABLED_CHECK", None)
    if disabled:
        environment["REDOUBT_DISABLED_CHECK"] = disabled
    command = [str(programs / f"mutants_{program}"), f"--gtest_filter={pattern}", "--gtest_color=no"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS, check=False)
    return done.returncode, done.stdout + done.stderr


def red_tests(output):
    """(name, everything that the test printed) of each test that failed or did not come to its end."""
    name, lines = None, []
    for line in output.splitlines():
        match = re.match(r"\[ *(RUN|OK|SKIPPED|FAILED) *\] (\w+\.\w+)", line)
        if match and match[1] == "RUN":
            name, lines = match[2], []
        elif match and match[2] == name:
            if match[1] == "FAILED":
                yield name, "\n".join(lines)
            name = None
        elif name:
            lines.append(line)
    if name:
        yield name + ENDED, "\n".join(lines)


def noticed(programs, platform, check):
    """The test that noticed, why there is nothing to notice, or None."""
    if (platform, check) in NOT_JUDGED:
        return f"- (not judged: {NOT_JUDGED[platform, check]})"
    if check in NEVER_FAILS:
        fired = any(f"switched off: {check}" in run_tests(programs, *place, check)[1] for place in PLACES[platform])
        return None if fired else f"- (never fails: {NEVER_FAILS[check]})"
    named = re.compile(rf"(?<![\w.]){re.escape(check)}(?![\w.])")
    in_name = re.compile(rf"(?<![A-Za-z0-9]){re.escape(check)}(?![0-9])")
    for program, pattern in PLACES[platform]:
        status, output = run_tests(programs, program, pattern, check)
        if status == 0:
            continue
        switched_off = f"switched off: {check}"
        for name, text in red_tests(output):
            words = "\n".join(line for line in text.splitlines() if line != switched_off)
            if named.search(words) or in_name.search(name) or (name.endswith(ENDED) and switched_off in text):
                return f"{program}: {name}"
    return None


def checks(programs):
    done = subprocess.run([str(programs / "mutation_ids")], capture_output=True, text=True, check=True)
    return [tuple(line.split()[:2]) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="the folder of the programs mutants_*")
    parser.add_argument("--platform", action="append", help="only this platform")
    parser.add_argument("--id", action="append", help="only this check")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    wanted = [(platform, check) for platform, check in checks(arguments.programs)
              if (not arguments.platform or platform in arguments.platform) and (not arguments.id or check in arguments.id)]
    if not wanted:
        raise Broken("no check to switch off")
    for place in sorted({place for platform, _ in wanted for place in PLACES[platform]}):
        status, output = run_tests(arguments.programs, *place, None)
        if status != 0 or "[  PASSED  ] 0 tests" in output:
            raise Broken(f"{place[0]} {place[1]} is not green with every check on")
    survivors = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for (platform, check), killer in zip(wanted, pool.map(lambda one: noticed(arguments.programs, *one), wanted)):
            print(f"{platform:6} {check:20} {killer or 'NOBODY NOTICED'}", flush=True)
            if killer is None:
                survivors.append(f"{platform} {check}")
    print(f"{len(wanted)} checks switched off, {len(survivors)} unnoticed" + (": " + ", ".join(survivors) if survivors else ""))
    return 1 if survivors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Broken, subprocess.SubprocessError, OSError) as error:
        print(f"mutation: {error}", file=sys.stderr)
        sys.exit(2)
