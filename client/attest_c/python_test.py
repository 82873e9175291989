#!/usr/bin/env python3
"""Goal: the example in Python gives the library's verdict. Method: example.py as a program over the files of
tests/support/attest_samples.cpp; the real
thing passes with its EAR, one changed byte and one changed nonce are refused with their class, junk is an error."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def run(options, evidence, *more, nonce=None):
    samples = options.samples
    command = [sys.executable, str(options.example), str(options.library), str(evidence),
               "--policy", str(samples / "tdx.policy.json"), "--endorsements", str(samples / "tdx.endorsements"),
               "--nonce", str(nonce or samples / "tdx.nonce"), "--time", (samples / "tdx.time").read_text(), *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


def expect(found, wanted, what):
    if found != wanted:
        raise SystemExit(f"{what}: expected {wanted!r}, found {found!r}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--example", type=pathlib.Path, required=True)
    parser.add_argument("--library", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    options = parser.parse_args()
    evidence = options.samples / "tdx.evidence"

    code, out, err = run(options, evidence)
    expect((code, err), (0, ""), "the real thing")
    expect(out.splitlines()[0], "tdx affirming", "first line")
    code, out, _ = run(options, evidence, "--ear")
    expect(code, 0, "EAR")
    expect(json.loads(out)["submods"]["tdx"]["ear.status"], "affirming", "ear.status")

    with tempfile.TemporaryDirectory() as folder:
        changed = pathlib.Path(folder) / "changed"
        content = bytearray(evidence.read_bytes())
        content[200] ^= 1
        changed.write_bytes(content)
        expect(run(options, changed)[0], 11, "a changed byte")
        nonce = bytearray((options.samples / "tdx.nonce").read_bytes())
        nonce[0] ^= 1
        other = pathlib.Path(folder) / "nonce"
        other.write_bytes(nonce)
        expect(run(options, evidence, nonce=other)[0], 14, "another nonce")
        junk = pathlib.Path(folder) / "junk"
        junk.write_bytes(b"junk")
        code, out, err = run(options, junk)
        expect((code, out), (1, ""), "junk")
        if not err.strip():
            raise SystemExit("junk: expected a reason on standard error")
    print("the example in Python gives the library's verdict")


if __name__ == "__main__":
    main()
