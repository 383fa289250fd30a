"""A house of containers: up, healthy, asked, wounded, down. By Compose, or by an engine's own commands alone."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from parley.errors import Unavailable
from testbed.containers.engine import Engine, run
from testbed.containers.file import ROOT, Compose

_METRIC = """
import os, sys, urllib.request
url = f"http://127.0.0.1:{os.environ['PARLEY_METRICS_PORT']}/metrics"
text = urllib.request.urlopen(url, timeout=5).read().decode()
print(sum(float(l.split()[-1]) for l in text.splitlines() if l.split("{")[0].split(" ")[0] == sys.argv[1]))
"""


class House(ABC):
    """`containers`: the ids of those that run, by the name in the Compose file; of all replicas."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name

    @abstractmethod
    def up(self) -> None:
        """Returns when all are started, which is after those they wait for are healthy."""

    @abstractmethod
    def containers(self, service: str) -> list[str]: ...

    @abstractmethod
    def command(self, *arguments: str, service: str = "parley") -> subprocess.Popen[bytes]:
        """A command of Parley in a container of its own."""

    @abstractmethod
    def healthy(self, container: str) -> bool: ...

    @abstractmethod
    def down(self, *, volumes: bool = True) -> None: ...

    def until_healthy(self, services: Sequence[str], timeout_s: float = 180.0) -> float:
        """Seconds that it took. Raises Unavailable with the last words of those that are not."""
        began = time.monotonic()
        while True:
            ill = [name for name in services if not all(map(self.healthy, self.containers(name) or [""]))]
            if not ill:
                return time.monotonic() - began
            if time.monotonic() - began > timeout_s:
                words = "\n".join(f"{name}: {self.logs(name)[-1500:]}" for name in ill)
                raise Unavailable(f"not healthy after {timeout_s:g} s: {', '.join(ill)}\n{words}")
            time.sleep(0.5)

    def inspect(self, container: str) -> dict[str, Any]:
        (found,) = json.loads(self.engine("inspect", container))
        return dict(found)

    def logs(self, service: str) -> str:
        done = [
            subprocess.run(
                (self.engine.program, "logs", each), env=self.engine.environment, capture_output=True, check=False
            )
            for each in self.containers(service)
        ]
        return "".join((each.stdout + each.stderr).decode(errors="replace") for each in done)

    def python(self, container: str, code: str, *arguments: str) -> str:
        """What a program prints inside a container."""
        return self.engine("exec", container, "/opt/parley/bin/python", "-c", code, *arguments).strip()

    def metric(self, container: str, name: str) -> float:
        """The sum over all labels."""
        return float(self.python(container, _METRIC, name))


