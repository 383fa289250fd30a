"""From whatever times a voice gives to the words of the text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from parley.errors import BadInput, Misconfigured
from services.tts.contract import WordTime
from services.tts.local.pieces import MAX_PIECE, pause_ms, pieces, readable
from services.tts.providers import elevenlabs_wire as wire
from services.tts.script import MAX_PIECE as MAX_PIECE_CHARS
from services.tts.script import MAX_TEXT, Script
from services.tts.voices import voice_for
from services.tts.words import Aligner


def chars(text: str, start: float = 0, each: float = 10) -> tuple[list[str], list[float], list[float]]:
    """A vendor's alignment: each character takes the same time."""
    starts = [start + i * each for i in range(len(text))]
    return list(text), starts, [at + each for at in starts]


def told(aligner: Aligner, words: list[WordTime]) -> list[tuple[str, int, int]]:
    return [(aligner.text[w.char_start : w.char_end], w.start_ms, w.end_ms) for w in words]


def test_a_words_time_is_that_of_its_letters_not_of_the_full_stop_and_its_pause() -> None:
    aligner = Aligner()
    aligner.given("Hi there. ")
    assert told(aligner, aligner.take(*chars("Hi there. "))) == [("Hi", 0, 20), ("there.", 30, 80)]


@pytest.mark.parametrize("sent", [" Hi there.", "Hi  there. ", "Hithere."])
def test_the_vendors_white_space_does_not_matter(sent: str) -> None:
    aligner = Aligner()
    aligner.given("Hi there.")
    assert [word for word, *_ in told(aligner, aligner.take(*chars(sent)))] == ["Hi", "there."]


def test_a_word_cut_in_two_messages_is_told_once_when_it_is_whole() -> None:
    aligner = Aligner()
    aligner.given("Friday")
    assert aligner.take(*chars("Fri")) == []
    assert told(aligner, aligner.take(*chars("day", 30))) == [("Friday", 0, 60)]


def test_words_the_vendor_wrote_otherwise_get_the_time_between_their_neighbours() -> None:
    aligner = Aligner()
    aligner.given("It costs $5 today.")
    words = told(aligner, aligner.take(*chars("It costs five dollars today.")) + aligner.rest(400))
    assert [word for word, *_ in words] == ["It", "costs", "$5", "today."]
    assert [start for _, start, _ in words] == sorted(start for _, start, _ in words)


def test_without_any_times_words_share_the_audio_by_their_length() -> None:
    aligner = Aligner()
    aligner.given("One, three - ")
    assert told(aligner, aligner.rest(1000)) == [("One,", 0, 454), ("three", 454, 1000)]
    assert aligner.all_told


def test_offsets_count_characters_not_bytes() -> None:
    aligner = Aligner()
    aligner.given("Café 𠮷 naïve")
    words = aligner.take(*chars("Café 𠮷 naïve"))
    assert [(w.char_start, w.char_end) for w in words] == [(0, 4), (5, 6), (7, 12)]


@pytest.mark.parametrize(
    ("value", "engine", "preferred", "voice"),
    [
        ("amy", "elevenlabs", True, "amy"),
        ("amy", "local", False, ""),
        ("elevenlabs=X1;local=en-us+f3", "local", False, "en-us+f3"),
        ("elevenlabs=X1; Local = en-us+f3 ", "local", True, "en-us+f3"),
        ("elevenlabs=X1", "local", True, ""),
        ("", "local", True, ""),
    ],
)
def test_each_engine_finds_its_voice(value: str, engine: str, preferred: bool, voice: str) -> None:
    assert voice_for(engine, value, preferred) == voice


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Yes, it did. Anything else?", ["Yes,", " it did.", " Anything else?"]),
        ("Dr. Smith said at 3 p.m. on A. Street.", ["Dr. Smith said at 3 p.m. on A. Street."]),
        ("It is $12.50 at 3:30.", ["It is $12.50 at 3:30."]),
        ('He said "no!" twice', ['He said "no!"', " twice"]),
        ("word " * 100, None),
        ("x" * 700, None),
    ],
)
def test_text_is_cut_where_one_breathes(text: str, parts: list[str] | None) -> None:
    cut = list(pieces(text))
    assert "".join(part for _, part in cut) == text
    assert all(text.startswith(part, begin) and len(part) <= MAX_PIECE for begin, part in cut)
    assert parts is None or [part for _, part in cut] == parts


def test_a_full_stop_is_a_longer_breath_than_a_comma() -> None:
    assert pause_ms("Yes. ") > pause_ms("Yes,") > pause_ms("yes") == 0


def test_control_characters_do_not_reach_the_engine() -> None:
    assert readable("a\x01b\x00c\nd") == "a b c d"
    assert readable("<b>café</b>") == "<b>café</b>"


@pytest.mark.parametrize("url", ["ftp://host", "https://", "//"])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(Misconfigured, match="ELEVENLABS_BASE_URL"):
        wire.Base.parse(url)


def test_a_path_before_the_version_is_kept() -> None:
    base = wire.Base.parse("wss://proxy.example/eleven/v1/")
    assert base == wire.Base("https://proxy.example/eleven", "wss://proxy.example/eleven")


async def test_a_text_without_end_is_refused() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "word " * 800

    script = Script(5)
    await script.read(endless())
    assert isinstance(script.error, BadInput)
    assert len(script.text) <= MAX_TEXT


async def test_a_script_gives_all_that_has_come_at_once() -> None:
    gate = asyncio.Event()

    async def source() -> AsyncIterator[str]:
        yield "One. "
        yield "Two. "
        await gate.wait()
        yield "Three."

    script = Script(5)
    reading = asyncio.ensure_future(script.read(source()))
    got = []
    async for piece in script.pieces(1):
        got.append(piece)
        gate.set()
    await reading
    assert "".join(got) == "ne. Two. Three."
    assert got[-1] == "Three."


@pytest.mark.parametrize("char", "a字😀")
async def test_a_message_and_a_text_have_as_many_characters_as_is_said(char: str) -> None:
    async def send(*sizes: int) -> Script:
        async def pieces_of() -> AsyncIterator[str]:
            for size in sizes:
                yield char * size

        script = Script(5)
        await script.read(pieces_of())
        return script

    for sizes in ((MAX_PIECE_CHARS - 1,), (MAX_PIECE_CHARS,), (MAX_PIECE_CHARS,) * (MAX_TEXT // MAX_PIECE_CHARS)):
        script = await send(*sizes)
        assert script.error is None
        assert len(script.text) == sum(sizes)
    refused = await send(MAX_PIECE_CHARS + 1)
    assert "send at most 4,000" in str(refused.error)
    refused = await send(*(MAX_PIECE_CHARS,) * (MAX_TEXT // MAX_PIECE_CHARS), 1)
    assert "over 40,000 characters" in str(refused.error)
