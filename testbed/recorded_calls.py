"""Event records of calls that nobody held, as an orchestrator writes them: for tests and benches of who reads them.

call = RecordedCall("CA1", caller="+15550109999")
call.opens().says("Hello, how can I help?")
call.caller("where is my order").answers("It shipped on Monday.", tool="order_status")
call.ends("caller hung up")
call.records                      # list[EventRecord]
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Self

from parley.v1 import call_pb2, events_pb2

START_MS = 1_780_000_000_000
ENGINES = events_pb2.EngineNames(stt="deepgram", llm="openai", tts="elevenlabs")


class RecordedCall:
    """Writes as one owner after the other. `at_ms` is the clock: it moves as things are said."""

    def __init__(
        self,
        call_id: str,
        *,
        agent: str = "frontdesk",
        version: str = "v1",
        caller: str = "+15550100001",
        called: str = "+15550199999",
        channel: str = "phone",
        at_ms: int = START_MS,
    ) -> None:
        self.call_id = call_id
        self.agent, self.version, self.caller_number, self.called, self.channel = (
            agent,
            version,
            caller,
            called,
            channel,
        )
        self.at_ms = at_ms
        self.records: list[events_pb2.EventRecord] = []
        self.epoch = (1, 1)
        self.n = self.turn = self.utterance = self.intent = self.seq = 0
        self._inputs: list[events_pb2.StepInput] = []
        self._decisions: list[events_pb2.Decision] = []
        self._first = True
        self.anew = False

    # One input, one decision, one boundary

    def input(self, after_ms: int = 0, seq: bool = False, **event: Any) -> Self:
        self.at_ms += after_ms
        self.seq += seq
        self._inputs.append(events_pb2.StepInput(at_ms=self.at_ms, seq=self.seq if seq else 0, **event))
        return self

    def decision(self, **decided: Any) -> Self:
        self._decisions.append(events_pb2.Decision(at_ms=self.at_ms, turn=self.turn, **decided))
        return self

    def boundary(self, ended: bool = False, swept: bool = False) -> Self:
        self.n += 1
        record = events_pb2.EventRecord(
            call_id=self.call_id,
            epoch=call_pb2.Epoch(leg=self.epoch[0], open=self.epoch[1]),
            n=self.n,
            inputs=self._inputs,
            decisions=self._decisions,
            ended=ended,
            swept=swept,
            anew=self.anew,
        )
        if self._first:
            record.engines.CopyFrom(ENGINES)
        self.records.append(record)
        self._inputs, self._decisions, self._first, self.anew = [], [], False, False
        return self

    # What happens in calls

    def opens(self) -> Self:
        opened = events_pb2.StepOpened(
            call_id=self.call_id,
            epoch=call_pb2.Epoch(leg=self.epoch[0], open=self.epoch[1]),
            agent=self.agent,
            agent_version=self.version,
            channel=self.channel,
            caller_pii=self.caller_number,
            called=self.called,
            language="en",
            direction="inbound",
        )
        return self.input(opened=opened)

    def says(self, text: str, kind: str = "answer", heard: int | None = None) -> Self:
        """The bot, in a turn of its own, unless the caller's is answered. `heard`: cut after so many characters."""
        self.turn += 1
        return self.utters(text, kind, heard)

    def utters(self, text: str, kind: str = "answer", heard: int | None = None, token_ms: int = 40) -> Self:
        self.utterance += 1
        said = events_pb2.Said(utterance=self.utterance, kind=kind, chars=len(text), first_token_ms=token_ms)
        self.decision(said=said)
        self.input(120, utterance_started={"utterance": self.utterance})
        cut = heard is not None
        self.input(
            60 * (heard if heard is not None else len(text)),
            seq=True,
            heard={
                "utterance": self.utterance,
                "chars": len(text) if heard is None else heard,
                "complete": not cut,
                "cut": cut,
                "text": text,
            },
        )
        return self.boundary()

    def caller(self, text: str, after_ms: int = 800) -> Self:
        """One turn of the caller, whose end is told 350 ms after the last word."""
        if self.channel == "chat":
            return self.input(after_ms, seq=True, typed={"text": text})
        leg_ms = self.at_ms - START_MS + 1_000
        self.input(after_ms, speech_started={})
        length = 300 * len(text.split())
        self.input(length, interim={"text": text})
        end_ms = leg_ms + after_ms + length
        final = {"text": text, "start_ms": end_ms - length, "end_ms": end_ms, "leg_ms": end_ms + 200, "confidence": 0.9}
        self.input(200, seq=True, final=final)
        return self.input(150, seq=True, turn_ended={"kind": "confirmed", "text": text})

    def thinks(self, text: str, *, error: str = "", engine: str = "openai", tokens: int = 600) -> Self:
        """A round of the model."""
        ended = events_pb2.StepRoundEnded(
            turn=self.turn, round=1, text=text, input_tokens=tokens, output_tokens=len(text) // 4, requests=1,
            error=error, engine=engine, model="gpt-4.1-mini" if engine == "openai" else "",
        )  # fmt: skip
        return self.input(300, round_ended=ended)

    def uses(
        self, tool: str, arguments: str = "{}", status: str = "ok", result: str = "{}", took_ms: int = 250
    ) -> Self:
        self.intent += 1
        self.decision(executed={"intent": self.intent, "name": tool, "arguments_pii": arguments})
        outcome = events_pb2.StateOutcome(status=status, result=result)
        self.input(250, tool_ended={"intent": self.intent, "outcome": outcome, "name": tool})
        return self.boundary()

    def answers(self, text: str, *, tool: str = "", status: str = "ok", heard: int | None = None) -> Self:
        """The caller's turn, with words and perhaps a tool before them."""
        self.turn += 1
        if tool:
            self.thinks("")
            self.uses(tool, '{"order": "1234"}', status)
        return self.thinks(text).utters(text, heard=heard)

    def interrupts(self) -> Self:
        """The caller, while the bot speaks."""
        self.input(100, paused={"utterance": self.utterance, "chars": 10, "cause": "speech"})
        return self.decision(barge_in="stopped")

    def taken_over(self, *, after_n: int | None = None, new_leg: bool = False) -> Self:
        """Another owner goes on; what was told since the last boundary is lost."""
        leg, opened = self.epoch
        self.epoch = (leg + 1, 1) if new_leg else (leg, opened + 1)
        self._inputs, self._decisions, self._first = [], [], True
        self.n = self.n if after_n is None else after_n
        epoch = call_pb2.Epoch(leg=self.epoch[0], open=self.epoch[1])
        self.input(400, taken_over={"epoch": epoch, "after_n": self.n, "new_leg": new_leg, "turn": self.turn})
        return self.boundary()

    def ends(self, reason: str = "caller hung up") -> Self:
        self.input(500, seq=True, leg_ended={"reason": reason})
        self.decision(ended=reason)
        return self.boundary(ended=True)


