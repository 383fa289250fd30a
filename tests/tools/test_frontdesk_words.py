"""How the front desk says days, times and hours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import yaml

from parley.tooling import CallContext
from services.tools.discovery import Toolboxes
from tests.tools.service import ROOT

HOURS = yaml.safe_load((ROOT / "agents/frontdesk/data/hours.yaml").read_text())
TOOL = Toolboxes(ROOT / "agents").tool("frontdesk", "get_business_hours")
WORDS: dict[str, Any] = TOOL.function.__globals__


class Data:
    async def get(self, collection: str, key: str) -> dict[str, Any] | None:
        return None

    async def all(self, collection: str) -> dict[str, dict[str, Any]]:
        return dict(HOURS)


async def ask(day: str | None, now: str) -> str:
    data: Any = Data()
    context = CallContext("CA1", "", "frontdesk", "CA1/1", "", datetime.fromisoformat(now).astimezone(), data)
    return str((await TOOL.function(context, day))["summary"])


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("today", "On Saturday we are open from nine in the morning to five in the afternoon."),
        ("Tomorrow", "On Sunday we are open from noon to four in the afternoon."),
        ("the day after tomorrow", "We are closed on Monday."),
        ("next thursdays", "On Thursday we are open from ten in the morning to eight in the evening."),
    ],
)
async def test_on_a_saturday(day: str, said: str) -> None:
    assert await ask(day, "2026-11-21T10:00") == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-21T09:00", "Right now we are open, until five in the afternoon."),
        ("2026-11-21T17:00", "Right now we are closed."),
        ("2026-11-21T08:59", "Right now we are closed."),
        ("2026-11-23T12:00", "Right now we are closed."),
    ],
)
async def test_are_you_open(now: str, said: str) -> None:
    assert (await ask(None, now)).startswith(said)


async def test_both_days_of_a_weekend() -> None:
    assert "On Saturday" in await ask("this weekend", "2026-11-23T12:00")
    assert "On Sunday" in await ask("this weekend", "2026-11-23T12:00")


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("09:00", "nine in the morning"),
        ("12:00", "noon"),
        ("12:30", "half past twelve in the afternoon"),
        ("17:45", "five forty five in the afternoon"),
        ("20:20", "eight twenty in the evening"),
        ("08:05", "eight oh five in the morning"),
        ("00:15", "twelve fifteen in the morning"),
    ],
)
def test_times(clock: str, said: str) -> None:
    assert WORDS["spoken_time"](clock) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 20), "yesterday"),
        (date(2026, 11, 21), "today"),
        (date(2026, 11, 22), "tomorrow"),
        (date(2026, 11, 30), "on Monday, November thirtieth"),
        (date(2026, 12, 31), "on Thursday, December thirty first"),
        (date(2027, 1, 12), "on Tuesday, January twelfth"),
        (date(2027, 2, 20), "on Saturday, February twentieth"),
    ],
)
def test_days(day: date, said: str) -> None:
    assert WORDS["spoken_day"](day, date(2026, 11, 21)) == said
