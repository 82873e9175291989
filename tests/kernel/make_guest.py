#!/usr/bin/env python3
"""The initial file system of the test machine: one program as /init with the libraries it is linked to, and the kernel modules of
configfs-tsm with our test provider, which is compiled here against the kernel's headers. Reads the folder that tools/guest_kernel
unpacked; writes --out (cpio, newc) and, below --work, what the compiler leaves. Needs make and gcc-12; no network, no root."""
import argparse
import lzma
import pathlib
import re
import shutil
import stat
import subprocess
import sys

MODULES = ("kernel/fs/configfs/configfs.ko.xz", "kernel/drivers/virt/coco/tsm.ko.xz")
# Loaded by name at run time, by the TSS: it is in no list of linked libraries.
LOADED = "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0"


class Archive:
    """cpio, newc (Documentation/driver-api/early-userspace/buffer-format.rst): a header, the name, the content, each padded to 4."""

    def __init__(self):
        self.parts, self.count, self.folders = [], 0, set()

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.count += 1
        path = name.encode() + b"\0"
        fields = (self.count, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + path
        for part in (head, content):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def folder(self, name):
        if name not in self.folders and name != ".":
            self.folder(str(pathlib.PurePosixPath(name).parent))
            self.folders.add(name)
            self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, content):
        self.folder(str(pathlib.PurePosixPath(name).parent))
        self.add(name, stat.S_IFREG | 0o755, content)

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def only(folder, pattern):
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"make_guest: expected one {pattern} in {folder}, found {len(found)}")
    return found[0]


def libraries(program):
    text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"(/\S+) \(0x", text))


def build_provider(kernel, work):
    """Compiles provider/ in a copy. The headers' own Makefile names a place below /usr/src, where nothing was installed."""
    headers = only(kernel / "usr/src", "linux-headers-*-cloud-amd64")
    common = only(kernel / "usr/src", "linux-headers-*-common")
    folder = work / "provider"
    shutil.copytree(pathlib.Path(__file__).parent / "provider", folder, dirs_exist_ok=True)
    makefile = work / "headers.mk"
    makefile.write_text(f"include {common}/Makefile\n")
    command = ["make", "-C", headers, "-f", makefile, f"M={folder}", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"make_guest: compiling the provider:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return (folder / "redoubt_tsm.ko").read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("kernel", "program", "work", "out"):
        parser.add_argument("--" + name, type=pathlib.Path, required=True)
    given = parser.parse_args()
    kernel = given.kernel.resolve()
    modules = only(kernel / "lib/modules", "*-cloud-amd64")

    archive = Archive()
    for folder in ("dev", "proc", "sys", "modules", "tmp"):
        archive.folder(folder)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("init", given.program.read_bytes())
    for library in sorted(libraries(given.program) | libraries(LOADED) | {LOADED}):
        archive.file(library.lstrip("/"), pathlib.Path(library).read_bytes())
    for module in MODULES:
        name = pathlib.Path(module).name.removesuffix(".xz")
        archive.file(f"modules/{name}", lzma.decompress((modules / module).read_bytes()))
    archive.file("modules/redoubt_tsm.ko", build_provider(kernel, given.work))
    given.out.write_bytes(archive.bytes())


if __name__ == "__main__":
    main()
