"""The pure parts of the mouth: the play clock, the track, one utterance."""

from __future__ import annotations

import pytest

from parley.audio import TELEPHONE
from parley.text.words import units
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.mouth.playout import PlayClock
from services.gateway.mouth.track import Track, Word
from services.gateway.mouth.utterance import Utterance

TEXT = "one two three four"
WORDS = [Word(0, 3, 0, 100), Word(4, 7, 100, 200), Word(8, 13, 250, 350), Word(14, 18, 350, 450)]


def track(ms: int = 450, words: list[Word] | None = None, complete: bool = True) -> Track:
    made = Track(TELEPHONE)
    made.text, made.text_complete, made.audio_complete = TEXT, complete, complete
    made.append(bytes(ms * 8), WORDS if words is None else words)
    return made


@pytest.mark.parametrize(
    ("heard_ms", "chars"),
    [(0, 0), (99, 0), (100, 4), (199, 4), (200, 8), (349, 8), (350, 14), (449, 14), (450, 18)],
)
def test_heard_is_whole_words_with_the_space_behind(heard_ms: int, chars: int) -> None:
    assert track().chars_at(heard_ms) == chars


@pytest.mark.parametrize(("heard_ms", "resumes_at"), [(0, 0), (50, 0), (150, 100), (220, 250), (400, 350)])
def test_the_voice_goes_on_at_the_start_of_the_word_where_it_stopped(heard_ms: int, resumes_at: int) -> None:
    word = track().word_start(heard_ms)
    assert word is not None
    assert word.start_ms == resumes_at


def test_without_word_times_they_are_estimated_from_the_length() -> None:
    made = track(ms=1800, words=[])
    assert made.chars_at(0) == 0
    assert made.chars_at(950) == 8
    assert made.chars_at(1800) == 18


def test_the_words_of_a_script_without_spaces_are_estimated_by_their_syllables() -> None:
    made = Track(TELEPHONE)
    made.text, made.text_complete = "您好。iPhone手机到了。", True
    assert [made.text[w.char_start : w.char_end] for w in made.timing()] == ["您好。", "iPhone", "手机", "到了。"]
    assert [w.start_ms for w in made.timing()] == [0, 466, 866, 1266]
    made.append(bytes(1_820 * 8), [])
    made.audio_complete = True
    assert [w.start_ms for w in made.timing()] == [0, 490, 910, 1330]
    assert made.chars_at(920) == 9
    assert made.chars_at(1_820) == 14
    assert made.char_at(1_150) == 10
    word = made.word_start(1_000)
    assert word is not None
    assert word.start_ms == 910


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("您的订单已经发货了", [1, 2, 4, 6, 7, 8, 9]),
        ("ขอยกเลิกครับ ได้ครับ", [2, 8, 13, 16, 20]),
        ("आपका ऑर्डर गया", [5, 11, 14]),
    ],
)
def test_heard_ends_at_a_word_in_any_script(text: str, ends: list[int]) -> None:
    made = Track(TELEPHONE)
    made.text = text
    spans = list(units(text))
    made.append(bytes(100 * len(spans) * 8), [Word(a, b, 100 * n, 100 * n + 100) for n, (a, b) in enumerate(spans)])
    assert [made.chars_at(100 * n) for n in range(1, len(spans) + 1)] == ends
    made.text, made.text_complete, made.audio_complete = text, True, True
    assert made.chars_at(100 * len(spans)) == len(text)


def test_a_voice_that_breaks_off_goes_on_at_the_next_word() -> None:
    made = track(ms=300, words=WORDS[:3], complete=False)
    assert made.cut_to_word() == 8
    assert made.size_ms == 200
    assert [w.char_start for w in made.words] == [0, 4]


def test_sound_that_was_given_out_is_not_taken_back() -> None:
    made = track(ms=300, words=WORDS[:3], complete=False)
    assert len(made.take(280)) == 280 * 8
    assert made.cut_to_word() == 8
    assert made.size_ms == 280


def test_a_voice_that_breaks_before_its_first_word_says_all_again() -> None:
    made = track(ms=40, words=WORDS[:1], complete=False)
    assert made.cut_to_word() == 0
    assert made.size_ms == 0


def test_old_sound_is_let_go_of_and_the_place_is_kept() -> None:
    made = track(ms=20_000)
    made.take(15_000)
    made.forget(15_000)
    assert made.size_ms == 20_000
    assert made.sent_ms == 15_000
    made.rewind(14_000)
    assert made.sent_ms == 14_000
    made.rewind(1_000)
    assert made.sent_ms == 10_000


def test_the_plain_clock_counts_what_was_sent_from_when_it_was_sent() -> None:
    clock = PlayClock()
    clock.sent(200, now=1000)
    assert clock.played(1000) == 0
    assert clock.ahead(1050) == 150
    assert clock.played(1150) == 150
    assert clock.played(2000) == 200
    assert clock.sent(60, now=1300) == 100
    assert clock.played(1330) == 230


