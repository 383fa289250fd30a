"""The live configuration as one process has it: looked at when it changes, beside the calls.

    live = Live(settings, bus, "tts", opens=of_stage("tts"))
    async with bus, live.kept():
        await live.part(of_stage("tts"), take)   # take(settings) makes what new calls have; it may refuse

What NATS says last holds. While it is away things stay as they were last known, also through a restart on the same
machine. A part that cannot take a value goes on with what it had, and the process says so (`parley.bus.presence`).
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Gauge
from pydantic import ValidationError

from parley.bus import configuring
from parley.bus.connection import Bus
from parley.bus.looking import Looking
from parley.configuration.applying import configured, locked
from parley.configuration.history import Configuration
from parley.configuration.sealing import Seals, is_sealed, shown
from parley.configuration.table import live_settings
from parley.errors import Misconfigured, ParleyError
from parley.process.log_limit import Seldom
from parley.settings import Settings, addresses

log = structlog.get_logger()

TAKE_S = 60.0
"""For a part to take a change: a model may have to be loaded."""
AGAIN_S = 10.0
"""Before what was refused for a reason that may pass is tried again."""
PATIENT_S = 10.0
FILE = "configuration.json"

_revision = Gauge("voice_configuration_revision", "The change of the live configuration that this process has")
_refused = Gauge("voice_configuration_refused", "Live settings whose value this process could not take")

Take = Callable[[Settings], Awaitable[None]]


@dataclass
class Part:
    """What is made of some settings. `has`: what they were when it was made last."""

    variables: frozenset[str]
    take: Take
    has: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    again_at: float = 0.0
    seen: Settings | None = None  # that it was compared with last


class Live:
    """Of one process. `settings`: its environment, and below it what was set last; `revision`: the last change that its
    parts took or refused. `opens`: the secrets it uses; of others it only knows that they are set."""

    def __init__(self, settings: Settings, bus: Bus, service: str, opens: Iterable[str] = ()) -> None:
        """Raises Misconfigured: PARLEY_CONFIG_KEY is too short."""
        self.service = service
        self.settings = settings
        self.revision = 0
        self._wanted = 0
        self._told: object = None
        self._opens = frozenset(opens)
        self.changed: Callable[[], None] = lambda: None
        """Told whenever something was taken or refused."""
        self._base = settings
        self._bus = bus if addresses(settings.nats_url) else None
        self._seals = Seals.of(settings)
        self._parts: list[Part] = []
        self._unread: dict[str, str] = {}
        self._configuration = Configuration()
        self._seen: int | None = None
        self._known = False
        self._one = asyncio.Lock()
        self._file = settings.data_dir.absolute() / FILE
        self._trouble = Seldom(patience_s=PATIENT_S)
        self._looking = Looking(bus, configuring.SUBJECT, self.look)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[Live]:
        """Kept up with what is configured, while the body runs. The bus is entered already."""
        if self._bus is None:
            yield self
            return
        self._use(self._read_file())
        async with self._looking.kept():
            yield self

    async def part(self, variables: Iterable[str], take: Take, *, made: bool = False) -> None:
        """From now on `take` is given the settings whenever one of these has changed, and now; with `made`, of what is
        there already and of the environment's making, only where something was set live. What it raises is a refusal;
        without anything set live it is raised here: then the environment is wrong."""
        async with self._one:
            part = Part(frozenset(variables), take)
            unknown = part.variables - live_settings().keys()
            assert not unknown, f"not live: {unknown}"
            if made:
                part.has = _values(part, self._base)
            if part.has != _values(part, self.settings) and not await self._taken(part, self.settings) and not made:
                await take(self._base)
                part.has = _values(part, self._base)
            self._parts.append(part)
            self._settle()

    @property
    def variables(self) -> frozenset[str]:
        """That this process makes something of."""
        return frozenset().union(*(part.variables for part in self._parts))

    @property
    def locked(self) -> frozenset[str]:
        """Of these, those that its environment sets."""
        return locked(self._base) & self.variables

    @property
    def values(self) -> dict[str, str]:
        """What these are for new calls, as people may see it; of a secret that is set only its shown form."""
        found: dict[str, str] = {}
        for part in self._parts:
            for variable, value in part.has.items():
                secret = live_settings()[variable].is_secret
                found[variable] = (shown(str(value)) if value else "") if secret else str(value)
        return found

    @property
    def refused(self) -> dict[str, str]:
        """Of these, those whose live value it could not take, and why."""
        mine = self.variables
        found = {variable: why for variable, why in self._unread.items() if variable in mine}
        for part in self._parts:
            found |= part.refused
        return found

    async def look(self) -> bool:
        """Whether NATS is there; then whatever was set before this began is taken, or refused, afterwards."""
        assert self._bus is not None
        there = False
        async with self._one:
            try:
                newest = await configuring.newest(self._bus)
                if newest not in (None, self._seen) or not self._known:
                    if newest is not None:
                        found = await configuring.read(self._bus)
                        self._use(found.configuration, found.revision)
                        await asyncio.to_thread(self._write_file)
                    self._known, self._seen = True, newest
                self._trouble.over()
                there = True
            except ParleyError as e:
                self._trouble.warning("the live configuration cannot be looked at, it stays as it is", error=str(e))
            await self._take_all()
        return there

    def _use(self, configuration: Configuration, revision: int = 0) -> None:
        """What can be read of it is wanted from now on."""
        self._configuration, self._wanted = configuration, revision
        self._unread, good = {}, dict[str, str]()
        for variable, text in configuration.values.items():
            if variable not in live_settings():
                continue  # of another version of Parley
            try:
                opened = self._opened(variable, text)
                configured(self._base, {**good, variable: opened})
                good[variable] = opened
            except Misconfigured as e:
                self._unread[variable] = str(e)
        self.settings = configured(self._base, good)

    def _opened(self, variable: str, text: str) -> str:
        if not is_sealed(text):
            return text
        if variable not in self._opens:
            return shown(text)
        return self._seals.open(variable, text)

    async def _take_all(self) -> None:
        """Costs nothing while nothing has changed."""
        now, due = asyncio.get_running_loop().time(), list[Part]()
        for part in self._parts:
            if part.seen is self.settings and not (part.refused and part.again_at <= now):
                continue
            wanted, part.seen = _values(part, self.settings), self.settings
            if wanted == part.has:
                part.refused = {}
            elif not part.refused or wanted != part.wanted or part.again_at <= now:
                due.append(part)
        if due:
            await asyncio.gather(*(self._taken(part, self.settings) for part in due))
        self._settle()

    async def _taken(self, part: Part, settings: Settings) -> bool:
        """False: it refused, and has what it had. Raises what it raised when nothing of it was set live."""
        part.wanted, own = _values(part, settings), _values(part, self._base)
        before = part.has or own
        changed = sorted(variable for variable, value in part.wanted.items() if value != before[variable])
        try:
            async with asyncio.timeout(TAKE_S):
                await part.take(settings)
        except Exception as e:
            if not part.has and not changed:
                raise
            known = isinstance(e, ParleyError)
            why = str(e) if known else f"{type(e).__name__}, after {TAKE_S:g} s at the most"
            part.refused = dict.fromkeys(changed, why)
            passes = not known or getattr(e, "retryable", True)
            part.again_at = asyncio.get_running_loop().time() + (AGAIN_S if passes else math.inf)
            log.error("a live setting is not taken, what calls have stays", settings=changed, error=why)
            return False
        part.has, part.refused = part.wanted, {}
        if changed:
            log.info("live settings are taken", settings=changed)
        return True

    def _settle(self) -> None:
        """Tell what came of it, if that is news."""
        told = self._wanted, self.variables, self.refused
        self.revision = self._wanted
        _revision.set(self.revision)
        _refused.set(len(self.refused))
        if told != self._told:
            self._told = told
            self.changed()

    def _read_file(self) -> Configuration:
        """As it was last known on this machine."""
        try:
            return Configuration.model_validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return Configuration()

    def _write_file(self) -> None:
        """Secrets stay sealed. A full disk is told and otherwise nobody's harm."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(prefix=f".{FILE}-", dir=self._file.parent)
            with os.fdopen(handle, "wb") as out:
                out.write(self._configuration.model_dump_json().encode())
            Path(made).replace(self._file)
        except OSError as e:
            log.warning("the configuration cannot be kept on this machine", error=str(e))


def _values(part: Part, settings: Settings) -> dict[str, Any]:
    return {variable: live_settings()[variable].of(settings) for variable in part.variables}
