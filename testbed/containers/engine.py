"""An engine of containers, as its command line: the one that runs here, or one that is started for the while."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from parley.errors import Misconfigured, Unavailable

START_S = 30.0

# Root without CAP_SYS_RESOURCE, cgroups of both versions, no systemd: as in a container that is to hold containers.
_PODMAN = """[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_STORAGE = '[storage]\ndriver = "overlay"\nrunroot = "{0}/run"\ngraphroot = "{0}/graph"\n'


@dataclass(frozen=True)
class Engine:
    """`own`: it was started here, and has the host's network only."""

    program: str
    own: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """docker or podman."""
        return Path(self.program).name

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.env}

    def __call__(self, *arguments: str, stdin: bytes | None = None, timeout_s: float = 900.0) -> str:
        """What it printed. Raises CalledProcessError, with its words in `stderr`."""
        return run((self.program, *arguments), self.environment, stdin, timeout_s)

    def status(self, *arguments: str) -> int:
        """Its exit status."""
        done = subprocess.run((self.program, *arguments), env=self.environment, capture_output=True, check=False)
        return done.returncode

    def compose(self) -> tuple[str, ...]:
        """The command of Compose, v2 or v1. Raises Misconfigured."""
        if self.status("compose", "version") == 0:
            return (self.program, "compose")
        if shutil.which("docker-compose"):
            return ("docker-compose",)
        raise Misconfigured("neither `docker compose` nor docker-compose is installed")


def run(command: tuple[str, ...], env: Mapping[str, str], stdin: bytes | None = None, timeout_s: float = 900.0) -> str:
    """Raises CalledProcessError, with the command's words as a note."""
    done = subprocess.run(command, env=dict(env), input=stdin, capture_output=True, check=False, timeout=timeout_s)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command)
        error.add_note(f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}"[-4000:])
        raise error
    return done.stdout.decode(errors="replace")


def running() -> Engine | None:
    """Docker, if it answers."""
    docker = Engine("docker")
    return docker if shutil.which("docker") and docker.status("info") == 0 else None


@contextmanager
def started(program: str, folder: Path) -> Iterator[Engine]:
    """An engine that keeps all it has in `folder`. Raises Misconfigured (not installed, not root), Unavailable."""
    if os.geteuid() != 0:
        raise Misconfigured("no engine of containers runs here, and only root can start one for the while")
    for needed in (program, "dockerd" if program == "docker" else "runc"):
        if shutil.which(needed) is None:
            raise Misconfigured(
                f"{needed} is missing: apt-get install docker.io docker-compose podman buildah debootstrap"
            )
    folder.mkdir(parents=True, exist_ok=True)
    if program == "podman":
        (folder / "containers.conf").write_text(_PODMAN)
        (folder / "storage.conf").write_text(_STORAGE.format(folder))
        conf = {"CONTAINERS_CONF": "containers.conf", "CONTAINERS_STORAGE_CONF": "storage.conf"}
        yield Engine(program, own=True, env={name: str(folder / file) for name, file in conf.items()})
        return
    with _dockerd(folder) as address:
        # Debian's own client knows BuildKit in the engine without a plugin; without it every stage is built each time.
        client = shutil.which(program, path="/usr/bin") or program
        yield Engine(client, own=True, env={"DOCKER_HOST": address, "DOCKER_BUILDKIT": "1"})


@contextmanager
def _dockerd(folder: Path) -> Iterator[str]:
    """Its address. It can have neither bridge nor iptables where this is needed."""
    address = f"unix://{folder}/docker.sock"
    places = ("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/docker.pid")
    with (folder / "dockerd.log").open("w") as log:
        command = ("dockerd", *places, "-H", address, "--iptables=false", "--bridge=none")
        daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        docker = Engine("docker", env={"DOCKER_HOST": address})
        deadline = time.monotonic() + START_S
        while docker.status("info"):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"dockerd does not start: {(folder / 'dockerd.log').read_text()[-800:]}")
            time.sleep(0.25)
        yield address
    finally:
        daemon.terminate()
        daemon.wait(60)
        subprocess.run(("umount", f"{folder}/exec/netns/default"), capture_output=True, check=False)
