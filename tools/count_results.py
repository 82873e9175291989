#!/usr/bin/env python3
"""Adds up test results: CTest's JUnit files and the lines of tools/fuzz. Prints every skipped and failed test, then one
line `N passed, N failed, N skipped`. Exit status 1 if a test failed or a JUnit file has no test at all."""
import pathlib
import sys
import xml.etree.ElementTree as xml


def main(files):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    empty = False
    for path in map(pathlib.Path, files):
        before = sum(counts.values())
        if path.suffix == ".xml":
            for case in xml.parse(path).getroot().iter("testcase"):
                outcome = {"run": "passed", "notrun": "skipped", "disabled": "skipped"}.get(case.get("status"), "failed")
                if outcome != "passed":
                    print(f"{outcome}: {path.stem}: {case.get('name')}")
                counts[outcome] += 1
        else:
            for line in path.read_text().splitlines():
                outcome = line.split(" ")[0]
                if outcome in counts:
                    counts[outcome] += 1
                    if outcome != "passed":
                        print(f"{outcome}: {path.stem}: {line[len(outcome) + 1:]}")
        if path.suffix == ".xml" and sum(counts.values()) == before:
            print(f"failed: {path.stem}: ran no test")
            empty = True
    counts["failed"] += empty
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
