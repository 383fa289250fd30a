"""What the mouth tells of its words' times, against what sounds at the far end; time passes as the test says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from parley.audio import TELEPHONE
from parley.text.words import units
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.mouth.mouth import PROGRESS_MS, Mouth
from services.gateway.mouth.outlet import Outlet
from services.gateway.mouth.telling import AHEAD_MS, CHANGED_MS, MAX_PLACES, Telling
from services.gateway.mouth.track import Word
from services.gateway.mouth.utterance import Utterance
from services.gateway.reflex.echo import Echo
from services.gateway.voice.phrase_cache import PhraseCache
from services.gateway.voice.prefetch import Prefetch
from testbed.turns.virtual.time import VirtualTime

TEXT = " ".join(f"word{n:02}" for n in range(25))
PER_MS = TELEPHONE.bytes_per_ms
Progress = conversation_pb2.Progress


class FarEnd:
    """Plays what comes, at once and in order; each word's sound is its number. `began`: words and when, in ms."""

    def __init__(self) -> None:
        self.began: list[tuple[int, float]] = []
        self._ends, self._before = 0.0, 0

    def send_audio(self, data: bytes) -> None:
        at = max(self._ends, now())
        for n, word in enumerate(data):
            if word and word != self._before:
                self.began.append((word - 1, at + n / PER_MS))
            self._before = word
        self._ends = at + len(data) / PER_MS

    def clear(self) -> None:
        self.began = [(word, at) for word, at in self.began if at < now()]
        self._ends, self._before = now(), 0

    def mark(self, name: str) -> None: ...


def now() -> float:
    return time.monotonic() * 1000


class Speaking:
    """A mouth whose voice is the test: `sounds` gives it more words. `told`: each message and when it came."""

    def __init__(self) -> None:
        self.far = FarEnd()
        self.told: list[tuple[float, Progress]] = []
        nobody = cast(Any, None)
        clock = cast(Any, type("Clock", (), {"add": lambda *_: None, "remove": lambda *_: None})())
        outlet, rehearsal = Outlet(cast(Any, self.far), TELEPHONE, Echo()), Prefetch(nobody, PhraseCache(0))
        self.mouth = Mouth(outlet, TELEPHONE, nobody, clock, rehearsal, "CA1", self._tell)
        silent = {name: lambda *_: None for name in ("begin", "text_added", "played", "hush")}
        self.mouth._voices = cast(Any, type("Voices", (), silent)())

    def _tell(self, event: conversation_pb2.CallEvent) -> None:
        if event.HasField("progress"):
            self.told.append((now(), event.progress))

    def says(self, text: str, utterance: int = 1) -> Utterance:
        say = conversation_pb2.Say(utterance=utterance, text=text, complete=True, interruptible=True)
        self.mouth.say(say, call_pb2.TurnRef(turn=1), "")
        return next(u for u in self.mouth._queue if u.id == utterance)

    def places(self, since: float = 0.0) -> dict[int, float]:
        """Where the owner believes the voice to be when, of what was told since then."""
        known: dict[int, float] = {}
        for at, told in self.told:
            if at < since:
                continue
            known = {char: when for char, when in known.items() if char < told.places[0]}
            known |= {char: at + in_ms for char, in_ms in zip(told.places, told.in_ms, strict=True)}
        return known


def sounds(of: Utterance, first: int, last: int, word_ms: int = 200, timed: bool = True, whole: bool = False) -> None:
    """The sound of these words comes."""
    track = of.track
    begins, words = round(track.size_ms), list(units(track.text))
    times = [
        Word(*words[n], begins + (n - first) * word_ms, begins + (n + 1 - first) * word_ms) for n in range(first, last)
    ]
    sound = b"".join(bytes([n + 1]) * (word_ms * PER_MS) for n in range(first, last))
    track.append(sound, times if timed else [])
    track.audio_complete = whole


@pytest.fixture
def clock() -> Iterator[VirtualTime]:
    virtual = VirtualTime()
    with virtual.in_place():
        yield virtual


