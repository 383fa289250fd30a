"""Which agent answers which number: the table, as the carrier's webhook goes by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parley.published.numbers import Numbers
from tests.gateway.conftest import House
from tests.gateway.webhook import ask_webhook, stream_of, way_back


@pytest.fixture
def table(house: House) -> House:
    """`desk` and `shop` beside the default agent, and a table."""
    folder: Path = house.gateway.settings.agents_dir
    for name in ("desk", "shop"):
        (folder / name).mkdir()
        (folder / name / "agent.yaml").write_text("company: A\ngreeting: Hello.\nprompt: You are A.\n")
    entries = {"+15551234567": "desk", "+1555*": "shop", "sip:desk@example.com": "desk", "+1777*": "gone"}
    house.gateway.editions._table.numbers = Numbers(entries=entries)
    return house


async def agent_of(house: House, query: str = "", **form: str) -> str:
    return stream_of(await ask_webhook(house.url, query=query, **form))[1]["agent"]


async def test_the_called_number_chooses_who_answers(table: House) -> None:
    for to, wanted in (
        ("+15551234567", "desk"),
        ("+15559999999", "shop"),
        ("sip:desk@example.com;transport=tls", "desk"),
        ("sip:nobody@example.com", "frontdesk"),
        ("+442071234567", "frontdesk"),
        ("", "frontdesk"),
    ):
        assert await agent_of(table, To=to) == wanted, to


async def test_the_url_of_a_number_goes_before_the_table_and_a_later_leg_keeps_its_agent(table: House) -> None:
    assert await agent_of(table, query="?agent=shop", To="+15551234567") == "shop"
    back = way_back(await ask_webhook(table.url, To="+15551234567"))
    table.gateway.editions._table.numbers = Numbers()
    assert await agent_of(table, query=back, To="+15551234567") == "desk"


async def test_of_a_call_that_was_placed_our_number_is_the_one_it_comes_from(table: House) -> None:
    form = {"From": "+15551234567", "To": "+442071234567"}
    assert await agent_of(table, Direction="outbound-api", **form) == "desk"
    assert await agent_of(table, Direction="inbound", **form) == "frontdesk"


async def test_a_number_whose_agent_is_gone_is_answered_by_the_default_one_and_that_is_logged(table: House) -> None:
    with capture_logs() as logs:
        assert await agent_of(table, To="+17771234567") == "frontdesk"
    (told,) = (log for log in logs if "gone" in log["event"])
    assert (told["agent"], told["log_level"]) == ("gone", "error")
