"""Conversations as real calls: rendered voices and noise, a telephone, all services as processes of their own.

The house is made for this and gone afterwards; what runs on the machine already is not touched. Time is real here, but
tools are told the conversation's `at`, and begin each call with the seeds only.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from parley.agents.conversation import Conversation
from parley.bus import Bus, records_of
from parley.engines import engines_of
from parley.errors import BadInput, Unavailable
from parley.rpc.local import LocalServer
from parley.settings import Settings
from parley.v1 import events_pb2
from runner.stack import Stack
from services.llm.wiring import wire as wire_llm
from services.orchestrator.run.prices import cost, price_of
from testbed.eval.course import Course
from testbed.eval.home import began_at, check, settings_in
from testbed.eval.models import Model
from testbed.eval.recorded import recorded
from testbed.eval.spoken import ANSWER_S, SpokenCaller
from testbed.eval.tools_process import pretend
from testbed.telephone.phone import Call, CallOver, Clock, Phone
from testbed.telephone.voice import speak

HEARD = 0.8
"""Of the words that must be said so many must be there: a recogniser's mistake may change a number or a name."""
RECORDS_S, BACK_S = 10.0, 30.0
RINGS_S = 60.0  # where a caller is transferred to: he does not wait for that


class VoiceHouse:
    """Made by `voice_house`. Calls are held one after the other."""

    overlap = HEARD

    def __init__(
        self,
        name: str,
        settings: Settings,
        model: Model,
        stack: Stack,
        clock: Clock,
        noise_db: float | None,
        voice: str,
    ) -> None:
        self.name = name
        self.settings = settings
        self._stack = stack
        self._clock = clock
        self._noise_db = noise_db
        self._voice = voice
        self._fresh = True
        self.model = model

    async def hold(self, conversation: Conversation) -> Course:
        """One call. Raises BadInput (what a telephone cannot do), ParleyErrors of the house."""
        if conversation.caller is not None:
            raise BadInput("a caller with a persona is held in text; leave out --voice")
        turns = [turn for turn in conversation.turns if turn.acts]
        lines = [turn.caller for turn in turns if turn.caller.strip()]
        sounds = dict(zip(lines, await speak(lines, self._voice), strict=True)) if lines else {}
        pretend(self.settings.data_dir, began_at(conversation), conversation.time_zone)
        await self._fresh_tools()
        numbers = {"from_": conversation.caller_number, "to": conversation.called}
        known: dict[str, Any] = {name: number for name, number in numbers.items() if number}
        phone = Phone(self._stack.gateway_url, self._clock, agent=self.name, dial_s=RINGS_S, **known)
        caller = SpokenCaller(sounds, self._noise_db)
        broke = ""
        async with phone.dial() as call:
            try:
                await caller.talks(call, turns)
            except CallOver:
                pass
            except TimeoutError:
                broke = f"no answer within {ANSWER_S:.0f} s"
        return await self._course(call, caller, broke)

    async def _course(self, call: Call, caller: SpokenCaller, broke: str) -> Course:
        found = recorded(await self._records(call.sid), caller.acts, caller.at)
        found.course.dollars = cost(price_of(self.settings), found.call, call.ended_at - call.born)
        if found.course.outcome == "open" and call.ended_by == "bot":
            found.course.outcome = "ended"
        found.course.broke = broke
        return found.course

    async def _records(self, call_id: str) -> list[events_pb2.EventRecord]:
        """Once they are complete."""
        settings = Settings.read(**self._stack.plan.operator)
        until = time.monotonic() + RECORDS_S
        async with Bus(settings, "replay") as bus:
            await bus.ready(RECORDS_S)
            while True:
                records = [events_pb2.EventRecord.FromString(data) for data in await records_of(bus, call_id)]
                if records and records[-1].ended:
                    return records
                if time.monotonic() > until:
                    raise Unavailable(f"the records of call {call_id} were not complete within {RECORDS_S:.0f} s")
                await asyncio.sleep(0.2)

    async def _fresh_tools(self) -> None:
        """The tools service begins anew, with the seeds only."""
        if self._fresh:
            self._fresh = False
            return
        (pid,) = self._stack.pids("tools")
        os.kill(pid, signal.SIGKILL)
        await self._stack.restarted("tools", pid, BACK_S)
        (process,) = (each for each in self._stack.plan.processes if each.service == "tools")
        host, _, port = process.env["PARLEY_LISTEN"].rpartition(":")
        async with asyncio.timeout(BACK_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection(host, int(port))
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                return


@asynccontextmanager
async def voice_house(
    name: str, source: Path, *, noise_db: float | None = None, voice: str = "", **overrides: Any
) -> AsyncIterator[VoiceHouse]:
    """All services for the agent in the folder `source`, on free ports. `voice`: the caller's, as `speak` takes it.

    Raises Misconfigured, Unavailable.
    """
    check(source)
    with TemporaryDirectory(prefix="parley-eval-", ignore_cleanup_errors=True) as made:
        settings = settings_in(Path(made), name, source, **overrides)
        pretend(settings.data_dir, datetime.now(UTC), "")
        env = {
            "PARLEY_AGENTS_DIR": str(settings.agents_dir),
            "PARLEY_AGENT": name,
            **dict.fromkeys(("PARLEY_DATABASE_URL", "PARLEY_QDRANT_URL", "PARLEY_PUBLIC_URL"), ""),
            **dict.fromkeys(("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"), ""),
            "PARLEY_NATS_NODES": "1",
            "PARLEY_GATEWAY_PORT": "0",
            "PARLEY_GATEWAY_HOST": "127.0.0.1",
            **({"PARLEY_PROFILE": settings.profile} if settings.profile else {}),
        }
        modules = {"tools": "testbed.eval.tools_process"}
        stack = Stack(data_dir=settings.data_dir, env=env, modules=modules)
        async with stack, Clock() as clock, _model(name, settings) as model:
            yield VoiceHouse(name, settings, model, stack, clock, noise_db, voice)


@asynccontextmanager
async def _model(name: str, settings: Settings) -> AsyncIterator[Model]:
    """For those who judge."""
    llm = LocalServer("llm")
    close = await wire_llm(llm, settings) if engines_of("llm")[settings.engines("llm")[0]].vendor else None
    try:
        yield Model(llm, settings, name)
    finally:
        if close is not None:
            await close()
