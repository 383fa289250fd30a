"""What the copilot of Marlow Valley Water's technicians can do. Machines, limits and manuals lie in its records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from parley.text.spoken import normalise, words_to_digits
from parley.text.telling import day, digits, number, value
from parley.tooling import CallContext, HangUp, Notice, Records, Result, ToolError, Transfer, tool

Severity = Literal["low", "high", "critical"]
Wanted = Literal["all", "torque", "part", "steps"]

KEPT = 12
"""Readings of one quantity of one machine."""
MANY = 5  # that are told
ALARMS = 8  # that are shown


@tool
async def query_technical_manuals(machine: str, topic: str, context: CallContext, wanted: Wanted = "all") -> Result:
    """Look a job up in the maker's manual of a machine: torque, part number, steps. Never answer these from memory.

    Args:
        machine: As people call it, such as booster pump two, or its tag, such as P-202.
        topic: The job or the part, such as seal, bearing greasing, oil change, start up.
        wanted: Only the torque, the part number or the steps, where the technician asked for just that.
    """
    tag, found = await _machine(context.records, machine)
    jobs = await context.records.find("manuals", model=found["model"])
    job = _best(jobs, topic)
    if job is None:
        known = value([each["topic"] for each in jobs.values()])
        raise ToolError(f"Nothing on that for the {found['model']}. The manual has: {known}.")
    torque = [f"{name} {number(Decimal(str(nm)))}" for name, nm in job.get("torque", {}).items()]
    told = {
        "torque": f"Newton meters: {', '.join(torque)}." if torque else "No torque given.",
        "part": f"Part {digits(job['part'])}." if "part" in job else "No part given.",
        "steps": " ".join(map(_spoken, job["steps"])),
    }
    parts = [told[wanted]] if wanted != "all" else [t for name, t in told.items() if name == "steps" or name in job]
    summary = f"{_upper(job['topic'])}, {found['name']}. {' '.join(parts)}"
    rows = [{"title": f"{n}. {step}"} for n, step in enumerate(job["steps"], 1)]
    rows += [{"title": f"{_upper(name)}: {nm} Nm", "status": "torque"} for name, nm in job.get("torque", {}).items()]
    rows += [{"title": job["part"], "status": "part"}] if "part" in job else []
    return Result({"machine": tag, "model": found["model"], **job, "summary": summary}, show={"manual": rows})


@tool(effects=True, idempotent=True)
async def record_reading(
    machine: str, quantity: str, value: float, context: CallContext, unit: str | None = None
) -> Result:
    """Write down what an instrument shows. Use it for every value the technician tells. When the value is out of the
    machine's safe range, an alarm is spoken by itself, word for word: do not repeat it.

    Args:
        machine: As people call it, such as booster pump two, or its tag, such as P-202.
        quantity: What was measured, such as vibration, discharge pressure, bearing temperature.
        value: The number.
        unit: As it was said: bar, psi, celsius, fahrenheit, mm/s. Leave it out when none was said.
    """
    tag, found = await _machine(context.records, machine)
    name, limit = await _limit(context.records, found, quantity)
    units = await context.records.get("units", limit["unit"]) or {}
    measured = _converted(Decimal(str(value)), unit, limit, units)
    low, high = limit["scale"]
    if not low <= measured <= high:
        scale = f"{number(low)} to {number(high)}"
        raise ToolError(f"{number(measured)} is off the scale of {name}, {scale} {units['spoken']}. Say it again.")
    key = f"{tag} {name}"
    now = {"value": float(measured), "day": context.now.date().isoformat(), "at": f"{context.now:%H:%M}"}
    async with context.records.transaction() as records:
        recent = (await records.get("readings", key) or {"recent": []})["recent"]
        if not recent or recent[-1].get("by") != context.idempotency_key:  # else it was cut off after it was written
            recent = [*recent, {**now, "by": context.idempotency_key}][-KEPT:]
            await records.put("readings", key, {"recent": recent})
        out = not _safe(measured, limit)
        before = await records.get("alarms", key)
        if out:
            told = f"{_upper(found['name'])}: {name} {float(measured):g} {units['shown']}"
            safe = f"Safe is {_range(limit, words=False)}. {limit['do']}"
            await records.put("alarms", key, {**now, "machine": tag, "told": told, "safe": safe})
        elif before is not None:
            await records.delete("alarms", key)
        alarms = await records.all("alarms")
    said = f"{number(measured)} {units['spoken']}"
    shown = {**_shown(found, name, measured, limit, units, recent), "alarms": _alarm_rows(alarms)}
    known: dict[str, Any] = {"machine": tag, "quantity": name, "value": float(measured), "unit": limit["unit"]}
    known |= {"alarm": out}
    if not out:
        last = f" Before: {number(Decimal(str(recent[-2]['value'])))}." if len(recent) > 1 else ""
        over = " Alarm cleared." if before is not None else ""
        over += " Another alarm is open." if any(row["machine"] == tag for row in alarms.values()) else ""
        summary = f"{_upper(name)}, {found['name']}: {said}. Safe, {_range(limit)}.{last}{over}"
        return Result({**known, "summary": summary}, show=shown)
    what = f"{name} {float(measured):g} {units['shown']}, safe is {_range(limit, words=False)}"
    severity: Severity = "critical" if limit["do"].startswith("Stop") else "high"
    report = {"machine": found["name"], "severity": severity, "what": what}
    known |= {"do": limit["do"], "offers": {"tool": "log_incident_report", "arguments": report}}
    return Result(
        {**known, "summary": "Recorded. Log an incident?"},
        say=Notice(f"Alarm. {_upper(found['name'])}: {name} {said}. Safe is {_range(limit)}. {limit['do']}"),
        show=shown,
    )


@tool
async def get_readings(machine: str, context: CallContext, quantity: str | None = None) -> Result:
    """The last readings of a machine, of one quantity or of all.

    Args:
        machine: As people call it, such as booster pump two, or its tag, such as P-202.
        quantity: What was measured, such as vibration. Leave it out for all.
    """
    tag, found = await _machine(context.records, machine)
    limits = await context.records.get("limits", found["model"]) or {}
    names = [(await _limit(context.records, found, quantity))[0]] if quantity else [*limits]
    rows, told = [], []
    for name in names:
        recent = (await context.records.get("readings", f"{tag} {name}") or {"recent": []})["recent"]
        units = await context.records.get("units", limits[name]["unit"]) or {}
        for each in recent[::-1]:
            rows.append(_row(each, name, limits[name], units))
        if recent:
            at = day(date.fromisoformat(recent[-1]["day"]), "en", context.now.date()).partition(", ")[2]
            values = ", before that ".join(number(Decimal(str(each["value"]))) for each in recent[:-4:-1])
            told.append(f"{_upper(name)} {values} {units['spoken']}, {at}.")
    if not told:
        raise ToolError(f"No readings yet for {f'{names[0]} of ' if quantity else ''}{found['name']}.")
    summary = f"{_upper(found['name'])}. {' '.join(told[:MANY])}"
    return Result({"machine": tag, "readings": rows[:20], "summary": summary}, show={"readings": rows[:20]})


@tool(effects=True, idempotent=True)
async def log_incident_report(machine: str, severity: Severity, what: str, context: CallContext) -> Result:
    """Open an incident report. Use it when the technician wants one, or says yes to one after an alarm.

    Args:
        machine: As people call it, such as booster pump two, or its tag, such as P-202.
        severity: low, can wait; high, today; critical, danger or the machine must stand still.
        what: What is wrong, in a few words.
    """
    async with context.records.transaction() as records:
        tag, found = await _machine(records, machine)
        opened = [k for k, row in (await records.find("incidents", machine=tag)).items() if row["state"] == "open"]
        key = await records.added("incidents")
        if key is None:
            row = {"machine": tag, "severity": severity, "what": what, "day": context.now.date(), "state": "open"}
            key = await records.add("incidents", row, kind="letters")
    too = [digits(each) for each in opened if each != key]
    summary = f"Incident {digits(key)}. {_upper(found['name'])}, {severity}."
    summary += f" Also open: {value(too[-2:])}." if too else ""
    card = {"Incident": key, "Machine": f"{_upper(found['name'])} ({tag})", "Severity": severity, "What": what[:300]}
    return Result({"incident": key, "machine": tag, "severity": severity, "summary": summary}, show={"incident": card})


@tool(effects=True, idempotent=True)
def transfer_to_human(context: CallContext, reason: str = "the technician asked for the control room") -> Result:
    """Connect the technician to the control room.

    Args:
        reason: Why, in a few words.
    """
    if not context.transfer_to:
        raise ToolError("No control room on this line.")
    return Result({"transferred": True, "summary": "Control room. Hold."}, then=Transfer(context.transfer_to, reason))


@tool(effects=True, idempotent=True)
def end_call(reason: str = "the technician is done") -> Result:
    """Hang up. Use it when the technician is done.

    Args:
        reason: Why the call ends, in a few words.
    """
    return Result({"ended": True, "summary": "Out."}, then=HangUp(reason))


async def _machine(records: Records, said: str) -> tuple[str, dict[str, Any]]:
    """By tag or name. Raises ToolError that names those which it may be."""
    machines = await records.all("machines")
    asked = _figures(said)
    for tag, row in machines.items():
        if asked in (_figures(tag), _figures(row["name"])):
            return tag, row
    near = [row["name"] for row in machines.values() if set(asked.split()) & set(_figures(row["name"]).split())]
    hint = f" {value(near[:MANY]).replace(' and ', ' or ')}?" if near else " Say its name or its tag."
    raise ToolError(f"No machine {said}.{hint}")


async def _limit(records: Records, machine: Mapping[str, Any], said: str) -> tuple[str, dict[str, Any]]:
    limits = await records.get("limits", machine["model"]) or {}
    asked = normalise(said)
    exact = [name for name in limits if name == asked]
    near = [name for name in limits if set(asked.split()) & set(name.split())]
    for name in exact or (near if len(near) == 1 else []):
        return name, limits[name]
    if near:
        raise ToolError(f"{_upper(value(near).replace(' and ', ' or '))}?")
    raise ToolError(f"{_upper(machine['name'])} has no {said}. It has: {value([*limits])}.")


def _converted(given: Decimal, unit: str | None, limit: Mapping[str, Any], units: Mapping[str, Any]) -> Decimal:
    """In the unit of the limit. Raises ToolError."""
    asked = (unit or "").strip().casefold().removeprefix("degrees ").removeprefix("°")
    if asked in (
        "",
        limit["unit"],
        units["spoken"],
        units["shown"].casefold(),
        units["shown"].removeprefix("°").lower(),
    ):
        return given
    if (how := units["from"].get(asked)) is None:
        raise ToolError(f"That is measured in {units['spoken']}. Say it in {units['spoken']}.")
    return round(given * Decimal(str(how["times"])) + Decimal(str(how["plus"])), 2)


def _safe(measured: Decimal, limit: Mapping[str, Any]) -> bool:
    least, most = limit.get("least"), limit.get("most")
    return (least is None or measured >= Decimal(str(least))) and (most is None or measured <= Decimal(str(most)))


def _used(measured: Decimal, limit: Mapping[str, Any]) -> float:
    """How much of the safe range is used, in percent: 100 is the limit, whichever is nearer."""
    least, most, at = limit.get("least"), float(limit["most"]), float(measured)
    if least is not None:
        return abs(at - (float(least) + most) / 2) / ((most - float(least)) / 2) * 100
    return at / most * 100


def _range(limit: Mapping[str, Any], words: bool = True) -> str:
    least, most = limit.get("least"), limit.get("most")
    low, high = (n if n is None else number(Decimal(str(n))) if words else f"{n:g}" for n in (least, most))
    return f"up to {high}" if low is None else f"{low} to {high}"


def _shown(
    machine: Mapping[str, Any],
    name: str,
    measured: Decimal,
    limit: Mapping[str, Any],
    units: Mapping[str, Any],
    recent: list[dict[str, Any]],
) -> dict[str, Any]:
    told = f"{_upper(machine['name'])}, {name} {float(measured):g} {units['shown']}"
    facts = {"Machine": _upper(machine["name"]), _upper(name): f"{float(measured):g} {units['shown']}"}
    facts |= {"Safe": f"{_range(limit, words=False)} {units['shown']}", "Place": machine["place"]}
    rows = [_row(each, name, limit, units) for each in recent[: -MANY - 1 : -1]]
    used = round(max(_used(measured, limit), 0))
    used = min(used, 100) if _safe(measured, limit) else max(used, 101)
    meter = {"value": used, "detail": told}
    return {"range": meter, "reading": facts, "readings": rows}


def _alarm_rows(alarms: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """All that are open, the newest first; None takes the card away."""
    newest = sorted(alarms.values(), key=lambda row: (row["day"], row["at"]), reverse=True)[:ALARMS]
    return [{"title": r["told"], "detail": r["safe"], "status": "alarm", "tone": "bad"} for r in newest] or None


def _row(reading: Mapping[str, Any], name: str, limit: Mapping[str, Any], units: Mapping[str, Any]) -> dict[str, Any]:
    safe = _safe(Decimal(str(reading["value"])), limit)
    shown = {"title": f"{_upper(name)} {reading['value']:g} {units['shown']}", "tone": "good" if safe else "bad"}
    return {**shown, "detail": f"{reading['day']} {reading['at']}", "status": "safe" if safe else "alarm"}


def _best(jobs: Mapping[str, Mapping[str, Any]], topic: str) -> Mapping[str, Any] | None:
    """The job that shares most words with what was asked for."""
    asked = set(normalise(topic).split())

    def shared(job: Mapping[str, Any]) -> float:
        own = set(normalise(job["topic"]).split())
        named = max(len(asked & set(word.split())) / len(word.split()) for word in map(normalise, job["words"]))
        return named + len(asked & own)

    found = max(jobs.values(), key=shared, default=None)
    return found if found is not None and shared(found) > 0 else None


def _figures(text: str) -> str:
    """ "pump two" and "Pump 2" alike."""
    return " ".join(words_to_digits(word) or word for word in normalise(text).split())


def _spoken(text: str) -> str:
    return re.sub(r"\d+(?:\.\d+)?", lambda found: number(Decimal(found[0])), text)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
