"""The engines of the service in order of preference: the next one answers when one fails before its first word."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet
from parley.breaker import Attempt, Breakers
from parley.errors import ParleyError, TooLate, VendorLost
from parley.providers import load
from parley.settings import Settings
from parley.telemetry import LLM_TTFT
from services.llm.contract import ChatRequest, Finish, LanguageModelProvider, LlmEvent

log = structlog.get_logger()

FAILURES = Counter("voice_llm_failures_total", "Rounds an engine failed", ["engine", "error", "stage"])
QUICK_S = 0.3


@dataclass(frozen=True, slots=True)
class Engine:
    name: str
    provider: LanguageModelProvider


class Chain:
    """`chat` like a provider, over several. Once a word is out nothing is tried again: an answer has one author.

    An engine whose connection fails at once (a kept one that the vendor has closed) is asked a second time.
    Raises what the last engine raised.
    """

    def __init__(self, engines: Mapping[str, LanguageModelProvider], breakers: Breakers | None = None) -> None:
        self._engines = [Engine(name, provider) for name, provider in engines.items()]
        self.breakers = breakers or Breakers("llm").know(engines)
        self._tasks = TaskSet(lambda e: log.error("warm-up failed", error=type(e).__name__, pii_detail=str(e)))

    @classmethod
    def from_settings(cls, settings: Settings, known: Mapping[str, str]) -> Chain:
        """Engines named by the settings. Raises Misconfigured for an unknown name or a refused setting."""
        names = settings.engines("llm")
        return cls({name: load(known, name, "PARLEY_LLM")(settings) for name in names})

    async def chat(self, request: ChatRequest) -> AsyncGenerator[LlmEvent, None]:
        failed: ParleyError | None = None
        for engine in self.breakers.choices(self._engines):
            for again in (False, True):
                begin, said = time.monotonic(), False
                try:
                    with self.breakers.of(engine.name).begin() as attempt:
                        async with aclosing(self._timed(engine, request, begin, attempt)) as events:
                            async for event in events:
                                said = True
                                yield event
                    return
                except ParleyError as e:
                    name, what = engine.name, type(e).__name__
                    FAILURES.labels(name, what, "after" if said else "before").inc()
                    log.warning("engine failed", engine=name, error=what, pii_detail=str(e), call_id=request.call_id)
                    if said:
                        raise
                    failed = e
                if again or not isinstance(failed, VendorLost) or time.monotonic() - begin > QUICK_S:
                    break
        raise failed or TooLate("no engine answered")

    async def _timed(
        self, engine: Engine, request: ChatRequest, begin: float, attempt: Attempt
    ) -> AsyncGenerator[LlmEvent, None]:
        events: Any = engine.provider.chat(request)
        async with aclosing(events):
            first = True
            async for event in events:
                if first:
                    LLM_TTFT.labels(engine.name).observe((time.monotonic() - begin) * 1000)
                    first = False
                if isinstance(event, Finish):  # whoever has it may close us before the end
                    attempt.succeeded()
                yield event

    def prepare(self) -> None:
        """Let engines that can warm up do so, beside the serving: open a connection, load a model."""
        self._tasks.spawn(self._warm())

    async def _warm(self) -> None:
        for engine in self._engines:
            if warm := getattr(engine.provider, "warm", None):
                try:
                    await warm()
                except ParleyError as e:
                    log.warning("engine not warm", engine=engine.name, error=type(e).__name__, reason=str(e))

    async def aclose(self) -> None:
        await self._tasks.close()
        for engine in self._engines:
            await engine.provider.aclose()
