"""What one caller's stream becomes: words, their times, and nothing from noise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from parley.audio import BROWSER, TELEPHONE, AudioFormat
from services.stt.contract import Final, Interim, SpeechEvent, SpeechStarted, SpeechStopped, SttConfig
from services.stt.local.decoding import Decoders
from services.stt.local.hearing import LONGEST_MS, Hearing
from testbed.score import word_errors
from testbed.voice import Voice, as_mulaw, noise, silence
from tests.stt_local.sentences import IN_DOMAIN, OUT_OF_DOMAIN


def listen(
    samples: NDArray[np.int16], decoders: Decoders, form: AudioFormat = TELEPHONE, offset_ms: int = 0
) -> list[SpeechEvent]:
    hearing = Hearing(SttConfig(format=form, offset_ms=offset_ms), decoders)
    data = as_mulaw(samples) if form is TELEPHONE else samples.tobytes()
    step = form.bytes_per_ms * 20 + 1  # pieces that end inside a sample and inside a frame
    events = [e for at in range(0, len(data), step) for e in hearing.push(data[at : at + step])]
    events += hearing.end()
    hearing.close()
    return events


def around(speech: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.concatenate([noise(0.5, -65), speech, noise(0.8, -65, seed=2)])


def tone(hertz: float) -> NDArray[np.int16]:
    """Two seconds, loud."""
    return (9000 * np.sin(np.arange(32000) * 2 * np.pi * hertz / 16000)).astype(np.int16)


def finals(events: list[SpeechEvent]) -> list[Final]:
    return [e for e in events if isinstance(e, Final)]


def test_a_question_on_the_telephone_is_heard_with_its_times(caller: Voice, decoders: Decoders) -> None:
    speech = caller.say("when do you close on friday")
    events = listen(around(speech), decoders, offset_ms=10_000)
    kinds = [type(e) for e in events if not isinstance(e, Interim)]
    assert kinds == [SpeechStarted, SpeechStopped, Final]
    [final] = finals(events)
    assert final.text == "when do you close on friday"
    assert final.confidence > 0.9
    assert [w.text for w in final.words] == final.text.split()
    assert 10_350 <= final.start_ms <= 10_700
    assert abs(final.end_ms - (10_500 + len(speech) // 16)) < 300
    times = [t for w in final.words for t in (w.start_ms, w.end_ms)]
    assert times == sorted(times)
    assert [e.text for e in events if isinstance(e, Interim)][-1].startswith("when do you close")


@pytest.mark.parametrize(
    ("form", "said", "most_errors", "least_exact"),
    [(BROWSER, IN_DOMAIN[::2], 0.25, 7), (TELEPHONE, IN_DOMAIN[1::2], 0.3, 6)],
    ids=["browser", "telephone"],
)
def test_most_of_what_the_bakerys_callers_say_is_understood(
    form: AudioFormat, said: list[str], most_errors: float, least_exact: int, caller: Voice, decoders: Decoders
) -> None:
    errors = words = exact = 0
    for text in said:
        heard = " ".join(w.text for f in finals(listen(around(caller.say(text)), decoders, form)) for w in f.words)
        wrong = word_errors(text, heard)
        errors, words, exact = errors + wrong, words + len(text.split()), exact + (wrong == 0)
    assert errors / words <= most_errors
    assert exact >= least_exact


@pytest.mark.parametrize("loudness", [0.1, 0.4, 2.0], ids=["faint", "soft", "loud"])
def test_a_caller_of_any_loudness_is_understood(loudness: float, caller: Voice, decoders: Decoders) -> None:
    speech = np.clip(caller.say("when do you close on friday") * loudness, -32768, 32767).astype(np.int16)
    assert [f.text for f in finals(listen(around(speech), decoders))] == ["when do you close on friday"]


def test_speech_about_something_else_comes_as_a_final_without_words(caller: Voice, decoders: Decoders) -> None:
    results = [finals(listen(around(caller.say(text)), decoders)) for text in OUT_OF_DOMAIN[:6]]
    assert all(results), "speech is reported, if only as not understood"
    assert sum(any(f.text for f in found) for found in results) <= 1
    assert all(f.confidence < 0.5 for found in results for f in found if not f.text)


@pytest.mark.parametrize(
    "sound",
    [
        silence(3),
        noise(3, -60),
        np.concatenate([silence(1), noise(3, -30), silence(1)]),
        np.concatenate([silence(1), noise(3, -12), silence(1)]),
        np.concatenate([silence(1), noise(0.2, -15), silence(1)]),
        np.concatenate([silence(1), tone(440), silence(1)]),
    ],
    ids=["silence", "line noise", "noise begins", "loud noise", "a knock", "a tone"],
)
@pytest.mark.parametrize("form", [TELEPHONE, BROWSER], ids=["telephone", "browser"])
def test_nobody_speaks_and_nothing_is_heard(sound: NDArray[np.int16], form: AudioFormat, decoders: Decoders) -> None:
    assert listen(sound, decoders, form) == []


def test_a_pause_ends_the_first_sentence_and_a_second_follows(caller: Voice, decoders: Decoders) -> None:
    both = np.concatenate([caller.say("is my cake ready"), silence(0.8), caller.say("goodbye")])
    assert [f.text for f in finals(listen(around(both), decoders))] == ["is my cake ready", "goodbye"]


def test_flush_gives_the_words_at_once_without_waiting_for_quiet(caller: Voice, decoders: Decoders) -> None:
    hearing = Hearing(SttConfig(format=BROWSER), decoders)
    speech = np.concatenate([silence(0.4), caller.say("is my cake ready")])
    before = list(hearing.push(speech.tobytes()))
    assert finals(before) == []
    assert finals(list(hearing.flush()))[0].text == "is my cake ready"
    now = len(speech) // 320 * 20
    assert list(hearing.flush()) == [Interim("", now, now)], "nothing more to say is an answer too"


def test_a_caller_who_never_pauses_is_heard_in_pieces(caller: Voice, decoders: Decoders) -> None:
    words = caller.say(", ".join(["one two three four five"] * 14).replace(",", ""))
    assert len(words) > LONGEST_MS * 16
    found = finals(listen(words, decoders, BROWSER))
    assert len(found) >= 2
    assert all(f.end_ms - f.start_ms <= LONGEST_MS + 100 for f in found)


@pytest.mark.parametrize("form", [TELEPHONE, BROWSER], ids=["telephone", "browser"])
def test_a_call_is_heard_the_same_whoever_called_before(form: AudioFormat, caller: Voice, decoders: Decoders) -> None:
    call = around(np.concatenate([caller.say("where is my order"), silence(0.7), caller.say("two seven four nine")]))
    first = listen(call, decoders, form)
    other = caller.say("can i order a carrot cake for saturday", "en-us+f2", 150) * 0.3
    listen(np.concatenate([noise(0.5, -40), other.astype(np.int16), noise(0.8, -40)]), decoders, form)
    assert listen(call, decoders, form) == first
    assert len(finals(first)) == 2


def test_decoders_are_used_again_and_given_back_when_a_caller_hangs_up(caller: Voice, decoders: Decoders) -> None:
    hearing = Hearing(SttConfig(format=BROWSER), decoders)
    list(hearing.push(np.concatenate([silence(0.4), caller.say("where is my order one two")]).tobytes()))
    assert decoders.out == 1
    hearing.close()
    assert decoders.out == 0
