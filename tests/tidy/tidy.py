#!/usr/bin/env python3
"""The house rules, read from the sources and from the programs that were built.

Reads the tree under --root (never the network, never a compiler) and prints one line a violation:
`file:line: rule: what is wrong; how to mend it`. Exit status 1 if there is any. With --programs DIR it looks at the
programs in DIR instead. The floors are those of cmake/floors.txt, the same file that the build reads.
"""
import argparse
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

MAX_LINES = 450
# Files that were longer when the rule came, with the length they may have; entries may only shrink.
LENGTH_RATCHET: dict[str, int] = {}

CODE = {".h", ".cpp"}
SOURCES = CODE | {".py", ".ts", ".tsx", ".js", ".cmake", ".sh", ".rs", ".proto"}
SKIPPED_FOLDERS = {"build", "node_modules", ".git", "__pycache__", ".cache"}
LOCK_FILES = {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.lock", "poetry.lock"}


class Violation(NamedTuple):
    file: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.rule}: {self.message}"


class Floors:
    """Floor and zone of a folder: the longest prefix in floors.txt wins."""

    def __init__(self, text):
        self.rows = []
        for line in text.splitlines():
            match = re.fullmatch(r"(\d+)\s+([a-z]+)\s+(\S+)", line)
            if match:
                self.rows.append((match[3], int(match[1]), match[2]))

    def find(self, folder):
        best = None
        for prefix, floor, zone in self.rows:
            if (folder + "/").startswith(prefix + "/") and (best is None or len(prefix) > len(best[0])):
                best = (prefix, floor, zone)
        return (best[1], best[2]) if best else None


def is_test(path):
    """Test and benchmark sources stand beside the code but live on the floor of tests/."""
    return path.split("/")[0] in ("tests", "fuzz", "bench") or re.search(r"_(test|bench)(_\w+)?\.(h|cpp)$", path) is not None


