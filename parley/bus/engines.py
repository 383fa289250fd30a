"""The engines of a stage in one process, as they are configured: changed live, for calls that begin then.

    engines = StageEngines("tts", bus, make=lambda chosen, settings: Synthesis(chosen, settings.tts_stall_s), ...)
    await engines.begin(live)
    with engines.of(call_id) as synthesis: ...

An engine whose own settings stay goes on as it is, also where it has another place in the order; one that is made anew
gets ready beside the calls. One that no call uses any more is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from prometheus_client import Counter, Histogram

from parley.aio import TaskSet
from parley.bus.connection import Bus
from parley.bus.live import Live
from parley.bus.outages import Sharing
from parley.bus.presence import EngineState
from parley.configuration.table import ENGINES, live_settings, of_stage
from parley.engines import Engine, engines_of, load
from parley.engines.breaker import Breakers
from parley.engines.figures import Figures, Recent
from parley.errors import Misconfigured
from parley.reloading.generations import Generations
from parley.settings import Settings, Stage

log = structlog.get_logger()

READY_S = 1.0
"""That a change waits for an engine that gets ready; then calls have it, and the first may wait for it."""

Made = TypeVar("Made")
Key = tuple[Any, ...]


@dataclass
class _Held:
    engine: Engine[Any]
    key: Key
    holders: int = 0


@dataclass(frozen=True)
class _Chosen(Generic[Made]):
    made: Made
    held: tuple[_Held, ...]


class StageEngines(Generic[Made]):
    """`make`: of the engines in order, what a call uses. `also`: live settings beside the engines' own that it depends
    on. `ready`: whether a process serves only when its preferred engine is ready. `latency`, `errors`: its metrics."""

    def __init__(
        self,
        stage: Stage,
        bus: Bus,
        make: Callable[[Sequence[Engine[Any]], Settings], Made],
        latency: Histogram,
        errors: Counter,
        *,
        also: Iterable[str] = (),
        ready: bool = False,
    ) -> None:
        self.stage: Stage = stage
        self.breakers = Breakers(stage)
        self.variables = of_stage(stage) | frozenset(also)
        self._also = frozenset(also)
        self._make = make
        self._ready = ready
        self._recent = Recent(latency, errors)
        self._held: list[_Held] = []
        self._made: Generations[_Chosen[Made]] | None = None
        self._sharing = Sharing(bus, self.breakers)
        self._tasks = TaskSet(lambda e: log.warning("engine not ready", error=type(e).__name__, pii_detail=str(e)))

    async def begin(self, live: Live) -> None:
        """Raises Misconfigured: the environment names an engine that cannot be had."""
        await live.part(self.variables, self.take)

    async def take(self, settings: Settings) -> None:
        """New calls have what these settings say. Raises Misconfigured, and has what it had."""
        first, held = self._made is None, list[_Held]()
        try:
            for name in settings.engines(self.stage):
                held.append(await self._hold(name, settings))
            chosen = _Chosen(self._make([each.engine for each in held], settings), tuple(held))
            await self._get_ready([each for each in held if each.holders == 1], first)
        except BaseException:
            await self._let_go(held)
            raise
        self.breakers.know(each.engine.name for each in held)
        await self._sharing.take(settings, [each.engine.name for each in held])
        if self._made is None:
            self._made = Generations(chosen, close=self._close)
        else:
            self._made.take(chosen)

    @property
    def newest(self) -> Made:
        return self._now().newest.made

    def of(self, call_id: str) -> AbstractContextManager[Made]:
        """What a call uses; the engines stay while the body runs."""
        return _Use(self._now().of(call_id))

    def provider(self, name: str) -> Any:
        """Of this engine, as new calls have it; None: they do not."""
        return next((each.engine.provider for each in self._now().newest.held if each.engine.name == name), None)

    def state(self) -> dict[str, Any]:
        """Fields of ProcessState."""
        figures, now = self._recent.look(), self._now()
        names = [each.engine.name for each in now.newest.held]
        return {"stage": self.stage, "engines": tuple(self._told(name, figures.get(name, Figures())) for name in names)}

    async def aclose(self) -> None:
        await self._tasks.close()
        await self._sharing.aclose()
        if self._made is not None:
            await self._made.aclose()

    def _told(self, name: str, figures: Figures) -> EngineState:
        return EngineState(
            name=name,
            open_s=self.breakers.of(name).open_for_s,
            count=figures.count,
            errors=figures.errors,
            p50_ms=figures.quantile(0.5),
            p95_ms=figures.quantile(0.95),
            histogram=dict(figures.histogram) if figures.count else {},
        )

    def _now(self) -> Generations[_Chosen[Made]]:
        assert self._made is not None, "begin first"
        return self._made

    async def _hold(self, name: str, settings: Settings) -> _Held:
        key = self._key(name, settings)
        held = next((each for each in self._held if each.key == key), None)
        if held is None:
            provider = await asyncio.to_thread(load, self.stage, name)  # a vendor's SDK takes up to a second to import
            held = _Held(Engine(name, provider(settings)), key)
            self._held.append(held)
        held.holders += 1
        return held

    def _key(self, name: str, settings: Settings) -> Key:
        """What an engine is made of: it is another one when this changes."""
        row = engines_of(self.stage).get(name)
        if row is None:
            known = ", ".join(sorted(engines_of(self.stage)))
            raise Misconfigured(f"PARLEY_{self.stage.upper()}: there is no engine {name!r}; known are {known}")
        own = [live_settings()[v] for v in sorted(self.variables - ENGINES.keys() - {"PARLEY_PROFILE"})]
        of_it = [each for each in own if f"{each.rows.__module__}:{each.rows.__qualname__}" == row.settings]
        of_it += [each for each in own if row.vendor and each.variable in self._also]
        return name, *((each.variable, each.of(settings)) for each in of_it)

    async def _get_ready(self, fresh: Sequence[_Held], first: bool) -> None:
        """All at once; who is asked last keeps nobody waiting."""
        preferred, *others = [getattr(each.engine.provider, "warm", None) for each in fresh] or [None]
        waking = [self._tasks.spawn(warm()) for warm in others if warm is not None]
        if preferred is not None and first and self._ready:
            await preferred()
        elif preferred is not None:
            waking.append(self._tasks.spawn(preferred()))
        if waking and not first:
            await asyncio.wait(waking, timeout=READY_S)

    async def _close(self, chosen: _Chosen[Made]) -> None:
        await self._let_go(chosen.held)

    async def _let_go(self, held: Iterable[_Held]) -> None:
        for each in held:
            each.holders -= 1
            if not each.holders:
                self._held.remove(each)
                await each.engine.provider.aclose()


class _Use(AbstractContextManager[Made]):
    """What was made, out of what was chosen."""

    def __init__(self, chosen: AbstractContextManager[_Chosen[Made]]) -> None:
        self._chosen = chosen

    def __enter__(self) -> Made:
        return self._chosen.__enter__().made

    def __exit__(self, *error: Any) -> None:
        self._chosen.__exit__(*error)
