"""Calls a tool's function: its context, its time limit, and what its exceptions mean."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import structlog
from prometheus_client import Histogram

from parley.telemetry import span
from parley.tooling import CallContext, Records, Result, ToolError
from services.tools import asking
from services.tools.contract import UNKNOWN, Away, Intent, Outcome, Unsure, down, failed
from services.tools.discovery import Toolboxes
from services.tools.execution.run import MAX_PROGRESS_CHARS, Run
from services.tools.execution.threads import Threads
from services.tools.results import fit, outcome_of
from services.tools.schema import LoadedTool
from services.tools.shows import Shows, shows_of

log = structlog.get_logger()

HARD_LIMIT_S = 300.0
"""A tool with effects that still runs after this is given up, as UNKNOWN."""
FAILED = "The tool failed for a reason that is not the caller's fault. Apologise, and offer another way."
TOO_SLOW = "It took too long and was given up. Nothing was changed. It may be tried once more."
TOOL_TIME = Histogram(
    "voice_tool_time_ms", "Call of a tool to its end", ["tool"], buckets=(1, 5, 20, 50, 100, 300, 1000, 3000, 10000)
)


Clock = Callable[[], datetime]
"""The time that tools are told, aware."""


def local_now() -> datetime:
    """Of this machine, in its time zone."""
    return datetime.now().astimezone()


class Invoker:
    """Sync functions run in threads, async ones on the loop."""

    def __init__(self, toolboxes: Toolboxes, records: Callable[[str, str], Records], now: Clock = local_now) -> None:
        self._toolboxes = toolboxes
        self._records = records
        self._now = now
        self._threads = Threads()

    async def ask(self, tool: LoadedTool, intent: Intent, arguments: dict[str, Any]) -> Outcome:
        """What the caller must say yes to before it is done."""
        language = self._toolboxes.of(intent.agent, intent.version).agent.language
        return await asking.ask(tool, intent, arguments, self._context(intent), language, self._threads)

    async def invoke(self, run: Run, tool: LoadedTool, arguments: dict[str, Any]) -> Outcome:
        """The outcome, after `limit_s` at the latest; for a tool with effects after HARD_LIMIT_S."""
        loop = asyncio.get_running_loop()
        shows = shows_of(self._toolboxes, run.intent)
        if tool.context_name:
            context = replace(
                self._context(run.intent),
                progress=lambda text: _progress(loop, run, text),
                show=lambda name, value: _show(loop, run, shows, name, value),
            )
            arguments = {**arguments, tool.context_name: context}
        with span("tool", run.intent.traceparent, tool=tool.name, call_id=run.intent.call_id):
            work = asyncio.ensure_future(self._call(tool, arguments))
            try:
                await asyncio.wait({work}, timeout=HARD_LIMIT_S if run.effects else tool.marks.limit_s)
                if work.done():
                    return _outcome(work, run, tool, shows)
            finally:
                work.cancel()
        log.warning("tool given up", tool=tool.name, call_id=run.intent.call_id)
        return UNKNOWN if run.effects else down(TOO_SLOW)

    async def _call(self, tool: LoadedTool, arguments: dict[str, Any]) -> Any:
        begun = time.monotonic()
        try:
            if tool.is_async:
                return await tool.function(**arguments)
            return await self._threads.run(lambda: tool.function(**arguments))
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as e:  # from the tool: must not end the service
            raise RuntimeError(f"the tool raised {type(e).__name__}") from e
        finally:
            TOOL_TIME.labels(tool.name).observe((time.monotonic() - begun) * 1000)

    def _context(self, intent: Intent) -> CallContext:
        key = f"{intent.call_id}/{intent.number}"
        return CallContext(
            call_id=intent.call_id,
            caller=intent.caller,
            agent=intent.agent,
            idempotency_key=key,
            transfer_to=self._toolboxes.of(intent.agent, intent.version).agent.transfer_to,
            now=self._now(),
            records=self._records(intent.agent, key),
            parameters=MappingProxyType(dict(intent.known.parameters)),
            direction=intent.known.direction,
            purpose=intent.known.purpose,
            customer=intent.customer,
            level=intent.level,
        )


def _outcome(work: asyncio.Future[Any], run: Run, tool: LoadedTool, shows: Shows) -> Outcome:
    error = asyncio.CancelledError() if work.cancelled() else work.exception()
    if error is None:
        returned = work.result()
        outcome = outcome_of(returned, tool.name, run.effects)
        if isinstance(returned, Result) and outcome.status == Outcome.STATUS_OK:
            outcome.shows.extend(shows.all(returned.show))
        return outcome
    if isinstance(error, Away):
        return down(fit(str(error), 1000))
    if isinstance(error, ToolError):
        return failed(fit(str(error), 1000))
    if isinstance(error, Unsure):
        return UNKNOWN if run.effects and not tool.marks.idempotent else down(fit(str(error), 1000))
    log.error("tool failed", tool=tool.name, agent=run.intent.agent, call_id=run.intent.call_id, exc_info=error)
    # Who knows how far it got? Only what may be done twice, or changes nothing, can be called failed.
    return UNKNOWN if run.effects and not tool.marks.idempotent else down(FAILED)


def _progress(loop: asyncio.AbstractEventLoop, run: Run, text: str) -> None:
    try:
        loop.call_soon_threadsafe(run.progress, fit(str(text), MAX_PROGRESS_CHARS))
    except RuntimeError:
        log.warning("progress after the end", tool=run.intent.name)


def _show(loop: asyncio.AbstractEventLoop, run: Run, shows: Shows, name: object, value: object) -> None:
    """Checked and written down here and now: the tool may go on changing the value."""
    if (shown := shows.one(name, value)) is None:
        return
    try:
        loop.call_soon_threadsafe(run.show, shown)
    except RuntimeError:
        log.warning("a card shown after the end", tool=run.intent.name)
