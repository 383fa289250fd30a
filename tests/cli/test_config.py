"""`parley config` and `parley number hours`: what is typed, what is told, and what then stands in NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.config import config
from cli.number import number
from parley.bus import configuring, publishing
from parley.bus.publishing import NUMBERS
from parley.published.numbers import Numbers
from tests.configuration.world import KEY, Operator, operated
from tests.versions.world import write

HOURS = """zone: Europe/Madrid
week: {}
outside: {say: We are closed.}
"""


@pytest.fixture
async def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    monkeypatch.setenv("PARLEY_AGENTS_DIR", str(tmp_path / "agents"))
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PARLEY_CONFIG_KEY", KEY)
    async with operated(tmp_path) as operator:
        monkeypatch.setenv("PARLEY_NATS_URL", operator.nats.url)
        yield operator


async def typed(*arguments: str, status: int = 0, piped: str = "") -> str:
    """What is told on the terminal."""
    app = number if arguments[0] == "number" else config
    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments[1:]], input=piped)
    assert result.exit_code == status, result.output
    return result.output


async def test_settings_are_typed_shown_and_undone(operator: Operator) -> None:
    assert "PARLEY_CAPACITY           400  (default)" in await typed("config", "get")
    told = await typed("config", "set", "PARLEY_CAPACITY=50", "PARLEY_AGENT=bank", "--note", "the evening")
    assert "change 1: 0 of 0 processes that use it have it" in told
    assert "PARLEY_CAPACITY           50  (live)" in await typed("config", "get", "PARLEY_CAPACITY")
    assert "known are elevenlabs" in await typed("config", "set", "PARLEY_TTS=nobody", status=1)
    assert "no value; write PARLEY_TTS=VALUE" in await typed("config", "set", "PARLEY_TTS", status=1)
    assert "no live setting" in await typed("config", "get", "PATH", status=1)
    assert "nothing would change" in await typed("config", "unset", "PARLEY_TTS", status=1)
    await typed("config", "unset", "PARLEY_AGENT")
    told = await typed("config", "history")
    assert "(command)  the evening" in told
    assert "PARLEY_CAPACITY  (default) -> 50" in told
    assert "PARLEY_AGENT  bank" in await typed("config", "undo")
    assert (await configuring.read(operator.bus)).configuration.values["PARLEY_AGENT"] == "bank"
    assert "no change 9" in await typed("config", "undo", "9", status=1)


async def test_a_secret_is_piped_and_never_typed_nor_shown(operator: Operator) -> None:
    told = await typed("config", "set", "OPENAI_API_KEY=sk-proj-0123456789ab3f2a", status=1)
    assert "seen by others" in told
    told = await typed("config", "set", "OPENAI_API_KEY", piped="sk-proj-0123456789ab3f2a\n")
    told += await typed("config", "get") + await typed("config", "history")
    assert told.count("sk-…3f2a") == 3
    assert "0123456789" not in told
    assert "0123456789" not in str((await configuring.read(operator.bus)).configuration.values)


async def test_a_number_has_hours_from_a_file(operator: Operator, tmp_path: Path) -> None:
    write(tmp_path / "agents", "Hello")
    (tmp_path / "hours.yaml").write_text(HOURS)
    assert "is not in the table" in await typed("number", "hours", "+1555*", str(tmp_path / "hours.yaml"), status=1)
    await typed("number", "set", "+1555*", "bikes")
    told = await typed("number", "hours", "+1555*", str(tmp_path / "hours.yaml"))
    assert "by its hours (Europe/Madrid): closed now" in told
    assert "closed now" in await typed("number", "list")
    assert (await publishing.read(operator.bus, NUMBERS, Numbers))[0].hours["+1555*"].outside.say == "We are closed."
    (tmp_path / "hours.yaml").write_text(HOURS.replace("Europe/Madrid", "Mars"))
    assert "zone" in await typed("number", "hours", "+1555*", str(tmp_path / "hours.yaml"), status=1)
    assert "at all times" in await typed("number", "hours", "+1555*")
    await typed("number", "set", "*", "bikes")
    assert "all others" not in await typed("number", "list")
