"""The provider as the service uses it: worker processes that carry several calls, die, and come back."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from parley.audio import BROWSER, TELEPHONE, AudioFormat
from parley.errors import AtCapacity, BadInput, NotFound, VendorLost
from parley.published.bundle import contents, packed
from parley.published.shelf import Shelf, Table
from parley.published.versions import Version, Versions
from parley.settings import Settings
from services.stt.contract import Final, Flush, SpeechEvent, SpeechStarted, SttConfig
from services.stt.local import pool
from services.stt.providers.local import Local
from testbed.patience import PATIENCE_S
from testbed.voice import Voice, as_mulaw, silence


async def playing(*pieces: bytes | Flush, then: asyncio.Event | None = None) -> AsyncIterator[bytes | Flush]:
    for piece in pieces:
        if isinstance(piece, Flush):
            yield piece
            continue
        for at in range(0, len(piece), 480):
            yield piece[at : at + 480]
    if then is not None:
        await then.wait()


async def texts(events: AsyncIterator[SpeechEvent]) -> list[str]:
    return [event.text async for event in events if isinstance(event, Final)]


async def test_five_callers_speak_at_once_and_each_gets_their_own_words(recogniser: Local, caller: Voice) -> None:
    said = ["is my cake ready", "when do you close on friday", "what are your opening hours please", "goodbye",
            "when can i pick up my order"]  # fmt: skip
    audio = [as_mulaw(np.concatenate([silence(0.4), caller.say(text), silence(0.6)])) for text in said]
    heard = await asyncio.gather(*(texts(recogniser.recognize(playing(a), SttConfig())) for a in audio))
    assert heard == [[text] for text in said]


async def test_the_button_ends_the_sentence_while_the_call_goes_on(recogniser: Local, caller: Voice) -> None:
    hung_up = asyncio.Event()
    speech = np.concatenate([silence(0.4), caller.say("is my cake ready")]).tobytes()
    events = recogniser.recognize(playing(speech, Flush.FLUSH, then=hung_up), SttConfig(format=BROWSER))
    async for event in events:
        if isinstance(event, Final):
            assert event.text == "is my cake ready"
            break
    await events.aclose()  # type: ignore[attr-defined]
    assert recogniser.pool.workers[0].load == 0


async def test_a_worker_dies_its_call_learns_it_and_the_next_call_is_served(recogniser: Local, caller: Voice) -> None:
    audio = as_mulaw(np.concatenate([silence(0.4), caller.say("is my cake ready"), silence(0.6)]))
    events = recogniser.recognize(playing(audio, then=asyncio.Event()), SttConfig())
    first = await anext(events)
    assert isinstance(first, SpeechStarted)
    os.kill(recogniser.pool.workers[0].pid, signal.SIGKILL)
    with pytest.raises(VendorLost, match="process died"):
        async for _ in events:
            pass
    assert await texts(recogniser.recognize(playing(audio), SttConfig())) == ["is my cake ready"]


async def test_a_worker_that_hangs_is_killed_and_its_call_learns_it(
    recogniser: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STALL_S", 0.2)
    assert await texts(recogniser.recognize(playing(b"\xff" * 160), SttConfig())) == []
    os.kill(recogniser.pool.workers[0].pid, signal.SIGSTOP)
    with pytest.raises(VendorLost):
        await texts(recogniser.recognize(playing(TELEPHONE.silence(10_000)), SttConfig()))
    assert await texts(recogniser.recognize(playing(TELEPHONE.silence(100)), SttConfig())) == []


async def test_the_call_too_many_is_refused_and_a_place_freed_is_given_again(recogniser: Local) -> None:
    hang_up = asyncio.Event()
    calls = [
        asyncio.create_task(texts(recogniser.recognize(playing(b"\xff" * 160, then=hang_up), SttConfig())))
        for _ in range(pool.STREAMS_PER_WORKER)
    ]
    async with asyncio.timeout(PATIENCE_S):
        while recogniser.pool.workers[0].load < pool.STREAMS_PER_WORKER:  # noqa: ASYNC110 - the pool tells nobody
            await asyncio.sleep(0.01)
    with pytest.raises(AtCapacity, match="PARLEY_WORKERS"):
        await texts(recogniser.recognize(playing(), SttConfig()))
    hang_up.set()
    await asyncio.gather(*calls)
    assert await texts(recogniser.recognize(playing(), SttConfig())) == []


async def test_audio_faster_than_it_can_be_heard_waits_with_its_sender(recogniser: Local, caller: Voice) -> None:
    """After a reconnect a minute comes at once: at most two seconds of it are taken from the sender unheard."""
    sent = 0
    minute = as_mulaw(np.concatenate([caller.say("is my cake ready"), silence(0.6)] * 15))

    async def replay() -> AsyncIterator[bytes | Flush]:
        nonlocal sent
        for at in range(0, len(minute), 1600):
            sent += 1600
            yield minute[at : at + 1600]

    heard = 0
    async for event in recogniser.recognize(replay(), SttConfig()):
        if isinstance(event, Final):
            heard += 1
            assert sent // 8 - event.end_ms < pool.WINDOW_MS + 1500
    assert heard == 15


async def test_memory_does_not_grow_with_calls(recogniser: Local, caller: Voice) -> None:
    audio = as_mulaw(np.concatenate([silence(0.3), caller.say("yes"), silence(0.6)]))

    async def calls(count: int) -> int:
        for _ in range(count):
            await texts(recogniser.recognize(playing(audio), SttConfig()))
        size: int = psutil.Process(recogniser.pool.workers[0].pid).memory_info().rss
        return size

    before = await calls(10)
    assert await calls(20) - before < 3_000_000


async def test_what_cannot_be_served_is_refused_by_name(recogniser: Local) -> None:
    with pytest.raises(BadInput, match="language"):
        await texts(recogniser.recognize(playing(), SttConfig(language="fi")))
    with pytest.raises(BadInput, match=r"format\.rate"):
        await texts(recogniser.recognize(playing(), SttConfig(format=AudioFormat("pcm_s16le", 100))))
    with pytest.raises(NotFound, match="bakery"):
        await texts(recogniser.recognize(playing(), SttConfig(agent="butcher")))


async def test_a_failing_line_ends_the_recognition_with_its_own_error(recogniser: Local) -> None:
    async def broken() -> AsyncIterator[bytes | Flush]:
        yield b"\xff" * 160
        raise ConnectionResetError("line cut")

    with pytest.raises(ConnectionResetError, match="line cut"):
        await texts(recogniser.recognize(broken(), SttConfig()))


async def test_closing_leaves_no_process(settings: Settings) -> None:
    provider = Local(settings)
    assert await texts(provider.recognize(playing(b"\xff" * 160), SttConfig())) == []
    process = psutil.Process(provider.pool.workers[0].pid)
    await provider.aclose()
    assert not process.is_running()


async def test_a_published_version_is_heard_with_what_was_built_before_until_its_own_model_is_built(
    settings: Settings, tmp_path: Path
) -> None:
    chosen = settings.model_copy(update={"data_dir": tmp_path})
    shutil.copytree(settings.data_dir / "stt", tmp_path / "stt")
    shelf, files = Shelf(tmp_path), contents(settings.agents_dir / "bakery")
    provider = Local(chosen)
    try:
        old = await provider._ready_model(SttConfig())
        files["agent.yaml"] = files["agent.yaml"] + b"\nkeyterms: [pumpernickel loaf]\n"
        bundle = packed(files)
        version = Version(id=bundle.id, digest=bundle.digest, size=len(bundle.data), at=0)
        shelf.unpack("bakery", version, bundle.data)
        shelf.write(Table(agents={"bakery": Versions().publish(version)}))
        assert await provider._ready_model(SttConfig()) == old
        (building,) = (future for key, future in provider._models.items() if key[2] == version.id)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wrap_future(building)
        new = await provider._ready_model(SttConfig())
        assert "pumpernickel" in new.words.read_text()
        assert "pumpernickel" not in old.words.read_text()
    finally:
        await provider.aclose()
