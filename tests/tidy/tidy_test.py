#!/usr/bin/env python3
"""Goal: every house rule fails on a deliberate violation and only there. Method: a small clean tree is written to a
temporary folder, one violation is planted, and the report must name the file, the line and the rule, and say how to mend
it; the neighbour that is allowed must pass."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tidy  # noqa: E402

FLOORS = """\
0 common    common/base
1 common    common/crypto
4 engines   engines
5 common    common/net
6 enclave   enclave
6 untrusted untrusted
8 untrusted untrusted/bin
9 tests     tests
"""


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tidy."))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("cmake/floors.txt", FLOORS)
        self.write("tests/tidy/engines.txt", "redoubt-cleanroom duckdb\n")
        self.write("tests/tidy/generator.txt", "# keys\ncommon/crypto/system_random.cpp\n")
        for path in ("common/base/result.h", "common/crypto/digest.h", "common/net/http.h", "engines/sql/engine.h",
                     "enclave/seal/seal.h", "untrusted/hub/store.h", "untrusted/bin/main.cpp", "tests/support/files.cpp"):
            self.write(path, "// Nothing.\n")

    def write(self, path, text, readme=True):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        folder = path.rpartition("/")[0]
        if readme and file.suffix in tidy.CODE and not (self.root / folder / "README.md").exists():
            (self.root / folder / "README.md").write_text(f"`{folder}` is an example. Start at `x.h`.\n", encoding="utf-8")

    def found(self):
        return list(tidy.check_tree(self.root))

    def refuses(self, path, line, rule, mend):
        found = self.found()
        self.assertEqual([(v.file, v.line, v.rule) for v in found], [(path, line, rule)], [str(v) for v in found])
        self.assertIn(mend, found[0].message)
        # The program itself prints the same and fails.
        run = subprocess.run([sys.executable, tidy.__file__, "--root", str(self.root)], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"{path}:{line}: {rule}: ", run.stdout)

    def accepts(self):
        self.assertEqual([str(v) for v in self.found()], [])


class Includes(Tree):
    def test_a_clean_tree_passes(self):
        self.write("common/crypto/hpke.cpp", '#include "common/base/result.h"\n#include <openssl/evp.h>\n')
        self.write("enclave/seal/seal.cpp", '#include "common/net/http.h"\n#include "engines/sql/engine.h"\n')
        self.accepts()

    def test_a_lower_floor_does_not_include_an_upper_one(self):
        self.write("common/base/bytes.h", '// bytes\n#include "common/crypto/digest.h"\n')
        self.refuses("common/base/bytes.h", 2, "include-direction", "move what is shared down")

    def test_zones_never_include_each_other(self):
        self.write("enclave/seal/seal.cpp", '#include "untrusted/hub/store.h"\n')
        self.refuses("enclave/seal/seal.cpp", 1, "include-direction", "zones meet only in")

    def test_tests_may_include_any_floor_but_nobody_includes_tests(self):
        self.write("common/base/bytes_test.cpp", '#include "untrusted/hub/store.h"\n#include "tests/support/files.h"\n')
        self.write("tests/support/files.h", "// files\n")
        self.accepts()
        self.write("common/base/bytes.cpp", '#include "tests/support/files.h"\n')
        self.refuses("common/base/bytes.cpp", 1, "include-direction", "above it")

    def test_includes_are_rooted_at_the_repository(self):
        self.write("common/base/bytes.cpp", '\n\n#include "result.h"\n')
        self.refuses("common/base/bytes.cpp", 3, "include-rooted", "write the whole path")

    def test_a_folder_without_a_floor_is_refused(self):
        self.write("attic/old.h", "// old\n")
        self.refuses("attic/old.h", 1, "floor", "cmake/floors.txt")

    def test_an_include_in_a_comment_does_not_count(self):
        self.write("common/base/bytes.cpp", '/* #include "untrusted/hub/store.h" */\n// #include "x.h"\n')
        self.accepts()


class Readmes(Tree):
    def test_a_folder_without_its_readme_is_refused(self):
        self.write("common/crypto/paillier/key.h", "// key\n", readme=False)
        self.refuses("common/crypto/paillier/README.md", 1, "readme", "where to start")

    def test_a_readme_begins_with_its_name(self):
        self.write("common/base/README.md", "Base things. Start at `result.h`.\n")
        self.refuses("common/base/README.md", 1, "readme", "`common/base`")

    def test_a_readme_says_where_to_start(self):
        self.write("common/base/README.md", "`common/base` is the vocabulary.\n")
        self.refuses("common/base/README.md", 1, "readme", "Start at")


class Calls(Tree):
    def refuses_call(self, path, code, rule, mend):
        self.write(path, f"// one\nvoid f() {{ {code} }}\n")
        self.refuses(path, 2, rule, mend)

    def test_getenv_stays_in_bin_and_test_support(self):
        self.write("untrusted/bin/main.cpp", 'auto home = std::getenv("HOME");\n')
        self.write("tests/support/files.cpp", 'auto home = std::getenv("HOME");\n')
        self.accepts()
        self.refuses_call("untrusted/hub/store.cpp", 'std::getenv("HOME");', "getenv", "pass the value in")

    def test_rand_is_nowhere(self):
        self.refuses_call("common/base/a_test.cpp", "rand();", "rand", "crypto::Random&")

    def test_random_device_is_nowhere(self):
        self.refuses_call("enclave/seal/seal.cpp", "std::random_device d;", "rand", "crypto::Random&")

    def test_a_clock_in_common_is_refused(self):
        self.refuses_call("common/base/a.cpp", "auto t = std::chrono::system_clock::now();", "clock", "Instant")

    def test_time_in_common_is_refused(self):
        self.refuses_call("common/base/a.cpp", "auto t = time(nullptr);", "clock", "Instant")

    def test_clock_gettime_in_common_is_refused(self):
        self.refuses_call("common/crypto/a.cpp", "clock_gettime(0, &t);", "clock", "Instant")

    def test_clocks_and_files_are_allowed_in_net_tests_and_zones(self):
        code = "#include <fstream>\nauto t = std::chrono::steady_clock::now(); int fd = ::open(name, O_RDONLY);\n"
        for path in ("common/net/http.cpp", "common/base/a_test.cpp", "untrusted/hub/store.cpp"):
            self.write(path, code)
        self.accepts()

    def test_a_stream_in_common_is_refused(self):
        self.refuses_call("common/base/a.cpp", "std::ifstream file(name);", "file-access", "take the bytes")

    def test_fopen_in_common_is_refused(self):
        self.refuses_call("common/base/a.cpp", 'fopen(name, "r");', "file-access", "take the bytes")

    def test_open_in_common_is_refused_but_opening_an_envelope_is_not(self):
        self.write("common/crypto/hpke.cpp", "auto text = open(key, sealed); auto more = hpke::open(sealed);\n")
        self.accepts()
        self.refuses_call("common/base/a.cpp", "int fd = open(name, O_RDONLY | O_CLOEXEC);", "file-access", "take the bytes")

    def test_a_file_header_in_common_is_refused(self):
        self.write("common/base/a.cpp", "#include <filesystem>\n")
        self.refuses("common/base/a.cpp", 1, "file-access", "take the bytes")

    def test_memcmp_is_refused(self):
        self.refuses_call("common/crypto/a.cpp", "if (std::memcmp(a, b, 32) == 0) return;", "memcmp", "constant_time_equal")

    def test_an_appraisal_takes_no_lock(self):
        self.refuses_call("common/crypto/a.cpp", "const std::lock_guard lock(own);", "lock", "remembered.h")
        self.refuses_call("common/crypto/a.cpp", "std::call_once(flag, make);", "lock", "remembered.h")
        self.write("common/crypto/a.cpp", "// Nothing.\n")
        self.write("common/net/a.cpp", "const std::lock_guard lock(mutex_);\n")
        self.accepts()

    def test_secrets_are_not_compared_byte_by_byte(self):
        self.refuses_call("enclave/seal/seal.cpp", "if (equal(key.reveal(), other)) return;", "secret-compare", "SecretBytes")

    def test_secrets_are_not_compared_with_the_operator_of_views(self):
        self.refuses_call("enclave/seal/seal.cpp", "if (key.reveal() == other) return;", "secret-compare", "SecretBytes")

    def test_revealing_and_comparing_in_constant_time_is_fine(self):
        self.write("enclave/seal/seal.cpp", "if (constant_time_equal(key.reveal(), tag)) hash(key.reveal());\n")
        self.accepts()

    def test_the_generator_of_openssl_stays_in_the_listed_files(self):
        self.write("common/crypto/system_random.cpp", "RAND_bytes(out, size);\n")
        self.accepts()
        self.refuses_call("common/crypto/key.cpp", "EVP_PKEY_keygen(context, &key);", "generator", "generator.txt")

    def test_comments_and_strings_are_not_calls(self):
        self.write("common/base/a.cpp", '// rand() and getenv\nauto s = "memcmp(a, b) system_clock";\nint n = 1\'000;\n')
        self.accepts()


class Texts(Tree):
    def test_unfinished_business_is_refused(self):
        self.write("common/base/a.h", "// one\n// TO" "DO: the rest\n")
        self.refuses("common/base/a.h", 2, "todo", "open an issue")

    def test_checks_are_switched_off_in_the_mutation_programs_alone(self):
        self.write("tests/mutation/off.cpp", "void insecure_disabled_check();\n")
        self.accepts()
        self.write("client/bin/README.md", "`client/bin` is a room. Start at `main.cpp`.\n")
        self.write("client/bin/CMakeLists.txt", "target_link_libraries(redoubt PRIVATE redoubt_tests_mutation)\n")
        self.refuses("client/bin/CMakeLists.txt", 1, "mutation", "nowhere else")

    def test_a_long_file_is_refused(self):
        self.write("common/base/a.cpp", "// line\n" * tidy.MAX_LINES)
        self.accepts()
        self.write("common/base/a.cpp", "// line\n" * (tidy.MAX_LINES + 1))
        self.refuses("common/base/a.cpp", tidy.MAX_LINES + 1, "file-length", "split it")

    def test_a_lock_file_without_addresses_passes_and_with_one_does_not(self):
        self.write("third_party/package-lock.json", '{\n  "a": {"version": "1", "integrity": "sha512-AAAA"}\n}\n')
        self.accepts()
        self.write("third_party/package-lock.json", '{\n  "resolved": "https://registry.example/a.tgz"\n}\n')
        self.refuses("third_party/package-lock.json", 2, "lock-address", "omit-lockfile-registry-resolved")


class Programs(Tree):
    """Programs are compiled here, since the rules read what a linker wrote."""

    def setUp(self):
        super().setUp()
        self.compiler = next((c for c in ("gcc-12", "gcc", "clang-14", "cc") if shutil.which(c)), None)
        if self.compiler is None:
            self.skipTest("no C compiler")
        self.folder = self.root / "out/bin"
        self.folder.mkdir(parents=True)

    def compile(self, name, code, *flags):
        source = self.root / "out/source.c"
        source.write_text(code, encoding="utf-8")
        command = [self.compiler, "-o", str(self.folder / name), str(source), *flags]
        subprocess.run(command, check=True, capture_output=True)

    def link_duckdb(self, name):
        library = self.root / "out/libduckdb.so"
        if not library.exists():
            (self.root / "out/duckdb.c").write_text("int duckdb_open(void) { return 0; }\n", encoding="utf-8")
            command = [self.compiler, "-shared", "-fPIC", "-Wl,-soname,libduckdb.so", "-o", str(library), str(self.root / "out/duckdb.c")]
            subprocess.run(command, check=True, capture_output=True)
        self.compile(name, "int duckdb_open(void); int main(void) { return duckdb_open(); }\n", str(library))

    def rules(self):
        return [(v.file, v.rule) for v in tidy.check_programs(self.root, self.folder)]

    def test_a_plain_program_and_a_script_pass(self):
        self.compile("redoubt", "int main(void) { return 0; }\n")
        (self.folder / "script").write_text("#!/bin/sh\n", encoding="utf-8")
        self.assertEqual(self.rules(), [])

    def test_an_insecure_symbol_is_refused(self):
        self.compile("redoubt", "int insecure_skip(void) { return 0; } int main(void) { return insecure_skip(); }\n", "-O0")
        self.assertEqual(self.rules(), [("redoubt", "insecure-symbol")])

    def test_a_program_without_symbols_shows_nothing_and_is_refused(self):
        self.compile("redoubt", "int main(void) { return 0; }\n", "-s")
        self.assertEqual(self.rules(), [("redoubt", "insecure-symbol")])

    def test_only_listed_programs_link_an_engine(self):
        self.link_duckdb("redoubt-cleanroom")
        self.assertEqual(self.rules(), [])
        self.link_duckdb("redoubt-scorer")
        self.assertEqual(self.rules(), [("redoubt-scorer", "engine-link")])

    def test_an_engine_linked_statically_counts(self):
        self.compile("redoubt-scorer", "int llama_decode(void) { return 0; } int main(void) { return llama_decode(); }\n", "-O0")
        self.assertEqual(self.rules(), [("redoubt-scorer", "engine-link")])


if __name__ == "__main__":
    unittest.main()
