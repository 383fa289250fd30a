"""`parley agent publish` and its kind, `parley number`: what is typed, what is told, and what then stands in NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.agent import agent
from cli.number import number
from cli.reach.operating import operator_settings, who_asks
from cli.reach.published import published_folder
from parley.agents.files import _FILES
from parley.bus import Bus, publishing
from parley.bus.publishing import Conflict
from parley.published.bundle import Bundle
from parley.published.numbers import Numbers
from parley.published.versions import Versions
from tests.versions.world import server, write


@pytest.fixture
async def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bus]:
    monkeypatch.setenv("PARLEY_AGENTS_DIR", str(tmp_path / "agents"))
    monkeypatch.setenv("PARLEY_AGENT", "bikes")
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path / "data"))
    async with server(tmp_path) as (nats, bus):
        monkeypatch.setenv("PARLEY_NATS_URL", nats.url)
        _FILES.clear()
        yield bus
    _FILES.clear()


async def typed(*arguments: str, status: int = 0) -> str:
    """What is told on the terminal."""
    app = number if arguments[0] == "number" else agent
    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments[1:]])
    assert result.exit_code == status, result.output
    return result.output


async def test_a_bot_is_published_shown_promoted_rolled_back_and_taken_away(bus: Bus, tmp_path: Path) -> None:
    write(tmp_path / "agents", "One.")
    assert "calls have the folder, nothing is published" in await typed("agent", "versions")
    assert "publish without it first" in await typed("agent", "publish", "bikes", "--canary", "10%", status=1)
    told = await typed("agent", "publish", "bikes", "--note", "the first")
    assert "bikes: good: 1 tools" in told
    assert "new calls have it in about a second, those under way keep theirs" in told
    assert "`parley agent unpublish bikes` gives calls the folder again" in told
    assert "nothing has changed" in await typed("agent", "publish", "bikes")
    _FILES.clear()
    write(tmp_path / "agents", "Two.")
    told = await typed("agent", "publish", "bikes", "--canary", "12.5", "--note", "the second")
    assert "12.5% of new calls have it" in told
    assert "From now on" not in told
    lines = (await typed("agent", "versions", "bikes")).splitlines()
    assert [line.split()[-2:] for line in lines[2:]] == [["the", "second"], ["the", "first"]]
    assert "12.5% (canary)" in lines[2]
    assert "87.5%" in lines[3]
    second = lines[2].split()[0]
    folder = await published_folder(operator_settings(), "bikes", second)
    assert folder is not None
    assert "Two." in (folder / "agent.yaml").read_text(), "`eval --against` has it, wherever it was published"
    assert await published_folder(operator_settings(), "bikes", "f" * 12) is None
    assert await typed("agent", "promote", "bikes") == f"bikes: all new calls have {second}\n"
    first = (await typed("agent", "rollback", "bikes")).split()[-1]
    assert first != second
    assert await typed("agent", "rollback", "bikes", second[:6]) == f"bikes: all new calls have {second}\n"
    assert "no version 'ffffff'" in await typed("agent", "rollback", "bikes", "ffffff", status=2)
    assert await typed("agent", "rollback", "bikes") == f"bikes: all new calls have {first}\n"
    assert f"no version before {first} to go back to" in await typed("agent", "rollback", "bikes", status=1)
    await typed("agent", "publish", "bikes", "--canary", "20%")
    assert "the second" in await typed("agent", "versions", "bikes"), "published again without a note"
    assert "new calls have the folder" in await typed("agent", "unpublish", "bikes")
    assert "nothing is published" in await typed("agent", "unpublish", "bikes", status=1)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("publish", "cars"), 2, "there is no agent 'cars'"),
        (("publish", "bikes", "--canary", "half"), 1, "--canary half: a share of new calls, as 10%"),
        (("publish", "bikes", "--canary", "100%"), 1, "more than 0 and less than 100"),
        (("publish", "bikes", "--note", "x" * 201), 1, "--note: at most 200 printable characters"),
        (("versions", "cars"), 2, "there is no agent 'cars'; known are bikes"),
        (("rollback", "bikes"), 2, "nothing is published of 'bikes'; published are none"),
    ],
)
async def test_what_cannot_be_done_is_told_with_the_remedy(
    bus: Bus, tmp_path: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    write(tmp_path / "agents", "One.")
    assert told in await typed("agent", *arguments, status=status)
    assert await publishing.keys(bus) == []


async def test_a_bot_with_a_fault_is_not_published(bus: Bus, tmp_path: Path) -> None:
    write(tmp_path / "agents", "One.", **{"tools.py": "def f(:\n"})
    told = await typed("agent", "publish", "bikes", status=1)
    assert "tools.py, line 1: SyntaxError" in told
    assert "nothing was published; mend this first" in told
    assert await publishing.keys(bus) == []


async def test_somebody_who_publishes_at_the_same_time_is_not_overwritten(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "agents", "One.")
    write(tmp_path / "theirs", "Theirs.")
    real = publishing.put_bundle

    async def overtaken(command: Bus, name: str, bundle: Bundle) -> None:
        monkeypatch.setattr(publishing, "put_bundle", real)
        await publishing.publish(command, "bikes", tmp_path / "theirs" / "bikes", "en")
        await real(command, name, bundle)

    monkeypatch.setattr(publishing, "put_bundle", overtaken)
    assert "somebody else changed it in this moment" in await typed("agent", "publish", "bikes", status=1)
    assert len((await typed("agent", "versions", "bikes")).splitlines()) == 3


async def test_without_nats_it_is_told_what_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.reach.operating._CONNECT_S", 0.2)
    monkeypatch.setenv("PARLEY_NATS_URL", "nats://127.0.0.1:9")
    assert "NATS is away: start `make run`" in await typed("number", "list", status=2)


async def test_numbers_are_set_listed_and_removed(bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "agents", "One.")
    write(tmp_path / "agents", "Two.", name="shop")
    assert await typed("number", "set", "+1 (555) 123-4567", "shop") == "+15551234567 reaches shop\n"
    assert await typed("number", "set", "+1555*", "bikes") == "+1555* reaches bikes\n"
    assert await typed("number", "set", "+1555*", "shop") == "+1555* reaches shop, no more bikes\n"
    assert "no agent 'cars'; known are bikes, shop" in await typed("number", "set", "+1666*", "cars", status=1)
    assert "'desk': neither a number" in await typed("number", "set", "desk", "shop", status=1)
    real, conflicts = publishing.write, iter((Conflict("now"), Conflict("and again"), None))

    async def contended(*arguments: Any) -> Any:
        if (conflict := next(conflicts)) is not None:
            raise conflict
        return await real(*arguments)

    monkeypatch.setattr(publishing, "write", contended)
    assert await typed("number", "set", "sip:desk@example.com", "shop") == "sip:desk@example.com reaches shop\n"
    monkeypatch.setattr(publishing, "write", real)
    (tmp_path / "agents" / "shop" / "agent.yaml").unlink()
    lines = (await typed("number", "list")).splitlines()
    assert [line.split()[0] for line in lines] == ["+1555*", "+15551234567", "sip:desk@example.com", "all"]
    assert all("there is no such agent any more: bikes answers" in line for line in lines[:3])
    told = await typed("number", "remove", "+15551234567")
    assert "PARLEY_AGENT answers it now, bikes as it is set here (the table says shop, and there is no" in told
    assert "is not in the table" in await typed("number", "remove", "+15551234567", status=1)
    write(tmp_path / "agents", "Two.", name="shop")
    await typed("number", "set", "+15551", "bikes")
    assert await typed("number", "remove", "+15551") == "+15551 is removed; shop answers it now\n"
    told = await typed("number", "remove", "+1555*")
    assert told == "+1555* is removed; PARLEY_AGENT answers it now, bikes as it is set here\n"


async def test_who_typed_it_stands_with_what_is_published(bus: Bus, tmp_path: Path) -> None:
    write(tmp_path / "agents", "One.")
    (tmp_path / "hours.yaml").write_text("zone: UTC\nweek: {}\noutside: {say: We are closed.}\n")
    await typed("agent", "publish", "bikes")
    await typed("agent", "unpublish", "bikes")
    await typed("agent", "rollback", "bikes")
    for arguments in (
        ("set", "+1555*", "bikes"),
        ("hours", "+1555*", str(tmp_path / "hours.yaml")),
        ("remove", "+1555*"),
    ):
        await typed("number", *arguments)
    versions, _ = await publishing.read(bus, publishing.AGENT + "bikes", Versions)
    numbers, _ = await publishing.read(bus, publishing.NUMBERS, Numbers)
    kinds = [(each.kind, each.subject) for each in (*versions.changes, *numbers.changes)]
    acts = ["agent.published", "agent.unpublished", "agent.rolled_back"]
    rows = ["number.set", "number.set", "number.removed"]
    assert kinds == [*((kind, "bikes") for kind in acts), *((kind, "+1555*") for kind in rows)]
    assert {each.who for each in (*versions.changes, *numbers.changes)} == {who_asks()}
    assert numbers.changes[1].detail["hours"]["zone"] == "UTC"
