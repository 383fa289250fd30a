"""`parley run`: every service on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cli.doctor.engines import BODILY, STAGES, why
from parley.aio import background
from parley.bus import Bus, publishing
from parley.errors import Misconfigured, ParleyError
from parley.settings import Settings
from runner.logs import follow, last_error
from runner.stack import Died, Event, Stack, Started
from services.backoffice.access.link import login_link
from services.backoffice.access.passes import LINK_S

_DEFAULT_PORT = 8080
_BUS_S = 2.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    replicas: Annotated[int, typer.Option(envvar="REPLICAS", help="How many of each service.")] = 1,
    tls: Annotated[bool, typer.Option("--tls", help="Services talk TLS, with certificates made for this run.")] = False,
) -> None:
    """Start NATS and every service, each as its own process; a dead one is restarted. Ctrl-C stops all."""
    raise typer.Exit(start(replicas, tls=tls))


def start(replicas: int, modules: Mapping[str, str] | None = None, *, tls: bool = False) -> int:
    """The body of `run`; gives the exit status: 0 stopped by a signal, 2 a wrong setting, 1 anything else."""
    try:
        settings = Settings.read()
    except Misconfigured as e:
        for line in str(e).split("; "):
            say(line)
        return 2
    try:
        return asyncio.run(_until_stopped(settings, replicas, modules, tls))
    except ParleyError as e:
        say(str(e))
        return 2 if isinstance(e, Misconfigured) else 1


def say(text: str) -> None:
    print(f"parley: {text}", file=sys.stderr, flush=True)


async def _until_stopped(settings: Settings, replicas: int, modules: Mapping[str, str] | None, tls: bool) -> int:
    serving = asyncio.ensure_future(_serve(settings, replicas, modules, tls))
    signalled = False

    def stop() -> None:
        nonlocal signalled
        if not signalled:  # a second Ctrl-C does not interrupt the stopping
            signalled = True
            print("\nStopping.", flush=True)
            serving.cancel()

    loop = asyncio.get_running_loop()
    for sig in _SIGNALS:
        loop.add_signal_handler(sig, stop)
    try:
        await serving
    except asyncio.CancelledError:
        if not signalled:
            raise
    return 0


async def _serve(settings: Settings, replicas: int, modules: Mapping[str, str] | None, tls: bool) -> None:
    started = time.monotonic()
    stack = Stack(
        data_dir=settings.data_dir,
        env={
            "PARLEY_GATEWAY_PORT": str(settings.gateway_port),
            "PARLEY_BACKOFFICE_PORT": str(settings.backoffice_port),
        },
        replicas=replicas,
        modules=modules,
        tls=tls,
        backoffice=True,
        on_event=_Told(settings.data_dir / "run" / "logs").event,
    )
    async with stack, background(follow(stack.logs, lambda name, text: print(f"{name:<14} {text}", flush=True))):
        seconds = time.monotonic() - started
        print(_welcome(settings, stack, seconds, await _published(stack)), flush=True)
        raise await stack.failed()


class _Told:
    """Says that processes start, which ended, of what, and that they are back."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._died: set[str] = set()
        self._any = False

    def event(self, event: Event) -> None:
        if not self._any:
            self._any = True
            print("Starting; this takes some seconds.", flush=True)
        if isinstance(event, Died):
            self._died.add(event.name)
            of = f" ({last_error(self._logs / f'{event.name}.log')})" if event.how.startswith("exit") else ""
            ended = f"process {event.pid} ended: {event.how}{of}" if event.pid else event.how
            print(f"{event.name:<14} {ended}", flush=True)
        elif isinstance(event, Started) and event.name in self._died:
            self._died.discard(event.name)
            print(f"{event.name:<14} started again as process {event.pid}", flush=True)


async def _published(stack: Stack) -> list[str]:
    """What is published: edits of its folder reach no call, which somebody may have forgotten."""
    try:
        async with Bus(Settings.read(**stack.plan.operator), "command") as bus:
            found = await publishing.published(bus) if await bus.ready(_BUS_S) else {}
    except ParleyError:
        return []
    return [
        f"calls of {name} have version {table.current}, not the folder: `parley agent versions {name}`"
        for name, table in found.items()
        if table.current
    ]


def _way_in(settings: Settings, console: str) -> list[str]:
    """A link for the console: there is no account yet, and no password that everybody knows."""
    try:
        link = login_link(settings, console)
    except Misconfigured:
        return []
    minutes = round(LINK_S / 60)
    return [f"  log in  {link}", f"          (once, within {minutes} minutes; another: .venv/bin/parley user link)"]


def _welcome(settings: Settings, stack: Stack, seconds: float, published: list[str]) -> str:
    port = stack.gateway_url.rpartition(":")[2]
    prefix = "" if port == str(_DEFAULT_PORT) else f"PARLEY_GATEWAY_PORT={port} "
    pids = "  ".join(
        f"{service} {' '.join(map(str, stack.pids(service)))}"
        for service in dict.fromkeys(process.service for process in stack.plan.processes)
    )
    gateways = ",".join(stack.gateway_urls)
    victim = next(iter(stack.pids("stt")), 0)
    lines = [
        f"Parley is ready after {seconds:.1f} s.",
        "",
        f"  page    {stack.gateway_url}/",
        f"  console {stack.backoffice_url}/admin",
        *_way_in(settings, stack.backoffice_url),
        *([f"  both    --gateway {gateways} lets a call outlive its gateway"] if "," in gateways else []),
        f'  call    {prefix}.venv/bin/parley call --say "where is my order one two three four"',
        f"  chat    {prefix}.venv/bin/parley chat",
        "",
        *(f"  {BODILY[stage]:<7} {', '.join(settings.engines(stage))} ({why(settings, stage)})" for stage in STAGES),
        *(f"  note    {remark}" for remark in (*stack.plan.remarks, *published)),
        "",
        f"  pids    {pids}",
        f"  logs    {stack.logs}",
        "",
        f"Kill one in the middle of a call, and go on talking: kill -9 {victim}",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)
