"""Café La Golondrina over gRPC: an order that is done again is one, and two guests have two."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.service import ROOT, STATUS, Desk, serving, settings

CAFE = "madrid-cafe"
BREAKFAST = {"sentence": "Quiero un café con leche y dos tostadas con tomate, por favor."}


@pytest.fixture
async def cafe(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data", ROOT / "agents", CAFE)) as desk:
        yield desk


async def order(desk: Desk, intent: int, call: str = "CA1", **arguments: Any) -> dict[str, Any]:
    outcome = await desk.execute("take_order", intent, agent=CAFE, call_id=call, arguments=arguments)
    assert outcome.status == STATUS.STATUS_OK, outcome.message
    return dict(json.loads(outcome.result_json))


async def bill(desk: Desk, intent: int, call: str = "CA1") -> str:
    outcome = await desk.execute("get_bill", intent, agent=CAFE, call_id=call)
    return str(json.loads(outcome.result_json)["total_euros"])


async def test_an_order_that_is_asked_again_by_another_owner_is_one(cafe: Desk) -> None:
    first = await order(cafe, 1, **BREAKFAST)
    again = await order(cafe, 1, **BREAKFAST)
    assert first == again
    assert await bill(cafe, 2) == "6.50"


async def test_two_guests_order_at_the_same_time(cafe: Desk) -> None:
    await order(cafe, 1, "CA1", **BREAKFAST)
    await order(cafe, 1, "CA2", sentence="un cortado")
    await order(cafe, 2, "CA1", sentence="y una cerveza")
    assert (await bill(cafe, 3, "CA1"), await bill(cafe, 3, "CA2")) == ("8.70", "1.50")


@pytest.mark.parametrize(
    ("sentences", "total", "said"),
    [
        (["Un té, por favor", "verde"], "1.80", "Marchando un té verde."),
        (["dos vinos", "tinto"], "5.00", "Marchando dos vinos tintos."),
        (["una tostada con tomate", "no, mejor tres"], "7.20", "Marchando tres tostadas con tomate."),
        (["un zumo y un agua", "quita el zumo"], "1.30", "Quito un zumo de naranja."),
        (["un zumo", "un té verde en vez del zumo"], "1.80", "Marchando un té verde. Quito un zumo de naranja."),
        (["unos churros", "otros churros"], "4.60", "Marchando dos de churros."),
        (["doce cervezas"], "26.40", "Marchando doce cervezas."),
        (["cien cervezas"], "44.00", "Marchando veinte cervezas."),
    ],
)
async def test_what_is_ordered(cafe: Desk, sentences: list[str], total: str, said: str) -> None:
    for intent, sentence in enumerate(sentences, 1):
        told = await order(cafe, intent, sentence=sentence)
    assert said in told["summary"]
    assert await bill(cafe, 9) == total


async def test_nothing_is_paid_twice(cafe: Desk) -> None:
    await order(cafe, 1, **BREAKFAST)
    paid = await cafe.agreed("pay_bill", 2, agent=CAFE, arguments={"method": "tarjeta"})
    assert paid.status == STATUS.STATUS_OK
    more = await cafe.execute("pay_bill", 3, agent=CAFE, arguments={"method": "efectivo"})
    assert (more.status, "No hay nada que pagar" in more.message) == (STATUS.STATUS_FAILED, True)


async def test_a_sentence_counts_once_towards_the_meter(cafe: Desk) -> None:
    await order(cafe, 1, sentence="una café solo, por favor")
    events = await cafe.events("grammar_check", 2, agent=CAFE, arguments={"sentence": "una café solo, por favor"})
    shown = {show.name: json.loads(show.json) for show in events[-1].outcome.shows}
    assert shown["confidence"]["detail"] == "0 of 1 sentences without a mistake"