_QUESTIONS = (
    "where is my order", "what are your opening hours", "I would like to book a visit", "can I return a helmet",
    "do you rent bikes", "my number is five five five oh one", "is the blue one in stock", "who repairs brakes",
)  # fmt: skip
_ANSWERS = (
    "It shipped on Monday and should be with you by Thursday.", "We are open from nine to six, Monday to Saturday.",
    "I have a place on Tuesday at ten. Shall I book it?", "You can return it within thirty days, with the receipt.",
)  # fmt: skip


def some_calls(count: int, turns: int = 6, seed: int = 1, every_ms: int = 60_000) -> list[RecordedCall]:
    """Calls as they may be: with tools, interruptions, a takeover now and then."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        call = RecordedCall(
            f"CA{seed:02d}{number:06d}",
            agent=dice.choice(("frontdesk", "bank", "support")),
            caller=f"+1555{dice.randrange(2000):07d}",
            at_ms=START_MS + number * every_ms,
        )
        call.opens().says("Bellweather Bikes, how can I help?")
        for _ in range(dice.randint(1, 2 * turns - 1)):
            call.caller(dice.choice(_QUESTIONS))
            tool = dice.choice(("", "", "order_status", "book_visit"))
            cut = 12 if dice.random() < 0.15 else None
            call.answers(dice.choice(_ANSWERS), tool=tool, status="failed" if dice.random() < 0.1 else "ok", heard=cut)
            if cut:
                call.interrupts()
            if dice.random() < 0.03:
                call.taken_over()
        call.ends()
        made.append(call)
    return made


def interleaved(calls: list[RecordedCall], at_once: int = 50) -> list[events_pb2.EventRecord]:
    """The records of all calls as a stream has them: so many calls go on beside each other."""
    waiting, stream = list(reversed(calls)), list[events_pb2.EventRecord]()
    open_: list[Iterator[events_pb2.EventRecord]] = []
    while waiting or open_:
        while waiting and len(open_) < at_once:
            open_.append(iter(waiting.pop().records))
        for each in list(open_):
            record = next(each, None)
            if record is None:
                open_.remove(each)
            else:
                stream.append(record)
    return stream
