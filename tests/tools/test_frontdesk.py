"""The front desk of Bellweather Bikes, over gRPC."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.agents.files import load_agent
from tests.tools.service import ROOT, STATUS, Desk, serving, settings

AGENTS = ROOT / "agents"


@pytest.fixture
async def frontdesk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data", AGENTS, "frontdesk")) as served:
        yield served


async def test_where_is_my_order_one_two_three_four(frontdesk: Desk) -> None:
    outcome = await frontdesk.execute("check_order_status", agent="frontdesk", arguments={"order_number": "1234"})
    assert outcome.status == STATUS.STATUS_OK
    result = json.loads(outcome.result_json)
    assert result["status"] == "shipped"
    assert result["summary"].startswith(
        "Order one two three four, a blue city bike and a helmet, was shipped yesterday."
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("9999", "I can not find an order nine nine nine nine"),
        ("123", "An order number has exactly four digits"),
        ("'; drop table records", "An order number has exactly four digits"),
    ],
)
async def test_an_order_that_is_not_there(frontdesk: Desk, number: str, words: str) -> None:
    outcome = await frontdesk.execute("check_order_status", agent="frontdesk", arguments={"order_number": number})
    assert outcome.status == STATUS.STATUS_FAILED
    assert words in outcome.message


@pytest.mark.parametrize("n", range(1234, 1246))
async def test_every_order_has_a_story(frontdesk: Desk, n: int) -> None:
    outcome = await frontdesk.execute("check_order_status", agent="frontdesk", arguments={"order_number": n})
    summary = json.loads(outcome.result_json)["summary"]
    assert summary.endswith(".")
    assert not any(c.isdigit() for c in summary)


async def test_hours_of_a_day_of_a_closed_day_and_of_the_week(frontdesk: Desk) -> None:
    said = []
    for n, arguments in enumerate([{"day": "Saturday"}, {"day": "monday"}, {}, {"day": None}], start=1):
        outcome = await frontdesk.execute("get_business_hours", n, agent="frontdesk", arguments=arguments)
        said.append(json.loads(outcome.result_json)["summary"])
    assert said[0] == "On Saturday we are open from nine in the morning to five in the afternoon."
    assert said[1] == "We are closed on Monday."
    assert "Tuesday, Wednesday and Friday from ten to six; Thursday from ten to eight" in said[2]
    assert said[2] == said[3]


async def test_a_person_please_and_goodbye(frontdesk: Desk) -> None:
    transferred = await frontdesk.execute("transfer_to_human", 1, agent="frontdesk", arguments={"reason": "refund"})
    assert (transferred.transfer.to, transferred.transfer.reason) == ("+15550100199", "refund")
    assert not transferred.HasField("hang_up")
    ended = await frontdesk.execute("end_call", 2, agent="frontdesk", arguments={})
    assert ended.WhichOneof("then") == "hang_up"
    again = await frontdesk.execute("transfer_to_human", 1, agent="frontdesk", arguments={"reason": "refund"})
    assert again == transferred


async def test_what_the_model_is_told(frontdesk: Desk) -> None:
    tools = await frontdesk.list("frontdesk")
    assert list(tools) == [
        "check_order_status", "schedule_appointment", "cancel_appointment", "reschedule_appointment",
        "transfer_to_human", "look_up_account", "get_business_hours", "collect_feedback", "end_call", "verify_customer",
    ]  # fmt: skip
    asked_about = [name for name, tool in tools.items() if tool.consequential]
    assert asked_about == ["schedule_appointment", "cancel_appointment", "reschedule_appointment"]
    assert json.loads(tools["check_order_status"].parameters_json) == {
        "type": "object",
        "properties": {
            "order_number": {
                "type": "string",
                "description": "The four digits of the order number, such as 1234.",
            }
        },
        "required": ["order_number"],
        "additionalProperties": False,
    }
    assert tools["end_call"].effects
    assert not tools["get_business_hours"].effects


def test_the_domain_names_only_tools_and_slots_that_exist() -> None:
    agent = load_agent(AGENTS, "frontdesk")
    assert agent.tools is not None
    for name, intent in agent.domain.intents.items():
        assert not intent.tool or intent.tool in agent.tools, name
        assert set(intent.needs) <= set(agent.domain.slots), name
    wrapper = json.loads((AGENTS / "frontdesk" / "wrapper.json").read_text())
    assert {"name", "tagline", "color", "examples", "sample_call"} <= wrapper.keys()


async def test_data_changed_on_disk_is_there_after_a_restart(tmp_path: Path) -> None:
    agents = tmp_path / "agents" / "frontdesk"
    (agents / "data").mkdir(parents=True)
    for name in ("agent.yaml", "tools.py", "data/orders.yaml", "data/hours.yaml"):
        (agents / name).write_text((AGENTS / "frontdesk" / name).read_text())
    chosen = settings(tmp_path / "data", tmp_path / "agents", "frontdesk")
    cancelled = '"1235": {status: cancelled, items: two tires, sent_days: -1}\n'
    for words, then_written in (("is being prepared", ""), ("is being prepared", cancelled), ("was cancelled", "")):
        async with serving(chosen) as desk:
            arguments = {"order_number": "1235"}
            outcome = await desk.execute("check_order_status", agent="frontdesk", arguments=arguments)
            assert words in json.loads(outcome.result_json)["summary"]
        if then_written:
            (agents / "data" / "orders.yaml").write_text(then_written)
