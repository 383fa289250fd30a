"""The model's rounds of one call, each a task: deltas in, phrases out as events, the end of it as another.

Closing a round before its end is how words that nobody wants stop. The vendor then tells no usage, so it is estimated
from the letters that went there and came back, at four to a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

import structlog

from parley import telemetry
from parley.agents.agent import Agent
from parley.aio import TaskSet
from parley.errors import ParleyError, TooLate
from parley.text.words import clipped_bytes
from parley.v1 import llm_pb2
from services.orchestrator.guards.answers import AnswerGuard, Finding
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.bot.speculation import imagined
from services.orchestrator.mind.history import MIN_RESULT_BYTES
from services.orchestrator.mind.state import Call
from services.orchestrator.phrases.speakable import Phraser
from services.orchestrator.run import guarding, prompt, verdicts
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.first_token import FirstToken
from services.orchestrator.run.metrics import CARRIES_LOST
from services.orchestrator.run.organs import Organs

log = structlog.get_logger()

LEARNT_S = 2.0  # from a call's begin, for its agent's tools to become known before the model is asked
ROUND_S = 120.0  # for a round of the model that neither fails nor ends
MAX_CARRY_BYTES = 8 * 1024  # of what a vendor wants back in the turn's next rounds; above it nothing of it is kept
CHARS_A_TOKEN = 4  # of English, about


@dataclass(slots=True, eq=False)
class Round:
    """One that runs. Characters asked and got so far; `usage` once the vendor tells it."""

    think: effects.Think
    task: asyncio.Task[None] | None = None
    asked: int = 0
    got: int = 0
    usage: llm_pb2.Usage | None = None
    requests: int = 0
    carry: bytes = b""
    instead: str = ""  # of a model's words
    guard: AnswerGuard | None = None

    def estimate(self) -> tuple[int, int]:
        """Tokens in and out, as told or as they may have been."""
        if self.usage is not None:
            return self.usage.input_tokens, self.usage.output_tokens
        return self.asked // CHARS_A_TOKEN, self.got // CHARS_A_TOKEN


class Grace:
    """While it is entered, what could end a phrase is said when the model falls silent."""

    def __init__(self, phraser: Phraser, say: Callable[[list[str]], None]) -> None:
        self._phraser = phraser
        self._say = say
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Words have come."""
        self._cancel()
        if grace_s := self._phraser.grace_s:
            self._timer = asyncio.get_running_loop().call_later(grace_s, self._over)

    def _over(self) -> None:
        self._say(self._phraser.pause())

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def __aenter__(self) -> Grace:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cancel()


