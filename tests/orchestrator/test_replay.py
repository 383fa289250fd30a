"""Calls that were recorded, folded through `step` again: the same decisions, or the first one that is another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.recorded import replay as command
from cli.recorded.records import save
from parley.bus import recorded_calls, records_of
from parley.errors import BadInput, Unavailable
from parley.v1 import call_pb2, events_pb2
from services.orchestrator.wire import replay
from testbed.organs import AGENT, House, house
from testbed.patience import PATIENCE_S

app = typer.Typer()
app.command()(command.replay)
Records = list[events_pb2.EventRecord]


async def records(h: House) -> Records:
    bus = h.calls._means.bus
    assert await bus.flushed(5)
    return [events_pb2.EventRecord.FromString(data) for data in await records_of(bus, "CA1")]


async def recorded(h: House) -> Records:
    """A call of two questions whose owner is lost between them."""
    g = await h.gateway()
    await g.opens()
    await g.hears((await g.said())[0])
    await g.types("hello there")
    await g.hears((await g.said())[0])
    state = await g.until("state")
    second = await h.gateway(1, 2)
    await second.opens(state=state.data)
    second.seq = g.seq
    await second.types("and now")
    await second.hears((await second.said())[0])
    await second.tell(seq=True, leg={"kind": "KIND_ENDED", "reason": "caller hung up"})
    async with asyncio.timeout(PATIENCE_S):
        while await second.stream.read() is not None:
            pass
    return await records(h)


async def test_a_call_with_two_owners_replays_to_the_same_decisions(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        found = await recorded(h)
        assert await recorded_calls(h.calls._means.bus) == ["CA1"]
    result = replay.replayed(replay.valid(found))
    assert (result.differs, result.ended) == (None, True)
    assert result.compared == result.records > 3
    assert {record.epoch.open for record in found} == {1, 2}


async def test_the_first_record_that_differs_is_named_and_no_word_of_the_caller_is_printed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        found = await recorded(h)
    file = saved(tmp_path, found)
    ran = CliRunner().invoke(app, ["--file", str(file)])
    assert (ran.exit_code, "the same decisions" in ran.output) == (0, True), ran.output
    typed = next(r for r in found if any(i.WhichOneof("event") == "typed" for i in r.inputs))
    next(i for i in typed.inputs if i.WhichOneof("event") == "typed").typed.text = "something else"
    ran = CliRunner().invoke(app, ["--file", str(saved(tmp_path, found))])
    assert ran.exit_code == 1
    assert f"first in record {replay.name_of(typed)}" in ran.output
    assert "something else" not in ran.output
    ran = CliRunner().invoke(app, ["--show-text", "--file", str(file)])
    assert "something else" in ran.output


async def test_another_agent_is_shown_beside_what_was_decided(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        file = saved(tmp_path, await recorded(h))
    same = ["--file", str(file), "--with"]
    ran = CliRunner().invoke(app, [*same, str(tmp_path / "agents/bikes")])
    assert (ran.exit_code, "decides the same" in ran.output) == (0, True), ran.output
    (tmp_path / "agents/boats").mkdir()
    (tmp_path / "agents/boats/agent.yaml").write_text(
        AGENT.replace("how can I help", "what is it") + "\nsilence: {prompt_after_s: 3}"
    )
    ran = CliRunner().invoke(app, [*same, str(tmp_path / "agents/boats")])
    assert ran.exit_code == 1
    assert "decides otherwise" in ran.output
    assert "| Say(" in ran.output
    assert "what is it" not in ran.output
    ran = CliRunner().invoke(app, [*same, "trains"])
    assert (ran.exit_code, "no agent in" in ran.output) == (2, True)


def saved(folder: Path, found: Records) -> Path:
    save(folder / "call.jsonl", found)
    assert (folder / "call.jsonl").stat().st_mode & 0o777 == 0o600
    return folder / "call.jsonl"


def record(n: int, opened: int = 1, after_n: int | None = None) -> events_pb2.EventRecord:
    made = events_pb2.EventRecord(call_id="CA1", n=n, epoch=call_pb2.Epoch(leg=1, open=opened))
    if after_n is not None:
        made.inputs.add().taken_over.after_n = after_n
    return made


def names(found: Records) -> list[str]:
    return [replay.name_of(each) for each in found]


def test_records_of_an_older_owner_after_the_takeover_are_void_and_doubles_count_once() -> None:
    first, second = [record(n) for n in (1, 2, 3, 4)], [record(3, 2, after_n=2), record(4, 2)]
    assert names(replay.valid([*second, *first, first[0]])) == ["1.1/1", "1.1/2", "1.2/3", "1.2/4"]


def test_an_owner_who_could_not_read_the_past_begins_anew_and_the_past_stays() -> None:
    anew = record(1, 2)
    anew.anew = True
    past, later = [record(1), record(2)], [record(2, 2), record(3, 2), record(3, 3, after_n=2)]
    found = replay.valid([*later, anew, *past])
    assert names(found) == ["1.1/1", "1.1/2", "1.2/1", "1.2/2", "1.3/3"]
    with pytest.raises(BadInput, match=r"record 2 is missing before 1\.2/3"):
        replay.valid([*past, anew, record(3, 2)])
    with pytest.raises(BadInput, match=r"record 1 is missing before 1\.1/2"):
        replay.valid([record(2), anew])


def test_records_that_are_missing_are_named() -> None:
    with pytest.raises(BadInput, match=r"record 2 to 3 is missing before 1\.1/4"):
        replay.valid([record(1), record(4)])
    with pytest.raises(BadInput, match=r"record 2 is missing before 1\.2/3"):
        replay.valid([record(1), record(3, 2, after_n=2)])
    with pytest.raises(BadInput, match="no records"):
        replay.valid([])


async def test_a_call_that_is_not_recorded_is_said_to_be_none(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        bus = h.calls._means.bus
        assert await bus.ready(PATIENCE_S)
        assert await records_of(bus, "CA9") == []
        with pytest.raises(BadInput, match="call id"):
            await records_of(bus, "call.*")
        await h.nats.kill()
        with pytest.raises(Unavailable):
            await records_of(bus, "CA9")
