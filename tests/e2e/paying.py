"""Callers of the support line who pay by card, on this machine alone: charged once, and no digit of a card anywhere."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from testbed.house import House
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call, Phone
from testbed.telephone.voice import speak
from testbed.voice import KLATT
from tests.e2e.page import Page, page, resumed

SUPPORT = Path(__file__).parents[2] / "agents" / "support"
FREEZER, DRYER = "41207", "41209"
VISA, AMEX = "4012888888881881", "378282246310005"
KEYED = {"order number?": DRYER, "number of your card?": f"{AMEX}#", "security code": "9731"}
HALVES = "4012 8888", "8888 1881"
YES_S = 20.0
"""The bot asks again well before that."""
WHOLE = 8
"""Digits in a row that stand nowhere by chance."""


async def on_the_telephone(shop: House) -> None:
    """The wish is said; order, card and code are keyed."""
    wish, *yes = await speak(["i want to pay my order", "yes", "yes please", "yes i want to"], KLATT)
    async with Phone(shop.stack.gateway_url, shop.clock, agent="support").dial() as call:
        await asked(shop, call, "What can I do for you?")
        await call.say(wish)
        for question, keys in KEYED.items():
            await asked(shop, call, question)
            call.dtmf(keys)
        await asked(shop, call, "Shall I charge five hundred and ninety nine dollars")
        for sound in yes:  # until one of them is understood
            await call.until_bot_silent(1000)
            await call.say(sound)
            if await charged(shop, DRYER):
                break
    assert charges(shop, DRYER) == [AMEX[-4:]], await said(shop, call)
    await told_by_token(shop, AMEX)


async def said(shop: House, call: Call) -> str:
    """All that the bot has begun to say."""
    return " ".join(entry["text"] for entry in await shop.timeline(call) if entry["what"] == "say")


async def asked(shop: House, call: Call, question: str) -> None:
    """The bot has asked this, to the end."""
    heard = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while question not in (heard := await said(shop, call)):  # noqa: ASYNC110 - another process says it
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{question!r} was never asked: {heard}") from None
    await call.until_bot_silent(1000)


async def in_the_chat(shop: House) -> None:
    """A gateway that dies has lost the half it was told, and the caller is asked again. A mind that dies loses none."""
    async with page(shop.stack.gateway_url, "chat", "support") as visitor:
        token = visitor.ready["resume"]
        await types(visitor, f"I want to pay order {FREEZER}", "What is the number of your card?")
        await types(visitor, HALVES[0], "not a whole number")
        await killed(shop, "gateway")
    async with resumed(shop.stack.gateway_url, token) as visitor:
        await types(visitor, HALVES[1], "not a whole number")
        await types(visitor, HALVES[0], "not a whole number")
        await killed(shop, "orchestrator")
        await types(visitor, HALVES[1], "And the security code on the back?")
        await types(visitor, "973", "Shall I charge")
        await types(visitor, "yes please", "were charged to your card")
        await types(visitor, f"I want to pay order {FREEZER}", "number of your card")
    assert charges(shop, FREEZER) == [VISA[-4:]]
    await on_record(shop)
    await told_by_token(shop, VISA)


async def types(visitor: Page, typed: str, told: str) -> None:
    """Until the bot says so; what it says again after a break is heard before it."""
    await visitor.send(type="text", text=typed)
    heard: list[str] = []
    try:
        while not heard or told not in heard[-1]:
            heard.append(await visitor.answer())
    except TimeoutError:
        raise AssertionError(f"{typed!r} was answered with {heard}") from None


async def killed(shop: House, service: str) -> None:
    """SIGKILL for its one process; returns when another one has its place."""
    ((name, pid),) = ((n, p) for n, p in shop.stack.all_pids().items() if n.startswith(service))
    os.kill(pid, signal.SIGKILL)
    await shop.stack.restarted(name, pid, PATIENCE_S)


async def charged(shop: House, order: str) -> bool:
    """Soon, or the yes was not understood."""
    for _ in range(int(YES_S / 0.2)):
        if charges(shop, order):
            return True
        await asyncio.sleep(0.2)
    return False


def charges(shop: House, order: str) -> list[str]:
    """The cards that were charged for an order, by their last four digits."""
    return [
        row["ending"]
        for row in _rows(shop, "tools.db", "SELECT value_pii FROM records WHERE collection = 'charges'")
        if row["order"] == order
    ]


async def told_by_token(shop: House, number: str) -> None:
    """What is kept of calls has tokens, and no digits: events in NATS, records of backoffice, logs, ledgers."""
    files = await asyncio.to_thread(_files, shop)
    parts = [number[n : n + WHOLE].encode() for n in range(len(number) - WHOLE + 1)]
    assert [path for path, text in files.items() if any(part in text for part in parts)] == []
    told = {path.split("/")[0] for path, text in files.items() if b"[card-" in text}
    assert "nats" in told, "the events of these calls were looked at"


async def on_record(shop: House) -> None:
    """Backoffice has written down what was said of a card."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            files = await asyncio.to_thread(_files, shop)
            if any(path.startswith("backoffice") and b"[card-" in text for path, text in files.items()):
                return
            await asyncio.sleep(0.2)


def _files(shop: House) -> dict[str, bytes]:
    home = shop.stack.logs.parents[1]
    found = {}
    for path in home.rglob("*"):
        with suppress(FileNotFoundError):  # the stores' own comings and goings
            if path.is_file() and "agents" not in path.parts:
                found[str(path.relative_to(home))] = path.read_bytes()
    return found


def _rows(shop: House, database: str, query: str) -> list[dict[str, Any]]:
    (path,) = shop.stack.logs.parents[1].rglob(database)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
        return [json.loads(row) for (row,) in opened.execute(query).fetchall()]
