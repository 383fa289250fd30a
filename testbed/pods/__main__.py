"""`make pods`: an overlay's pods started on this machine, a call through them, a call that outlives one of them."""

from __future__ import annotations

import argparse
import base64
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parley.errors import ParleyError, Unavailable
from parley.settings import Settings
from runner.authority import Authority
from runner.plan import DEPLOYED
from testbed.containers import base
from testbed.containers.__main__ import build, image
from testbed.containers.engine import Engine, started
from testbed.pods.house import Pods
from testbed.pods.localised import localised, places
from testbed.pods.render import Objects, copied, rendered

QUESTIONS = ("What are your opening hours?", "Where is my order one two three four?", "Thank you, goodbye.")
READY_S = 240.0
HERE = {"PARLEY_PROFILE": "local", "PARLEY_WORKERS": "1", "PARLEY_QDRANT_URL": "", "PARLEY_PUBLIC_URL": ""}
"""Engines of this machine; Qdrant has no stand-in, so that each rag has an index of its own."""
MORE_MEMORY = {"stt": "2Gi", "tts": "1Gi"}  # what the overlay `dev` gives them, for the same engines
_NATS = 'FROM {0}\nRUN install -d -o 10001 -g 10001 /data\nENTRYPOINT ["nats-server"]\n'
_POSTGRES = """FROM {0}
RUN usermod -u 999 postgres && groupmod -g 999 postgres && rm -rf /var/lib/postgresql/data \\
    && install -d -o 999 -g 999 /var/lib/postgresql/data /var/run/postgresql \\
    && ln -s /usr/lib/postgresql/*/bin/pg_isready /usr/local/bin/pg_isready || true
COPY postgres_entry.sh /postgres_entry.sh
ENTRYPOINT ["sh", "/postgres_entry.sh"]
"""
IMAGES = {
    "docker.io/library/nats": "localhost/pods-nats:1",
    "docker.io/library/postgres": "localhost/pods-postgres:1",
}


def say(line: str) -> None:
    print(line, flush=True)


