"""A script played in real time, by a carrier's protocol, at services that run."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.stack import Stack
from testbed import machine
from testbed.telephone.phone import Call, CallOver, Clock, Conditions, Phone
from testbed.turns import model, sound
from testbed.turns import script as s
from testbed.turns.caller import Caller
from testbed.turns.listener import Listener
from testbed.turns.record import Asked, Record
from testbed.turns.script import Script
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.script import Messages, Reply, Tools, polite
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.twilio_rest import Call as CarrierCall
from testbed.vendors.twilio_rest import TwilioRestSim
from testbed.vendors.vendors import ACCOUNT, Vendors
from testbed.vendors.wordcodec import render

TOKEN = "stand-in-key"
PUBLIC_URL = "https://desk.example"
LONGEST_S = 60.0
_AFTER_TOOL_S = 0.4


class Models:
    """The model of all scripts, and the carrier's REST API for their calls."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.calls: dict[str, Call] = {}

    def answer(self, messages: Messages, tools: Tools) -> Reply:
        script = model.script_of(self.scripts, messages)
        return polite(messages, tools) if script is None else model.reply(script, messages, tools)

    async def told_by_rest(self, told: CarrierCall) -> None:
        if (call := self.calls.get(told.sid)) is not None:
            call.update(status=told.status, document=told.twiml)

    def vendors(self) -> Vendors:
        return Vendors(
            openai=OpenAISim(script=self.answer, ttft_ms=model.MODEL_MS, tokens_per_s=200),
            elevenlabs=ElevenLabsSim(ttfb_ms=50, speed=8),
            twilio=TwilioRestSim(accept_unknown=True, on_update=self.told_by_rest),
        )


@dataclass
class Services:
    """A running stack whose agents are written to `agents` as scripts come, and the stand-ins behind it."""

    stack: Stack
    vendors: Vendors
    models: Models
    clock: Clock
    agents: Path

    def add(self, script: Script) -> None:
        """The bot of this script; once, before its call."""
        model.write_agent(self.agents, script)
        self.models.scripts[script.slug] = script

    def phone(self, script: Script) -> Phone:
        conditions = Conditions(
            script.latency_ms, script.jitter_ms, script.marks_late_ms, marks=script.marks, seed=script.number + 1
        )
        known: dict[str, Any] = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_url": PUBLIC_URL}
        return Phone(self.stack.gateway_url, self.clock, agent=script.slug, conditions=conditions, **known)


def environment(vendors: Vendors, agents: Path) -> dict[str, str]:
    return {
        **vendors.environment(),
        "PARLEY_AGENTS_DIR": str(agents),
        "PARLEY_PUBLIC_URL": PUBLIC_URL,
        "PARLEY_CALL_LINGER_S": "1",
        "PARLEY_LOG_LEVEL": "warning",
    }


def rehearse(script: Script) -> None:
    """Render beforehand what will be said: callers and stand-ins share a process, and must not be late."""
    for line in script.story:
        if isinstance(line.what, s.Words):
            sound.words(line.what)
        elif isinstance(line.what, s.Noise):
            sound.noise(line.what)
    for row in script.model_rows:
        for text in (row.first, row.line):
            render(text)


class _Line:
    """What the caller of a script can do on a real line: the `World` of `Caller`."""

    def __init__(self, call: Call, runs: Path) -> None:
        self.call = call
        self._runs = runs
        self._size = 0
        self._log: list[tuple[str, str, float]] = []
        self.hang_up = asyncio.Event()

    @property
    def log(self) -> list[tuple[str, str, float]]:
        """Name of a tool, began or ended, when; of this call."""
        with suppress(FileNotFoundError):
            if (size := self._runs.stat().st_size) != self._size:
                self._size = size
                lines = [line.split() for line in self._runs.read_text().splitlines()]
                self._log = [(line[0], line[1], float(line[2])) for line in lines if line[3] == self.call.sid]
        return self._log

    @property
    def tools(self) -> list[tuple[str, float]]:
        return [(name, at) for name, what, at in self.log if what == "began"]

    def do(self, what: s.What) -> None:
        if isinstance(what, s.Keys):
            with suppress(CallOver):
                self.call.dtmf(what.digits)
        elif isinstance(what, s.HangUp):
            self.hang_up.set()

    def tool_began(self, name: str, since: float) -> float | None:
        return next((at for tool, at in self.tools if tool == name and at >= since), None)

    def busy(self) -> bool:
        log = self.log
        if sum(1 if what == "began" else -1 for _, what, _ in log):
            return True
        return bool(log) and self.call.heard.last_audible() < log[-1][2] + _AFTER_TOOL_S and self._recent(log[-1][2])

    def _recent(self, at: float) -> bool:
        return bool(self.call.sent_at) and self.call.sent_at[-1] - at < _AFTER_TOOL_S


async def play(script: Script, services: Services, longest_s: float = LONGEST_S) -> Record:
    """One call, from dialling to the end of the script. Raises nothing: what went wrong stands in the record."""
    late_before, pids = len(services.clock.late_s), [os.getpid(), *services.stack.all_pids().values()]
    waits_before, began = machine.waits(pids), time.monotonic()
    async with services.phone(script).dial() as call:
        services.models.calls[call.sid] = call
        line = _Line(call, services.agents / script.slug / "runs.log")
        listener = Listener(call.heard)
        caller = Caller(script, listener, line, call.answered_at)
        over = asyncio.Event()

        def microphone(now: float) -> bytes:
            frame = caller.tick(now)
            if caller.over or caller.failure:
                over.set()
            return frame

        call.microphone = microphone
        failure = await _until(call, over, line.hang_up, longest_s)
        ended_by = call.ended_by
        await call.hang_up()
        listener.listen(call.ended_at)
    return Record(
        script=script,
        answered=call.answered_at,
        played=caller.played,
        words=listener.words,
        runs=listener.runs,
        fine=listener.fine,
        clears=call.heard.clears,
        asked=asked_of(services.vendors, script, call.answered_at),
        tools=line.tools,
        holes=[at for at, _ in call.heard.gaps()],
        ended_by=ended_by,
        ended_at=call.ended_at,
        late_s=_latest(services.clock, late_before),
        waited=machine.waited(waits_before, machine.waits(pids), time.monotonic() - began),
        warnings=[str(warning) for warning in call.warnings],
        failure=caller.failure or failure,
    )


def _latest(clock: Clock, since: int) -> float:
    """How late the players' own clock was at most, since its ticks had this number."""
    return max(list(clock.late_s)[since:], default=0.0)


async def _until(call: Call, over: asyncio.Event, hang_up: asyncio.Event, longest_s: float) -> str:
    waiting = [asyncio.ensure_future(each) for each in (over.wait(), hang_up.wait(), call.until_over())]
    try:
        done, _ = await asyncio.wait(waiting, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return "" if done else f"not over after {longest_s:.0f} s"


def asked_of(vendors: Vendors, script: Script, since: float) -> list[Asked]:
    """The requests of this script's agent, in order."""
    found = []
    for record in vendors.openai.records:
        if record.body.get("model") == script.slug and record.at >= since:
            found.append(model.asked(script, record.at, record.body["messages"]))
    return found
