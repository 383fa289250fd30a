"""The recogniser on this machine: needs no key and no download, knows the agent's own domain and little else.

Clear English about what the agent's files speak of. Speech outside of that comes as a Final without text (not
understood); noise comes as nothing. A Flush is answered by a Final, or by an Interim without text.
"""

from __future__ import annotations

import asyncio
import importlib.util
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import structlog

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.aio import background
from parley.errors import BadInput, Unavailable
from parley.published.shelf import Shelf
from parley.settings import Settings
from services.stt.contract import Flush, SpeechEvent, SttConfig
from services.stt.local import model
from services.stt.local.pool import Pool

MAX_WORKERS = 4
_RATES = (8000, 16000, 24000, 44100, 48000)
_log = structlog.get_logger()


class Local:
    """Starts its workers and the building of the default agent's language model (2-3 s, then kept).

    Raises ModuleNotFoundError without pocketsphinx; NotFound or Misconfigured for the default agent's files.
    """

    def __init__(self, settings: Settings) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise ModuleNotFoundError("pocketsphinx is not installed", name="pocketsphinx")
        self._settings = settings
        self._cache = settings.data_dir.absolute() / "stt"
        self._shelf = Shelf(settings.data_dir)
        self._models: dict[tuple[str, tuple[str, ...], str], Future[model.Model]] = {}  # name, keyterms, version
        self._model(*self._agent(settings.agent), ())
        self.pool = Pool(settings.workers or min(MAX_WORKERS, len(os.sched_getaffinity(0))))

    async def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]:
        """Raises BadInput (language, rate), NotFound (agent), AtCapacity, VendorLost (worker died), Unavailable."""
        _check(config)
        stream = await self.pool.open(config, await self._ready_model(config))
        try:
            async with background(stream.pump(audio)):
                async for event in stream.events():
                    yield event
        finally:
            stream.close()

    async def aclose(self) -> None:
        await self.pool.close()

    async def _ready_model(self, config: SttConfig) -> model.Model:
        """As new calls have the agent; while that is being built, what was built before."""
        name = config.agent or self._settings.agent
        agent, root = self._agent(name)
        extra = tuple(sorted(set(config.keyterms[: model.MAX_KEYTERMS]) - set(agent.keyterms)))
        future = self._model(agent, root, extra)
        older = [done for key, done in self._models.items() if key[:2] == (name, extra) and _is_built(done)]
        if older and not future.done():
            return older[-1].result()
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except BrokenProcessPool as e:
            self._models.pop((name, extra, agent.version), None)
            raise Unavailable(f"the language model of {name!r} could not be built: its process died") from e

    def _agent(self, name: str) -> tuple[Agent, Path]:
        root = self._shelf.current(name, self._settings.agents_dir)
        return load_agent(root, name), root

    def _model(self, agent: Agent, root: Path, keyterms: tuple[str, ...]) -> Future[model.Model]:
        """The model, built in a process of its own when no earlier run has left it."""
        key = (agent.name, keyterms, agent.version)
        if key in self._models:
            return self._models[key]
        folder = model.folder_of(self._cache, agent, keyterms)
        future: Future[model.Model]
        if (kept := model.load(folder)) is not None:
            future = Future()
            future.set_result(kept)
        else:
            builder = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            future = builder.submit(model.build, folder, agent, (root / agent.name).absolute(), keyterms)
            builder.shutdown(wait=False)
        future.add_done_callback(lambda done: _report(agent.name, done))
        if len(self._models) >= model.KEPT:
            self._models.pop(next(iter(self._models)))
        self._models[key] = future
        return future


def _is_built(future: Future[model.Model]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _check(config: SttConfig) -> None:
    if config.language.partition("-")[0].lower() not in ("", "en"):
        raise BadInput(f"language: the local recogniser knows English only, not {config.language!r}")
    if config.format.rate not in _RATES:
        raise BadInput(f"format.rate: {config.format.rate} Hz is not one of {', '.join(map(str, _RATES))}")


def _report(name: str, done: Future[model.Model]) -> None:
    if done.cancelled():
        return
    if (error := done.exception()) is not None:
        _log.error("language model could not be built", agent=name, error=str(error))
    elif guessed := done.result().guessed:
        _log.info("words not in the dictionary, their sound is guessed", agent=name, words=list(guessed))
