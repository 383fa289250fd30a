"""What a tool of `tools.yaml` sends: where values stand, that the host is fixed, and what is never said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.http.conftest import SECRET
from tests.tools.http.shop import Shop
from tests.tools.service import STATUS

LOOKUP = """
tools:
  get_order:
    description: Where an order is.
    method: GET
    url: SHOP/orders/{number}/state?lang=en&size={size}
    parameters:
      number: {description: Its four digits.}
      size: {enum: [small, Large], required: false}
      gift: {type: boolean, required: false}
      tag: {list: true, required: false}
      tenant: {value: bikes, where: header, name: X-Tenant}
      who: {from: caller, where: query, required: false}
    headers: {X-Api-Version: "2"}
    auth: {type: AUTH, secret: SHOP_KEY}
    result: "{status: order.status, days: order.days, items: order.items}"
    summary: "Order {number} is {status}, with {items}."
"""


async def test_values_stand_where_they_belong_and_the_result_is_reduced(serve: Any, shop: Shop) -> None:
    desk = await serve(LOOKUP.replace("AUTH", "bearer"))
    listed = (await desk.list("a"))["get_order"]
    assert json.loads(listed.parameters_json)["properties"].keys() == {"number", "size", "gift", "tag"}
    assert not listed.effects
    arguments = {"number": 1234, "size": "LARGE", "gift": "yes", "tag": ["a b", "c&d"]}
    outcome = await desk.execute("get_order", agent="a", caller="+15550100", arguments=arguments)
    assert outcome.status == STATUS.STATUS_OK
    summary = "Order 1234 is shipped, with bell and lamp."
    assert json.loads(outcome.result_json) == {
        "status": "shipped", "days": 2, "items": ["bell", "lamp"], "summary": summary,
    }  # fmt: skip
    (asked,) = shop.asked
    assert asked.path == "/orders/1234/state?lang=en&size=Large&gift=true&tag=a+b&tag=c%26d&who=%2B15550100"
    assert (asked.headers["X-Tenant"], asked.headers["X-Api-Version"]) == ("bikes", "2")
    assert asked.headers["Authorization"] == f"Bearer {SECRET}"
    assert "Idempotency-Key" not in asked.headers


async def test_what_is_left_out_is_not_sent(serve: Any, shop: Shop) -> None:
    desk = await serve(LOOKUP.replace("AUTH", "bearer"))
    await desk.execute("get_order", agent="a", arguments={"number": "1"})
    assert shop.asked[0].path == "/orders/1/state?lang=en"


INSIDE = {
    "../admin": "..%2Fadmin",
    "1?x=1#y": "1%3Fx%3D1%23y",
    "%2e%2e": "%252e%252e",
    "@evil.example": "%40evil.example",
    "\u00fc 1\r\nX: y": "%C3%BC%201%0D%0AX%3A%20y",
}


async def test_a_value_stays_inside_its_own_part_of_the_path(serve: Any, shop: Shop) -> None:
    desk = await serve(LOOKUP.replace("AUTH", "bearer"))
    for intent, number in enumerate(INSIDE, start=1):
        await desk.execute("get_order", intent, agent="a", arguments={"number": number})
    assert [asked.path for asked in shop.asked] == [f"/orders/{path}/state?lang=en" for path in INSIDE.values()]


async def test_a_value_that_would_climb_is_not_sent_at_all(serve: Any, shop: Shop) -> None:
    desk = await serve(LOOKUP.replace("AUTH", "bearer"))
    for intent, number in enumerate(["..", ".", ""], start=1):
        outcome = await desk.execute("get_order", intent, agent="a", arguments={"number": number})
        assert outcome.status == STATUS.STATUS_FAILED
        assert outcome.message.startswith("The argument number cannot be ")
    assert shop.asked == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "argument number: missing"),
    ({"number": "1", "size": "huge"}, "argument size: must be one of small, Large"),
    ({"number": "1", "gift": "maybe"}, "argument gift: must be boolean"),
    ({"number": "1", "tenant": "other"}, "there is no argument tenant; known are number, size, gift, tag"),
]


async def test_arguments_are_checked_before_anything_is_sent(serve: Any, shop: Shop) -> None:
    desk = await serve(LOOKUP.replace("AUTH", "bearer"))
    for intent, (arguments, words) in enumerate(WRONG, start=1):
        outcome = await desk.execute("get_order", intent, agent="a", arguments=arguments)
        assert (outcome.status, outcome.message) == (STATUS.STATUS_REFUSED, words)
    assert shop.asked == []


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("basic", "Authorization", "Basic czNjcjN0LW9mLXRoZS1zaG9w"),
        ("header, name: X-Key", "X-Key", SECRET),
    ],
)
async def test_how_a_tool_proves_who_it_is(serve: Any, shop: Shop, auth: str, header: str, value: str) -> None:
    desk = await serve(LOOKUP.replace("AUTH", auth))
    await desk.execute("get_order", agent="a", arguments={"number": "1"})
    assert shop.asked[0].headers[header] == value


async def test_a_secret_in_the_query(serve: Any, shop: Shop) -> None:
    desk = await serve(LOOKUP.replace("AUTH", "query, name: key"))
    await desk.execute("get_order", agent="a", arguments={"number": "1"})
    assert shop.asked[0].path == f"/orders/1/state?lang=en&key={SECRET}"


BOOKING = """
defaults: {auth: {secret: SHOP_KEY}}
tools:
  book:
    description: Book a visit.
    method: POST
    url: SHOP/visits
    parameters:
      day: {type: date}
      count: {type: integer, required: false}
      reason: {required: false}
    body:
      visit: {when: "{day}", count: "{count}", note: "Asked for: {reason}", source: telephone}
      tags: [voice, "{reason}"]
    summary: You are booked for {day}.
  note:
    description: Leave a note.
    method: POST
    url: SHOP/notes
    encoding: form
    effects: false
    parameters: {text: {}, urgent: {type: boolean, value: true}}
  deliver:
    description: Change where it goes.
    method: PUT
    url: SHOP/orders/{customer}/address
    confirm: Shall I send it to {street}?
    level: 2
    slow: true
    limit_s: 20
    parameters: {customer: {from: parameters.customer}, street: {}}