class Rounds:
    """`current` gives the call as it stands, `feed` takes what comes of a round. `agent`, `tools`: the call's own."""

    def __init__(
        self,
        organs: Organs,
        agent: Agent,
        engine: str,
        tools: list[llm_pb2.ToolSpec],
        tasks: TaskSet,
        current: Callable[[], Call],
        feed: Callable[[events.Event], None],
    ) -> None:
        self._organs = organs
        self.agent = agent
        self._engine = engine
        self.tools = tools
        self._tasks = tasks
        self._current = current
        self._feed = feed
        self._running: set[Round] = set()
        self.learning: asyncio.Task[None] | None = None
        self._learnt_by = asyncio.get_running_loop().time() + LEARNT_S
        self.first_token = FirstToken()
        self._confirmed = (0, 0)  # the last speculation that was, by turn and try
        self._held: tuple[tuple[int, int], tuple[Finding, ...]] = ((0, 0), ())

    def begin(self, think: effects.Think, traceparent: str) -> None:
        running = Round(think)
        self._running.add(running)
        running.task = self._tasks.spawn(self._run(running, traceparent))

    def close(self, turn: int) -> None:
        """Close the streams of this turn and below."""
        self._close([r for r in self._running if r.think.turn <= turn])

    def close_try(self, turn: int, tries: int) -> None:
        """Close the stream of one speculation."""
        self._close([r for r in self._running if (r.think.turn, r.think.tries) == (turn, tries)])

    def close_all(self) -> None:
        """Another owner goes on, or nobody does: what these cost is not ours to tell any more."""
        for running in self._running:
            if running.task is not None:
                running.task.cancel()
        self._running.clear()

    def _close(self, rounds: list[Round]) -> None:
        for running in rounds:
            self._running.discard(running)
            if running.task is not None:
                running.task.cancel()
            read, written = running.estimate()
            if read or written:
                self._feed(events.RoundClosed(at_ms=now_ms(), input_tokens=read, output_tokens=written))

    async def _run(self, running: Round, traceparent: str) -> None:
        """Cancelling the task closes the model's stream."""
        think, phraser = running.think, Phraser()
        ended = events.RoundEnded(turn=think.turn, tries=think.tries, round=think.round)
        attributes = {"turn": think.turn, "round": think.round, "tries": think.tries, "speculative": think.speculative}
        try:
            with telemetry.span("round", traceparent, **attributes):
                async with asyncio.timeout(ROUND_S):
                    ended = replace(ended, tools=await self._converse(running, phraser))
        except (ParleyError, TimeoutError) as e:
            log.warning("a round failed", call_id=self._id, turn=think.turn, tries=think.tries, error=str(e))
            ended = replace(ended, error=e.code if isinstance(e, ParleyError) else TooLate.code)
        except Exception as e:  # the round must end: the caller waits
            log.error("a round broke", call_id=self._id, turn=think.turn, exc_info=e)
            ended = replace(ended, error=ParleyError.code)
        self._running.discard(running)
        usage = running.usage or llm_pb2.Usage()
        ended = replace(ended, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        ended = replace(ended, requests=running.requests, carry=running.carry, engine=usage.vendor, model=usage.model)
        text = running.instead or guarding.passed(running.guard, phraser.end())
        if running.guard is not None:
            self._tell(think, *running.guard.found)
        self._feed(replace(ended, at_ms=now_ms(), text=text))

    async def _learnt(self) -> None:
        """A model that does not know its tools is wrong about what it can do: in a call's first moments it waits."""
        left_s = self._learnt_by - asyncio.get_running_loop().time()
        if self.learning is not None and left_s > 0:
            await asyncio.wait({self.learning}, timeout=left_s)

    async def _converse(self, running: Round, phraser: Phraser) -> tuple[ToolUse, ...]:
        """The tools that the round calls, at its end; its phrases on the way."""
        think = running.think
        await self._learnt()
        verdict = await self._judged(think)
        if verdict.say:
            running.instead = verdict.say
            return verdict.tools
        call = self._as_routed(think)
        at_ms = now_ms()
        offered = prompt.proven_for(call, self.tools, at_ms)
        request = prompt.request(call, self.agent, self._engine, offered, think, telemetry.traceparent())
        request.at_ms = at_ms
        running.asked = prompt.size(request)
        tools: list[ToolUse] = []
        running.guard = guarding.of(self.agent, request)
        say = partial(self._phrases, running)
        async with aclosing(self._organs.chat(request)) as stream, Grace(phraser, say) as grace:
            async for event in stream:
                match event.WhichOneof("event"):
                    case "text_delta":
                        running.got += len(event.text_delta)
                        self.first_token.came(think)
                        say(phraser.push(event.text_delta, now_ms()))
                        grace.begin()
                    case "tool_call":
                        running.got += len(event.tool_call.name) + len(event.tool_call.arguments_json)
                        tools.append(_used(event.tool_call))
                    case "unsay":
                        phraser.end()  # what it holds was a thought
                    case "usage":
                        running.usage = event.usage
                    case "failed":
                        running.requests = event.failed.requests  # the stream then raises why
                    case "finish":
                        running.requests = event.finish.requests
                        running.carry = _kept(event.finish.carry)
                        break
        return () if think.tools_off else tuple(tools)

    async def _judged(self, think: effects.Think) -> verdicts.Verdict:
        """What is known of the caller's line before a model is asked."""
        call, traceparent = imagined(self._current(), think), telemetry.traceparent()
        verdict = await verdicts.judged(call, self.agent, think, self._organs, traceparent)
        if verdict.specialist:
            which = {"turn": think.turn, "tries": think.tries, "round": think.round}
            self._feed(events.Routed(at_ms=now_ms(), **which, to=verdict.specialist, by=verdict.by))
        if verdict.rule:
            self._tell(think, Finding(verdict.rule, verdict.action, verdict.name))
        return verdict

    def _as_routed(self, think: effects.Think) -> Call:
        """The call as the round is to see it: with whom it is now, or will be when the speculation is confirmed."""
        call = imagined(self._current(), think)
        return replace(call, specialist=call.ahead.specialist or call.specialist) if think.speculative else call

    def _tell(self, think: effects.Think, *found: Finding) -> None:
        """What guardrails have done. Of a speculation it has not happened before that is confirmed."""
        which = think.turn, think.tries
        if think.speculative and which != self._confirmed:
            self._held = (which, (*self._held[1], *found)) if self._held[0] == which else (which, found)
            return
        for each in found:
            self._feed(guarding.event(self.agent, think.turn, each))

    def confirmed(self, turn: int, tries: int) -> None:
        """This speculation is the round of its turn now."""
        self._confirmed = turn, tries
        if self._held[0] == self._confirmed:
            for each in self._held[1]:
                self._feed(guarding.event(self.agent, turn, each))

    def _phrases(self, running: Round, phrases: list[str]) -> None:
        think = running.think
        turn, tries, number = think.turn, think.tries, think.round
        for phrase in phrases:
            if not (text := guarding.passed(running.guard, phrase)):
                continue
            self._feed(events.PhraseReady(at_ms=now_ms(), turn=turn, tries=tries, round=number, text=text))

    @property
    def _id(self) -> str:
        return self._current().call_id


def _kept(carry: bytes) -> bytes:
    if len(carry) > MAX_CARRY_BYTES:
        CARRIES_LOST.inc()
        log.warning("what a model wants back is too large to keep", bytes=len(carry))
        return b""
    return carry


def _used(call: llm_pb2.ToolCall) -> ToolUse:
    """A tool call of the model; one that it got wrong is refused already."""
    refused = Outcome("refused", message=clipped_bytes(call.mistake, MIN_RESULT_BYTES)) if call.mistake else None
    return ToolUse("", call.name, call.arguments_json, outcome=refused)
