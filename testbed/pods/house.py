"""Pods by podman: started from one file, asked at their monitors, looked into, stopped."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from parley.errors import Unavailable
from testbed.containers.engine import Engine
from testbed.pods.localised import EMPTY, Place

PROBES = {"nats": (8222, "/healthz?js-server-only=true"), "postgres": (0, "")}
MONITOR = (9090, "/ready")
_MAY = """
import os
status = dict(l.split(":", 1) for l in open("/proc/self/status").read().splitlines())
wrote = []
for path in ("/app/x", "/opt/parley/x", "/x", "/data/x", "/tmp/x"):
    try:
        open(path, "w").close()
        wrote.append(path)
    except OSError:
        pass
print(os.getuid(), int(status["CapEff"], 16), status["NoNewPrivs"].strip(), ",".join(wrote))
"""


class Pods:
    """One house of pods on this machine."""

    def __init__(self, engine: Engine, objects: Sequence[dict[str, Any]], where: Sequence[Place], folder: Path) -> None:
        self._engine = engine
        self._objects = objects
        self._file = folder / "pods.yaml"
        self.where = where

    def up(self) -> None:
        for spec in [each["spec"] for each in self._objects if each["kind"] == "Pod"]:
            for volume in spec["volumes"]:
                if volume.get("hostPath", {}).get("type") == EMPTY:
                    made = Path(volume["hostPath"]["path"])
                    made.mkdir(parents=True)
                    os.chown(made, -1, spec["securityContext"]["fsGroup"])
                    made.chmod(0o2775)
        self._file.write_text(yaml.safe_dump_all(self._objects), "utf-8")
        self._engine("play", "kube", str(self._file))

    def down(self) -> None:
        self._engine.status("play", "kube", "--down", str(self._file))
        for place in self.where:
            self._engine.status("pod", "rm", "-f", "-t", "10", place.name)
            self._engine.status("volume", "rm", "-f", f"{place.name}-data")
        for each in self._objects:
            if each["kind"] == "ConfigMap":  # podman keeps one for each as well
                self._engine.status("volume", "rm", "-f", each["metadata"]["name"])

    def until_ready(self, timeout_s: float) -> float:
        """Seconds until every probe was answered. Raises Unavailable, with the last words of those that were not."""
        began = time.monotonic()
        waiting = list(self.where)
        while waiting := [place for place in waiting if not self.ready(place)]:
            if time.monotonic() - began > timeout_s:
                words = "\n".join(f"{place.name}: {self.logs(place)[-1500:]}" for place in waiting)
                raise Unavailable(f"not ready after {timeout_s:g} s: {words}")
            time.sleep(0.5)
        return time.monotonic() - began

    def ready(self, place: Place) -> bool:
        """As the kubelet would ask; PostgreSQL by its own program."""
        port, path = PROBES.get(place.service, MONITOR)
        if not port:
            return self._engine.status("exec", _container(place), "pg_isready", "-q", "-h", place.address) == 0
        try:
            return httpx.get(f"http://{place.address}:{port}{path}", timeout=5.0, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def load(self, place: Place) -> float:
        """Calls or streams that it serves now."""
        text = self.told(place, "/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("voice_load "))

    def told(self, place: Place, path: str) -> httpx.Response:
        """What its monitor answers. Raises HTTPError."""
        return httpx.get(f"http://{place.address}:{MONITOR[0]}{path}", timeout=5.0, trust_env=False)

    def having(self, service: str, timeout_s: float = 60.0) -> Place:
        """The replica that has a call. Raises Unavailable."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for place in self.of(service):
                if self.load(place) > 0:
                    return place
            time.sleep(0.1)
        raise Unavailable(f"no {service} ever had the call")

    def of(self, service: str) -> list[Place]:
        return [place for place in self.where if place.service == service]

    def may(self, place: Place) -> str:
        """Its user, its capabilities, whether it may gain any, and where it may write."""
        return self._engine("exec", _container(place), "/opt/parley/bin/python", "-c", _MAY).strip()

    def kill(self, place: Place) -> None:
        """As when its node is lost; it stays away."""
        self._engine("pod", "kill", "--signal", "KILL", place.name)
        self._engine("pod", "rm", "-f", place.name)

    def ending(self, place: Place, grace_s: int) -> subprocess.Popen[bytes]:
        """SIGTERM, as when it is replaced, and SIGKILL at the end of its grace. Ends when the pod has."""
        command = (self._engine.program, "pod", "stop", "-t", str(grace_s), place.name)
        return subprocess.Popen(command, env=self._engine.environment, stdout=subprocess.DEVNULL)

    def status(self, place: Place) -> int:
        """With which its process ended."""
        return int(self._engine("inspect", "--format", "{{.State.ExitCode}}", _container(place)))

    def logs(self, place: Place) -> str:
        command = (self._engine.program, "logs", _container(place))
        env, pipe = self._engine.environment, subprocess.PIPE
        return subprocess.run(command, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True, check=False).stdout

    def troubles(self, place: Place, most: int = 8) -> list[str]:
        """What it said that was no information."""
        lines = self.logs(place).splitlines()
        return [line[:400] for line in lines if '"level": "info"' not in line][-most:]

    def memory(self) -> Iterator[str]:
        names = [_container(place) for place in self.where]
        yield from sorted(
            self._engine("stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}", *names).splitlines()
        )


def _container(place: Place) -> str:
    return f"{place.name}-{place.service}"
