"""All processes of Parley on this machine, for `parley run`, for tests and for benches.

    async with Stack(data_dir=folder, env={"PARLEY_PROFILE": "local"}, replicas=2) as stack:
        stack.gateway_url          # http://127.0.0.1:...
        stack.pids("stt")          # [4711, 4712]
        await stack.restarted("stt-1", 4711)

A process that dies is restarted at once. Leaving the block stops everything; so does the death of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from parley.aio import TaskSet
from parley.errors import Misconfigured, ParleyError, Unavailable
from parley.settings import Settings
from runner.folder import RunFolder
from runner.kept_key import CONFIG_KEY_FILE, kept_key
from runner.logs import last_error
from runner.plan import BACKOFFICE, Plan, make_plan
from runner.supervisor_config import supervisor_config

if TYPE_CHECKING:
    from runner.authority import Authority

_LINE = re.compile(r"(spawned|exited|gave up|spawnerr): '?([\w-]+)'?:? ?(?:with pid (\d+)|\((.*?);|entered|(.*))")
MISCONFIGURED_STATUS = 2
_DRAIN_S = "3"
_DOORS = ("gateway", BACKOFFICE)
_RENEW_S = 3600.0  # of the 24 hours that a certificate of the run lasts


@dataclass(frozen=True)
class Died:
    """A process ended by itself: `how` as in "exit status 1", "terminated by SIGKILL"; `pid` 0: it is given up."""

    name: str
    pid: int
    how: str


@dataclass(frozen=True)
class Started:
    name: str
    pid: int


Event = Died | Started


class Stack:
    """The processes of one run.

    `env` comes on top of this process's environment; unless it names PARLEY_GATEWAY_PORT, a free port is taken, and
    likewise for backoffice, which is started where it is asked for. No call waits for it, but entering does.
    `rewire` may change the plan before anything starts.
    With `tls` all processes talk TLS, with certificates of an authority that lives as long as the run.
    Entering waits until all are ready. Raises Misconfigured (a service says what is wrong), Unavailable (a
    service dies again and again, or is not ready in time).
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        env: Mapping[str, str] | None = None,
        replicas: int = 1,
        modules: Mapping[str, str] | None = None,
        ready_s: float = 180.0,
        on_event: Callable[[Event], None] = lambda event: None,
        rewire: Callable[[Plan], Plan] = lambda plan: plan,
        tls: bool = False,
        backoffice: bool = False,
    ) -> None:
        self._env = {
            "PARLEY_GATEWAY_PORT": "0",
            "PARLEY_BACKOFFICE_PORT": "0",
            **(env or {}),
            "PARLEY_DATA_DIR": str(data_dir),
        }
        self._folder = RunFolder(data_dir)
        self._replicas = replicas
        self._modules = modules
        self._ready_s = ready_s
        self._on_event = on_event
        self._rewire = rewire
        self._tls = tls
        self._backoffice = backoffice
        self._authority: Authority | None = None
        self._pids: dict[str, int] = {}
        self._given_up: set[str] = set()
        self._changed = asyncio.Condition()
        self._ready = False
        self._stopping = False
        self._failure: asyncio.Future[ParleyError] = asyncio.get_running_loop().create_future()
        self._tasks = TaskSet(self._fail)
        self._supervisord: asyncio.subprocess.Process | None = None
        self.plan: Plan

    @property
    def gateway_url(self) -> str:
        return self.plan.gateway_url

    @property
    def gateway_urls(self) -> tuple[str, ...]:
        """All gateways. They share the secret of their tokens: a call may go on at any of them."""
        return self.plan.gateway_urls

    @property
    def backoffice_url(self) -> str:
        """The first backoffice: its console and API."""
        return self.plan.backoffice_urls[0]

    @property
    def logs(self) -> Path:
        """Folder with one `<process>.log` each."""
        return self._folder.logs

    def pids(self, service: str) -> list[int]:
        """Process ids of a service's replicas (or of `nats`), those that live."""
        return [self._pids[name] for name in self.plan.names(service) if name in self._pids]

    def all_pids(self) -> dict[str, int]:
        """Process name -> process id, supervisord included."""
        assert self._supervisord is not None
        return {**self._pids, "supervisord": self._supervisord.pid}

    def metrics_urls(self) -> dict[str, str]:
        """Process name -> address of its Prometheus metrics; those of who speaks HTTP are at its own door."""
        urls = {
            process.name: f"http://127.0.0.1:{process.env['PARLEY_METRICS_PORT']}/metrics"
            for process in self.plan.processes
            if process.service not in ("nats", *_DOORS)
        }
        return urls | {name: f"{url}/metrics" for name, url in self._doors()}

    def _doors(self) -> list[tuple[str, str]]:
        """Process name and address of all that speak HTTP."""
        names = [name for service in _DOORS for name in self.plan.names(service)]
        return list(zip(names, (*self.plan.gateway_urls, *self.plan.backoffice_urls), strict=True))

    async def restarted(self, name: str, pid: int, timeout_s: float = 5.0) -> int:
        """The new process id of `name`, once it is another one than `pid`."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: self._pids.get(name, pid) != pid)
        return self._pids[name]

    def renew_certificates(self) -> None:
        """New certificates for all; the services see them by themselves, a nats-server is told."""
        assert self._authority is not None
        self._authority.renew()
        for pid in self.pids("nats"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    async def _renewing(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            self.renew_certificates()

    async def failed(self) -> ParleyError:
        """Returns when the run cannot go on, with the reason."""
        return await asyncio.shield(self._failure)

    async def __aenter__(self) -> Self:
        try:
            await self._folder.open()
            await self._start()
            await self._until_ready()
        except BaseException:
            await self._stop()
            raise
        self._ready = True
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _start(self) -> None:
        settings = Settings.read(**self._env)
        if self._tls:
            from runner.authority import Authority

            self._authority = Authority(self._folder.path / "tls")
            self._tasks.spawn(self._renewing())
        key = settings.config_key.get_secret_value() or kept_key(settings.data_dir.resolve() / CONFIG_KEY_FILE)
        plan = make_plan(
            settings, self._folder.path, self._replicas, self._modules, self._authority, self._backoffice, key
        )
        self.plan = self._rewire(plan)
        environment = {"PARLEY_DRAIN_S": _DRAIN_S, **os.environ, **self._env, **self.plan.env}
        stop_s = math.ceil(float(environment["PARLEY_DRAIN_S"])) + 3
        for name, text in self.plan.files.items():
            self._folder.write(name, text)
        text = supervisor_config(self.plan, self._folder.path, self._folder.logs, stop_s)
        config = self._folder.write("supervisord.conf", text)
        self._supervisord = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "runner.supervise",
            "-c",
            str(config),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process only, which then stops the others in order
            pass_fds=(self._folder.lock,),  # the folder is not free before the last process is gone
        )
        self._tasks.spawn(self._watch(self._supervisord))

    async def _watch(self, supervisord: asyncio.subprocess.Process) -> None:
        assert supervisord.stdout is not None
        async for line in supervisord.stdout:
            if match := _LINE.search(line.decode(errors="replace")):
                await self._note(*match.groups())
        if not self._stopping:
            self._fail(Unavailable(f"the process runner, supervisord, ended with status {await supervisord.wait()}"))

    async def _note(self, what: str, name: str, pid: str | None, how: str | None, error: str | None) -> None:
        if what == "spawned" and pid is not None:
            async with self._changed:
                self._pids[name] = int(pid)
                self._changed.notify_all()
            self._tell(Started(name, int(pid)))
        elif what == "exited" and not self._stopping:
            died = Died(name, self._pids.pop(name, 0), how or "")
            if died.how == f"exit status {MISCONFIGURED_STATUS}" and not self._ready:
                self._fail(Misconfigured(last_error(self.logs / f"{name}.log") or f"{name}: {died.how}"))
            self._tell(died)
        elif what == "gave up":
            trouble = f"dies each time it is started: {last_error(self.logs / f'{name}.log')}"
            if name in self.plan.names(BACKOFFICE):  # calls go on without it
                self._given_up.add(name)
                self._tell(Died(name, 0, trouble))
            else:
                self._fail(Unavailable(f"{name} {trouble}"))
        elif what == "spawnerr":
            self._fail(Unavailable(f"{name} cannot be started: {error}"))

    def _tell(self, event: Event) -> None:
        if not self._failure.done():  # else the reason of the failure says it all
            self._on_event(event)

    def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            known = error if isinstance(error, ParleyError) else Unavailable(f"{type(error).__name__}: {error}")
            self._failure.set_result(known)

    async def _until_ready(self) -> None:
        """Until every service takes connections and the gateway says that it is ready."""
        deadline = asyncio.get_running_loop().time() + self._ready_s
        waiting = [process for process in self.plan.processes if process.service not in ("nats", *_DOORS)]
        why = ""
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                waiting = [process for process in waiting if not await _listens(process.env["PARLEY_LISTEN"])]
                why = f"no answer from {', '.join(process.name for process in waiting)}"
                if not waiting and not (why := await self._door_trouble(client)):
                    return
                await asyncio.wait({self._failure}, timeout=0.1)
                if self._failure.done():
                    raise self._failure.result()
        raise Unavailable(f"not ready within {self._ready_s:g} s: {why}. Logs are in {self._folder.logs}")

    async def _door_trouble(self, client: httpx.AsyncClient) -> str:
        for name, url in self._doors():
            if name in self._given_up:
                continue
            try:
                answer = await client.get(f"{url}/ready")
            except httpx.HTTPError:
                return f"no answer from the {name}"
            if not answer.is_success:
                return f"the {name} answers {answer.status_code} {answer.text[:200]}"
        return ""

    async def _stop(self) -> None:
        self._stopping = True
        if (supervisord := self._supervisord) is not None:
            with contextlib.suppress(ProcessLookupError):
                supervisord.send_signal(signal.SIGTERM)
            await supervisord.wait()
        await self._tasks.close()
        for pid in self._pids.values():
            # Each process leads a group of its own: what it started and did not stop in time goes with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        if self._authority is not None:
            self._authority.close()
        self._folder.close()


async def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True
