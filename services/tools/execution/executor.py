"""Does what a call intends, once: in parallel, within time limits, surviving whoever asked for it."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet
from parley.errors import AlreadyExists, AtCapacity, ParleyError, Superseded, Unavailable
from parley.telemetry import TOOL_CALLS_TOTAL
from parley.tooling import Records
from services.tools.contract import UNKNOWN, Epoch, Intent, Key, Outcome, Row, Shown, refused, status_of
from services.tools.discovery import Toolboxes
from services.tools.execution.invoker import HARD_LIMIT_S, Clock, Invoker, local_now
from services.tools.execution.ledger import Ledger
from services.tools.execution.presence import BEAT_S, Presence
from services.tools.execution.run import Run
from services.tools.foreign.words import one_line
from services.tools.schema import BadArguments, LoadedTool
from services.tools.vault.telling import without
from services.tools.vault.vault import NotKept, Vault

log = structlog.get_logger()

MAX_RUNS = 1000
MAX_ENDED = 1024
MAX_CALLS = 10_000
STORE_FOR_S = 30.0
POLL_S = 0.2
PURGE_S = 3600.0

OVERDUE = Counter("voice_tool_overdue_total", "Tools with effects told as unknown while they went on", ["tool"])
NOT_STORED = Counter("voice_tool_not_stored_total", "Ledger writes given up because the database stayed away")


@dataclass(frozen=True, slots=True)
class Settled:
    """A row as a new owner sees it; no outcome: an executor still works on it."""

    row: Row
    outcome: Outcome | None


class Executor:
    """All runs of this replica. `instance` is its name in the ledger."""

    def __init__(
        self,
        toolboxes: Toolboxes,
        ledger: Ledger,
        presence: Presence,
        instance: str,
        records: Callable[[str, str], Records],
        now: Clock = local_now,
        vault: Vault | None = None,
    ) -> None:
        self._toolboxes = toolboxes
        self._ledger = ledger
        self._presence = presence
        self._instance = instance
        self._invoker = Invoker(toolboxes, records, now)
        self._vault = vault
        self._live: dict[Key, Run] = {}
        self._ended: OrderedDict[Key, Run] = OrderedDict()
        self._fences: OrderedDict[str, Epoch] = OrderedDict()
        self._tasks = TaskSet(lambda e: log.error("executor task failed", exc_info=e))

    async def start(self) -> None:
        """Say that this replica lives, and go on saying it. Raises Unavailable."""
        await self._presence.beat()
        self._tasks.spawn(self._beats())

    async def close(self, wait_s: float) -> None:
        """Let tools with effects end, for at most `wait_s`; what is left is UNKNOWN to the next owner."""
        running = [run.task for run in self._live.values() if run.effects and run.task is not None]
        if running:
            await asyncio.wait(running, timeout=wait_s)
        await self._tasks.close()
        await self._presence.close()

    async def execute(self, intent: Intent) -> AsyncGenerator[str | Shown | Outcome, None]:
        """Progress texts and cards' values, then one outcome. Leaving early never stops a tool with effects.

        Raises NotFound (no such agent), AlreadyExists, Superseded, AtCapacity, Unavailable, Misconfigured.
        """
        await self._toolboxes.have(intent.agent, intent.version)
        tools = self._toolboxes.of(intent.agent, intent.version).tools
        tool = tools.get(intent.name)
        self._raise_fence(intent.call_id, intent.epoch)
        run = self._known(intent)
        if run is None and tool is None:
            yield await self._gone(intent, tools)
            return
        if run is None:
            assert tool is not None
            try:
                arguments = _admitted(tool, intent)
            except BadArguments as e:
                yield await self._refused(tool, intent, str(e))
                return
            if tool.marks.consequential and not intent.agreed:
                yield await self._asked(tool, intent, arguments)
                return
            run = self._known(intent) or self._begin(tool, intent, arguments)
        limit_s = tool.marks.limit_s if run.effects and tool is not None else HARD_LIMIT_S
        async with aclosing(run.follow(limit_s)) as events:
            async for event in events:
                if event is UNKNOWN and not run.ended:
                    OVERDUE.labels(intent.name).inc()
                yield event

    async def _asked(self, tool: LoadedTool, intent: Intent, arguments: dict[str, Any]) -> Outcome:
        """Not done: the caller has not said yes to just this. What was done under the intent before counts."""
        if (row := await self._ledger.find(intent.key)) is not None:
            if row.hash != intent.hash:
                raise _reused(intent)
            return row.outcome or UNKNOWN
        try:
            if tool.vaulted and self._vault is not None:
                await self._vault.check(intent.call_id, tool.vaulted, arguments)
        except NotKept as e:
            TOOL_CALLS_TOTAL.labels(tool.name, "refused").inc()
            return refused(str(e))
        TOOL_CALLS_TOTAL.labels(tool.name, "ask").inc()
        return await self._invoker.ask(tool, intent, arguments)

    async def settle(self, call_id: str, epoch: Epoch) -> list[Settled]:
        """Fence lower epochs and tell what was begun. Raises Superseded, Unavailable."""
        self._raise_fence(call_id, epoch)
        rows = await self._ledger.settle(call_id, epoch)
        open_rows = [row for row in rows if row.outcome is None]
        alive = await self._presence.alive() if any(row.executor != self._instance for row in open_rows) else set()
        return [Settled(row, self._outcome_of((call_id, row.intent), row, alive)) for row in rows]

    def running(self, call_ids: Collection[str]) -> set[str]:
        """Those of these calls for which something is being done here."""
        return {call_id for call_id, _ in self._live} & set(call_ids)

    def forget(self, call_ids: Collection[str]) -> None:
        """What has ended for these calls is not at hand any more; the ledger has it."""
        gone = set(call_ids)
        for key in [key for key in self._ended if key[0] in gone]:
            del self._ended[key]

    def _outcome_of(self, key: Key, row: Row, alive: set[str]) -> Outcome | None:
        if row.outcome is not None:
            return row.outcome
        here = self._live.get(key) or self._ended.get(key)
        if here is not None and here.claim == row.claim:
            return here.outcome
        return None if row.executor in alive - {self._instance} else UNKNOWN

    def _raise_fence(self, call_id: str, epoch: Epoch) -> None:
        known = self._fences.get(call_id, epoch)
        if epoch < known:
            raise Superseded(f"a newer owner than epoch {epoch[0]}.{epoch[1]} has this call")
        self._fences[call_id] = epoch
        self._fences.move_to_end(call_id)
        if len(self._fences) > MAX_CALLS:
            self._fences.popitem(last=False)

    def _known(self, intent: Intent) -> Run | None:
        run = self._live.get(intent.key) or self._ended.get(intent.key)
        if run is None or run.abandoned:
            return None
        if run.hash != intent.hash:
            raise _reused(intent)
        return run

    async def _refused(self, tool: LoadedTool, intent: Intent, words: str) -> Outcome:
        """Not tried. Unless it was, by an older version of the tool: then what came of it."""
        row = await self._ledger.find(intent.key) if tool.marks.effects else None
        if row is not None:
            if row.hash != intent.hash:
                raise _reused(intent)
            return row.outcome or UNKNOWN
        TOOL_CALLS_TOTAL.labels(tool.name, "refused").inc()
        told_of_refusal(intent, words)
        return refused(words)

    async def _gone(self, intent: Intent, tools: Iterable[str]) -> Outcome:
        """The agent has no such tool, perhaps no more. What the tool did when it had it counts."""
        if (row := await self._ledger.find(intent.key)) is not None:
            if row.hash != intent.hash:
                raise _reused(intent)
            return row.outcome or UNKNOWN
        TOOL_CALLS_TOTAL.labels("none", "refused").inc()
        log.warning("a tool that the agent does not have", agent=intent.agent, call_id=intent.call_id)
        known = ", ".join(sorted(tools)) or "none"
        return refused(f"There is no tool {intent.name!r} here (now); there are: {known}.")

    def _begin(self, tool: LoadedTool, intent: Intent, arguments: dict[str, Any]) -> Run:
        if len(self._live) >= MAX_RUNS:
            raise AtCapacity(f"{len(self._live)} tools are running here")
        run = Run(intent, tool.marks.effects, secrets.token_hex(8))
        self._live[intent.key] = run
        run.task = self._tasks.spawn(self._drive(run, tool, arguments))
        return run

    async def _drive(self, run: Run, tool: LoadedTool, arguments: dict[str, Any]) -> None:
        """The run's own task: claim, do, answer, store."""
        intent = run.intent
        try:
            earlier = await self._claim(run, tool) if run.effects else None
            outcome = earlier or await self._invoked(run, tool, arguments)
            run.end(outcome)
            if earlier is None:
                TOOL_CALLS_TOTAL.labels(tool.name, status_of(outcome)).inc()
                if run.effects:
                    await self._insist(run, lambda: self._ledger.finish(intent.key, run.claim, outcome, tool.secret))
            if earlier is not UNKNOWN:
                self._remember(run)
        except ParleyError as e:
            run.end(error=e)
        except Exception as e:
            run.end(error=e)
            raise
        finally:
            run.end(error=Unavailable("the tools service is stopping"))
            if self._live.get(intent.key) is run:
                del self._live[intent.key]

    async def _invoked(self, run: Run, tool: LoadedTool, arguments: dict[str, Any]) -> Outcome:
        """With digits where tokens stood, which nothing that it gives back may hold."""
        if not tool.vaulted:
            return await self._invoker.invoke(run, tool, arguments)
        try:
            if self._vault is None:
                raise NotKept("There is no vault here. Say that payments are not possible now.")
            filled = await self._vault.filled(run.intent.call_id, tool.vaulted, arguments)
        except NotKept as e:  # a code is gone with the process that had it, which may have charged
            return UNKNOWN if run.again else refused(str(e))
        outcome = await self._invoker.invoke(run, tool, filled)
        return without(outcome, {filled[name]: str(arguments[name]) for name in tool.vaulted if arguments.get(name)})

    async def _claim(self, run: Run, tool: LoadedTool) -> Outcome | None:
        """None: the intent is ours to do. Else what came of it: stored, waited for, or UNKNOWN."""
        intent = run.intent
        until = asyncio.get_running_loop().time() + HARD_LIMIT_S
        while True:
            row = await self._write_claim(run)
            if row is None:
                return None
            if row.hash != intent.hash:
                raise _reused(intent)
            if row.outcome is not None:
                return row.outcome
            if row.executor == self._instance or row.executor not in await self._presence.alive():
                if not tool.marks.idempotent or row.intent != intent.number:
                    return UNKNOWN
                if await self._ledger.take_over(intent.key, row.claim, run.claim):
                    run.again = True
                    return None
            if asyncio.get_running_loop().time() > until:
                return UNKNOWN
            await asyncio.sleep(POLL_S)

    async def _write_claim(self, run: Run) -> Row | None:
        """Twice when the connection was lost, perhaps after the commit; then nothing of ours may stay behind."""
        try:
            return await self._ledger.claim(run.intent, run.claim)
        except Unavailable:
            pass
        try:
            return await self._ledger.claim(run.intent, run.claim)
        except Unavailable:
            self._tasks.spawn(self._insist(run, lambda: self._ledger.release(run.intent.key, run.claim)))
            raise

    async def _insist(self, run: Run, write: Callable[[], Awaitable[None]]) -> None:
        """Write; while the database is away, try again for STORE_FOR_S."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + STORE_FOR_S, 0.1
        while True:
            try:
                await write()
                return
            except Unavailable as e:
                if loop.time() > until:
                    NOT_STORED.inc()
                    log.error("ledger not written", call_id=run.intent.call_id, intent=run.intent.number, error=str(e))
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _remember(self, run: Run) -> None:
        self._ended[run.intent.key] = run
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)

    async def _beats(self) -> None:
        loop = asyncio.get_running_loop()
        purge_at = loop.time()
        while True:
            try:
                await self._presence.beat()
                if loop.time() >= purge_at:
                    await self._ledger.purge()
                    purge_at = loop.time() + PURGE_S
            except Unavailable as e:
                log.warning("ledger not reachable", error=str(e))
            await asyncio.sleep(BEAT_S)


def _admitted(tool: LoadedTool, intent: Intent) -> dict[str, Any]:
    if intent.level < tool.marks.level:
        raise BadArguments("The caller has not proven who they are. Check their identity first, then try again.")
    return tool.check(intent.arguments)


def told_of_refusal(intent: Intent, reason: str) -> None:
    """A line for whoever wrote the agent. `reason`: in our words, which name arguments and hold no value of one."""
    log.warning(
        "a tool call is refused",
        agent=intent.agent,
        tool=one_line(intent.name, 64),
        call_id=intent.call_id,
        intent=intent.number,
        reason=one_line(reason, 500),
    )


def _reused(intent: Intent) -> AlreadyExists:
    return AlreadyExists(f"intent {intent.number} of this call was used for another tool or other arguments")
