#!/usr/bin/env python3
"""Goal: header, library and pkg-config file work from outside the tree, and nothing but redoubt_* is exported. Method: `cmake
--install` of the component into a new folder; the C test is compiled as strict C99, and the header as C++, with what pkg-config says
alone; `nm` lists the names."""
import argparse
import os
import pathlib
import re
import subprocess
import tempfile


def run(command, **more):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="this folder")
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redoubt-c.") as folder:
        root = pathlib.Path(folder)
        prefix = root / "opt"
        run(["cmake", "--install", options.build, "--prefix", prefix, "--component", "attest_c"])
        header = prefix / "include" / "redoubt" / "redoubt_attest.h"
        [pc] = prefix.rglob("redoubt-attest.pc")
        library = pc.parent.parent / "libredoubt_attest.so"
        for path in (header, library):
            if not path.exists():
                raise SystemExit(f"not installed: {path.relative_to(prefix)}")
        environment = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))
        flags = run(["pkg-config", "--cflags", "--libs", "redoubt-attest"], env=environment).split()

        test = root / "test.c"
        test.write_text((options.source / "attest_c_test.c").read_text())
        program = root / "test"
        run([options.cc, "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", test, "-o", program, *flags, "-pthread",
             f"-Wl,-rpath,{library.parent}"])
        print(run([program, options.samples]).strip())
        alone = root / "header.cpp"
        alone.write_text("#include <redoubt_attest.h>\nint main() { return redoubt_attest_abi() == REDOUBT_ATTEST_ABI ? 0 : 1; }\n")
        run([options.cxx, "-std=c++98", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wno-long-long", alone, "-o", root / "header", *flags,
             f"-Wl,-rpath,{library.parent}"])
        run([root / "header"])

        declared = set(re.findall(r"\b(redoubt_[a-z_]+)\(", re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)))
        exported = {line.split()[-1].split("@")[0] for line in run(["nm", "-D", "--defined-only", library]).splitlines()}
        exported.discard("REDOUBT_ATTEST_1")
        if exported != declared:
            raise SystemExit(f"declared and not exported: {sorted(declared - exported)}; exported and not declared: {sorted(exported - declared)}")
        if "libredoubt_attest.so.1" not in run(["objdump", "-p", library]):
            raise SystemExit("the library's soname is not libredoubt_attest.so.1")
    print(f"{len(declared)} functions, each declared and exported")


if __name__ == "__main__":
    main()
