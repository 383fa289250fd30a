"""The copilot of Marlow Valley Water, over gRPC: alarms, units, and two technicians at one machine."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from parley.agents.files import load_agent
from tests.tools.service import ROOT, STATUS, Desk, serving, settings

FOLDER = ROOT / "agents" / "field-copilot"
DATA = {path.stem: yaml.safe_load(path.read_text()) for path in (FOLDER / "data").glob("*.yaml")}
CALLS = itertools.count(1)
PUMP = {"machine": "booster pump two", "quantity": "vibration"}


@pytest.fixture
async def copilot(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data", ROOT / "agents", "field-copilot")) as served:
        yield served


async def run(desk: Desk, name: str, **arguments: Any) -> Any:
    """In a call of its own."""
    return await desk.execute(name, agent="field-copilot", call_id=f"CA{next(CALLS)}", arguments=arguments)


def told(outcome: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(outcome.result_json)
    return found


def shown(outcome: Any) -> dict[str, Any]:
    return {each.name: json.loads(each.json) for each in outcome.shows}


async def test_the_alarm_is_said_word_for_word_and_can_not_be_interrupted(copilot: Desk) -> None:
    outcome = await run(copilot, "record_reading", **PUMP, value=9.2)
    assert outcome.say.text == (
        "Alarm. Booster pump two: vibration nine point two millimeters per second. Safe is up to four point five. "
        "Stop it. Lock it out."
    )
    assert not outcome.say.interruptible
    assert told(outcome)["offers"]["arguments"]["severity"] == "critical"
    cards = shown(outcome)
    assert cards["alarms"] == [
        {
            "title": "Booster pump two: vibration 9.2 mm/s",
            "detail": "Safe is up to 4.5. Stop it. Lock it out.",
            "status": "alarm",
            "tone": "bad",
        }
    ]
    assert cards["range"]["value"] > 100
    assert cards["readings"][0]["tone"] == "bad"
    safe = await run(copilot, "record_reading", **PUMP, value=4.5)
    assert (safe.say.text, shown(safe)["alarms"], shown(safe)["range"]["value"]) == ("", None, 100)
    assert told(safe)["summary"].endswith("Alarm cleared.")


async def test_all_alarms_that_are_open_stand_on_the_page_and_each_clears_by_itself(copilot: Desk) -> None:
    await run(copilot, "record_reading", **PUMP, value=9.2)
    two = await run(copilot, "record_reading", machine="C-101", quantity="oil temperature", value=110)
    assert len(shown(two)["alarms"]) == 2
    other = await run(copilot, "record_reading", machine="P-202", quantity="bearing temperature", value=60)
    assert len(shown(other)["alarms"]) == 2
    assert told(other)["summary"].endswith("Another alarm is open.")
    cleared = await run(copilot, "record_reading", machine="C-101", quantity="oil temperature", value=90)
    assert [row["title"] for row in shown(cleared)["alarms"]] == ["Booster pump two: vibration 9.2 mm/s"]


@pytest.mark.parametrize(
    ("value", "unit", "kept"),
    [
        (110, "psi", 7.58),
        (7, "bar", 7.0),
        (700, "kilopascal", 7.0),
        (7, None, 7.0),
    ],
)
async def test_units_become_those_of_the_limit(copilot: Desk, value: float, unit: str | None, kept: float) -> None:
    arguments = {"machine": "P-201", "quantity": "discharge pressure", "value": value, "unit": unit}
    assert told(await run(copilot, "record_reading", **arguments))["value"] == kept


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({**PUMP, "value": 1, "unit": "psi"}, "Say it in millimeters per second"),
        ({**PUMP, "value": 51}, "off the scale of vibration, zero to fifty"),
        (
            {"machine": "booster pump two", "quantity": "pressure", "value": 1},
            "Discharge pressure or suction pressure?",
        ),
        ({"machine": "booster pump", "quantity": "vibration", "value": 1}, "booster pump one, booster pump two"),
        ({"machine": "mixer", "quantity": "vibration", "value": 1}, "No machine mixer. Say its name or its tag."),
        ({"machine": "P-401", "quantity": "vibration", "value": 1}, "Dosing pump one has no vibration"),
    ],
)
async def test_what_is_not_sure_is_not_recorded(copilot: Desk, arguments: dict[str, Any], words: str) -> None:
    outcome = await run(copilot, "record_reading", **arguments)
    assert (outcome.status, words in outcome.message) == (STATUS.STATUS_FAILED, True), outcome.message


async def test_eight_technicians_at_one_machine_lose_no_reading(copilot: Desk) -> None:
    values = [1 + n / 10 for n in range(8)]
    await asyncio.gather(
        *(run(copilot, "record_reading", machine="B-102", quantity="vibration", value=v) for v in values)
    )
    rows = told(await run(copilot, "get_readings", machine="blower two", quantity="vibration"))["readings"]
    assert sorted(row["title"] for row in rows) == sorted(f"Vibration {v:g} mm/s" for v in values)


async def test_twelve_readings_are_kept(copilot: Desk) -> None:
    for n in range(14):
        await run(copilot, "record_reading", machine="B-102", quantity="vibration", value=n / 10)
    rows = told(await run(copilot, "get_readings", machine="blower two"))["readings"]
    assert (len(rows), rows[0]["title"], rows[-1]["title"]) == (12, "Vibration 1.3 mm/s", "Vibration 0.2 mm/s")


async def test_the_same_intent_again_is_one_reading_and_one_incident(copilot: Desk) -> None:
    report = {"machine": "P-301", "severity": "low", "what": "drips"}
    for name, arguments in (("record_reading", {**PUMP, "value": 2.2}), ("log_incident_report", report)):
        twice = [
            await copilot.execute(name, 7, agent="field-copilot", call_id=name, arguments=arguments) for _ in range(2)
        ]
        assert twice[0] == twice[1]
    rows = told(await run(copilot, "get_readings", **PUMP))["readings"]
    assert [row["title"] for row in rows].count("Vibration 2.2 mm/s") == 1


async def test_incidents_at_the_same_time_know_of_each_other(copilot: Desk) -> None:
    report = {"machine": "transfer pump", "severity": "high", "what": "leaks"}
    made = await asyncio.gather(*(run(copilot, "log_incident_report", **report) for _ in range(3)))
    keys = {told(each)["incident"] for each in made}
    assert len(keys) == 3
    assert sorted("Also open" in told(each)["summary"] for each in made) == [False, True, True]


async def test_every_job_of_every_manual_is_found_by_its_topic(copilot: Desk) -> None:
    names = {row["model"]: row["name"] for row in DATA["machines"].values()}
    for job in DATA["manuals"].values():
        outcome = await run(copilot, "query_technical_manuals", machine=names[job["model"]], topic=job["topic"])
        found = told(outcome)
        assert found["topic"] == job["topic"]
        assert not any(c.isdigit() for c in found["summary"])


def test_limits_units_machines_and_what_callers_may_say_belong_together() -> None:
    for row in DATA["machines"].values():
        assert row["model"] in DATA["limits"]
    said = load_agent(ROOT / "agents", "field-copilot").domain.slots
    assert set(said["machine"].values) == {row["name"] for row in DATA["machines"].values()}
    for limits in DATA["limits"].values():
        for quantity, limit in limits.items():
            assert limit["unit"] in DATA["units"]
            assert quantity in said["quantity"].values
            low, high = limit["scale"]
            assert low <= limit.get("least", low) < limit["most"] <= high
    (form,) = [c for c in json.loads((FOLDER / "wrapper.json").read_text())["cards"] if c["kind"] == "form"]
    assert set(form["fields"][0]["choices"]) == set(said["machine"].values)
