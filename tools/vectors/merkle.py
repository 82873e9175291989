#!/usr/bin/env python3
"""Writes tests/golden/transparency-dev-merkle/vectors.json from the sources of the Go module transparency-dev/merkle.

Usage: merkle.py MODULE_DIR > vectors.json, where MODULE_DIR is the unpacked module (`go mod download -json
github.com/transparency-dev/merkle@v0.0.2` tells it). The module keeps its vectors as Go literals in
testonly/constants.go and proof/verify_test.go; nothing else of it is used. Leaf numbers there count from 1, here from 0.
"""
import json
import pathlib
import re
import sys


def body(text, start):
    """The text between the braces that open at or after `start`."""
    at = text.index("{", text.index(start) + len(start) - 1)
    depth, first = 0, at
    for at in range(first, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[first + 1:at]
    raise ValueError(start)


def hashes(text):
    return re.findall(r'[hd]+\("([0-9a-f]*)"', text)


def proofs(text, start):
    found = []
    for numbers, nodes in re.findall(r"\{(\d+, \d+), (nil|\[\]\[\]byte\{.*?\}\s*)\}", body(text, start), re.S):
        first, second = map(int, numbers.split(", "))
        found.append((first, second, hashes(nodes)))
    return found


def main():
    module = pathlib.Path(sys.argv[1])
    constants = (module / "testonly/constants.go").read_text()
    tests = (module / "proof/verify_test.go").read_text()
    empty = hashes(body(constants, "func EmptyRootHash() []byte {"))
    vectors = {
        "leaves": hashes(body(constants, "return [][]byte{")),
        "nodes": [hashes(level) for level in constants.split("return [][][]byte{{")[1].split("}}")[0].split("}, {")],
        "roots": empty + hashes(body(constants[constants.index("func RootHashes"):], "return [][]byte{")),
        "inclusion": [{"index": leaf - 1, "size": size, "proof": proof}
                      for leaf, size, proof in proofs(tests, "inclusionProofs = []inclusionProofTestVector{") if leaf],
        "consistency": [{"old_size": old, "new_size": new, "proof": proof}
                        for old, new, proof in proofs(tests, "consistencyProofs = []consistencyTestVector{")],
    }
    print(json.dumps(vectors, indent=1))


if __name__ == "__main__":
    main()
