"""Whole calls through all processes, from ring to hang-up."""

from __future__ import annotations

import asyncio
import json

from parley.agents.speaking import Sentences
from testbed.house import House, answer, ask, bot_lines, heard, speech, words
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call
from testbed.vendors.openai.script import text_of
from tests.e2e.together import on_the_line

NOBODY = words(Sentences().not_transferred)


def rest(house: House, call: Call) -> list[dict[str, list[str]]]:
    """What the carrier's REST API was told about this call."""
    return [told.form for told in house.vendors.twilio.records if call.sid in told.path]


@on_the_line.one
async def test_a_call_from_ring_to_hang_up(house: House) -> None:
    """Greeting, an order looked up by a tool, an answer cut by the caller, the next question, and goodbye."""
    async with house.phone("frontdesk").dial() as call:
        house.carry_out(call)
        assert "how can i help you" in await answer(call, call.born)

        asked = await call.say(speech("where is my order 1234"))
        began = await call.until_bot_speaks(asked.end)
        await asyncio.sleep(3.0)
        clears = len(call.heard.clears)
        interrupting = await call.say(speech("sorry what color is it"))
        cleared = call.heard.clears[clears].at
        assert cleared - interrupting.start < 0.8
        assert await answer(call, interrupting.end) == "the bicycle is green"
        assert call.heard.first_audible(cleared + 0.05) >= interrupting.end, "silence after the cut"  # type: ignore[operator]

        *_, then = house.asked("sorry what color")
        (result,) = [text_of(message) for message in then.body["messages"] if message["role"] == "tool"]
        assert json.loads(result)["order_number"] == "1234"
        told = bot_lines(then)[-1]
        cut = heard(call, began - 0.05, cleared + 0.05)
        assert told.endswith("—"), "marked as interrupted"
        assert cut.startswith("order one two three four")
        assert abs(len(words(told).split()) - len(cut.split())) <= 1, (told, cut)
        assert words(told).startswith(cut) or cut.startswith(words(told))

        assert await ask(call, "goodbye") == "thank you for calling bellweather bikes goodbye"
        await call.until_over()
    assert call.ended_by in ("rest", "bot")
    assert not call.warnings
    assert rest(house, call) == [{"Status": ["completed"]}]


@on_the_line.one
async def test_a_call_the_rest_api_does_not_end_is_hung_up_when_it_comes_back(house: House) -> None:
    """The carrier takes the request and does nothing: the next document says `<Hangup/>`."""
    async with house.phone("frontdesk").dial() as call:
        await answer(call, call.born)
        await ask(call, "goodbye")
        await call.until_over()
    assert call.ended_by == "bot"
    assert rest(house, call) == [{"Status": ["completed"]}]
    assert len(call.streams) == 1
    assert "<Hangup" in call.documents[-1]


@on_the_line.one
async def test_a_caller_is_handed_to_a_person_and_comes_back_when_nobody_answers(house: House) -> None:
    async with house.phone("frontdesk", dial_s=0.5).dial() as call:
        house.carry_out(call)
        await answer(call, call.born)
        told = await ask(call, "can i talk to a person")
        assert told.startswith("i am connecting you to a colleague now"), told  # others may be in line
        back = await call.until_bot_speaks(timeout_s=PATIENCE_S)
        assert call.dialled == ["+15550100199"]
        ((update,),) = [list(form.values()) for form in rest(house, call)]
        assert "<Dial" in update[0]
        assert len(call.streams) == 2
        assert await answer(call, back) == NOBODY
        assert await ask(call, "what color is it") == "the bicycle is green"


@on_the_line.one
async def test_digits_are_a_turn(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        call.dtmf("1234#")
        assert await answer(call, call.heard.ends) == "you pressed 1234"
        call.dtmf("56")
        assert await answer(call, call.heard.ends) == "you pressed 56", "without # when no more keys come"


@on_the_line.one
async def test_a_key_cuts_the_bot_at_once(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        asked = await call.say(speech("tell me the history of the shop"))
        await call.until_bot_speaks(asked.end)
        await asyncio.sleep(0.5)
        call.dtmf("7")
        await asyncio.sleep(0.3)
        assert call.heard.clears
        assert call.heard.last_audible() < call.heard.clears[-1].at + 0.05


@on_the_line.one
async def test_the_last_sentence_of_a_call_is_not_cut_by_the_caller(house: House) -> None:
    """The time of the call is up: that is said to the end, whatever the caller says meanwhile."""
    async with house.phone("hasty").dial() as call:
        house.carry_out(call)
        await answer(call, call.born)
        began = await call.until_bot_speaks()
        call.speak(speech("wait wait i have another question"))
        await call.until_over()
    assert heard(call, began - 0.05) == "our time is over goodbye"
    assert call.ended_by == "rest"


@on_the_line.one
async def test_a_silent_caller_is_asked_twice_and_then_hung_up(house: House) -> None:
    async with house.phone("silent").dial() as call:
        house.carry_out(call)
        await call.until_over()
    assert heard(call, until=call.ended_at) == "hello are you there hello again i hang up now"
    assert call.ended_by == "rest"


@on_the_line.one
async def test_a_caller_who_never_stops_talking_is_stopped_and_answered(house: House) -> None:
    before = await house.count("voice_stt_long_turns_total")
    async with house.phone("patient").dial() as call:
        await answer(call, call.born)
        talk = call.speak(speech("and then i said what color should it be " * 6))
        began = await call.until_bot_speaks(timeout_s=PATIENCE_S)
        await asyncio.sleep(0.05)
        assert talk.sent < len(talk.data), "in the middle of the caller's words"
        await call.until_bot_silent(300)
        assert heard(call, began - 0.05).startswith("let me stop you there for a moment")
        await talk.done
        assert await answer(call, talk.end) != ""
    assert await house.count("voice_stt_long_turns_total") >= before
