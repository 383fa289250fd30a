"""Whether the records of a bot can show who its callers are: looked at by `parley agent check`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from parley.agents.agent import Agent
from parley.agents.identity import CALLER
from parley.text.factors.readings import written

_NUMBERS = ("digits", "phone", "postcode")
_SHOWN = 3  # records of one factor


def check_identity(agent: Agent, folder: Path) -> tuple[list[str], list[str]]:
    """What is wrong, and what is worth knowing. The seed file itself is told of by whoever loads it."""
    if (identity := agent.identity) is None:
        return [], []
    path = folder / "data" / f"{identity.collection}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in path.parent.glob("*.yaml"))) or "none"
        file = folder / "agent.yaml"
        note = f"note: {file}: identity.collection: there is no {path}, so nobody is known until a tool"
        return [], [f"{note} writes records; in data/ are: {known}"]
    records = _records(path)
    errors: list[str] = []
    names = (*identity.factors, *((CALLER,) if CALLER in identity.find_by else ()))
    for name in names:
        errors += _factor(agent, folder / "agent.yaml", path, name, records)
    return errors, []


def _factor(agent: Agent, file: Path, path: Path, name: str, records: dict[str, dict[str, Any]]) -> Iterator[str]:
    identity = agent.identity
    assert identity is not None
    field = identity.field_of(name)
    place = "identity.caller_field" if name == CALLER else f"identity.factors.{name}.field"
    values = {key: record[field] for key, record in records.items() if record.get(field) not in (None, "")}
    if not values:
        fields = ", ".join(dict.fromkeys(each for record in records.values() for each in record)) or "none"
        yield f"{file}: {place}: no record of {path.name} has a field {field}; they have {fields}"
        return
    kind, ways = identity.kind_of(name), identity.ways(name, agent.language)
    wrong = 0
    for key, value in values.items():
        if kind in _NUMBERS and not isinstance(value, str):
            problem = f"a number loses its zeros; write it in quotes, as it is for factor {name} ({kind})"
        elif not written(kind, str(value), ways):
            example = "; write it as 1980-03-31" if kind == "date" else ""
            problem = f"is no {kind}, which factor {name} takes it for{example}"
        else:
            continue
        wrong += 1
        if wrong <= _SHOWN:
            yield f"{path}: {key}.{field}: {problem}"  # without the value: it is somebody's secret
    if wrong > _SHOWN:
        yield f"{path}: and {wrong - _SHOWN} more like these in {field}"


def _records(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return {str(key): value for key, value in data.items() if isinstance(value, dict)} if isinstance(data, dict) else {}