class ComposeHouse(House):
    """By `docker compose` or docker-compose. `file`: in place of the repository's."""

    def __init__(self, engine: Engine, name: str, file: Path | None = None, scale: Sequence[str] = ()) -> None:
        super().__init__(engine, name)
        chosen = str(file or ROOT / "docker-compose.yml")
        self._base = (*engine.compose(), "--project-directory", str(ROOT), "-f", chosen, "-p", name)
        self._scale = [word for service in scale for word in ("--scale", f"{service}=2")]

    def _compose(self, *arguments: str) -> str:
        return run((*self._base, *arguments), self.engine.environment)

    def up(self) -> None:
        self._compose("up", "-d", *self._scale)

    def containers(self, service: str) -> list[str]:
        return [each for name in (service, f"{service}-2") for each in self._containers(name)]

    def _containers(self, name: str) -> list[str]:
        labels = {"project": self.name, "service": name, "oneoff": "False"}
        filters = [
            word for key, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{key}={value}")
        ]
        return self.engine("ps", "-q", *filters).split()

    def command(self, *arguments: str, service: str = "parley") -> subprocess.Popen[bytes]:
        command = (*self._base, "run", "--rm", "-T", "--no-deps", service, *arguments)
        return subprocess.Popen(command, env=self.engine.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def healthy(self, container: str) -> bool:
        return bool(container) and self.inspect(container)["State"].get("Health", {}).get("Status") == "healthy"

    def down(self, *, volumes: bool = True) -> None:
        self._compose("down", "-t", "30", *(["-v", "--remove-orphans"] if volumes else []))


class PlainHouse(House):
    """By `run`, one container after the other, health asked for by hand: podman without systemd never asks by itself.

    `compose`: as `on_the_host` makes it.
    """

    def __init__(self, engine: Engine, name: str, compose: Compose) -> None:
        super().__init__(engine, name)
        self._services = {
            service: its for service, its in compose["services"].items() if its.get("profiles") != ["commands"]
        }
        self._commands = {service: its for service, its in compose["services"].items() if service not in self._services}
        self._secrets = compose["secrets"]

    def up(self) -> None:
        started: set[str] = set()
        while waiting := [name for name in self._services if name not in started]:
            name = next(name for name in waiting if set(self._services[name].get("depends_on", ())) <= started)
            for other, how in self._services[name].get("depends_on", {}).items():
                if how["condition"] == "service_healthy":
                    self.until_healthy([other])
            once = name == "keys"
            self.engine("run", *([] if once else ["-d"]), *self._flags(name, self._services[name]))
            started.add(name)

    def containers(self, service: str) -> list[str]:
        names = [service, f"{service}-2"]
        found = [self.engine("ps", "-q", "--filter", f"name=^{self.name}-{name}$").split() for name in names]
        return [container for each in found for container in each]

    def command(self, *arguments: str, service: str = "parley") -> subprocess.Popen[bytes]:
        flags = self._flags(service, self._commands[service], list(arguments))
        command = (self.engine.program, "run", "--rm", *flags)
        return subprocess.Popen(command, env=self.engine.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def healthy(self, container: str) -> bool:
        return bool(container) and self.engine.status("healthcheck", "run", container) == 0

    def down(self, *, volumes: bool = True) -> None:
        every = self.engine("ps", "-aq", "--filter", f"name=^{self.name}-").split()
        if every:
            self.engine("rm", "-f", "-t", "30", *every)
        found = self.engine("volume", "ls", "-q", "--filter", f"name=^{self.name}_").split()
        if volumes and found:
            self.engine("volume", "rm", *found)

    def _flags(self, name: str, service: dict[str, Any], arguments: list[str] | None = None) -> list[str]:
        return [*self._options(name, service), service["image"], *(arguments or service.get("command", []))]

    def _options(self, name: str, service: dict[str, Any]) -> Iterator[str]:
        yield from ("--name", f"{self.name}-{name}", "--network", service.get("network_mode", "host"))
        for option in ("read_only", "init"):
            if service.get(option):
                yield f"--{option.replace('_', '-')}"
        many = {"tmpfs": "tmpfs", "cap_drop": "cap-drop", "security_opt": "security-opt", "extra_hosts": "add-host"}
        for key, option in many.items():
            for value in service.get(key, ()):
                yield f"--{option}={str(value).replace(':true', '') if key == 'security_opt' else value}"
        one = {"mem_limit": "memory", "pids_limit": "pids-limit", "user": "user", "working_dir": "workdir"}
        for key, option in {**one, "shm_size": "shm-size"}.items():
            if key in service:
                yield f"--{option}={service[key]}"
        for variable, value in service.get("environment", {}).items():
            yield f"--env={variable}={value}"
        for volume in service.get("volumes", ()):
            source, _, rest = str(volume).partition(":")
            yield f"--volume={(ROOT / source) if source.startswith('.') else f'{self.name}_{source}'}:{rest}"
        for secret in service.get("secrets", ()):
            yield f"--volume={ROOT / self._secrets[secret]['file']}:/run/secrets/{secret}:ro"
        if "entrypoint" in service:
            yield f"--entrypoint={json.dumps(service['entrypoint'])}"
        if "healthcheck" in service:
            # A list of words with blanks between them podman 4.3 takes for words of a shell.
            yield f"--health-cmd={shlex.join(service['healthcheck']['test'][1:])}"
