"""What the page shows of a call beside its words: answer times, the time line; and the walkie-talkie."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from testbed.patience import PATIENCE_S
from tests.browser.chromium import DEVICE_RATE, Chromium, Visit, visiting, write_wav
from tests.gateway import conftest
from tests.gateway.conftest import House
from tests.gateway.organs import Owner, Talk, audio_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Event = stt_pb2.RecognizeEvent
Say = conversation_pb2.Say
LONG = "one two three four five six seven eight nine ten"
LONG_ENOUGH = " ".join([LONG] * 60)
"""A minute, that is: for what a test does meanwhile, however slow the machine is."""


@pytest.fixture
def hum(sounds: Path) -> Path:
    """A tone without an end, as far as these calls go, and too soft for a voice."""
    time = np.arange(30 * DEVICE_RATE) / DEVICE_RATE
    return write_wav(sounds / "hum.wav", (60 * np.sin(2 * np.pi * 440 * time)).astype(np.int16), DEVICE_RATE)


async def answered(visit: Visit, house: House) -> tuple[Owner, Talk]:
    await visit.call()
    owner, ears = await house.mind.call(), await house.stt.call()
    await visit.status("Connected")
    return owner, ears


def turn_ends(ears: Talk, text: str, *, eager: bool = False) -> None:
    """The recogniser has understood `text`, whose last word ended 100 ms ago."""
    now = len(audio_of(ears)) // 32
    kind = stt_pb2.TurnEnded.KIND_EAGER if eager else stt_pb2.TurnEnded.KIND_CONFIRMED
    if not eager:
        ears.send(Event(final=stt_pb2.Final(text=text, end_ms=now - 100)))
    ears.send(Event(turn_ended=stt_pb2.TurnEnded(kind=kind, text=text, offset_ms=now, speech_end_ms=now - 100)))


async def more_sound(ears: Talk) -> None:
    """Time goes on, as the ears count it."""
    heard = len(audio_of(ears))
    await ears.until(lambda: len(audio_of(ears)) > heard)


async def rows(visit: Visit) -> list[dict[str, str]]:
    """The waterfall as a reader of the page has it: stage -> figure, the turn's number under ``turn``."""
    found: list[dict[str, str]] = await visit.page.locator("#waterfall tbody").evaluate_all(
        """bodies => bodies.map(body => Object.fromEntries([
             ["turn", body.querySelector("th").textContent],
             ...[...body.querySelectorAll("td[data-stage]")].map(cell => [cell.dataset.stage, cell.textContent])]))"""
    )
    return found


async def test_each_answer_has_a_row_of_times_and_a_bar(house: House, chromium: Chromium, hum: Path) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1", microphone=hum) as visit:
        owner, ears = await answered(visit, house)
        assert not await visit.page.get_by_role("table").is_visible(), "nothing was answered yet"
        await ears.until(lambda: len(audio_of(ears)) > 32 * 200)
        ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
        turn_ends(ears, "where is it", eager=True)
        turn_ends(ears, "where is it")
        await visit.page.locator("#waterfall tbody").wait_for()
        assert (await rows(visit))[0]["heard"] == "–"
        owner.command(1, say=Say(utterance=1, kind=Say.KIND_ANSWER, interruptible=True, text=LONG, first_token_ms=0))
        await visit.page.locator('#waterfall td[data-stage="heard"]:text-matches("[0-9]")').wait_for()
        (row,) = await rows(visit)
        eager, ended = row["ended"].removeprefix("eager ").split()
        figures = [int(each) for each in (row["final"], ended, row["first_token"], row["audio"], row["heard"])]
        told = visit.sockets.controls("turn", sent=False)[-1][1]
        names = ("final", "ended", "first_token", "audio", "heard")
        assert [told[name] for name in names] == figures, "the gateway's own figures"
        assert told["eager"] == int(eager)
        assert figures == sorted(figures)
        assert figures[0] > 0, "how long after the last sound of speech depends on the machine"
        parts = await visit.page.locator("#waterfall .part").evaluate_all(
            "parts => parts.map(part => [part.dataset.stage, part.offsetLeft, part.offsetLeft + part.offsetWidth])"
        )
        assert [name for name, _, _ in parts] == list(names)
        assert all(abs(parts[i][2] - parts[i + 1][1]) <= 2 for i in range(4)), "one part begins where the last ended"
        ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=9_000)))
        owner.command(1, stop=conversation_pb2.Stop())
        await visit.page.locator("#waterfall .cut").wait_for()
        assert (await rows(visit))[0]["turn"] == "1interrupted"
        for number in range(2, 9):
            await more_sound(ears)
            turn_ends(ears, f"and number {number}")
            await visit.page.locator(f'#waterfall tbody[data-turn="{number}"]').wait_for()
        assert [row["turn"] for row in await rows(visit)] == ["3", "4", "5", "6", "7", "8"], "the last six"
        assert visit.complaints == []


