"""Whatever a recogniser sends, in whatever order: no word is lost or told twice, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from parley.aio import background
from parley.errors import ParleyError
from services.stt.contract import Final, Flush, Interim, SpeechEvent, SpeechStarted
from services.stt.providers import deepgram_line as module
from services.stt.providers.deepgram_line import Line, Manners
from services.stt.providers.deepgram_messages import Messages
from services.stt.providers.deepgram_results import Results
from services.stt.providers.flux_turns import FluxTurns, Timeline
from testbed.virtual_loop import run
from tests.stt.odd import best, but, results, skipped, timed, turn

CAREFUL = settings(max_examples=60, deadline=None)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NO_TIME: st.SearchStrategy[Any] = st.sampled_from(
    [..., None, float("nan"), float("inf"), -1, "", "soon", [], {}, True, 1e18]
)
NOISE = st.one_of(
    JUNK.map(json.dumps),
    st.text(max_size=10),
    st.binary(max_size=10),
    st.sampled_from(["", '{"type":', "[" * 5_000]),
    st.sampled_from([{"type": "Metadata"}, {"type": "Error"}, {"type": "Heartbeat", "channel": {}}, {}]).map(
        json.dumps
    ),
)


def messages_of(engine: str, sent_ms: Any) -> Messages:
    takes = FluxTurns(Timeline(0), sent_ms) if engine == "flux" else Results(0, sent_ms)
    return Messages(engine, takes)


class Told:
    """Everything that one reader told of a list of raw messages."""

    def __init__(self, engine: str) -> None:
        self.sent_ms = 0
        self.events: list[SpeechEvent] = []
        self._unreadable = skipped(engine).get("unreadable", 0)
        self._engine = engine
        self.messages = messages_of(engine, lambda: self.sent_ms)

    def read(self, raw: str | bytes) -> None:
        self.events += self.messages.read(raw) or ()

    def finish(self) -> None:
        if self.messages.takes.owes:
            self.events += self.messages.takes.unanswered()
        assert skipped(self._engine).get("unreadable", 0) == self._unreadable
        assert not self.messages.takes.owes

    @property
    def words(self) -> Counter[str]:
        finals = [event for event in self.events if isinstance(event, Final)]
        return Counter(word for final in finals for word in final.text.split())

    def check_times(self) -> None:
        at = 0
        for event in self.events:
            if isinstance(event, Final | Interim) and event.text:
                assert 0 <= event.start_ms <= event.end_ms < 1 << 31
                event.text.encode()
            if isinstance(event, Final) and event.text:
                assert event.start_ms >= at
                assert event.end_ms > at
                at = event.end_ms
                edges = [ms for word in event.words for ms in (word.start_ms, word.end_ms)]
                assert edges == sorted(edges)
                assert all(event.start_ms <= ms <= event.end_ms for ms in edges)


@st.composite
def spoilt(draw: st.DrawFn, message: dict[str, Any]) -> dict[str, Any]:
    """A message of Nova whose words are all there, and much else is not."""
    if draw(st.booleans()):
        message = timed(message, start=draw(NO_TIME), end=draw(NO_TIME))
    if draw(st.booleans()):
        message = but(message, start=draw(NO_TIME), duration=draw(NO_TIME))
    if draw(st.booleans()):
        message = timed(message, confidence=draw(NO_TIME), punctuated_word=...)
    if draw(st.booleans()):
        message = best(message, confidence=draw(NO_TIME))
    match draw(st.integers(0, 5)):
        case 0:
            message = best(message, words=draw(st.sampled_from([None, ..., [], {}, "x"])))
        case 1:
            message = best(message, transcript=draw(st.sampled_from([None, ..., 5, [], ""])))
        case 2:
            message = but(
                message, type=draw(st.sampled_from([..., None])), channel_index=draw(st.sampled_from([..., None]))
            )
        case 3:
            message = but(message, metadata=None, **{f"x{n}": draw(JUNK) for n in range(2)})
    return message


@st.composite
def calls_to_nova(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, str | bytes]]]:
    """All words that were said, each once; and what comes of it, with the audio that was sent before."""
    words: list[str] = []
    out: list[tuple[int, str | bytes]] = []
    at, in_order = 0.0, False
    for _ in range(draw(st.integers(1, 6))):
        said = [f"w{len(words) + n}" for n in range(draw(st.integers(1, 4)))]
        words += said
        end = at + draw(st.sampled_from([0.4, 0.8, 1.2]))
        sent = int(end * 1000) + 200
        guess = results(" ".join(said), at, end, final=False)
        final = results(" ".join(said), at, end, over=draw(st.booleans()), finalize=draw(st.booleans()))
        for _ in range(draw(st.integers(0, 2))):
            out.append((sent, draw(NOISE)))
        if draw(st.integers(0, 2)):
            both = [(sent, json.dumps(draw(spoilt(each)))) for each in (guess, final)]
            out += both[draw(st.integers(0, 1)) :]
            in_order = False
        else:  # what has its times may come in any order
            both = [(sent, json.dumps(each)) for each in (guess, final)]
            out += draw(st.permutations(both))
            if in_order and draw(st.booleans()):
                out[-1], out[-3] = out[-3], out[-1]
            in_order = True
        out += out[-1:] * draw(st.integers(0, 1))
        if draw(st.booleans()):
            ended = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": draw(NO_TIME | st.just(end))}
            out.append((sent, json.dumps({k: v for k, v in ended.items() if v is not ...})))
        pause = draw(st.sampled_from([0.0, 0.3, 3.0]))
        at, in_order = end + pause, in_order and pause < 1
    return words, out


@CAREFUL
@given(calls_to_nova())
def test_each_word_of_nova_is_final_once(call: tuple[list[str], list[tuple[int, str | bytes]]]) -> None:
    words, messages = call
    told = Told("deepgram")
    for sent, raw in messages:
        told.sent_ms = max(told.sent_ms, sent)
        told.read(raw)
    told.finish()
    assert told.words == Counter(words)
    told.check_times()


@st.composite
def spoilt_turn(draw: st.DrawFn, message: dict[str, Any]) -> dict[str, Any]:
    """A TurnInfo whose words are all there, and much else is not."""
    listed = message["words"]
    match draw(st.integers(0, 6)):
        case 0:
            return but(message, words=draw(st.sampled_from([None, ..., [], {}, "x"])))
        case 1:
            return but(message, transcript=draw(st.sampled_from([None, ..., 5, ""])))
        case 2:
            return but(
                message, words=[{**word, "start": None, "end": draw(st.none() | st.just("x"))} for word in listed]
            )
        case 3:
            return but(message, end_of_turn_confidence=draw(NO_TIME), trigger=draw(st.none() | st.just("magic")))
        case 4:
            return but(message, turn_index=draw(NO_TIME), sequence_id=draw(NO_TIME))
        case 5:
            return but(message, type=..., request_id=None)
    return but(message, **{f"x{n}": draw(JUNK) for n in range(2)})


@st.composite
def calls_to_flux(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, str | bytes]]]:
    words: list[str] = []
    out: list[tuple[int, str | bytes]] = []
    at = 0.0
    for index in range(draw(st.integers(1, 5))):
        said = [f"w{len(words) + n}" for n in range(draw(st.integers(1, 4)))]
        words += said
        steps = ["StartOfTurn"] * draw(st.integers(0, 1)) + ["Update"] * draw(st.integers(0, 3))
        steps += ["EagerEndOfTurn", "TurnResumed"] * draw(st.integers(0, 1)) + ["EndOfTurn"]
        end = at
        for n, event in enumerate(steps):
            end += 0.3
            known = said if event == "EndOfTurn" else said[: max(1, (n + 1) * len(said) // len(steps))]
            message = turn(event, " ".join(known), at, end, index)
            raw = json.dumps(message if draw(st.booleans()) else draw(spoilt_turn(message)))
            sent = int(end * 1000) + 100
            if draw(st.integers(0, 3)) == 0:
                out.append((sent, draw(NOISE)))
            out += [(sent, raw)] * draw(st.integers(1, 2))
        at = end + draw(st.sampled_from([0.2, 1.0, 3.0]))
    return words, out


@CAREFUL
@given(calls_to_flux())
def test_each_word_of_flux_is_final_once(call: tuple[list[str], list[tuple[int, str | bytes]]]) -> None:
    words, messages = call
    told = Told("flux")
    for sent, raw in messages:
        told.sent_ms = max(told.sent_ms, sent)
        told.read(raw)
    told.finish()
    assert told.words == Counter(words)
    told.check_times()


@st.composite
def twisted(draw: st.DrawFn, value: Any) -> Any:
    """The same with something else somewhere in it."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(twisted(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        n = draw(st.integers(0, len(value) - 1))
        return [*value[:n], draw(twisted(value[n])), *value[n + 1 :]]
    return draw(JUNK)


