"""When words were said, where sound is missing between them."""

from __future__ import annotations

import pytest

from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.ears.leg_clock import LegClock

FRAME_MS = 20
CALL_MS = 5_000_000.0  # by the machine's clock, when the call begins


class Line:
    """A caller's sound on its way to the ears."""

    def __init__(self) -> None:
        self.clock = LegClock()
        self.place = 0
        self.now = CALL_MS

    def sends(self, ms: int) -> Line:
        for _ in range(ms // FRAME_MS):
            self.now += FRAME_MS
            self._fed()
        return self

    def is_silent(self, ms: int) -> Line:
        self.now += ms
        return self

    def is_late(self, ms: int) -> Line:
        """Nothing comes for so long, then everything that was said meanwhile."""
        self.now += ms
        for _ in range(ms // FRAME_MS):
            self._fed()
        return self

    def _fed(self) -> None:
        self.place += FRAME_MS
        self.clock.fed(self.place, self.now)


def near(ms: int) -> object:
    return pytest.approx(ms, abs=FRAME_MS)


def test_a_steady_line_needs_no_translation() -> None:
    line = Line().sends(10_000)
    assert [line.clock.leg_ms(place) for place in (0, 4_000, 9_990)] == [near(0), near(4_000), near(9_990)]


def test_words_behind_a_hole_were_said_later_than_their_place_says() -> None:
    line = Line().sends(4_000).is_silent(10_000).sends(3_000)
    assert line.clock.leg_ms(3_000) == near(3_000)
    assert line.clock.leg_ms(5_000) == near(15_000)


def test_sound_that_comes_late_and_at_once_was_made_when_it_was_made() -> None:
    line = Line().sends(2_000).is_late(5_000).sends(1_000)
    assert [line.clock.leg_ms(place) for place in (2_500, 6_500, 7_500)] == [near(2_500), near(6_500), near(7_500)]


def test_holes_add_up_and_old_ones_stay() -> None:
    line = Line()
    for _ in range(10):
        line.sends(2_000).is_silent(1_000)
    assert [line.clock.leg_ms(place) for place in (1_000, 11_000, 19_000)] == [near(1_000), near(16_000), near(28_000)]


def test_a_long_call_keeps_a_minute() -> None:
    line = Line()
    for _ in range(400):
        line.sends(1_000).is_silent(100)
    assert line.clock.leg_ms(line.place) == near(400_000 + 39_900)


def test_before_the_first_sound_a_place_is_its_time() -> None:
    assert LegClock().leg_ms(1_234) == 1_234


def test_all_times_of_an_event_are_told_so() -> None:
    clock = Line().sends(1_000).is_silent(2_000).sends(2_000).clock
    words = [stt_pb2.SpokenWord(text="no", start_ms=1_600, end_ms=1_800)]
    final = stt_pb2.Final(text="no", start_ms=1_600, end_ms=1_800, words=words)
    event = conversation_pb2.CallEvent(speech=stt_pb2.RecognizeEvent(final=final))
    clock.told(event)
    told = event.speech.final
    assert (told.start_ms, told.end_ms) == (near(3_600), near(3_800))
    assert (told.words[0].start_ms, told.words[0].end_ms) == (told.start_ms, told.end_ms)

    ended = stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, offset_ms=2_300, speech_end_ms=1_800)
    event = conversation_pb2.CallEvent(speech=stt_pb2.RecognizeEvent(turn_ended=ended))
    clock.told(event)
    assert (event.speech.turn_ended.offset_ms, event.speech.turn_ended.speech_end_ms) == (near(4_300), near(3_800))


def test_words_without_a_time_get_none() -> None:
    clock = Line().sends(1_000).is_silent(2_000).sends(2_000).clock
    event = conversation_pb2.CallEvent(speech=stt_pb2.RecognizeEvent(final=stt_pb2.Final(text="no")))
    clock.told(event)
    assert event.speech.final == stt_pb2.Final(text="no")