async def test_the_time_line_shows_pauses_with_their_cause_and_interruptions(
    house: House, chromium: Chromium, hum: Path
) -> None:
    """Where the machine is slow a pause ends by itself before it is told to, and the bot goes on once more."""
    async with visiting(chromium, f"{house.url}/?raw=1", microphone=hum) as visit:
        owner, ears = await answered(visit, house)
        owner.command(1, say=Say(utterance=1, interruptible=True, text=LONG_ENOUGH, complete=True))
        await visit.page.locator("#lane-agent .voice").wait_for()
        ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
        await visit.page.locator('#lane-agent .held[data-cause="speech"]').wait_for()
        owner.command(1, resume=conversation_pb2.Resume())
        told = visit.page.get_by_role("list", name="Pauses and interruptions").get_by_role("listitem")
        await told.nth(1).wait_for()
        ears.send(Event(speech_stopped=stt_pb2.SpeechStopped(offset_ms=10)))
        assert await visit.page.locator("#lane-caller .voice").count() == 1
        ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=5_000)))
        await told.nth(2).wait_for()
        owner.command(1, stop=conversation_pb2.Stop())
        await visit.page.locator("#lane-agent .cut").wait_for()
        *said, last = [text.split(" ", 1)[1] for text in await told.all_text_contents()]
        assert last == "interrupted"
        assert len(said) >= 3
        assert set(said[::2]) == {"paused: you spoke"}
        went_on = re.compile(r"went on after \d+\.\d s: (it was nothing|no speech followed)$")
        assert all(went_on.match(each) for each in said[1::2])
        assert (await visit.page.locator("#latest").text_content() or "").endswith("interrupted")
        spans = await visit.page.locator("#lane-agent > span:not(.cut)").evaluate_all(
            "spans => spans.map(span => [span.className, span.offsetLeft, span.offsetLeft + span.offsetWidth])"
        )
        assert [kind for kind, _, _ in spans] == (["voice", "held"] * len(spans))[: len(said) + 1]
        assert all(one[2] <= other[1] + 2 for one, other in pairwise(spans)), "one after the other"
        assert visit.complaints == []


def silent_since(ears: Talk) -> bool:
    """The ears had no sound of the microphone after the last end of a turn, only the quiet that the gateway adds."""
    place = max(i for i, r in enumerate(ears.received) if r.HasField("end_of_turn"))
    return not any(any(r.audio) for r in ears.received[place:])