GOOD = [
    results("hello there", 0, 1, final=False),
    results("hello there", 0, 1, over=True),
    results("", 1, 1, finalize=True),
    {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.1},
    {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.9},
    {"type": "Error", "variant": "x", "description": "y", "message": "z", "code": 1},
]
TURNS = [
    *(
        turn(event, "hello there", 0, 1)
        for event in ("StartOfTurn", "Update", "EagerEndOfTurn", "TurnResumed", "EndOfTurn")
    ),
    {"type": "ConfigureSuccess", "thresholds": {}},
    {"type": "Warning", "code": "x", "description": "y"},
]


@pytest.mark.parametrize(("engine", "good"), [("deepgram", GOOD), ("flux", TURNS)])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_message_is_unreadable(engine: str, good: list[dict[str, Any]], data: st.DataObject) -> None:
    told = Told(engine)
    told.sent_ms = 2_000
    for _ in range(data.draw(st.integers(1, 5))):
        message = data.draw(st.sampled_from(good))
        if data.draw(st.booleans()):
            message = data.draw(twisted(message))
        try:
            told.read(json.dumps(message))
        except ParleyError:
            return
    told.finish()
    told.check_times()
    for event in told.events:
        if isinstance(event, SpeechStarted):
            assert 0 <= event.offset_ms < 1 << 31


