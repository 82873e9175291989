#!/usr/bin/env python3
"""bench/hub: the hub against a FastAPI app, in one run: requests a second and the 99th percentile of an authenticated list, get and submit.

usage: bench/hub.py [--build build/release] [--seconds 8] [--connections 32] [--rounds 1] [--hub-only] [--own-load]

Both servers have one processor (the first that this process may use), the load another. Both speak TLS 1.3 with one certificate, read copies of
one SQLite database with the same settings (WAL, synchronous FULL) and must give the same JSON for list and get, or there is no comparison.
`submit` announces a dataset: a signed document is checked and three rows are committed to disk. Rates depend on who else uses the machine; the
processor time that a server takes for a request hardly does, and both are printed. The load comes from wrk where that is
installed, and from bench_hub itself otherwise or with --own-load. Then 1 000 clients watch the hub's events, and its resident memory is read.

Needs bench_hub (cmake --build build/release --target bench_hub) and, once, the network: the packages of hub_requirements.txt, by their hashes.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
QUERIES, SUBMISSIONS, STREAMS = 200, 20_000, 1_000


def venv(build: pathlib.Path) -> pathlib.Path:
    """The environment of the FastAPI app below the build tree, made when its requirements are new."""
    folder, wanted = build / "bench" / "hub-venv", (HERE / "hub_requirements.txt").read_bytes()
    stamp = folder / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", HERE / "hub_requirements.txt"], check=True)
        stamp.write_bytes(wanted)
    return folder / "bin" / "python"


def wait_for(what: str, ready) -> None:
    for _ in range(4800):
        if ready():
            return
        time.sleep(0.05)
    sys.exit(f"hub.py: {what} did not come")


def open_port(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def get_json(port: int, target: str, key: str):
    request = urllib.request.Request(f"https://127.0.0.1:{port}{target}", headers={"Authorization": "Bearer " + key})
    with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
        return json.load(answer)


def resident_mb(pid: int) -> float:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_us(pid: int) -> float:
    """Processor time of all threads of a process, in microseconds (the first number of schedstat is in nanoseconds)."""
    total = 0.0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0]) / 1000
        except FileNotFoundError:
            pass  # it has ended since
    return total


class Bench:
    def __init__(self, options: argparse.Namespace, folder: pathlib.Path):
        self.options, self.folder = options, folder
        self.bench_hub = options.build / "bench" / "bench_hub"
        processors = sorted(os.sched_getaffinity(0))
        if len(processors) < 2:
            sys.exit("hub.py: one processor for the server and one for the load are needed, found " + str(len(processors)))
        self.server_on, self.load_on = str(processors[0]), str(processors[-1])
        self.wrk = None if options.own_load else shutil.which("wrk")

    def start_hub(self) -> None:
        command = ["taskset", "-c", self.server_on, self.bench_hub, "serve", self.folder, str(QUERIES), str(SUBMISSIONS)]
        self.hub = subprocess.Popen(command)
        wait_for("the hub", (self.folder / "stage.json").exists)
        self.stage = json.loads((self.folder / "stage.json").read_text())

    def start_fastapi(self) -> None:
        copy = self.folder / "fastapi.db"
        with sqlite3.connect(self.folder / "state" / "hub.db") as source, sqlite3.connect(copy) as target:
            source.backup(target)
        key = base64.b64decode((self.folder / "state" / "hub.key").read_text())
        (self.folder / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(key).decode() + "-----END PRIVATE KEY-----\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["taskset", "-c", self.server_on, venv(self.options.build), "-m", "uvicorn", "--app-dir", HERE, "hub_fastapi:app", "--host", "127.0.0.1", "--port", str(self.port),
                   "--ssl-certfile", self.folder / "state" / "hub.crt", "--ssl-keyfile", self.folder / "key.pem", "--loop", "uvloop", "--http", "httptools",
                   "--no-access-log", "--log-level", "warning"]
        self.fastapi = subprocess.Popen(command, env=os.environ | {"BENCH_DATABASE": str(copy), "PYTHONDONTWRITEBYTECODE": "1"})
        wait_for("the FastAPI app", lambda: open_port(self.port))

    def compare(self) -> None:
        for what in ("list", "get"):
            if get_json(self.stage["port"], self.stage[what], self.stage["key"]) != get_json(self.port, self.stage[what], self.stage["key"]):
                sys.exit(f"hub.py: the two servers do not give the same {what}")

    def load(self, port: int, what: str, bodies: pathlib.Path) -> dict:
        method = "POST" if what == "submit" else "GET"
        more = [str(bodies)] if what == "submit" else []
        seconds, connections, target, key = str(self.options.seconds), str(self.options.connections), self.stage[what], self.stage["key"]
        if self.wrk:
            command = [self.wrk, "-t1", "-c" + connections, f"-d{seconds}s", "-s", HERE / "hub.lua", f"https://127.0.0.1:{port}{target}", "--", key, method, *more]
        else:
            command = [self.bench_hub, "load", str(port), seconds, connections, method, target, key, *more]
        out = subprocess.run(["taskset", "-c", self.load_on, *command], check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(out.strip().splitlines()[-1])

    def part_of_bodies(self, server: str, round_: int) -> pathlib.Path:
        """Bodies that this server has not seen: each may be sent once."""
        lines = (self.folder / "submissions.txt").read_text().splitlines()
        size = len(lines) // self.options.rounds
        file = self.folder / f"{server}.txt"
        file.write_text("\n".join(lines[round_ * size:(round_ + 1) * size]) + "\n")
        return file

    def measure(self) -> None:
        servers = {"hub": (self.stage["port"], self.hub.pid)} | ({"fastapi": (self.port, self.fastapi.pid)} if self.fastapi else {})
        print(f"load by {'wrk' if self.wrk else 'bench_hub'}, {self.options.connections} connections, {self.options.seconds} s each; p99 in ms, cpu: us of processor time a request")
        print(f"{'':8}" + "".join(f"{name + ' /s':>14}{'p99':>9}{'cpu':>9}" for name in servers) + (f"{'ratio':>9}{'cpu':>9}" if self.fastapi else ""))
        for round_ in range(self.options.rounds):
            for what in ("list", "get", "submit"):
                found = {}
                for name, (port, pid) in servers.items():
                    before = processor_us(pid)
                    found[name] = self.load(port, what, self.part_of_bodies(name, round_))
                    found[name]["cpu"] = (processor_us(pid) - before) / max(found[name]["requests"], 1)
                for name, one in found.items():
                    if one["refused"]:
                        sys.exit(f"hub.py: {name} refused {one['refused']} of {one['requests']} requests of {what}")
                line = f"{what:8}" + "".join(f"{one['rate']:>14.0f}{one['p99_ms']:>9.2f}{one['cpu']:>9.0f}" for one in found.values())
                if self.fastapi:
                    line += f"{found['hub']['rate'] / found['fastapi']['rate']:>9.1f}{found['fastapi']['cpu'] / found['hub']['cpu']:>9.1f}"
                print(line, flush=True)

    def watch(self) -> None:
        """Idle streams, each of which has been told where it stands."""
        context = ssl._create_unverified_context()
        before, streams = resident_mb(self.hub.pid), []
        for _ in range(STREAMS):
            stream = context.wrap_socket(socket.create_connection(("127.0.0.1", self.stage["port"])), server_hostname="localhost")
            stream.sendall(f"GET {self.stage['events']} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {self.stage['key']}\r\n\r\n".encode())
            head = b""
            while b"\nid: " not in head:
                got = stream.recv(4096)
                if not got:
                    sys.exit("hub.py: a stream of events ended")
                head += got
            streams.append(stream)
        time.sleep(2)
        after = resident_mb(self.hub.pid)
        print(f"{STREAMS} idle event streams: resident memory {after:.1f} MB, of which {after - before:.1f} MB came with them")
        for stream in streams:
            stream.close()

    def run(self) -> None:
        self.hub = self.fastapi = None
        try:
            self.start_hub()
            self.watch()  # first: memory that the load leaves behind is not the streams'
            if not self.options.hub_only:
                self.start_fastapi()
                self.compare()
            self.measure()
        finally:
            for process in (self.hub, self.fastapi):
                if process:
                    process.terminate()
                    process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="the hub against a FastAPI app")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--hub-only", action="store_true")
    parser.add_argument("--own-load", action="store_true", help="not wrk, even where it is installed")
    options = parser.parse_args()
    options.build = options.build.resolve()
    with tempfile.TemporaryDirectory(dir=options.build) as folder:
        Bench(options, pathlib.Path(folder)).run()


if __name__ == "__main__":
    main()
