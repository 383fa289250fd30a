"""Calls from the page, in a real browser: a WAV speaks into its microphone, scripted services answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from parley.v1 import conversation_pb2, stt_pb2
from tests.browser.chromium import DEVICE_RATE, Chromium, Visit, visiting, write_wav
from tests.gateway.conftest import House
from tests.gateway.organs import Owner, Talk, audio_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Event = stt_pb2.RecognizeEvent
RATE = 16_000
TONES_HZ = (440, 880, 1320)
TONE_S = 0.5
LOUD = 0.008
"""The scripted voice's first word is a steady 257/32768 of full scale, each next word one more."""


@pytest.fixture
def quiet(sounds: Path) -> Path:
    """Somebody who only listens."""
    return write_wav(sounds / "quiet.wav", np.zeros(DEVICE_RATE, np.int16), DEVICE_RATE)


@pytest.fixture
def tones(sounds: Path) -> Path:
    """Three tones, half a second each, then silence."""
    time = np.arange(int(TONE_S * DEVICE_RATE)) / DEVICE_RATE
    parts = [8000 * np.sin(2 * np.pi * hz * time) for hz in TONES_HZ]
    return write_wav(sounds / "tones.wav", np.concatenate(parts).astype(np.int16), DEVICE_RATE)


def pitch(samples: NDArray[np.int16]) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))


async def answered(visit: Visit, house: House) -> tuple[Owner, Talk]:
    """The call is up: whom the mind and the ears talk to."""
    await visit.call()
    owner, ears = await house.mind.call(), await house.stt.call()
    await visit.status("Connected")
    return owner, ears


def heard_tones(samples: NDArray[np.int16]) -> list[int]:
    """Which tones sound, in order, as windows of 100 ms tell."""
    heard: list[int] = []
    for start in range(0, len(samples) - 1600, 1600):
        window = samples[start : start + 1600]
        if np.abs(window).max() < 2000:
            continue
        nearest = min(TONES_HZ, key=lambda hz: abs(hz - pitch(window)))
        if abs(nearest - pitch(window)) <= 10 and (not heard or heard[-1] != nearest):
            heard.append(nearest)
    return heard


@pytest.mark.parametrize("rate", [RATE, DEVICE_RATE])
async def test_the_microphone_arrives_whole(house: House, chromium: Chromium, tones: Path, rate: int) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1&rate={rate}", microphone=tones) as visit:
        _, ears = await answered(visit, house)
        await ears.until(lambda: len(audio_of(ears)) >= 2 * RATE * 2.4)
        frames = visit.sockets.frames()
        assert {len(data) for _, data in frames} == {640}
        seconds = frames[-1][0] - frames[0][0]
        assert len(frames) / seconds == pytest.approx(50, rel=0.1)
        assert heard_tones(np.frombuffer(audio_of(ears), np.int16)) == list(TONES_HZ)
        assert visit.complaints == []


@pytest.mark.parametrize("rate", [RATE, DEVICE_RATE])
async def test_marks_come_back_when_the_sound_has_been_played(
    house: House, chromium: Chromium, quiet: Path, rate: int
) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1&rate={rate}", microphone=quiet) as visit:
        owner, _ = await answered(visit, house)
        owner.say(1, "one two three four five six seven eight")
        heard = (await owner.next("heard")).heard
        assert (heard.chars, heard.complete) == (39, True)
        first_sound = next(at for at, data in visit.sockets.received if isinstance(data, bytes))
        asked = {m["name"]: at for at, m in visit.sockets.controls("mark", sent=False)}
        await visit.until(lambda: len(visit.sockets.controls("mark", sent=True)) == len(asked))
        told = {m["name"]: at for at, m in visit.sockets.controls("mark", sent=True)}
        assert set(told) == set(asked)
        last = max(asked, key=lambda name: asked[name])
        assert 0.65 <= told[last] - first_sound <= 1.4, "eight words of 100 ms; the socket's record may come late"
        assert told[last] - asked[last] >= 0.1, "not when the mark came: sound waited before it"
        device_rate, samples = await visit.played()
        loud = np.flatnonzero(np.abs(samples) > LOUD * 0.9)
        assert 0.4 <= len(loud) / device_rate <= 0.86, "the test's ear loses blocks where the machine is busy"
        figures = await visit.page.locator("#quality dd").all_text_contents()
        assert figures[2:4] == ["0", "0"]
        assert visit.complaints == []