def strip_comments(text, keep_strings=False):
    """Blanks comments (and string contents), keeping every line where it was."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        found = match[0]
        if found.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", found)
        return found if keep_strings else '""' + "\n" * found.count("\n")

    # A digit separator (1'000) is no character literal.
    return pattern.sub(blank, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", text))


# --- banned calls: (rule, pattern, applies(path), what to do instead) -------------------------------------------------
def zone_code(*zones):
    return lambda path: path.split("/")[0] in zones and not is_test(path)


def pure(path):
    """Code that must have no clock and no files: common/ without its one room with I/O."""
    return path.startswith("common/") and not path.startswith("common/net/") and not is_test(path)


def reads_environment(path):
    return path.startswith(("tests/support/", "tests/mutation/")) or "bin" in path.split("/")[:-1]


def read_path(path):
    """What an appraisal runs through: many threads do at once, and none may wait for another."""
    return path.startswith(("common/base/", "common/crypto/", "common/attest/")) and not is_test(path)


def anywhere(_path):
    return True


BANNED = [
    ("getenv", r"\b(secure_)?getenv\b", lambda path: not reads_environment(path),
     "read the environment in */bin/ or tests/support and pass the value in"),
    ("rand", r"\b(s?rand|rand_r|[dlm]rand48)\s*\(|\brandom_device\b", anywhere,
     "take a crypto::Random&, or a fixed or printed seed in tests"),
    ("clock", r"\b(system|steady|high_resolution|utc|file)_clock\b|\b(clock_gettime|gettimeofday|timespec_get)\b"
              r"|(?<![\w.>])(std::|::)?time\s*\(\s*(nullptr|NULL|0|&)", pure,
     "take an Instant as a parameter: time is an argument in common/"),
    ("file-access", r"#\s*include\s*<(fstream|filesystem|fcntl\.h|unistd\.h|dirent\.h|sys/(stat|socket|mman|types)\.h"
                    r"|netdb\.h|arpa/inet\.h|netinet/in\.h)>|\b[io]?fstream\b|\bf(re)?open\s*\(|(?<![\w:>.])::open\s*\("
                    r"|\bopen\s*\([^;]*\bO_[A-Z]+|\bstd::filesystem\b", pure,
     "take the bytes as a parameter: common/ outside common/net touches no file and no socket"),
    ("lock", r"#\s*include\s*<(mutex|shared_mutex|condition_variable|semaphore|latch|barrier|future|pthread\.h)>"
             r"|\b(\w*mutex|lock_guard|scoped_lock|unique_lock|shared_lock|call_once|once_flag|condition_variable\w*)\b"
             r"|\bpthread_\w+\s*\(|\batomic_flag\b|\.wait\s*\(", read_path,
     "an appraisal takes no lock: hand in what was prepared, or remember it without one (common/attest/appraise/remembered.h)"),
    ("memcmp", r"\bmemcmp\b", zone_code("common", "engines", "enclave", "untrusted", "client"),
     "use constant_time_equal for secrets and equal for public bytes (common/base/bytes.h)"),
    ("secret-compare", r"\breveal\(\)\s*[!=]=|[!=]=\s*[\w.>-]+\.reveal\(\)|(?<![\w])(equal|std::(ranges::)?equal)\s*\("
                       r"[^;]*\breveal\(\)", lambda path: not is_test(path),
     "compare SecretBytes with == or constant_time_equal"),
]

MUTATION = re.compile(r"\b(insecure_disabled_check|redoubt_tests_mutation|REDOUBT_DISABLED_CHECK)\b")
GENERATOR = re.compile(r"\b(RAND_\w+|EVP_PKEY_(keygen|paramgen|generate|Q_keygen)|EVP_(RSA|EC)_gen|BN_(priv_)?rand\w*"
                       r"|EC_KEY_generate_key|RSA_generate_key\w*)\s*\(")


def files_of(root):
    def walk(folder):
        for path in sorted(folder.iterdir()):
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIPPED_FOLDERS:
                    yield from walk(path)
            elif path.is_file():
                yield path

    return [path.relative_to(root).as_posix() for path in walk(root)]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_includes(path, text, floors, files):
    folder = path.rpartition("/")[0]
    own = floors.find(folder)
    if own is None:
        yield Violation(path, 1, "floor", f"{folder or 'the root'} has no floor; add it to cmake/floors.txt")
        return
    floor, zone = own
    if is_test(path):
        floor, zone = 9, "tests"
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', strip_comments(text, keep_strings=True), re.M):
        target, line = match[1], line_of(text, match.start())
        if target not in files:
            yield Violation(path, line, "include-rooted", f'"{target}" is not a path from the root of the repository; '
                            "write the whole path, or <...> for what is not ours")
            continue
        found = floors.find(target.rpartition("/")[0])
        if found is None:
            yield Violation(path, line, "floor", f'"{target}" has no floor; add its folder to cmake/floors.txt')
        elif found[0] > floor or (is_test(target) and zone != "tests"):
            yield Violation(path, line, "include-direction", f'floor {floor} includes "{target}" of floor {found[0]} above '
                            "it; move what is shared down, or pass it in through an interface")
        elif found[1] != zone and found[1] not in ("common", "engines") and zone != "tests":
            yield Violation(path, line, "include-direction", f'zone {zone} includes "{target}" of zone {found[1]}; '
                            "zones meet only in common/, engines/ and on the wire")


def check_calls(path, text, generator_files):
    code = strip_comments(text)
    # Includes are looked at too, and they end where the line ends.
    for rule, pattern, applies, mend in BANNED:
        if applies(path):
            for match in re.finditer(pattern, code):
                yield Violation(path, line_of(code, match.start()), rule, f"`{match[0].strip()[:40]}` is not for this room; {mend}")
    if path not in generator_files and not is_test(path):
        for match in GENERATOR.finditer(code):
            yield Violation(path, line_of(code, match.start()), "generator",
                            f"`{match[1]}` draws from OpenSSL's generator here; take a crypto::Random&, or list a file that "
                            "makes keys in tests/tidy/generator.txt")


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.search(r"\b(TO" r"DO|FIX" r"ME)\b", line)
        if match:
            yield Violation(path, number, "todo", f"{match[0]} stands in the text; do it now or open an issue")
        if MUTATION.search(line) and not path.startswith(("tests/mutation/", "tests/tidy/")):
            yield Violation(path, number, "mutation", "a check is switched off in the programs of tests/mutation and nowhere else")
    count, limit = text.count("\n"), LENGTH_RATCHET.get(path, MAX_LINES)
    if count > limit:
        yield Violation(path, limit + 1, "file-length", f"{count} lines, at most {limit}; look for its two nouns and split it")


def check_lock(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if '"url":' not in line and re.search(r'"resolved"\s*:|\b(https?|git\+\w+)://', line):
            yield Violation(path, number, "lock-address", "a lock file names a download address; set "
                            "omit-lockfile-registry-resolved=true and write the lock again")


def check_readmes(root, files):
    folders = set()
    for path in files:
        folder, _, name = path.rpartition("/")
        suffix = pathlib.PurePosixPath(name).suffix
        if folder and not folder.startswith(".") and (suffix in SOURCES or name == "CMakeLists.txt" or folder == "tools"):
            folders.add(folder)
    for folder in sorted(folders):
        readme = f"{folder}/README.md"
        if readme not in files:
            yield Violation(readme, 1, "readme", "is missing; write its README line: name, promise, what it distrusts, where to start")
            continue
        text = (root / readme).read_text(encoding="utf-8")
        if not text.startswith(f"`{folder}` "):
            yield Violation(readme, 1, "readme", f"must begin with its name, `{folder}`, and its promise")
        elif not re.search(r"\b[Ss]tart at\b", text.split("\n\n")[0]):
            yield Violation(readme, 1, "readme", "does not say where to start; end its first paragraph with: Start at `file`.")


def list_file(path):
    if not path.exists():
        return []
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def check_tree(root):
    files = files_of(root)
    known = set(files)
    floors = Floors((root / "cmake/floors.txt").read_text(encoding="utf-8"))
    generator_files = set(list_file(root / "tests/tidy/generator.txt"))
    yield from check_readmes(root, known)
    for path in files:
        suffix, name = pathlib.PurePosixPath(path).suffix, path.rpartition("/")[2]
        if name in LOCK_FILES:
            yield from check_lock(path, (root / path).read_text(encoding="utf-8"))
        script = suffix == "" and path.split("/")[0] in ("tools", ".ci")
        if suffix not in SOURCES and name != "CMakeLists.txt" and not script:
            continue
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield Violation(path, 1, "utf-8", "is not UTF-8; sources are UTF-8 text")
            continue
        yield from check_text(path, text)
        if suffix in CODE:
            yield from check_includes(path, text, floors, known)
            yield from check_calls(path, text, generator_files)


# --- programs ---------------------------------------------------------------------------------------------------------
# engine: (its shared libraries, a symbol that only it defines when it is linked statically)
ENGINES = {
    "duckdb": (r"libduckdb\b", r"^\w+ T duckdb_open\b"),
    "llama": (r"lib(llama|ggml)\b", r"^\w+ T llama_decode\b"),
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_programs(root, folder):
    allowed = {}
    for line in list_file(root / "tests/tidy/engines.txt"):
        program, *engines = line.split()
        allowed[program] = set(engines)
    for program in sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []:
        with open(program, "rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        name = program.name
        symbols = run("nm", "-C", str(program)) + run("nm", "-D", "-C", str(program))
        if not re.search(r" [tT] ", symbols):
            yield Violation(name, 1, "insecure-symbol", "has no symbols to look at; do not strip release programs")
        found = re.search(r"\binsecure_\w*", symbols)
        if found:
            yield Violation(name, 1, "insecure-symbol", f"links `{found[0]}`; what weakens security stays out of release programs")
        needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", run("readelf", "-d", str(program)))
        for engine, (library, symbol) in ENGINES.items():
            linked = any(re.match(library, entry) for entry in needed) or re.search(symbol, symbols, re.M)
            if linked and engine not in allowed.get(name, set()):
                yield Violation(name, 1, "engine-link", f"links the engine {engine}; link it into its own program, or add "
                                f"`{name} {engine}` to tests/tidy/engines.txt")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, required=True, help="root of the repository")
    parser.add_argument("--programs", type=pathlib.Path, help="look at the programs in this folder instead of the tree")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    violations = list(check_programs(root, arguments.programs) if arguments.programs else check_tree(root))
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations", file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
