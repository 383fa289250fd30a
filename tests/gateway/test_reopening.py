"""How often the ears ask again, in virtual time: at once for a lost stream, rarely for streams that break in a row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.audio import TELEPHONE
from parley.errors import (
    AtCapacity,
    BadInput,
    Misconfigured,
    NotAllowed,
    NotFound,
    ParleyError,
    TooLate,
    Unavailable,
)
from parley.rpc import Peers
from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.ears.ears import STREAMS, Ears
from services.gateway.mouth.clock import now_ms
from testbed.virtual_loop import run

Event = stt_pb2.RecognizeEvent
LONG = 1e6


class Stream:
    """What becomes of one stream: its events by the second, then its error."""

    def __init__(self, error: ParleyError | None, lives_s: float = 0.0, events: tuple[Event, ...] = ()) -> None:
        self.peer = SimpleNamespace(address="stt:1")
        self.written: list[stt_pb2.RecognizeRequest] = []
        self._error, self._lives_s, self._events = error, lives_s, events
        self._lost = asyncio.Event()

    async def write(self, request: stt_pb2.RecognizeRequest) -> None:
        self.written.append(request)

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event
        try:
            async with asyncio.timeout(self._lives_s):
                await self._lost.wait()
        except TimeoutError:
            if self._error is not None:
                raise self._error from None
        raise Unavailable("lost")

    def lose(self) -> None:
        self._lost.set()

    def cancel(self) -> None:
        """It has ended."""


class Stt:
    """The service: `answer` makes the stream for the n-th time that it is asked, or raises."""

    def __init__(self, answer: Callable[[int], Stream]) -> None:
        self._answer = answer
        self.streams: list[Stream] = []
        self.asked_at: list[float] = []

    async def open(self, stub: Any, method: str, *, avoid: Any = ()) -> Any:
        self.asked_at.append(asyncio.get_running_loop().time())
        self.streams.append(self._answer(len(self.asked_at) - 1))
        return self.streams[-1]


class Call:
    """One leg's ears at that service, for `seconds`."""

    def __init__(self, answer: Callable[[int], Stream]) -> None:
        self.stt = Stt(answer)
        self.told: list[tuple[float, conversation_pb2.CallEvent]] = []
        self.ears = Ears(TELEPHONE, cast(Peers, self.stt), "CA1", self._tell)
        self.began = asyncio.get_running_loop().time()
        self.ears.session(conversation_pb2.Session(language="en", agent="frontdesk"))
        self._task = asyncio.ensure_future(self.ears.run())

    def _tell(self, event: conversation_pb2.CallEvent) -> None:
        self.told.append((asyncio.get_running_loop().time() - self.began, event))

    async def goes_on(self, seconds: float) -> None:
        for _ in range(int(seconds * 50)):
            self.ears.feed(TELEPHONE.silence(20), now_ms())
            await asyncio.sleep(0.02)

    async def ends(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def asked(self) -> list[float]:
        return [at - self.began for at in self.stt.asked_at]

    def speech(self, kind: str) -> list[Any]:
        return [getattr(e.speech, kind) for _, e in self.told if e.speech.WhichOneof("event") == kind]

    @property
    def troubles(self) -> list[float]:
        return [at for at, event in self.told if event.HasField("trouble")]


def call(answer: Callable[[int], Stream], seconds: float) -> Call:
    async def play() -> Call:
        made = Call(answer)
        await made.goes_on(seconds)
        await made.ends()
        return made

    return run(play())


def interim(text: str, end_ms: int = 500) -> Event:
    return Event(interim=stt_pb2.Interim(text=text, end_ms=end_ms))


def test_a_single_lost_stream_is_opened_again_at_once() -> None:
    played = call(lambda n: Stream(Unavailable("gone"), 10.0 if n == 0 else LONG), 15)
    assert len(played.asked) == 2
    assert abs(played.asked[1] - 10) < 0.05
    assert not played.troubles


def test_two_in_a_row_cost_a_moment() -> None:
    played = call(lambda n: Stream(Unavailable("gone"), 10.0 if n == 0 else 0.1 if n == 1 else LONG), 15)
    assert played.asked[2] < 10.5


def test_who_breaks_each_stream_is_asked_a_few_times() -> None:
    played = call(lambda n: Stream(Unavailable("gone"), 0.05), 60)
    assert len([at for at in played.asked if at < 3.9]) <= 4
    assert len(played.asked) <= 20
    gaps = [b - a for a, b in zip(played.asked, played.asked[1:], strict=False)]
    assert gaps[0] < 0.1
    assert min(gaps[6:]) > 2.5
    assert len(played.troubles) == 1
    assert STREAMS.give_up_s <= played.troubles[0] + 0.001 < STREAMS.give_up_s + 0.5


def test_words_in_each_stream_make_no_storm_of_it() -> None:
    played = call(lambda n: Stream(Unavailable("gone"), 0.05, (interim(f"word {n}"),)), 60)
    assert len([at for at in played.asked if at < 3.9]) <= 4
    assert len(played.asked) <= 20
    assert not played.troubles


def test_a_stream_that_proved_good_starts_the_count_anew() -> None:
    lives = [0.1, 0.1, 0.1, 5.0, LONG]
    played = call(lambda n: Stream(Unavailable("gone"), lives[n]), 20)
    assert played.asked[4] - played.asked[3] < 5.05


def test_no_words_for_a_voice_again_and_again_are_a_trouble_however_long_each_takes() -> None:
    started = Event(speech_started=stt_pb2.SpeechStarted(offset_ms=100))
    played = call(lambda n: Stream(Unavailable("stalled"), 4.0, (started,)), 30)
    assert len(played.troubles) == 1
    assert played.troubles[0] < 14


def test_a_cough_before_streams_that_are_lost_now_and_then_troubles_nobody() -> None:
    """Its turn has no end, for it has no words; nobody waits for them any more."""
    cough = (
        Event(speech_started=stt_pb2.SpeechStarted(offset_ms=500)),
        Event(speech_stopped=stt_pb2.SpeechStopped(offset_ms=900)),
    )
    lives = [12.0, 13.0, 13.0, LONG]
    played = call(lambda n: Stream(Unavailable("gone"), lives[n], cough if n == 0 else ()), 60)
    assert len(played.asked) == 4
    assert not played.troubles


def test_a_vendor_that_recycles_idle_streams_troubles_nobody() -> None:
    """livekit-agents #7208: nobody speaks for a long while, and each stream ends after some minutes."""
    played = call(lambda n: Stream(Unavailable("idle"), 20.0), 200)
    assert len(played.asked) == 10
    assert not played.troubles


@pytest.mark.parametrize("kind", [BadInput, Misconfigured, NotFound, NotAllowed])
def test_what_was_refused_is_not_asked_again_as_it_was(kind: type[ParleyError]) -> None:
    played = call(lambda n: Stream(kind("no"), 0.2), 120)
    assert len(played.asked) == 1
    assert len(played.troubles) == 1
    assert played.troubles[0] < 0.5


def test_what_was_refused_is_asked_again_in_other_words() -> None:
    async def play() -> Call:
        made = Call(lambda n: Stream(BadInput("language"), 0.2) if n == 0 else Stream(None, LONG))
        await made.goes_on(3)
        made.ears.session(conversation_pb2.Session(language="en", agent="frontdesk"))
        await made.goes_on(3)
        made.ears.session(conversation_pb2.Session(language="de", agent="frontdesk"))
        await made.goes_on(3)
        await made.ends()
        return made

    played = run(play())
    assert len(played.asked) == 2
    assert played.stt.streams[1].written[0].config.language == "de"


@pytest.mark.parametrize("error", [AtCapacity("429"), TooLate("silent"), ParleyError("bug")])
def test_what_may_pass_is_tried_again(error: ParleyError) -> None:
    played = call(lambda n: Stream(error, 0.1) if n < 2 else Stream(None, LONG), 10)
    assert len(played.asked) == 3
    assert not played.troubles


def test_another_language_is_heard_at_once_however_often() -> None:
    async def play() -> Call:
        made = Call(lambda n: Stream(None, LONG))
        for language in ("de", "fr", "es"):
            await made.goes_on(5)
            made.ears.session(conversation_pb2.Session(language=language, agent="frontdesk"))
        await made.goes_on(1)
        await made.ends()
        return made

    played = run(play())
    assert [round(at) for at in played.asked] == [0, 5, 10, 15]


def test_the_second_guess_that_nobody_makes_final_stands() -> None:
    """Each stream hears the words, is asked for them, and breaks. The third is told them, and ends the turn."""
    heard = (
        Event(speech_started=stt_pb2.SpeechStarted(offset_ms=100)),
        Event(interim=stt_pb2.Interim(text="where is my order", start_ms=150, end_ms=1400)),
        Event(speech_stopped=stt_pb2.SpeechStopped(offset_ms=1500)),
    )
    played = call(lambda n: Stream(Unavailable("stalled"), 3.0, heard) if n < 2 else Stream(None, LONG), 15)
    assert not played.speech("turn_ended")
    (final,) = played.speech("final")
    assert (final.text, final.end_ms) == ("where is my order", 1400)
    assert played.stt.streams[2].written[0].config.said.text == "where is my order"
    assert played.stt.streams[2].written[0].config.offset_ms == 1400


def test_the_end_of_a_turn_that_is_owed_is_asked_of_the_next() -> None:
    async def play() -> Call:
        made = Call(lambda n: Stream(Unavailable("gone"), 3.0 if n == 0 else LONG))
        made.ears.by_button(True)
        await made.goes_on(2.5)
        made.ears.end_of_turn()
        await made.goes_on(3)
        await made.ends()
        return made

    second = run(play()).stt.streams[1]
    assert [request.HasField("end_of_turn") for request in second.written].count(True) == 1


def test_the_end_of_a_turn_before_this_press_is_not() -> None:
    async def play() -> Call:
        made = Call(lambda n: Stream(Unavailable("gone"), 3.0 if n == 0 else LONG))
        made.ears.by_button(True)
        await made.goes_on(1)
        made.ears.end_of_turn()
        await made.goes_on(1)
        made.ears.new_turn()
        await made.goes_on(3)
        await made.ends()
        return made

    second = run(play()).stt.streams[1]
    assert not any(request.HasField("end_of_turn") for request in second.written)


ERRORS = (Unavailable, AtCapacity, TooLate, ParleyError)
LIVES = st.tuples(
    st.sampled_from(ERRORS), st.sampled_from([0.0, 0.05, 0.5, 1.9, 2.1, 7.0]), st.booleans(), st.booleans()
)


@settings(max_examples=30, deadline=None)
@given(st.lists(LIVES, min_size=1, max_size=60))
def test_whatever_streams_do_they_are_bounded_and_nobody_is_left_without(lives: list[Any]) -> None:
    def answer(n: int) -> Stream:
        kind, lives_s, speaks, has_words = lives[n % len(lives)]
        events = [Event(speech_started=stt_pb2.SpeechStarted(offset_ms=n * 500))] * speaks
        events += [interim("word", n * 500 + 400)] * has_words
        return Stream(kind("gone"), lives_s, tuple(events))

    played = call(answer, 70)
    for most, within in STREAMS.at_most:
        for first, later in zip(played.asked, played.asked[most:], strict=False):
            assert later - first >= within - 0.001
    ended = [a + lives[n % len(lives)][1] for n, a in enumerate(played.asked)]
    for end, again in zip(ended, played.asked[1:], strict=False):
        assert again - end <= 60  # the next one comes
