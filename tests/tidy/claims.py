#!/usr/bin/env python3
"""Whether each page of docs/claims has its parts and names tests that exist.

Reads docs/claims/*.md under --root. A page has the headings below, in this order; its last part lists tests as "- `Suite.Name` in
`path`", at least one, and the file at that path defines that test. README.md lists every page once. Prints one line a violation; exit
status 1 if there is any.
"""
import argparse
import pathlib
import re
import sys

HEADINGS = ["Who must be trusted", "How to refute it", "What it does not say", "Tests that try"]
TEST_LINE = re.compile(r"- `(\w+)\.(\w+)` in `([^`]+)`")


def check_test(root, suite, name, path):
    file = root / path
    if not file.is_file():
        return f"{path} is not there"
    if not re.search(rf"^TEST(_F|_P)?\({suite}, {name}\)", file.read_text(encoding="utf-8"), re.M):
        return f"{path} has no test {suite}.{name}"
    return None


def check_page(root, text):
    if not re.match(r"# \S.*\n\n\S", text):
        yield "must begin with a title and the claim"
    headings = re.findall(r"^## (.+)$", text, re.M)
    if headings != HEADINGS:
        yield f"has the parts {headings}, expected {HEADINGS}"
        return
    parts = re.split(r"^## .+$", text, flags=re.M)
    for heading, part in zip(HEADINGS, parts[1:]):
        if not part.strip():
            yield f"says nothing under \"{heading}\""
    lines = [line for line in parts[-1].splitlines() if line.strip()]
    for line in lines:
        match = TEST_LINE.fullmatch(line)
        problem = check_test(root, *match.groups()) if match else f"has a line that names no test: {line[:60]}"
        if problem:
            yield problem


def check(root):
    folder = root / "docs/claims"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    readme = folder / "README.md"
    listed = re.findall(r"^- \[[^\]]+\]\(([\w-]+\.md)\)$", readme.read_text(encoding="utf-8"), re.M) if readme.is_file() else []
    if not pages:
        yield "docs/claims: has no page"
    if sorted(listed) != [page.name for page in pages]:
        yield f"docs/claims/README.md: lists {sorted(listed)}, expected {[page.name for page in pages]}"
    for page in pages:
        for problem in check_page(root, page.read_text(encoding="utf-8")):
            yield f"docs/claims/{page.name}: {problem}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, required=True, help="root of the repository")
    violations = list(check(parser.parse_args().root.resolve()))
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations", file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
