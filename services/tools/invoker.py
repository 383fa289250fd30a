"""Calls a tool's function: its context, its time limit, and what its exceptions mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType
from typing import Any

import structlog
from prometheus_client import Histogram

from parley.telemetry import span
from parley.tooling import CallContext, Records, ToolError
from services.tools.contract import UNKNOWN, Outcome, Unsure, failed
from services.tools.discovery import Toolboxes
from services.tools.results import fit, outcome_of
from services.tools.run import MAX_PROGRESS_CHARS, Run
from services.tools.schema import LoadedTool
from services.tools.threads import Threads

log = structlog.get_logger()

HARD_LIMIT_S = 300.0
"""A tool with effects that still runs after this is given up, as UNKNOWN."""
FAILED = "The tool failed for a reason that is not the caller's fault. Apologise, and offer another way."
TOO_SLOW = "It took too long and was given up. Nothing was changed. It may be tried once more."
TOOL_TIME = Histogram(
    "voice_tool_time_ms", "Call of a tool to its end", ["tool"], buckets=(1, 5, 20, 50, 100, 300, 1000, 3000, 10000)
)


class Invoker:
    """Sync functions run in threads, async ones on the loop."""

    def __init__(self, toolboxes: Toolboxes, records: Callable[[str], Records]) -> None:
        self._toolboxes = toolboxes
        self._records = records
        self._threads = Threads()

    async def invoke(self, run: Run, tool: LoadedTool, arguments: dict[str, Any]) -> Outcome:
        """The outcome, after `limit_s` at the latest; for a tool with effects after HARD_LIMIT_S."""
        if tool.context_name:
            arguments = {**arguments, tool.context_name: self._context(run)}
        with span("tool", run.intent.traceparent, tool=tool.name, call_id=run.intent.call_id):
            work = asyncio.ensure_future(self._call(tool, arguments))
            try:
                await asyncio.wait({work}, timeout=HARD_LIMIT_S if run.effects else tool.marks.limit_s)
                if work.done():
                    return _outcome(work, run, tool)
            finally:
                work.cancel()
        log.warning("tool given up", tool=tool.name, call_id=run.intent.call_id)
        return UNKNOWN if run.effects else failed(TOO_SLOW)

    async def _call(self, tool: LoadedTool, arguments: dict[str, Any]) -> Any:
        with TOOL_TIME.labels(tool.name).time():
            try:
                if tool.is_async:
                    return await tool.function(**arguments)
                return await self._threads.run(lambda: tool.function(**arguments))
            except (SystemExit, KeyboardInterrupt, GeneratorExit) as e:  # from the tool: must not end the service
                raise RuntimeError(f"the tool raised {type(e).__name__}") from e

    def _context(self, run: Run) -> CallContext:
        intent = run.intent
        loop = asyncio.get_running_loop()
        return CallContext(
            call_id=intent.call_id,
            caller=intent.caller,
            agent=intent.agent,
            idempotency_key=f"{intent.call_id}/{intent.number}",
            transfer_to=self._toolboxes.of(intent.agent, intent.version).agent.transfer_to,
            now=datetime.now().astimezone(),
            records=self._records(intent.agent),
            progress=lambda text: _progress(loop, run, text),
            parameters=MappingProxyType(dict(intent.known.parameters)),
            direction=intent.known.direction,
            purpose=intent.known.purpose,
        )


def _outcome(work: asyncio.Future[Any], run: Run, tool: LoadedTool) -> Outcome:
    error = asyncio.CancelledError() if work.cancelled() else work.exception()
    if error is None:
        return outcome_of(work.result(), tool.name, run.effects)
    if isinstance(error, ToolError):
        return failed(fit(str(error), 1000))
    if isinstance(error, Unsure):
        return UNKNOWN if run.effects and not tool.marks.idempotent else failed(fit(str(error), 1000))
    log.error("tool failed", tool=tool.name, agent=run.intent.agent, call_id=run.intent.call_id, exc_info=error)
    # Who knows how far it got? Only what may be done twice, or changes nothing, can be called failed.
    return UNKNOWN if run.effects and not tool.marks.idempotent else failed(FAILED)


def _progress(loop: asyncio.AbstractEventLoop, run: Run, text: str) -> None:
    try:
        loop.call_soon_threadsafe(run.progress, fit(str(text), MAX_PROGRESS_CHARS))
    except RuntimeError:
        log.warning("progress after the end", tool=run.intent.name)
