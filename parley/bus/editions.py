"""The agents as one process may have them: the folder, and what is published of them.

What is published is heard of. A new version is fetched, unpacked and prepared beside the calls; from then on new calls
have it. Where that fails, new calls go on with what they had, after a restart with the version before
it, and it is tried again. Without NATS things stay as they were last known, also through a restart on the same machine.

    editions = Editions.of_process(settings, bus)
    editions.prepare = prepare
    async with bus, editions.kept():
        edition = editions.chosen("frontdesk", call_id)     # a new call
        edition = await editions.of("frontdesk", version)   # a call that began with it
        load_agent(edition.root, "frontdesk")
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from parley.agents.files import agent_now, forget, known_agents
from parley.agents.page.wrapper import forget_wrapper
from parley.aio import TaskSet
from parley.bus import publishing
from parley.bus.connection import Bus
from parley.bus.looking import Looking
from parley.errors import NotFound, ParleyError, Unavailable
from parley.process.log_limit import Seldom
from parley.published.bundle import Corrupt, is_published
from parley.published.numbers import Numbers
from parley.published.shelf import Shelf, Table
from parley.published.versions import Versions
from parley.reloading.rereading import EDITS
from parley.settings import Settings, addresses

log = structlog.get_logger()

FIRST_S = 3.0
"""At a start, for what is published to be here; then the process begins with what it has."""
PATIENT_S = 10.0
"""What is published cannot be looked at for so long before that is worth a warning."""
PREPARED_S = 1.0
"""The same, for what is here to be prepared: the tools service may start at the same time."""
FETCH_S = 1.0
"""That a call waits for the version it began with; then it goes on with the newest."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
OTHER = "other"
"""In figures, a published version that is neither current, canary nor previous."""
FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Edition:
    """`root` is a folder of agents, in which `name` is as this version has it. `version` empty: the folder that is
    edited; its agents say themselves of which version they are."""

    root: Path
    name: str
    version: str = ""


Prepare = Callable[[Edition], Awaitable[None]]
"""Makes a service ready for a version before new calls have it: at least, its agent.yaml is read. Whatever it raises is
logged, and it is tried again."""


async def _read(edition: Edition) -> None:
    await asyncio.to_thread(agent_now, edition.root, edition.name)