def stand_ins(engine: Engine, kept: Path) -> None:
    """As others' images are: they run as the user that the manifest names."""
    base.make(engine, kept)
    made = dict(zip(IMAGES.values(), (_NATS, _POSTGRES), strict=True))
    for (name, text), under in zip(made.items(), base.STAND_INS.values(), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            entry = Path(__file__).with_name("postgres_entry.sh")
            Path(folder, entry.name).write_text(entry.read_text())
            Path(folder, "Dockerfile").write_text(text.format(under))
            engine("build", "--network", "host", "--tag", name, folder)


def objects_of(overlay: str, folder: Path) -> Objects:
    """What is started: `prod` with the PostgreSQL of `dev`, and certificates of an authority for this once."""
    with copied(overlay) as where:
        objects = rendered(where)
    if overlay != "dev":
        with copied("dev") as where:
            objects += [each for each in rendered(where) if each["metadata"]["name"].startswith("postgres")]
        database = next(each for each in objects if each["metadata"]["name"].startswith("postgres-secrets"))
        password = base64.b64decode(database["data"]["POSTGRES_PASSWORD"]).decode()
        for name, variable, its in (
            ("tools", "PARLEY_DATABASE_URL", "parley"),
            ("backoffice", "PARLEY_BACKOFFICE_DATABASE_URL", "postgres"),
        ):
            url = f"postgresql://parley:{password}@postgres:5432/{its}"
            secret = next(each for each in objects if each["metadata"]["name"].startswith(f"{name}-secrets"))
            secret["data"][variable] = base64.b64encode(url.encode()).decode()
        authority = Authority(folder / "authority")
        for each in [each for each in objects if each["kind"] == "Certificate" and not each["spec"].get("isCA")]:
            first, *more = each["spec"]["dnsNames"]
            issued = authority.issue(first, more)
            files = {path.name: path.read_text() for path in (issued.ca, issued.cert, issued.key)}
            objects.append({"kind": "Secret", "metadata": {"name": each["spec"]["secretName"]}, "stringData": files})
    for each in objects:
        if each["kind"] == "Deployment" and each["metadata"]["name"] in MORE_MEMORY:
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["resources"]["limits"]["memory"] = MORE_MEMORY[each["metadata"]["name"]]
    return [each for each in objects if not _of_qdrant(each)]


def _of_qdrant(each: dict[str, Any]) -> bool:
    return bool(each["kind"] == "StatefulSet" and each["metadata"]["name"] == "qdrant")


@contextmanager
def house(engine: Engine, overlay: str) -> Iterator[Pods]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # pods are users of their own
        objects = objects_of(overlay, folder)
        for each in objects:
            if each["kind"] == "Deployment":  # whatever version the overlay names, it is this one that was built
                (container,) = each["spec"]["template"]["spec"]["containers"]
                container["image"] = f"localhost/{image(each['metadata']['name'])}"
        where = places(objects)
        pods = Pods(engine, localised(objects, where, IMAGES, HERE, folder / "secrets"), where, folder)
        try:
            began = time.monotonic()
            pods.up()
            say(f"{len(where)} pods of overlay {overlay} started in {time.monotonic() - began:.0f} s")
            say(f"all ready after {pods.until_ready(READY_S):.0f} s more")
            yield pods
        finally:
            pods.down()


def call(pods: Pods) -> subprocess.Popen[str]:
    """`parley call` to all gateways, as the carrier would; exit status 0 when everything was answered."""
    urls = ",".join(f"http://{place.address}:8080" for place in pods.of("gateway"))
    first, *more = QUESTIONS
    command = [sys.executable, "-m", "cli", "call", "--gateway", urls, "--say", first, "--out", "/dev/null"]
    command += [word for line in more for word in ("--then", line)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def answered(placed: subprocess.Popen[str]) -> str:
    told, _ = placed.communicate(timeout=180)
    if placed.returncode:
        raise Unavailable(f"parley call ended with {placed.returncode}: {told}")
    return "\n".join(f"    {line}" for line in told.splitlines() if line.strip())


def outlived(pods: Pods, service: str) -> None:
    """The replica that has the call is killed in the middle of it."""
    placed = call(pods)
    try:
        victim = pods.having(service)
        time.sleep(2.0)
        pods.kill(victim)
        told = answered(placed)
    finally:
        placed.kill()
    pods.where = [place for place in pods.where if place != victim]
    say(f"{victim.name} was killed in a call, all of which was answered:\n{told}")


def drained(pods: Pods) -> None:
    """The gateway that has the call is replaced: it stays until the call has ended, and takes no other."""
    placed = call(pods)
    try:
        leaving = pods.having("gateway")
        ending = pods.ending(leaving, 3600)
        time.sleep(2.0)
        ready, health = (pods.told(leaving, path).status_code for path in ("/ready", "/health"))
        if (ready, health) != (503, 200):
            raise Unavailable(f"{leaving.name} drains, and says {ready} at /ready, {health} at /health")
        told = answered(placed)
        if ending.wait(60) or pods.status(leaving):
            raise Unavailable(f"{leaving.name} did not end well: {pods.logs(leaving)[-1500:]}")
    finally:
        placed.kill()
    say(f"{leaving.name} got SIGTERM in a call, all of which was answered; then it ended by itself:\n{told}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make pods", description=__doc__)
    parser.add_argument("--overlay", choices=("dev", "prod", "canary"), default="dev")
    parser.add_argument("--rebuild", action="store_true", help="build images that are there")
    options = parser.parse_args()
    kept = Settings.read().data_dir.resolve() / "containers"
    try:
        with started("podman", kept / "podman") as engine:
            stand_ins(engine, kept)
            here = [name for name in DEPLOYED if not engine.status("image", "inspect", image(name))]
            if missing := [name for name in DEPLOYED if options.rebuild or name not in here]:
                build(engine, missing)
            with house(engine, options.overlay) as pods:
                try:
                    say(f"a call was answered:\n{answered(call(pods))}")
                except Unavailable:
                    for place in pods.where:
                        say("\n".join(f"{place.name}: {line}" for line in pods.troubles(place)))
                    raise
                for service in DEPLOYED:
                    say(f"    {service}: {pods.may(pods.of(service)[0])}")
                for line in pods.memory():
                    say(f"    {line}")
                for service in ("orchestrator", "tts"):
                    if len(pods.of(service)) > 1:
                        outlived(pods, service)
                drained(pods)
    except ParleyError as error:
        say(f"pods: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
