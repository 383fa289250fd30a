"""Callers who pay by card, through all processes: the tool gets the digits, and nothing else ever has them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path

from testbed.house import House, answer, ask
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call
from tests.e2e.together import on_the_line
from tests.payments import model as paying

DIGITS = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VISA, MASTER, AMEX, DISCOVER = "4012888888881881", "5105105105105100", "378282246310005", "6011000990139424"
CODE = "9731"
WHOLE = 6
"""Digits in a row that stand nowhere by chance."""


def said(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits)


_TIME = re.compile(r"\d+\.\d+")
"""A time of the stand-ins' clock; it may have any digits."""


def traces(house: House, number: str) -> list[str]:
    """Where a part of a number stands: in files of the house, and in what models and voices were sent."""
    parts = {number[n : n + WHOLE] for n in range(len(number) - WHOLE + 1)}
    needles = [part.encode() for part in parts] + [said(part).encode() for part in parts]
    found = [str(path) for path in house.stack.logs.parents[1].rglob("*") if _holds(path, needles)]
    told = [*house.vendors.openai.records, *house.vendors.elevenlabs.records]
    texts = [_TIME.sub("", repr(record)) for record in told]
    return found + [text for text in texts if any(needle in text.encode() for needle in needles)]


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


def is_paid(house: House, number: str) -> None:
    """The tool was given just this number and code: it told their hash to the model."""
    proof = hashlib.sha256(f"{number}/{CODE}".encode()).hexdigest()
    asked = [record.body["messages"] for record in house.vendors.openai.records]
    asked = [messages for messages in asked if paying.PROMPT in str(messages[0])]
    if not any(proof in str(messages) for messages in asked):
        raise AssertionError("\n".join(str(messages[1:]) for messages in asked if len(messages) > 2))


async def gives(call: Call, words: str) -> None:
    """The caller reads out a number, and once more when the line was bad."""
    for _ in range(3):
        if "not a whole" not in await ask(call, words):
            return


@on_the_line.one
async def test_a_card_that_is_spoken(house: House) -> None:
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        await ask(call, "i want to pay")
        await gives(call, said(VISA))
        await gives(call, said(CODE))
    is_paid(house, VISA)
    await nowhere(house, call, VISA)


@on_the_line.one
async def test_a_card_that_is_keyed(house: House) -> None:
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        await ask(call, "i want to pay")
        call.dtmf(f"{AMEX}#")
        await answer(call, call.heard.ends)
        call.dtmf(CODE)
        await answer(call, call.heard.ends)
    is_paid(house, AMEX)
    await nowhere(house, call, AMEX)


@on_the_line.one
async def test_a_digit_that_was_wrong_is_asked_for_again(house: House) -> None:
    wrong = f"{MASTER[:-1]}3"
    async with house.phone("till").dial() as call:
        await answer(call, call.born)
        await ask(call, "i want to pay")
        assert "not a whole" in await ask(call, said(wrong))
        await gives(call, f"sorry it is {said(MASTER)}")
        await gives(call, said(CODE))
    is_paid(house, MASTER)
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
            while len(call.streams) == streams:  # noqa: ASYNC110 - what is said before is lost with the line
                await asyncio.sleep(0.05)
        await gives(call, said(DISCOVER))
        await gives(call, said(CODE))
    is_paid(house, DISCOVER)
    await nowhere(house, call, DISCOVER)
