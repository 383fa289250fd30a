"""A call that was recorded becomes a conversation: read from a real NATS, written, read again, and judged."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from cli.agent import agent as command
from cli.recorded.records import save
from parley.agents.conversations.files import read
from parley.bus import Bus, records_of
from parley.settings import Settings
from parley.v1 import events_pb2, llm_pb2, tools_pb2
from services.orchestrator.mind.identity import GIVEN
from testbed.eval.course import Ran
from testbed.eval.judging import failures
from testbed.eval.recorded import Recorded, recorded, script
from testbed.organs import House, house
from testbed.patience import PATIENCE_S

LINES = ["book me for tuesday: yes", "is it far?", "bye"]
BOOKED = {"day": "2026-03-03", "note": 'a "b": c'}


async def records(h: House, call_id: str) -> list[events_pb2.EventRecord]:
    settings = Settings.read(nats_url=h.nats.url)
    async with Bus(settings, "replay") as bus:
        assert await bus.ready(PATIENCE_S)
        return [events_pb2.EventRecord.FromString(data) for data in await records_of(bus, call_id)]


async def a_call(h: House) -> list[events_pb2.EventRecord]:
    """Somebody books a visit, asks something else, and the bot hangs up."""
    rounds = iter(
        (
            [llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json=json.dumps(BOOKED))],
            ["You are booked."],
            ["No."],
            [llm_pb2.ToolCall(id="c2", name="end_call", arguments_json="{}")],
            ["Bye."],
        )
    )
    h.model.reply = lambda request: next(rounds)
    gateway = await h.gateway()
    await gateway.opens(caller="+15550100123", parameters={"order": "0123"}, purpose="a recall")
    spoken, _ = await gateway.said()
    await gateway.hears(spoken)
    for text in LINES:
        if text == "bye":
            h.actions.outcome = tools_pb2.ToolOutcome(
                status=tools_pb2.ToolOutcome.STATUS_OK,
                result_json='{"summary": "done"}',
                hang_up=tools_pb2.HangUpThen(reason="done"),
            )
        await gateway.types(text)
        spoken, _ = await gateway.said()
        await gateway.hears(spoken)
    await gateway.until("hang_up")
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await records(h, "CA1")) or not found[-1].ended:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.05)
    return found


async def made(tmp_path: Path) -> Recorded:
    async with house(tmp_path / "house") as h:
        found = await a_call(h)
    save(tmp_path / "saved.jsonl", found)
    return recorded(found)


async def test_a_recorded_call_becomes_a_conversation(tmp_path: Path) -> None:
    found = await made(tmp_path)
    assert [exchange.caller for exchange in found.course.exchanges] == [
        "",
        "book me for tuesday: yes",
        "is it far?",
        "bye",
    ]
    assert [ran.name for ran in found.course.ran] == ["book_visit", "end_call"]
    assert found.course.outcome == "ended"

    text = script(found)
    assert "personal data" in text.splitlines()[2]
    assert "# bot: You are booked." in text
    path = tmp_path / "call.yaml"
    path.write_text(text)
    (conversation,) = read(path)
    assert conversation.name == "call CA1"
    assert conversation.caller_number == "+15550100123"
    assert conversation.variables == {"order": "0123"}
    assert conversation.purpose == "a recall"
    assert conversation.at == found.began.replace(microsecond=0)
    assert [turn.caller for turn in conversation.turns] == LINES
    (tool,) = conversation.turns[0].tools
    assert (tool.tool, tool.with_, tool.status) == ("book_visit", BOOKED, "ok")
    assert conversation.expect.outcome == "ended"
    assert failures(conversation, found.course) == []

    printed = CliRunner().invoke(command, ["record", "--file", str(tmp_path / "saved.jsonl")])
    assert printed.exit_code == 0
    assert printed.stdout == text

    found.course.exchanges[2].ran.append(Ran("verify_customer", {"born": GIVEN}, "ok"))
    path.write_text(script(found, found.call.language))
    (conversation,) = read(path)
    assert conversation.language == "", "it is the agent's: every house can hold it"
    found.course.exchanges[2].ran[-1] = Ran("verify_customer", {"born": "4 May 1980"}, "ok")
    assert failures(conversation, found.course) == []


def test_what_cannot_be_had_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["record", "--file", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "not records that --save wrote" in result.stderr
    assert CliRunner().invoke(command, ["record"]).exit_code == 2
