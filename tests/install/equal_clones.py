#!/usr/bin/env python3
"""Goal: two clones in different folders, and an installed tree, give equal measurements. Method: two copies of the sources in
folders of different length are built; the second without the compiler cache, so that it is compiled and not copied."""
import argparse
import os
import pathlib
import shutil
import tempfile

from measure import PROGRAMS, compare, install, measure, run

LEFT_OUT = shutil.ignore_patterns("build", ".git", "node_modules", "__pycache__")


def clone(source, folder):
    shutil.copytree(source, folder, ignore=LEFT_OUT, symlinks=True)
    # Fetched parts are the same files for everyone, by their hashes.
    shutil.copytree(source / "third_party" / "node_modules", folder / "third_party" / "node_modules", symlinks=True, copy_function=os.link)
    return folder


def build(folder, env):
    run("cmake", "-S", folder, "--preset", "release", "-DREDOUBT_TESTS=OFF", env=env)
    run("cmake", "--build", folder / "build" / "release", "--parallel", str(os.cpu_count() or 1), "--target", *PROGRAMS, env=env)
    return folder / "build" / "release"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--redoubt", type=pathlib.Path, required=True)
    options = parser.parse_args()
    # Beside the sources' own build, where there is room, and where links to fetched parts are possible.
    parent = options.source.resolve() / "build"
    with tempfile.TemporaryDirectory(prefix="clones.", dir=parent) as folder:
        one = clone(options.source.resolve(), pathlib.Path(folder).resolve() / "a")
        two = clone(options.source.resolve(), pathlib.Path(folder).resolve() / "another" / "folder-with-a-longer-name")
        first = build(one, dict(os.environ))
        second = build(two, dict(os.environ, CCACHE_DISABLE="1"))
        install(first, one / "prefix")
        measured = measure(options.redoubt, first / "bin")
        compare(measured, measure(options.redoubt, second / "bin"), ("the first clone", "the second clone"))
        compare(measured, measure(options.redoubt, one / "prefix" / "bin"), ("the first clone", "its installed tree"))
    print(f"program redoubt-cleanroom={measured[0]}, three times")


if __name__ == "__main__":
    main()