def passes(clock: VirtualTime, it: Speaking, ms: int) -> None:
    for _ in range(ms // 20):
        clock.now += 0.020
        it.mouth.tick(now())


def agrees(it: Speaking, text: str, since: float = 0.0) -> int:
    """How many words were told since then that have sounded; each when it did."""
    begins = [begin for begin, _ in units(text)]
    known, checked = it.places(since), 0
    for word, at in it.far.began:
        if at >= since and begins[word] in known:
            assert known[begins[word]] == pytest.approx(at, abs=CHANGED_MS + 1), word
            checked += 1
    return checked


def test_each_word_is_told_once_before_it_sounds_and_sounds_then(clock: VirtualTime) -> None:
    it = Speaking()
    utterance = it.says(TEXT)
    sounds(utterance, 0, 25, whole=True)
    passes(clock, it, 4_900)
    assert agrees(it, TEXT) == 25
    told = [char for _, message in it.told for char in message.places]
    assert told == [*(begin for begin, _ in units(TEXT)), len(TEXT)], "each once, and the end of the last"
    assert len(it.told) <= 6
    first, message = it.told[0]
    assert (message.places[0], message.in_ms[0]) == (0, round(it.far.began[0][1] - first))
    assert 240 <= -message.in_ms[0] <= 280, "when no echo can be back"
    assert all(in_ms <= AHEAD_MS for _, message in it.told for in_ms in message.in_ms)
    for at, message in it.told[1:]:
        assert at % PROGRESS_MS < 20, "all mouths at one moment"
        assert message.in_ms[0] > 0, "before it sounds"


def test_after_a_pause_words_are_told_anew_from_where_the_voice_goes_on(clock: VirtualTime) -> None:
    it = Speaking()
    sounds(it.says(TEXT), 0, 25, whole=True)
    passes(clock, it, 1_500)
    it.mouth.pause(conversation_pb2.Paused.CAUSE_REFLEX)
    before = len(it.told)
    passes(clock, it, 700)
    assert len(it.told) == before, "nothing sounds"
    it.mouth.resume(conversation_pb2.Resumed.CAUSE_TOLD)
    resumed = now()
    passes(clock, it, 300)
    _, message = it.told[before]
    assert message.places[0] == TEXT.index("word07"), "said again from its start"
    passes(clock, it, 3_000)
    assert agrees(it, TEXT, resumed) >= 15


def test_word_times_that_come_late_replace_the_guess(clock: VirtualTime) -> None:
    it = Speaking()
    utterance = it.says(TEXT)
    sounds(utterance, 0, 25, timed=False)
    passes(clock, it, 500)
    guess = it.places()
    assert guess[TEXT.index("word02")] - guess[0] == pytest.approx(200 / 15 * 2 * 7 * 5, rel=0.1), "15 letters a second"
    words = list(units(TEXT))
    utterance.track.words += [Word(*words[n], n * 200, n * 200 + 200) for n in range(25)]
    utterance.track.audio_complete = True
    passes(clock, it, 4_000)
    assert agrees(it, TEXT) >= 22


def test_a_voice_that_tells_no_word_times_is_told_of_by_the_letter(clock: VirtualTime) -> None:
    it = Speaking()
    sounds(it.says(TEXT), 0, 25, timed=False, whole=True)
    passes(clock, it, 4_900)
    assert agrees(it, TEXT) == 25, "words of one length lie evenly"


def test_of_words_without_sound_nobody_knows_when_they_will(clock: VirtualTime) -> None:
    it = Speaking()
    utterance = it.says(TEXT)
    sounds(utterance, 0, 4)
    passes(clock, it, 1_100)
    assert max(it.places()) == TEXT.index("word03") + len("word03"), "and the end of the last that has come"
    sounds(utterance, 4, 25, whole=True)
    it.mouth._advance()
    passes(clock, it, 4_000)
    assert agrees(it, TEXT) == 25


def test_a_sentence_behind_another_is_told_though_no_marks_come_back(clock: VirtualTime) -> None:
    it = Speaking()
    sounds(it.says("one two three"), 0, 3, whole=True)
    sounds(it.says(TEXT, utterance=2), 0, 25, whole=True)
    passes(clock, it, 1_500)
    _, message = next(told for told in it.told if told[1].utterance == 2)
    assert message.places[0] == 0
    assert -280 <= message.in_ms[0] <= -240


def test_pauses_between_words_are_told(clock: VirtualTime) -> None:
    it = Speaking()
    utterance = it.says("well yes")
    utterance.track.append(b"\1" * (400 * PER_MS) + bytes(800 * PER_MS) + b"\2" * (400 * PER_MS), [])
    utterance.track.words += [Word(0, 4, 0, 400), Word(5, 8, 1_200, 1_600)]
    utterance.track.audio_complete = True
    passes(clock, it, 1_500)
    known = it.places()
    assert [round(at - known[0]) for _, at in sorted(known.items())] == [0, 400, 1_200, 1_600]
    assert sorted(known) == [0, 4, 5, 8]


def test_while_the_line_stands_still_the_voice_is_where_it_was(clock: VirtualTime) -> None:
    it = Speaking()
    sounds(it.says(TEXT), 0, 25, whole=True)
    passes(clock, it, 1_500)
    stood_still = now()
    it.mouth._held_at = stood_still
    passes(clock, it, 2_000)
    held = it.places()
    assert TEXT.index("word07") < max(held) <= TEXT.index("word08"), "nothing counts but what was on its way"
    assert held[max(held)] == pytest.approx(stood_still, abs=1)
    it.mouth.back(now())
    back = now()
    passes(clock, it, 3_000)
    assert min(it.places(back)) == TEXT.index("word07"), "said again"
    assert agrees(it, TEXT, back) >= 12


def test_a_new_owner_is_told_of_what_sounds_now(clock: VirtualTime) -> None:
    it = Speaking()
    sounds(it.says(TEXT), 0, 25, whole=True)
    passes(clock, it, 1_500)
    it.mouth.state(1)
    took_over = now()
    passes(clock, it, 400)
    assert min(it.places(took_over)) <= TEXT.index("word07")
    passes(clock, it, 2_000)
    assert agrees(it, TEXT, took_over) >= 10


def test_a_message_is_bounded_and_what_is_left_is_told_with_the_next() -> None:
    telling = Telling(0.0)
    all_of_them = [(n, 10.0 * n) for n in range(30)]
    assert telling.news(all_of_them, 0.0) == all_of_them[:MAX_PLACES]
    assert telling.news(all_of_them, 100.0) == all_of_them[MAX_PLACES:]
    assert telling.news(all_of_them, 200.0) == []
    shifted = [(n, at + (CHANGED_MS + 1 if n >= 20 else 0)) for n, at in all_of_them]
    assert telling.news(shifted, 300.0) == shifted[20:]


def test_times_that_creep_are_told_again_in_time() -> None:
    telling = Telling(0.0)
    creeping = [[(0, 0.0), (1, 100.0 + 20 * n)] for n in range(4)]
    assert [bool(telling.news(places, 0.0)) for places in creeping] == [True, False, True, False]