async def test_clear_is_silence_at_once_and_the_subtitle_ends_at_the_word_heard(
    house: House, chromium: Chromium, quiet: Path
) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1", microphone=quiet) as visit:
        owner, _ = await answered(visit, house)
        text = " ".join(["one two three four five six seven eight nine ten"] * 3)
        owner.say(1, text)
        await visit.status("Bellweather Bikes is speaking")
        await visit.until(lambda: len(visit.sockets.controls("mark", sent=True)) >= 3)
        owner.command(0, stop=conversation_pb2.Stop())
        heard = (await owner.next("heard")).heard
        assert heard.cut
        await visit.page.locator(".entry.cut").wait_for()
        said = text[: heard.chars].rstrip()
        assert await visit.entries() == [("agent", said, text[len(said) :])]
        assert 0 < len(said) < len(text)
        assert await visit.page.locator(".entry.cut .tag").text_content() == "interrupted here"
        await visit.status("Listening to you")
        rate, samples = await visit.played()
        loud = np.abs(samples) > LOUD * 0.9
        sounded_s = np.count_nonzero(loud) / rate
        # Each word sounds 100 ms; what the far end still held (up to 200 ms) did not sound.
        # The test's ear may miss some where the machine is busy.
        assert len(said.split()) * 0.05 <= sounded_s <= len(said.split()) * 0.1 + 0.2
        sent = sum(len(data) for _, data in visit.sockets.received if isinstance(data, bytes)) / 2 / RATE
        assert sent - sounded_s > 0.05
        assert visit.complaints == []


async def test_the_caller_is_shown_word_by_word(house: House, chromium: Chromium, tones: Path) -> None:
    async with visiting(chromium, house.url, microphone=tones) as visit:
        owner, ears = await answered(visit, house)
        ears.send(Event(interim=stt_pb2.Interim(text="where is")))
        await visit.page.locator(".entry.caller .open", has_text="where is").wait_for()
        assert await visit.entries() == [("caller", "", "where is")]
        ears.send(Event(final=stt_pb2.Final(text="where is <b>my order</b>", end_ms=180)))
        ears.send(Event(turn_ended=stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, offset_ms=200)))
        await visit.status("Bellweather Bikes is thinking")
        owner.say(1, "It is on its way", turn=1)
        await owner.next("heard")
        await visit.status("Listening to you")
        assert await visit.entries() == [
            ("caller", "where is <b>my order</b>", ""),
            ("agent", "It is on its way", ""),
        ]
        owner.command(1, show=conversation_pb2.Show(name="Order 1234", json='{"arrives_on": "Monday"}'))
        await visit.page.locator(".card dd", has_text="Monday").wait_for()
        assert visit.complaints == []


async def test_any_script_is_shown_as_far_as_it_was_heard(house: House, chromium: Chromium, quiet: Path) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1", microphone=quiet) as visit:
        owner, ears = await answered(visit, house)
        for final in ("我的订单", "在哪里？"):
            ears.send(Event(final=stt_pb2.Final(text=final, end_ms=180)))
        await visit.page.locator(".entry.caller .settled", has_text="我的订单在哪里？").wait_for()
        text = "好😀了👍🏽，𠮷野家的订单已经发货了，预计星期五送到您家里，请您在家等候。"
        owner.say(1, text)
        await visit.until(lambda: len(visit.sockets.controls("mark", sent=True)) >= 3)
        owner.command(0, stop=conversation_pb2.Stop())
        heard = (await owner.next("heard")).heard
        await visit.page.locator(".entry.cut").wait_for()
        said = text[: heard.chars]
        assert 4 < len(said) < len(text)
        assert (await visit.entries())[-1] == ("agent", said, text[len(said) :])
        assert visit.complaints == []