def test_a_carrier_that_holds_sound_back_is_known_by_its_late_marks() -> None:
    clock = PlayClock()
    bare = clock.mark(1000)
    clock.sent(200, 1000)
    first = clock.mark(1000)
    assert clock.returned(bare, 1040)
    assert clock.returned(first, 1300)
    clock.sent(200, 1300)
    assert clock.held_back == 60
    assert clock.played(1400) == 240


def test_marks_that_come_very_late_do_not_unsay_what_was_heard() -> None:
    clock = PlayClock()
    clock.sent(2000, 1000)
    name = clock.mark(1000)
    assert clock.played(3100) == 2000
    assert clock.returned(name, 9000)
    assert clock.played(9000) == 2000
    clock.sent(1000, 9000)
    assert clock.played(9500) >= 2000


def test_marks_after_a_clear_mean_cleared() -> None:
    clock = PlayClock()
    clock.sent(200, 1000)
    name = clock.mark(1000)
    clock.clear()
    assert clock.returned(name, 1050) is False
    assert clock.played(5000) == 0


def test_a_mark_counts_once_and_a_made_up_one_never() -> None:
    clock = PlayClock()
    name = clock.mark(1000)
    assert clock.returned(name, 1001)
    assert clock.returned(name, 1002) is None
    assert clock.returned("1.99", 1003) is None
    assert clock.returned("", 1003) is None


def test_marks_that_never_return_are_bounded() -> None:
    clock = PlayClock()
    for n in range(300):
        clock.mark(n)
    assert clock.lost_marks == 44


def test_an_utterance_pauses_and_goes_on_over_two_generations() -> None:
    say = conversation_pb2.Say(utterance=1, text=TEXT, complete=True)
    utterance = Utterance(say, call_pb2.TurnRef(turn=1), "", TELEPHONE)
    utterance.track.text, utterance.track.text_complete = TEXT, True
    utterance.track.append(bytes(450 * 8), WORDS)
    utterance.track.audio_complete = True
    utterance.enters(1000)
    utterance.track.take(300)
    assert utterance.follow(1150) == 150
    assert utterance.rewind() == 4
    assert utterance.track.sent_ms == 100
    utterance.enters(0)
    utterance.track.take(350)
    assert utterance.follow(100) == 200
    assert utterance.heard_chars == 8
    assert utterance.follow(400) == 450
    assert utterance.all_heard


def playing(ms: int = 450, words: list[Word] | None = None) -> Utterance:
    utterance = Utterance(conversation_pb2.Say(utterance=1), call_pb2.TurnRef(turn=1), "", TELEPHONE)
    utterance.track = track(ms, words)
    utterance.enters(0)
    utterance.track.take(ms)
    return utterance


def test_paused_twice_at_the_same_word_it_is_begun_again_and_what_was_heard_stays_heard() -> None:
    utterance = playing()
    utterance.follow(190)
    assert utterance.rewind() == 4
    assert utterance.heard_chars == 8, "40 ms before its end the word was as good as heard"
    utterance.enters(0)
    utterance.track.take(60)
    utterance.follow(60)
    assert utterance.rewind() == 4
    assert utterance.track.sent_ms == 100
    assert utterance.heard_chars == 8


def test_a_word_that_ended_in_the_frame_before_the_pause_is_said_again() -> None:
    utterance = playing()
    utterance.follow(110)
    assert utterance.rewind() == 0
    assert utterance.track.sent_ms == 0


def test_a_pause_between_two_words_goes_on_with_the_silence_that_was_left() -> None:
    utterance = playing()
    utterance.follow(230)
    assert utterance.rewind() == 8
    assert utterance.track.sent_ms == 230


def test_word_times_that_come_during_the_pause_count() -> None:
    utterance = playing(1_800, words=[])
    utterance.follow(950)
    utterance.rewind()
    utterance.track.words.extend([Word(0, 3, 0, 900), Word(4, 7, 900, 1_000), Word(8, 13, 1_000, 1_500)])
    assert utterance.rewind() == 4
    assert utterance.track.sent_ms == 900


def test_words_the_voice_never_tells_are_estimated_behind_those_it_told() -> None:
    made = track(ms=1_950, words=WORDS[:1])
    assert [(w.char_start, w.char_end) for w in made.timing()] == [(0, 3), (4, 7), (8, 13), (14, 18)]
    assert made.timing()[0] == WORDS[0]
    assert made.chars_at(1_000) in (4, 8)
    assert track(ms=500, words=WORDS).timing() == WORDS


def test_what_the_carrier_holds_back_is_still_known_after_a_clear() -> None:
    clock = PlayClock()
    bare = clock.mark(1000)
    clock.sent(200, 1000)
    first = clock.mark(1000)
    clock.returned(bare, 1040)
    clock.returned(first, 1300)
    clock.clear()
    clock.sent(200, 2000)
    assert clock.played(2100) == 40
