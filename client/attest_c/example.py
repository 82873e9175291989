#!/usr/bin/env python3
"""Verifies Evidence from Python with nothing but ctypes: example.py LIBRARY EVIDENCE --policy FILE --endorsements FOLDER ...

Prints the verdict and each check; exits 0 when the Evidence is trusted, else with the class of the first failed check."""
import argparse
import ctypes
import pathlib
import sys
import time

OUTCOMES = {1: "passed", 2: "failed", 3: "not applicable"}


class Library:
    """The functions of redoubt_attest.h, with their types; an error becomes an exception."""

    def __init__(self, path):
        self.c = ctypes.CDLL(str(path))
        pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
        out = ctypes.POINTER(pointer)
        for name, result, arguments in (
            ("attest_abi", ctypes.c_uint32, []),
            ("error_text", text, [pointer]),
            ("error_free", None, [pointer]),
            ("policy_parse", ctypes.c_int, [text, size, out, out]),
            ("policy_free", None, [pointer]),
            ("endorsements_new", ctypes.c_int, [out, out]),
            ("endorsements_add", ctypes.c_int, [pointer, text, text, size, out]),
            ("endorsements_free", None, [pointer]),
            ("verify", ctypes.c_int, [pointer, pointer, text, size, text, size, ctypes.c_int64, out, out]),
            ("result_code", ctypes.c_int, [pointer]),
            ("result_tier_text", text, [pointer]),
            ("result_reason", text, [pointer]),
            ("result_format", text, [pointer]),
            ("result_check_count", size, [pointer]),
            ("result_check_id", text, [pointer, size]),
            ("result_check_outcome", ctypes.c_int, [pointer, size]),
            ("result_check_expected", text, [pointer, size]),
            ("result_check_found", text, [pointer, size]),
            ("result_ear", text, [pointer]),
            ("result_free", None, [pointer]),
        ):
            function = getattr(self.c, "redoubt_" + name)
            function.restype, function.argtypes = result, arguments
        if self.c.redoubt_attest_abi() != 1:
            raise RuntimeError("the library has another ABI than this example")

    def call(self, name, *arguments):
        """call a function whose last parameter is the place of its error."""
        error = ctypes.c_void_p()
        code = getattr(self.c, "redoubt_" + name)(*arguments, ctypes.byref(error))
        if code != 0:
            text = self.c.redoubt_error_text(error).decode()
            self.c.redoubt_error_free(error)
            raise RuntimeError(text)

    def made(self, name, *arguments):
        """call a function that makes a handle."""
        handle = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("evidence", type=pathlib.Path)
    parser.add_argument("--policy", type=pathlib.Path, help="JSON; without it: strict")
    parser.add_argument("--endorsements", type=pathlib.Path, help="folder of collateral and certificates")
    parser.add_argument("--nonce", type=pathlib.Path, help="file with what the Evidence must have been made for")
    parser.add_argument("--time", type=int, default=int(time.time()), help="seconds since 1970")
    parser.add_argument("--ear", action="store_true", help="print the EAR, and nothing else")
    options = parser.parse_args()

    library = Library(options.library)
    policy = None
    if options.policy:
        text = options.policy.read_bytes()
        policy = library.made("policy_parse", text, len(text))
    endorsements = library.made("endorsements_new")
    if options.endorsements:
        for path in sorted(options.endorsements.iterdir()):
            content = path.read_bytes()
            library.call("endorsements_add", endorsements, path.name.encode(), content, len(content))
    evidence = options.evidence.read_bytes()
    nonce = options.nonce.read_bytes() if options.nonce else None
    result = library.made("verify", policy, endorsements, evidence, len(evidence), nonce, len(nonce or b""), options.time)

    c = library.c
    code = c.redoubt_result_code(result)
    if options.ear:
        print(c.redoubt_result_ear(result).decode())
    else:
        print(c.redoubt_result_format(result).decode(), c.redoubt_result_tier_text(result).decode())
        for i in range(c.redoubt_result_check_count(result)):
            print(f"{c.redoubt_result_check_id(result, i).decode():20} {OUTCOMES[c.redoubt_result_check_outcome(result, i)]:15}"
                  f" {c.redoubt_result_check_expected(result, i).decode()[:60]}")
        if code != 0:
            print(c.redoubt_result_reason(result).decode())
    c.redoubt_result_free(result)
    c.redoubt_endorsements_free(endorsements)
    c.redoubt_policy_free(policy)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