@pytest.mark.parametrize("char", "a字😀")
async def test_as_much_may_be_typed_as_the_gateway_takes(
    house: House, chromium: Chromium, quiet: Path, char: str
) -> None:
    async with visiting(chromium, house.url, microphone=quiet) as visit:
        owner, _ = await answered(visit, house)
        await visit.page.get_by_label("Type instead of speaking").fill(char * 4_001)
        await visit.page.keyboard.press("Enter")
        assert (await owner.next("typed")).typed.text == char * 4_000
        assert visit.complaints == []


async def test_a_muted_microphone_sends_silence_and_goes_on_sending(house: House, chromium: Chromium) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1") as visit:  # the fake device beeps each second
        await answered(visit, house)
        await visit.until(lambda: any(np.any(np.frombuffer(data, np.int16)) for _, data in visit.sockets.frames()))
        await visit.page.get_by_role("button", name="Mute").click()
        assert await visit.page.get_by_role("button", name="Unmute").get_attribute("aria-pressed") == "true"
        before = len(visit.sockets.frames()) + 10
        await visit.until(lambda: len(visit.sockets.frames()) >= before + 75)
        assert not any(np.any(np.frombuffer(data, np.int16)) for _, data in visit.sockets.frames()[before:])
        await visit.page.keyboard.press("m")
        unmuted = len(visit.sockets.frames())
        await visit.until(
            lambda: any(np.any(np.frombuffer(data, np.int16)) for _, data in visit.sockets.frames()[unmuted:])
        )


async def test_typed_words_go_into_the_call(house: House, chromium: Chromium, tones: Path) -> None:
    async with visiting(chromium, house.url, microphone=tones) as visit:
        owner, _ = await answered(visit, house)
        await visit.page.get_by_label("Type instead of speaking").fill("where is my order")
        await visit.page.keyboard.press("Enter")
        assert (await owner.next("typed")).typed.text == "where is my order"
        await visit.status("Bellweather Bikes is thinking")
        assert await visit.entries() == [("caller", "where is my order", "")]
        assert await visit.page.locator(".entry .tag").text_content() == "typed"


async def test_hanging_up_ends_the_call_on_both_sides(house: House, chromium: Chromium, tones: Path) -> None:
    async with visiting(chromium, house.url, microphone=tones) as visit:
        owner, _ = await answered(visit, house)
        await visit.hang_up()
        assert (await owner.next("leg")).leg.kind == conversation_pb2.Leg.KIND_ENDED
        await visit.status("You hung up.")
        await visit.until(lambda: len(house.gateway.house) == 0)
        frames = len(visit.sockets.frames())
        await visit.call()
        second = await house.mind.call(2)
        assert second.open.call_id != owner.open.call_id
        assert len(visit.sockets.frames()) >= frames
        await visit.page.close(run_before_unload=True)
        leg: Any = await second.next("leg")
        assert leg.leg.kind == conversation_pb2.Leg.KIND_ENDED, "a closed tab is a hang-up, not a lost line"


async def test_the_bot_ends_the_call(house: House, chromium: Chromium, tones: Path) -> None:
    async with visiting(chromium, house.url, microphone=tones) as visit:
        owner, _ = await answered(visit, house)
        owner.say(1, "Goodbye now")
        assert (await owner.next("heard")).heard.complete
        owner.command(0, hang_up=conversation_pb2.HangUp(reason="done"))
        await visit.status("The call is over.")
        assert await visit.entries() == [("agent", "Goodbye now", "")]
        assert await visit.page.get_by_role("button", name="Call", exact=True).is_enabled()


async def test_a_page_to_type_at_has_no_telephone(house: House, chromium: Chromium) -> None:
    async with visiting(chromium, f"{house.url}/demo", allowed=False) as visit:
        await visit.status("Say hello")
        assert not await visit.page.get_by_role("button", name="Call", exact=True).is_visible()
        assert not await visit.page.get_by_role("meter").is_visible()
        await visit.page.get_by_label("Type instead of speaking").fill("where is my order")
        await visit.page.keyboard.press("Enter")
        owner = await house.mind.call()
        assert (await owner.next("typed")).typed.text == "where is my order"
        await visit.hang_up()
        assert (await owner.next("leg")).leg.kind == conversation_pb2.Leg.KIND_ENDED
        assert visit.complaints == []
