"""The audio on its way to a recogniser, and what the next one gets of it."""

import asyncio
from collections.abc import AsyncIterator

from parley.audio import BROWSER, TELEPHONE
from services.stt import feed as module
from services.stt.contract import Endpointing, Expect, Flush, Lull, SpeechStarted, SpeechStopped
from services.stt.feed import Feed


def tone(ms: int, value: int) -> bytes:
    return bytes([value]) * (ms * 8)


async def test_the_next_reader_starts_where_words_are_not_final() -> None:
    feed = Feed(TELEPHONE, 5000)
    for value in range(1, 6):
        feed.push(tone(60, value))
    feed.settle(5090)
    feed.close()
    start, audio = feed.open()
    assert start == 5090
    assert b"".join([piece async for piece in audio if isinstance(piece, bytes)]) == (
        tone(30, 2) + tone(60, 3) + tone(60, 4) + tone(60, 5)
    )


async def test_samples_are_never_cut_in_two() -> None:
    feed = Feed(BROWSER, 0)
    feed.push(b"\x01\x02" * 960)
    feed.settle(31)
    feed.close()
    start, audio = feed.open()
    assert start == 31
    assert [len(piece) async for piece in audio if isinstance(piece, bytes)] == [1920 - 31 * 32]


async def test_a_flush_keeps_its_place_among_the_audio_and_is_not_repeated() -> None:
    feed = Feed(TELEPHONE, 0)
    _, audio = feed.open()
    feed.push(tone(20, 1))
    feed.flush()
    feed.push(tone(20, 2))
    feed.close()
    assert [piece async for piece in audio] == [tone(20, 1), Flush.FLUSH, tone(20, 2)]
    _, again = feed.open()
    assert [piece async for piece in again] == [tone(20, 1), tone(20, 2)]


async def test_over_a_minute_without_a_final_the_oldest_goes_and_is_counted() -> None:
    before = module.LOST._value.get()
    feed = Feed(TELEPHONE, 0)
    for _ in range(61):
        feed.push(tone(1000, 1))
    start, _ = feed.open()
    assert start == 1000
    assert module.LOST._value.get() - before == 1000


async def test_a_recogniser_that_does_not_take_holds_the_sender_back() -> None:
    feed = Feed(TELEPHONE, 0)
    _, audio = feed.open()
    while not feed.full:
        feed.push(tone(1000, 1))
    waiting = asyncio.ensure_future(feed.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await anext(audio)
    await anext(audio)
    await waiting


async def _read(audio: AsyncIterator[object]) -> list[object]:
    return [item if not isinstance(item, bytes) else len(item) // 8 async for item in audio]


async def test_a_recogniser_driven_by_the_vad_hears_no_further_than_it_with_its_edges_in_their_places() -> None:
    feed = Feed(TELEPHONE, 0)
    _, audio = feed.open_driven()
    feed.push(tone(100, 1))
    feed.listened(32, SpeechStarted(0))
    assert await anext(audio) == tone(32, 1)
    feed.listened(64, None)
    feed.push(tone(60, 2))
    feed.flush()  # behind all that came, whatever the VAD knows by now
    feed.close()
    feed.listened(128, Lull(32))
    feed.listened(160, None)
    assert await _read(audio) == [SpeechStarted(0), 32, 64, Lull(32), 32, Flush.FLUSH]


async def test_the_next_one_gets_the_edges_of_what_it_hears_again() -> None:
    feed = Feed(TELEPHONE, 0)
    for _ in range(5):
        feed.push(tone(64, 1))
    for now_ms, edge in ((64, SpeechStarted(32)), (192, SpeechStopped(96)), (256, SpeechStarted(224)), (320, None)):
        feed.listened(now_ms, edge)
    feed.settle(100)
    feed.close()
    start, audio = feed.open_driven()
    assert start == 100
    assert await _read(audio) == [SpeechStarted(100), 92, SpeechStopped(96), 64, SpeechStarted(224), 64]


async def test_what_answers_are_to_be_is_told_to_who_is_driven() -> None:
    feed = Feed(TELEPHONE, 0)
    _, audio = feed.open_driven()
    wish = Endpointing(Expect.DIGITS, number_lengths=(4,))
    feed.configure(wish)
    feed.close()
    assert await _read(audio) == [wish]