"""


async def test_an_effect_carries_its_key_and_a_body_as_it_is_written(serve: Any, shop: Shop) -> None:
    desk = await serve(BOOKING)
    arguments = {"day": "2026-12-01", "count": "2"}
    outcome = await desk.execute("book", 7, agent="a", arguments=arguments)
    assert json.loads(outcome.result_json)["summary"] == "You are booked for 2026-12-01."
    (asked,) = shop.asked
    assert asked.headers["Idempotency-Key"] == "CA1/7"
    assert json.loads(asked.body) == {
        "visit": {"when": "2026-12-01", "count": 2, "source": "telephone"}, "tags": ["voice"],
    }  # fmt: skip
    again = await desk.execute("book", 7, agent="a", arguments=arguments)
    assert again == outcome
    assert len(shop.asked) == 1


async def test_a_form_and_what_only_looks_like_an_effect(serve: Any, shop: Shop) -> None:
    desk = await serve(BOOKING)
    await desk.execute("note", agent="a", arguments={"text": "a&b=c"})
    assert shop.asked[0].body == "text=a%26b%3Dc&urgent=true"
    assert "Idempotency-Key" not in shop.asked[0].headers


async def test_marks_reach_the_caller_and_what_is_known_of_the_call_is_not_asked_of_the_model(
    serve: Any, shop: Shop
) -> None:
    desk = await serve(BOOKING)
    tool = (await desk.list("a"))["deliver"]
    assert (tool.effects, tool.idempotent, tool.consequential, tool.slow, tool.level) == (True, True, True, True, 2)
    assert list(json.loads(tool.parameters_json)["properties"]) == ["street"]
    low = await desk.execute("deliver", 1, agent="a", arguments={"street": "Elm"})
    assert low.status == STATUS.STATUS_REFUSED
    unknown = await desk.agreed("deliver", 2, agent="a", level=2, arguments={"street": "Elm"})
    assert unknown.message == "This needs the customer of the call: not known."
    fields = {"agent": "a", "level": 2, "parameters": {"customer": "C/9"}}
    await desk.agreed("deliver", 3, arguments={"street": "Elm"}, **fields)
    assert [asked.path for asked in shop.asked] == ["/orders/C%2F9/address"]
