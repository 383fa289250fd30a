"""No words come, or no sound: somebody owns the turn, and the page says so."""

from __future__ import annotations

import asyncio

from testbed.house import House, answer, ask, bot_lines, ends, same, words
from testbed.patience import PATIENCE_S
from testbed.vendors.wordcodec import render
from tests.e2e.agents import PLAIN
from tests.e2e.page import Page, page
from tests.e2e.together import on_the_line

GREETING, GREEN = words(PLAIN["greeting"]), "the bicycle is green"
AHEAD = 2
"""How often in a turn the model may be asked before it is sure that the turn is over, and asked in vain."""
TROUBLE = words(PLAIN["sentences"]["trouble"])


@on_the_line.one
async def test_an_answer_without_a_sound_is_asked_for_again_and_then_apologised_for(house: House) -> None:
    async with house.phone("mute-model").dial() as call:
        assert same(call, await answer(call, call.born), GREETING)
        assert ends(call, await ask(call, "please say nothing now"), TROUBLE)
        asked = len([a for a in house.asked("nothing now") if a.body["model"] == "mute-model"])
        assert 2 <= asked <= 2 + AHEAD, "and once more for each early end of the turn that was none"
        spoken = [s for s in house.vendors.elevenlabs.records if s.voice == "mute-model"]
        assert not any(text.strip(" .") == "" for seen in spoken for text in seen.spoken)
        assert ends(call, await ask(call, "what color is it"), GREEN)


@on_the_line.one
async def test_behind_a_tool_the_tool_speaks_for_itself(house: House) -> None:
    async with house.phone("frontdesk").dial() as call:
        await answer(call, call.born)
        said = await ask(call, "quietly tell me of order 1234", timeout_s=PATIENCE_S)
        assert "shipped" in said or "order" in said, said
        assert TROUBLE not in said


@on_the_line.one
async def test_a_voice_that_gives_no_sound_once_is_asked_again(house: House) -> None:
    async with house.phone("tts-mute-once").dial() as call:
        assert same(call, await answer(call, call.born), GREETING)
        assert ends(call, await ask(call, "please what color is it"), GREEN)


@on_the_line.one
async def test_words_that_no_voice_says_were_not_heard_and_the_call_goes_on(house: House) -> None:
    async with house.phone("tts-mute-green").dial() as call:
        assert same(call, await answer(call, call.born), GREETING)
        assert ends(call, await ask(call, "please what color is it"), TROUBLE)
        await ask(call, "and who are you then")
        (asked,) = [a for a in house.asked("who are you") if a.body["model"] == "tts-mute-green"]
        assert not any("green" in line for line in bot_lines(asked))
        spoken = [s for s in house.vendors.elevenlabs.records if s.voice == "tts-mute-green" and "green" in s.text]
        assert len(spoken) <= 4


@on_the_line.one
async def test_a_page_tells_the_truth_of_who_is_at_turn(house: House) -> None:
    async with page(house.stack.gateway_url, "voice", "mute-page") as visitor:
        await visitor.until(type="state", state="listening")
        for question in ("please say nothing now", "please what color is it"):
            await visitor.say(render(question, rate=16000).pcm.tobytes())
            await visitor.until(type="state", state="thinking")
            await visitor.until(type="state", state="speaking")
            await visitor.until(type="state", state="listening")
            await _still(visitor)


async def _still(visitor: Page) -> None:
    """Nothing else is shown for a while."""
    await asyncio.sleep(1.0)
    assert not [m for m in visitor.messages if m["type"] == "state"]
