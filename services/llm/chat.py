"""The engines of the service in order of preference: the next one answers when one fails before its first word."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from typing import Protocol

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet
from parley.engines import Engine, loaded
from parley.engines.breaker import Attempt, Breakers
from parley.errors import ParleyError, TooLate
from parley.settings import Settings
from parley.telemetry import LLM_TTFT
from services.llm.addressed import Habits, addressed
from services.llm.contract import ChatRequest, Finish, LanguageModelProvider, LlmEvent

log = structlog.get_logger()

FAILURES = Counter("voice_llm_failures_total", "Rounds an engine failed", ["engine", "error", "stage"])
REQUESTS = Counter("voice_llm_requests_total", "Requests sent to an engine", ["engine"])


class Chain:
    """`chat` like a provider, over several: of what each writes only what is addressed to the caller (`addressed`).

    Once a word is out nothing is tried again: an answer has one author. Nor is an engine asked twice: when to try again
    is for those to say who know how long the caller waits. Raises what the last engine raised.
    """

    def __init__(
        self,
        engines: Mapping[str, LanguageModelProvider],
        breakers: Breakers | None = None,
        first_word_s: float = math.inf,
    ) -> None:
        self._engines = [Engine(name, provider) for name, provider in engines.items()]
        self.breakers = breakers or Breakers("llm").know(engines)
        self._habits = Habits()
        self._first_word_s = first_word_s
        self._tasks = TaskSet(lambda e: log.error("warm-up failed", error=type(e).__name__, pii_detail=str(e)))

    @classmethod
    def from_settings(cls, settings: Settings) -> Chain:
        """Engines named by the settings. Raises Misconfigured for an unknown name or a refused setting."""
        engines = {engine.name: engine.provider for engine in loaded("llm", settings.engines("llm"), settings)}
        return cls(engines, first_word_s=settings.llm_first_token_s)

    @classmethod
    def of_engines(
        cls, engines: Sequence[Engine[LanguageModelProvider]], breakers: Breakers, first_word_s: float
    ) -> Chain:
        """Of engines that are made, and closed by who made them."""
        return cls({engine.name: engine.provider for engine in engines}, breakers, first_word_s)

    async def chat(self, request: ChatRequest) -> AsyncGenerator[LlmEvent, None]:
        failed: ParleyError | None = None
        counted = 0
        for engine in self.breakers.choices(self._engines):
            if failed is not None and not request.requests.left:
                break
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
            finally:
                REQUESTS.labels(engine.name).inc(request.requests.sent - counted)
                counted = request.requests.sent
        raise failed or TooLate("no engine answered")

    async def _timed(
        self, engine: Engine[LanguageModelProvider], request: ChatRequest, begin: float, attempt: Attempt
    ) -> AsyncGenerator[LlmEvent, None]:
        words = engine.provider.chat(request)
        events = addressed(words, request, self._habits, engine.name, self._first_word_s)
        async with aclosing(events):
            first = True
            async for event in events:
                if first:
                    LLM_TTFT.labels(engine.name).observe((time.monotonic() - begin) * 1000)
                    first = False
                if isinstance(event, Finish):  # whoever has it may close us before the end
                    attempt.succeeded()
                yield event

    def of(self, name: str) -> LanguageModelProvider | None:
        """The engine of this name, if it is one of the chain."""
        return next((engine.provider for engine in self._engines if engine.name == name), None)

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

    async def learn(self, agent: str, version: str) -> None:
        """Let engines that learn an agent's files do so, for a published version. Raises Misconfigured."""
        for engine in self._engines:
            if learn := getattr(engine.provider, "learn", None):
                await learn(agent, version)

    async def aclose(self) -> None:
        await self._tasks.close()
        for engine in self._engines:
            await engine.provider.aclose()


class Chosen(Protocol):
    def of(self, call_id: str) -> AbstractContextManager[Chain]: ...


class Chains:
    """As Chain, with the engines that a call began with. `chosen`: by the call's id."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen

    async def chat(self, request: ChatRequest) -> AsyncGenerator[LlmEvent, None]:
        with self._chosen.of(request.call_id) as chain:
            async with aclosing(chain.chat(request)) as events:
                async for event in events:
                    yield event