async def test_a_walkie_talkie_speaks_only_while_its_button_is_held(
    house: House, chromium: Chromium, hum: Path
) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1", microphone=hum) as visit:
        owner, ears = await answered(visit, house)
        page, hold = visit.page, visit.page.locator("#hold")
        owner.command(1, say=Say(utterance=1, interruptible=True, text=LONG_ENOUGH, complete=True))
        await visit.page.get_by_role("switch", name="Walkie-talkie").click()
        await ears.until(lambda: any(r.endpointing.expect == call_pb2.EXPECT_BUTTON for r in ears.received))
        assert not await page.get_by_role("button", name="Mute").is_enabled()
        ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
        await page.locator("#lane-caller .voice").wait_for()
        assert not owner.events("paused"), "a voice pauses nothing"
        await hold.hover()
        await page.mouse.down()
        await visit.status("You are on the air")
        assert (await owner.next("paused")).paused.cause == conversation_pb2.Paused.CAUSE_BUTTON
        assert (await owner.next("button")).button.pressed
        owner.command(1, stop=conversation_pb2.Stop())
        before = len(visit.sockets.frames())
        await visit.until(lambda: len(visit.sockets.frames()) >= before + 20)
        await page.mouse.up()
        await visit.status("Hold the button to talk")
        await ears.until(lambda: any(r.HasField("end_of_turn") for r in ears.received))
        turn_ends(ears, "over")
        await page.locator("#waterfall tbody").wait_for()
        assert visit.sockets.controls("turn", sent=False)[-1][1]["by"] == "button"
        frames = len(visit.sockets.frames())
        await asyncio.sleep(0.3)  # nothing is what must come
        assert len(visit.sockets.frames()) == frames
        assert silent_since(ears)

        await page.keyboard.down(" ")
        await owner.next("button", 3)
        await visit.until(lambda: len(visit.sockets.frames()) >= frames + 5)
        await page.keyboard.up(" ")
        assert not (await owner.next("button", 4)).button.pressed
        assert await page.get_by_role("switch", checked=True).count() == 1, "the space bar has not switched it off"

        await page.get_by_role("switch", name="Walkie-talkie").click()
        await ears.until(lambda: ears.received[-1].audio, timeout_s=PATIENCE_S)
        frames = len(visit.sockets.frames())
        await visit.until(lambda: len(visit.sockets.frames()) >= frames + 10)
        endpointings = [r.endpointing for r in ears.received if r.HasField("endpointing")]
        assert endpointings[-1].expect != call_pb2.EXPECT_BUTTON
        assert not await hold.is_visible()
        assert visit.complaints == []


async def test_a_connection_that_is_lost_on_the_air_comes_back_on_the_air(
    house: House, chromium: Chromium, hum: Path
) -> None:
    async with visiting(chromium, f"{house.url}/?raw=1", microphone=hum) as visit:
        owner, _ = await answered(visit, house)
        await visit.page.get_by_role("switch", name="Walkie-talkie").click()
        await visit.page.keyboard.down(" ")
        await owner.next("button")
        for leg in list(house.gateway.house._legs):
            leg.move("this gateway is going away")
        again, ears = await house.mind.call(2), await house.stt.call(2)
        assert (await again.next("button")).button.pressed
        await ears.until(lambda: any(audio_of(ears)))
        assert ears.received[0].config.endpointing.expect == call_pb2.EXPECT_BUTTON or any(
            r.endpointing.expect == call_pb2.EXPECT_BUTTON for r in ears.received
        )
        await visit.page.keyboard.up(" ")
        assert not (await again.next("button", 2)).button.pressed


async def test_an_agent_that_knows_only_the_button_leaves_no_choice(
    tmp_path: Path, chromium: Chromium, hum: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "AGENT", f"{conftest.AGENT}interruption: {{push_to_talk: true}}\n")
    async with (
        conftest.running(tmp_path) as house,
        visiting(chromium, f"{house.url}/?raw=1", microphone=hum) as visit,
    ):
        await visit.page.get_by_role("switch", name="Walkie-talkie", checked=True, disabled=True).wait_for()
        owner, ears = await answered(visit, house)
        await visit.page.locator("#hold").wait_for()
        assert (await owner.next("push_to_talk")).push_to_talk.on
        assert visit.sockets.frames() == []
        await visit.page.keyboard.down(" ")
        await ears.until(lambda: any(audio_of(ears)))
        await visit.page.keyboard.up(" ")
        assert visit.complaints == []
