#!/usr/bin/env python3
"""Goal: an installed tree measures as the build tree, tells nothing of the folders it was built in, and has its man pages.
Method: `cmake --install` of this build into two folders, compared file by file; one changed byte must be noticed."""
import argparse
import pathlib
import re
import shutil
import subprocess
import tempfile

from measure import COMPONENTS, PROGRAMS, compare, install, measure


def check_measurements(build, redoubt, prefix):
    built = measure(redoubt, build / "bin")
    install(build, prefix)
    installed = measure(redoubt, prefix / "bin")
    compare(built, installed, ("build tree", "installed tree"))
    # The comparison itself must be able to fail.
    with open(prefix / "bin" / PROGRAMS[1], "ab") as engine:
        engine.write(b"\0")
    if measure(redoubt, prefix / "bin")[0] == built[0]:
        raise SystemExit("a changed engine has the same measurement")


def check_strings(build, source):
    for program in PROGRAMS:
        content = (build / "bin" / program).read_bytes()
        for folder in {source, build}:
            at = content.find(str(folder).encode())
            if at >= 0:
                raise SystemExit(f"{program}: holds the path {folder}: {content[at:at + 160]!r}")


def check_page(path, commands):
    text = path.read_text()
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "SEE ALSO"):
        if f"\n.SH {section}\n" not in text:
            raise SystemExit(f"{path.name}: no section {section}")
    if not text.startswith(".TH "):
        raise SystemExit(f"{path.name}: does not begin with .TH")
    found = re.findall(r"^\.SS (.*)$", text, re.MULTILINE)
    if [name.replace("\\-", "-") for name in found] != commands:
        raise SystemExit(f"{path.name}: expected the commands {commands}, found {found}")
    for line in text.splitlines():
        if line.startswith("'") or (line.startswith(".") and line.split()[0] not in (".TH", ".SH", ".SS", ".nf", ".fi", ".B", ".I", ".BR")):
            raise SystemExit(f"{path.name}: a stray request: {line}")
    for tool in (["groff", "-man", "-ww", "-Tutf8"], ["man", "--warnings", "-l"]):
        if shutil.which(tool[0]):
            done = subprocess.run(tool + [str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if done.returncode != 0 or done.stderr:
                raise SystemExit(f"{path.name}: {tool[0]}: {done.stderr[-2000:]}")
            return


def check_pages(build, source, prefix):
    install(build, prefix, ("man",))
    pages = prefix / "share" / "man" / "man1"
    reference = re.findall(r"^## (redoubt .*)$", (source / "docs" / "cli.md").read_text(), re.MULTILINE)
    check_page(pages / "redoubt.1", reference)
    check_page(pages / "redoubt-hub.1", [f"redoubt-hub {name}" for name in ("serve", "key create", "key list", "key revoke")])
    check_page(pages / "redoubt-cleanroom.1", ["redoubt-cleanroom serve"])
    check_page(pages / "redoubt-verifier.1", ["redoubt-verifier serve"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    options = parser.parse_args()
    build = options.build.resolve()
    source = options.source.resolve()
    with tempfile.TemporaryDirectory(prefix="redoubt-install.") as folder:
        prefix = pathlib.Path(folder).resolve() / "opt"
        check_measurements(build, build / "bin" / "redoubt", prefix)
        check_pages(build, source, prefix)
    check_strings(build, source)
    print(f"{len(COMPONENTS)} components measured alike, 4 man pages")


if __name__ == "__main__":
    main()
