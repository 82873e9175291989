"""What the two tests of this folder share: measuring a clean room's program and installing it."""
import json
import pathlib
import subprocess

PROGRAMS = ("redoubt-cleanroom", "redoubt-cleanroom-engine")
COMPONENTS = PROGRAMS + ("libraries",)


def run(*command, env=None):
    done = subprocess.run([str(word) for word in command], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(str(word) for word in command)}: exit code {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def measure(redoubt, folder):
    """The manifest that a participant computes: digest, and (name, digest) of each file."""
    value = json.loads(run(redoubt, "evidence", "measure", pathlib.Path(folder) / PROGRAMS[0], "-o", "json"))
    files = {item["path"]: item["sha256"] for item in value["files"]}
    missing = [name for name in PROGRAMS + ("libduckdb.so",) if name not in files]
    if missing:
        raise SystemExit(f"{folder}: the manifest lacks {missing}")
    return value["manifest"], files


def install(build, prefix, components=COMPONENTS):
    for component in components:
        run("cmake", "--install", build, "--prefix", prefix, "--component", component)


def compare(one, two, names):
    """Fails, naming the files, when two measurements differ."""
    if one == two:
        return
    differ = sorted(name for name in one[1].keys() | two[1].keys() if one[1].get(name) != two[1].get(name))
    raise SystemExit(f"{names[0]} and {names[1]}: expected equal measurements, found {one[0]} and {two[0]}; different files: {differ}")
