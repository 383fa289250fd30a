"""What is said in which order by the voice's process, and what its network makes."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import onnx
import pytest
from hibari.g2p.normalize import normalize
from hibari.tts import ASSETS
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.engines import engines_here
from parley.errors import Misconfigured
from parley.settings import Settings
from services.tts.english.reading import reading
from services.tts.hibari import voices
from services.tts.hibari.network import MOST_PHONEMES, Network, batches
from services.tts.hibari.phonemes import Word, expanded
from services.tts.hibari.process import Mouth, Voices
from services.tts.hibari.sound import leveled
from services.tts.hibari.turns import Stream, Turns
from services.tts.local import pipe
from services.tts.providers.hibari import Hibari
from tests.tts import line
from tests.tts.mouthpiece import Sent, say, spoken, stop

LONG = "and this goes on, and on, and nobody knows for how much longer it will, " * 12
MODEL = Path(ASSETS) / "hibari.onnx"


@pytest.fixture(scope="module")
def loaded() -> Voices:
    ready = Voices()
    ready.get("")
    return ready


def kinds(sent: list[Sent]) -> list[tuple[int, int]]:
    """Stream and kind of the frames, without repetitions."""
    return [key for key, _ in groupby((frame.stream, frame.kind) for frame in sent)]


def test_a_caller_with_a_short_text_does_not_wait_for_one_with_a_long_text(loaded: Voices) -> None:
    sent = spoken(say(1, LONG), say(2, "Yes."), voices=loaded)
    assert kinds(sent) == [(1, pipe.SPOKEN), (2, pipe.SPOKEN), (2, pipe.DONE), (1, pipe.SPOKEN), (1, pipe.DONE)]


def test_who_runs_out_of_sound_first_is_next() -> None:
    now = 100.0
    turns = Turns(1, 1.0, lambda: now)
    rich, poor, new = Stream(1), Stream(2), Stream(3)
    turns.played(rich, 5000)
    turns.played(poor, 500)
    for stream in (rich, poor, new):
        assert turns.add(stream, iter(()))
    order = []
    for _ in range(3):
        assert (job := turns.take()) is not None
        order.append(job.stream.number)
    assert order == [3, 2, 1]
    # Who has waited is not overtaken for ever: what is played by now was due before somebody new came.
    turns.add(poor, iter(()))
    now = 101.0
    turns.add(Stream(4), iter(()))
    assert (job := turns.take()) is not None
    assert job.stream is poor


def test_who_would_wait_too_long_for_a_first_sound_is_sent_elsewhere() -> None:
    turns = Turns(2, 1.0, lambda: 0.0)
    assert sum(turns.add(Stream(n), iter(())) for n in range(100)) == 41
    speaking = Stream(200, until=5.0)
    assert turns.add(speaking, iter(())), "who has begun is not left in mid-sentence"
    slow = Turns(2, 1.0, lambda: 0.0)
    for _ in range(100):
        slow.took(0.5)
    assert sum(slow.add(Stream(n), iter(())) for n in range(100)) == 5


def test_the_process_tells_who_is_not_taken(loaded: Voices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.tts.hibari.process.LONGEST_S", 0.0)
    sent = spoken(say(1, "Yes."), say(2, "No."), voices=loaded)
    busy = [frame for frame in sent if frame.stream == 2]
    assert [(frame.kind, frame.payload[:6]) for frame in busy] == [(pipe.DONE, pipe.BUSY)]


def test_a_stream_that_was_stopped_is_not_spoken(loaded: Voices) -> None:
    assert kinds(spoken(say(1, LONG), say(2, "Yes."), stop(1), voices=loaded)) == [(2, pipe.SPOKEN), (2, pipe.DONE)]


def test_a_stream_that_is_stopped_falls_silent_within_a_slice(loaded: Voices) -> None:
    def stops(mouth: Mouth, sent: Sent) -> None:
        mouth._streams[sent.stream].live = False

    assert [frame.kind for frame in spoken(say(1, LONG), voices=loaded, each=stops)] == [pipe.SPOKEN]


def test_what_makes_no_sound_is_done_at_once(loaded: Voices) -> None:
    for text in ("", "您好", "😀"):
        assert kinds(spoken(say(1, text), voices=loaded)) == [(1, pipe.DONE)]


def test_a_failure_is_of_one_piece(loaded: Voices, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("out of order")

    monkeypatch.setattr(loaded.get("").network, "utter", fails)
    sent = spoken(say(1, "Yes."), say(2, "No."), say(3, "No.", voice="nobody"), voices=loaded)
    assert [frame.payload for frame in sent[:2]] == [b"broken: ValueError"] * 2
    assert sent[2].payload.startswith(b"wrong: voice: hibari has no voice 'nobody'")


def test_the_sound_is_the_same_however_it_is_cut(loaded: Voices) -> None:
    voice = loaded.get("")
    utterance = voice.network.utter(voice.speller.spell(reading("The seams of this are not heard by anybody.")), 1.0)
    assert utterance is not None
    whole = [part for part, _ in utterance.slices(10**6)]
    for sizes in ((40, 120), (7, 11), (64, 5)):
        parts = [part for part, _ in utterance.slices(*sizes)]
        assert len(parts) > len(whole) == 1
        assert np.abs(np.concatenate(parts) - whole[0]).max() < 1e-4
    assert [last for _, last in utterance.slices()] == [False, True]


@pytest.mark.parametrize("speed", [0.5, 0.7, 0.85, 1.1, 1.3, 2.0])
def test_a_pace_is_what_was_asked(loaded: Voices, speed: float) -> None:
    voice = loaded.get("")
    words = voice.speller.spell(reading("We are open from nine to five on Saturdays, and closed on Sundays."))
    plain, other = voice.network.utter(words, 1.0), voice.network.utter(words, speed)
    assert plain is not None
    assert other is not None
    length = [one.times[-1].end_ms - one.times[0].start_ms for one in (plain, other)]
    assert length[0] / length[1] == pytest.approx(speed, rel=0.06)
    sound = sum(len(part) for part, _ in other.slices()) / 24
    assert 0 < sound - other.times[-1].end_ms < 1000


def test_loud_peaks_are_bent_and_not_cut() -> None:
    wave = np.linspace(-3, 3, 1000, dtype=np.float32)
    made = leveled(wave, 1.0)
    assert np.abs(made).max() <= 1
    assert (np.diff(made) >= 0).all()
    quiet = np.abs(wave) < 0.8
    assert np.array_equal(made[quiet], wave[quiet])


@given(st.lists(st.integers(1, 120), min_size=1, max_size=40))
def test_portions_hold_all_words_and_are_short(sizes: list[int]) -> None:
    words = [Word("a" * size + ",a"[place % 2], place) for place, size in enumerate(sizes)]
    cut = list(batches(words))
    assert [word for batch in cut for word in batch] == words
    assert all(sum(len(word.phonemes) + 1 for word in batch) <= MOST_PHONEMES for batch in cut)


def owners(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return [
        (word, words[place]) for word, place in expanded(list(zip(words, range(len(words)), strict=True)), normalize)
    ]


def test_what_the_package_writes_otherwise_stays_with_its_words() -> None:
    assert owners("It is 5 km to Dr. Smith") == [
        ("It", "It"), ("is", "is"), ("5", "5"), ("kilometers", "km"), ("to", "to"), ("Dr", "Dr."), ("Smith", "Smith"),
    ]  # fmt: skip
    assert owners("at 3:30pm on 10/12/2019 for $5 million") == [
        ("at", "at"), ("three", "3:30pm"), ("thirty", "3:30pm"), ("P.M.", "3:30pm"), ("on", "on"),
        ("October", "10/12/2019"), ("twelfth,", "10/12/2019"), ("2019", "10/12/2019"),
        ("for", "for"), ("5", "$5"), ("million", "million"), ("dollars", "million"),
    ]  # fmt: skip


TOKENS = st.sampled_from(
    ["a", "Dr.", "Smith", "5", "km", "20°C", "$5", "million", "3:30pm", "Jan.", "5th", "10/12/2019", "1/2", "No.", "7"]
    + ["&", "=", "•", "w/", "9:00–17:00", "Chapter", "IV", ",", ".", "(", "ok"]
)


@settings(deadline=None)
@given(st.lists(TOKENS, min_size=1, max_size=12))
def test_whatever_it_writes_words_stay_in_order_with_those_they_are_said_for(words: list[str]) -> None:
    changed = expanded([(word, place) for place, word in enumerate(words)], normalize)
    assert [word for word, _ in changed] == normalize(" ".join(words)).split()
    places = [place for _, place in changed]
    assert places == sorted(places)
    assert set(places) <= set(range(len(words)))


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60) | st.text("0123456789,.-$%/:() ", max_size=60))
def test_no_text_is_too_odd(loaded: Voices, text: str) -> None:
    voice = loaded.get("")
    said = reading(text)
    runs = [word.run for word in voice.speller.spell(said)]
    assert runs == sorted(runs)
    assert set(runs) <= set(range(len(said)))


def test_codes_are_spelled_to_the_network(loaded: Voices) -> None:
    speller = loaded.get("").speller
    said = speller.spell(reading("order 4421"))
    assert [word.run for word in said] == [0, 1, 1, 1, 1]
    assert said[1].phonemes.rstrip(",") == said[2].phonemes
    letters = speller.spell(reading("code A1-B2"))
    assert [word.phonemes.strip(",") for word in letters][1::2] == ["ˈA", "bˈi"]


def test_a_voice_is_checked_once_and_may_be_any_file_of_its_kind(tmp_path: Path) -> None:
    own = tmp_path / "mine.onnx"
    own.write_bytes(MODEL.read_bytes())
    assert Network(voices.find(str(own))).utter([Word("həlˈO", 0)], 1.0) is not None
    assert voices.find("heart").sha256 == voices.PINNED["heart"]
    stranger = tmp_path / "bf_emma.int8.onnx"
    stranger.write_bytes(MODEL.read_bytes())
    with pytest.raises(Misconfigured, match="is not 'emma'"):
        Network(voices.find(str(stranger)))
    own.write_bytes(b"nonsense")
    with pytest.raises(Misconfigured, match="is no ONNX model"):
        Network(voices.find(str(own)))
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], [])), own)
    with pytest.raises(Misconfigured, match="of another kind"):
        Network(voices.find(str(own)))


def test_a_wrong_voice_file_is_refused_before_anybody_calls(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="PARLEY_HIBARI_VOICE: there is no file"):
        Hibari(line.settings(PARLEY_HIBARI_VOICE=str(tmp_path / "none.onnx")))
    with pytest.raises(Misconfigured, match="no voice 'wrong'"):
        Hibari(line.settings(PARLEY_HIBARI_VOICE="wrong"))


OFFLINE = """
import socket
def nothing(*_, **__):
    raise AssertionError("the network was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = nothing
from parley.errors import Misconfigured
from parley.engines import engines_here
from parley.settings import Settings
from services.tts.hibari.process import Voices
voices = Voices()
assert voices.get("").network
try:
    voices.get("emma")
except Misconfigured as e:
    print(e)
"""


def test_nothing_is_ever_downloaded(tmp_path: Path) -> None:
    env = {**os.environ, "HIBARI_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", OFFLINE], env=env, capture_output=True, text=True)
    assert f"put bf_emma.int8.onnx at {tmp_path}/bf_emma.int8.onnx" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())


def test_without_a_key_it_is_first_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(*packages: str) -> list[str]:
        engines_here.cache_clear()
        have = {*packages, "onnx", "onnxruntime", "soxr"}
        monkeypatch.setattr("parley.engines.find_spec", lambda name: name if name in have else None)
        return Settings(ELEVENLABS_API_KEY="", PARLEY_TTS="").engines("tts")

    assert chosen("hibari", "espeakng_loader") == ["hibari", "local"]
    assert chosen("hibari") == ["hibari"]
    assert chosen("espeakng_loader") == ["local"]
    assert chosen() == ["hibari"]
    assert Settings(ELEVENLABS_API_KEY="k", PARLEY_TTS="").engines("tts") == ["elevenlabs"]
    assert Settings(PARLEY_TTS="local").engines("tts") == ["local"]
    engines_here.cache_clear()