class Socket:
    """A connection to a vendor that says `script`: (seconds after the last, message or close code)."""

    def __init__(self, script: list[tuple[float, str | bytes | int]]) -> None:
        self._script = deque(script)
        self.said: list[str] = []
        self.closing = asyncio.Event()
        self.messages: deque[Any] = deque()
        self.transfer_data_task = SimpleNamespace(done=lambda: False)
        self.transport = None
        self._websocket = self
        self._due = asyncio.get_running_loop().time()
        self._first = True

    async def recv(self) -> str | bytes:
        loop = asyncio.get_running_loop()
        if not self._script:
            await self.closing.wait()
            raise ConnectionClosedOK(Close(1000, ""), Close(1000, ""), True)
        after, what = self._script[0]
        if self._first:
            self._due, self._first = loop.time() + after, False
        await asyncio.sleep(max(0.0, self._due - loop.time()))
        self._script.popleft()
        self._first = True
        if isinstance(what, int):
            raise ConnectionClosedError(Close(what, ""), Close(what, ""), True)
        return what

    def fail_connection(self, code: int) -> None:
        """It is over."""

    async def send_media(self, audio: bytes) -> None:
        """Heard."""

    async def ask(self, _: Any = None) -> None:
        self.said.append("ask")

    async def send_close_stream(self) -> None:
        self.closing.set()


SAYS = st.one_of(
    st.sampled_from([json.dumps(each) for each in GOOD[:5]]),
    NOISE,
    st.sampled_from([1000, 1008, 1011]),
    st.just(json.dumps(results("hello there now", 0, 1.4, final=False))),
)


@settings(max_examples=60, deadline=None)
@given(
    script=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.4, 1.0, 3.0, 20.0]), SAYS), max_size=30),
    talks=st.lists(st.sampled_from(["audio", "voice", "flush", "quiet"]), max_size=20),
)
def test_nobody_waits_for_ever(script: list[tuple[float, str | bytes | int]], talks: list[str]) -> None:
    async def audio() -> AsyncIterator[bytes | Flush]:
        for what in talks:
            if what == "quiet":
                await asyncio.sleep(5)
                continue
            for _ in range(25):
                await asyncio.sleep(0.02)
                yield bytes(160)
            if what != "audio":
                yield Flush.VOICE if what == "voice" else Flush.FLUSH

    async def play() -> float:
        loop = asyncio.get_running_loop()
        socket = Socket(list(script))
        messages = Messages("deepgram", Results(0))
        line = Line(socket, Manners(Socket.ask, Socket.ask, Socket.ask), messages)
        began = loop.time()
        try:
            async with background(line.send(audio())), aclosing(line.events()) as events:
                async for _ in events:
                    pass
        except ParleyError:
            pass
        return loop.time() - began

    spoken_s = sum(5.0 if what == "quiet" else 0.5 for what in talks)
    assert run(play()) <= spoken_s + module.CLOSE_LONGEST_S + 1


@settings(max_examples=100, deadline=None)
@given(noise=st.lists(st.tuples(st.sampled_from([0.05, 0.3, 0.45, 0.9]), NOISE), min_size=1, max_size=40))
def test_words_that_were_asked_for_are_final_in_time_whatever_the_answer(
    noise: list[tuple[float, str | bytes]],
) -> None:
    """Or the stream is left, and another hears them."""
    guess = json.dumps(results("hello there", 0, 1, final=False))

    async def audio() -> AsyncIterator[bytes | Flush]:
        for n in range(1_000):
            await asyncio.sleep(0.02)
            yield bytes(160)
            if n == 50:
                yield Flush.FLUSH

    async def play() -> tuple[list[str], float]:
        loop = asyncio.get_running_loop()
        said = [(0.5, guess), *cast(list[tuple[float, str | bytes | int]], noise * 40)]
        line = Line(Socket(said), Manners(Socket.ask, Socket.ask, Socket.ask), Messages("deepgram", Results(0)))
        began, finals = loop.time(), []
        try:
            async with background(line.send(audio())), aclosing(line.events()) as events:
                async for event in events:
                    if isinstance(event, Final):
                        finals.append(event.text)
                        break
        except ParleyError:
            pass
        return finals, loop.time() - began

    finals, took_s = run(play())
    assert finals in ([], ["hello there"])
    assert took_s <= 1.02 + module.ANSWER_S + 2 * module.TICK_S + 1
