"""Callers who pay by card, through all processes: the tool gets the digits, and nothing else ever has them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from testbed.house import House, answer, ask, speech
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call
from tests.e2e.together import on_the_line

DIGITS = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VISA, MASTER, AMEX, DISCOVER = "4012888888881881", "5105105105105100", "378282246310005", "6011000990139424"
CODE = "9731"
WHOLE = 6
"""Digits in a row that stand nowhere by chance."""


def said(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits)


def traces(house: House, number: str) -> list[str]:
    """Where a part of a number stands: in files of the house, and in what models and voices were sent."""
    parts = {number[n : n + WHOLE] for n in range(len(number) - WHOLE + 1)}
    needles = [part.encode() for part in parts] + [said(part).encode() for part in parts]
    found = [str(path) for path in house.stack.logs.parents[1].rglob("*") if _holds(path, needles)]
    told = [*house.vendors.openai.records, *house.vendors.elevenlabs.records]
    return found + [repr(record) for record in told if any(needle in repr(record).encode() for needle in needles)]


def _holds(path: Path, needles: list[bytes]) -> bool:
    if not path.is_file():
        return False
    try:
        text = path.read_bytes()
    except FileNotFoundError:  # the stores' own comings and goings
        return False
    return any(needle in text for needle in needles)


async def nowhere(house: House, call: Call, *numbers: str) -> None:
    """No digits of these stand anywhere, a moment later either, when all that is written late was written."""
    timeline = json.dumps(await house.timeline(call))
    for number in numbers:
        assert await asyncio.to_thread(traces, house, number) == []
        assert number[:WHOLE] not in timeline
        assert said(number[:WHOLE]) not in timeline


@on_the_line.one
async def test_a_card_that_is_spoken(house: House) -> None:
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        assert (await ask(call, "i want to pay")).endswith("what is your card number")
        assert (await ask(call, said(VISA))).endswith("security code on the back")
        assert await ask(call, said(CODE)) == "paid with the card ending in 1881"
    await nowhere(house, call, VISA)


@on_the_line.one
async def test_a_card_that_is_keyed(house: House) -> None:
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        await ask(call, "i want to pay")
        call.dtmf(f"{AMEX}#")
        assert (await answer(call, call.heard.ends)).endswith("security code on the back")
        call.dtmf(CODE)
        assert await answer(call, call.heard.ends) == "paid with the card ending in 0005"
    await nowhere(house, call, AMEX)


@on_the_line.one
async def test_a_digit_that_was_wrong_is_asked_for_again(house: House) -> None:
    wrong = f"{MASTER[:-1]}3"
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        await ask(call, "i want to pay")
        assert (await ask(call, said(wrong))).endswith("what is your card number")
        assert (await ask(call, f"sorry it is {said(MASTER)}")).endswith("security code on the back")
        assert await ask(call, said(CODE)) == "paid with the card ending in 5100"
    await nowhere(house, call, MASTER, wrong)


@on_the_line.one
async def test_a_leg_that_is_lost_between_question_and_card(house: House) -> None:
    """The caller is back at a gateway that never asked, and reads out the card at once."""
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        await ask(call, "i want to pay")
        streams = len(call.streams)
        call.cut()
        async with asyncio.timeout(PATIENCE_S):
            while len(call.streams) == streams:
                await asyncio.sleep(0.05)
        spoken = await call.say(speech(said(DISCOVER)))
        told = await answer(call, spoken.end)
        if not told.endswith("security code on the back"):  # some of it was said while nobody listened
            told = await ask(call, said(DISCOVER))
        assert told.endswith("security code on the back"), told
    await nowhere(house, call, DISCOVER)