class Editions:
    """Of one process; without a bus: the folder, and what was published on this machine. `prepare` is the service's."""

    def __init__(self, folder: Path, shelf: Shelf | None = None, bus: Bus | None = None) -> None:
        self.folder = folder
        self.prepare: Prepare = _read
        self._shelf = shelf or Shelf(Path())
        self._bus = bus
        self._table = Table()
        self._seen: int | None = None
        self._known = bus is None
        self._begun = False
        self._one = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._here: dict[tuple[str, str], Path] = {}  # on this machine, and what was published
        self._ready: set[tuple[str, str]] = set()  # and prepared
        self._refused: set[tuple[str, str]] = set()  # cannot be served, as far as was seen
        self._good: dict[str, str] = {}  # the last of each agent that was current and ready; "": the folder
        self._getting: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._trouble = Seldom(patience_s=PATIENT_S)
        self._missing = Seldom()
        self._tasks = TaskSet(lambda e: log.error("looking after published versions failed", exc_info=e))
        self._looking = Looking(bus, publishing.SUBJECTS, self._look) if bus is not None else None

    @classmethod
    def of_process(cls, settings: Settings, bus: Bus) -> Editions:
        return cls(settings.agents_dir, Shelf(settings.data_dir), bus if addresses(settings.nats_url) else None)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[Editions]:
        """Kept up with what is published, while the body runs. The bus is entered already."""
        try:
            self._table = self._shelf.table()
            async with self._looking.kept() if self._looking is not None else nullcontext():
                await self._begin()
                yield self
        finally:
            await self._tasks.close()

    @property
    def begun(self) -> bool:
        """Whether it is kept up already."""
        return self._begun

    @property
    def numbers(self) -> Numbers:
        return self._table.numbers

    def names(self) -> list[str]:
        """Of all agents that can serve."""
        published = (name for name, versions in self._table.agents.items() if versions.current)
        return sorted({*known_agents(self.folder), *published})

    def versions(self, name: str) -> Versions:
        return self._table.agents.get(name, Versions())

    def all_versions(self) -> dict[str, Versions]:
        return dict(self._table.agents)

    def chosen(self, name: str, call_id: str = "") -> Edition:
        """For a call that begins now; without an id, what most calls have. Raises NotFound, Unavailable.

        The best of: prepared, being prepared, the folder, refused. Of those alike the newest.
        """
        versions = self.versions(name)
        if not versions.current:
            if name not in (names := self.names()):
                raise NotFound(f"there is no agent {name!r} in {self.folder}; known are {', '.join(names) or 'none'}")
            return Edition(self.folder, name)
        had = [self._good[name]] if name in self._good else []
        wanted = [versions.of_call(call_id), versions.current, *had, versions.previous or versions.current, ""]
        found = [each for each in (self._edition(name, version) for version in wanted) if each]
        if not found:
            raise Unavailable(f"agent {name!r} is published, and its files are not here yet; ask again in a moment")
        best = min(found, key=self._rank)
        if not best.version and self._rank(best):
            self._missing.warning("no published version is to be had here, calls have the folder", agent=name)
        return best

    def _edition(self, name: str, version: str) -> Edition | None:
        if version:
            return self.here(name, version)
        return Edition(self.folder, name) if (self.folder / name / "agent.yaml").is_file() else None

    def _rank(self, edition: Edition) -> int:
        key = edition.name, edition.version
        if key in self._ready or edition.version == self._good.get(edition.name):
            return 0
        if not edition.version:
            return 2
        return 3 if key in self._refused else 1

    def is_current(self, edition: Edition) -> bool:
        """Whether most new calls are to have it, by what is published, and not by what was known of that once."""
        return self._known and edition.version == self.versions(edition.name).current

    def here(self, name: str, version: str) -> Edition | None:
        """This version, if it is on this machine and whole."""
        root = self._here.get((name, version))
        return Edition(root, name, version) if root is not None and root.exists() else None

    async def of(self, name: str, version: str, call_id: str = "") -> Edition:
        """For a call that began with this version; what a new one has where it can not be had (any more).

        Raises as `chosen`.
        """
        if version and not is_published(version) and name in known_agents(self.folder):
            return Edition(self.folder, name)
        if not is_published(version):
            return self.chosen(name, call_id)
        if (found := self.here(name, version)) is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FETCH_S):
                    found = await self._found(name, version)
        if found is None:
            log.warning("a call's own version is not to be had, it has the newest", agent=name, version=version)
        return found or self.chosen(name, call_id)

    def label(self, name: str, version: str) -> str:
        """What a version is called in figures, where there must not be more and more names."""
        if not is_published(version):
            return FOLDER
        return version if version in self.versions(name).live else OTHER

    # Looking after it

    async def _begin(self) -> None:
        self._take(self._table)
        try:
            async with asyncio.timeout(FIRST_S):
                while any(key not in self._here for key in self._getting):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            log.warning("what is published is not (all) here yet")
        if self._getting:
            await asyncio.wait({*self._getting.values()}, timeout=PREPARED_S)
        self._begun = True

    async def _look(self) -> bool:
        """Whether NATS is there; then whatever was published before this began is known afterwards."""
        assert (bus := self._bus) is not None
        async with self._one:
            try:
                newest = await publishing.newest(bus)
                if newest not in (None, self._seen) or not self._known:
                    table = await self._read(bus) if newest is not None else self._table
                    self._known = True
                    self._take(table)
                    self._shelf.write(self._table)
                    self._seen = newest
                self._trouble.over()
                return True
            except ParleyError as e:
                self._trouble.warning("what is published cannot be looked at, it stays as it is", error=str(e))
                return False

    async def _found(self, name: str, version: str) -> Edition | None:
        """A version that is not here yet: another process may have heard of it first."""
        if self._shelf.find(name, version) is None and self.versions(name).find(version) is None:
            if self._bus is not None:
                await self._look()
            if self.versions(name).find(version) is None:
                return None
        await asyncio.shield(self._get(name, version))
        return self.here(name, version)

    async def _read(self, bus: Bus) -> Table:
        """All of it. What cannot be read stays as it was."""
        table = Table()
        for key in await publishing.keys(bus):
            try:
                if key == publishing.NUMBERS:
                    table.numbers = (await publishing.read(bus, key, Numbers))[0]
                elif key.startswith(publishing.AGENT):
                    name = key.removeprefix(publishing.AGENT)
                    table.agents[name] = (await publishing.read(bus, key, Versions))[0]
            except Corrupt as e:
                log.error("what is published cannot be read, it stays as it is", key=key, error=str(e))
                name = key.removeprefix(publishing.AGENT)
                table.agents |= {name: known} if (known := self._table.agents.get(name)) else {}
                table.numbers = self._table.numbers if key == publishing.NUMBERS else table.numbers
        return table

    def _take(self, table: Table) -> None:
        before, self._table = self._table, table
        for name, versions in table.agents.items():
            if self._begun and versions.current and not before.agents.get(name, Versions()).current:
                self._good[name] = ""  # until now calls had the folder
            self._follow(name)

    def _follow(self, name: str) -> None:
        """Get what new calls are to have of this agent."""
        versions = self.versions(name)
        if not versions.current and self._edition(name, "") is None:
            self._good.pop(name, None)
        elif versions.current != self._good.get(name, ""):
            self._get(name, versions.current)
        if versions.canary and (name, versions.canary) not in self._ready:
            self._get(name, versions.canary)

    def _get(self, name: str, version: str) -> asyncio.Task[None]:
        key = name, version
        if key not in self._getting:
            self._getting[key] = self._tasks.spawn(self._insist(name, version))
        return self._getting[key]

    async def _insist(self, name: str, version: str) -> None:
        """Until it is here, and prepared if new calls are to have it, or nobody can have it any more."""
        try:
            for pause in itertools.chain(PAUSES_S, itertools.repeat(PAUSES_S[-1])):
                while await self._got(name, version):
                    if not self._due(name, version):  # it may have become current meanwhile
                        return
                await asyncio.sleep(pause)
                if version != self.versions(name).current and self.versions(name).find(version) is None:
                    self._refused.discard((name, version))
                    return
        finally:
            self._getting.pop((name, version), None)
            self._arrived.set()

    def _due(self, name: str, version: str) -> bool:
        """Whether it is to be prepared for new calls. What becomes current is prepared anew, also when it was before: a
        service may have put away what it needs."""
        versions = self.versions(name)
        if self.is_current(Edition(self.folder, name, version)):
            return version != self._good.get(name, "")
        wanted = [versions.current, versions.canary]
        if (name, versions.current) not in self._ready:
            wanted.append(versions.previous)
        return version in filter(None, wanted) and (name, version) not in self._ready

    async def _got(self, name: str, version: str) -> bool:
        key, current = (name, version), False
        try:
            edition = Edition(await self._fetched(name, version), name, version)
            self._here[key] = edition.root
            self._arrived.set()
            if self._due(name, version):
                current = self.is_current(edition)
                await self.prepare(edition)
                self._ready.add(key)
                self._refused.discard(key)
        except ParleyError as e:
            if not e.retryable or isinstance(e, Corrupt):
                self._refused.add(key)
                self._ready.discard(key)
            EDITS.labels(name, "version", "refused").inc()
            log.error("a version is not taken, what calls have stays", agent=name, version=version, error=str(e))
            before = self.versions(name).previous
            if version == self.versions(name).current and before and (name, before) not in self._ready:
                self._get(name, before)
            return False
        except Exception as e:  # whatever it was, calls must not have the version before for ever
            log.error("a version could not be taken, it is tried again", agent=name, version=version, exc_info=e)
            return False
        if current:
            self._good[name] = version
            self._follow(name)  # another may be current by now: its data come after those of this one
        EDITS.labels(name, "version", "taken").inc()
        log.info("a version is here", agent=name, version=version or FOLDER)
        await asyncio.to_thread(self._forget, name)
        return True

    async def _fetched(self, name: str, version: str) -> Path:
        """Its folder, from this machine or from the store. Raises Corrupt, Unavailable, Misconfigured, NotFound."""
        if not version:
            return self.folder
        if (root := await asyncio.to_thread(self._shelf.verified, name, version)) is not None:
            return root
        if (known := self.versions(name).find(version)) is None:
            raise NotFound(f"version {version} is not among those that are kept")
        if self._bus is None:
            raise Unavailable("NATS is away")
        data = await publishing.get_bundle(self._bus, name, known.digest)
        return await asyncio.to_thread(self._shelf.unpack, name, known, data)

    def _forget(self, name: str) -> None:
        """What new calls may have stays; of the others those that were used last."""
        self._shelf.prune(name, {*self.versions(name).live, self._good.get(name, "")})
        for (agent, version), root in list(self._here.items()):
            if agent == name and not root.exists():
                self._here.pop((agent, version), None)
                self._ready.discard((agent, version))
                self._refused.discard((agent, version))
                forget(root, name)
                forget_wrapper(root, name)
