"""What a page would show, as one plain line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

MOST = 300
"""Characters of a line."""


def line_of(cards: Mapping[str, Mapping[str, Any]], name: str, value: str) -> str:
    """`cards`: as the page's wrapper has them, by name. `value`: JSON, as the agent sent it."""
    card = cards.get(name, {})
    try:
        shown = orjson.loads(value)
    except orjson.JSONDecodeError:
        shown = value
    try:
        parts = ["taken away"] if shown is None else [text for text in _parts(card, shown) if text]
    except (AttributeError, KeyError, TypeError, ValueError):  # of a card that was another when this chat began
        parts = [value]
    line = f"{card.get('title', name)}: {'; '.join(parts) or '-'}"
    line = "".join(each if each.isprintable() else " " for each in line)
    return f"[{line if len(line) <= MOST else line[: MOST - 3] + '...'}]"


def _parts(card: Mapping[str, Any], shown: Any) -> Iterator[str]:
    match card.get("kind"), shown:
        case "list", list():
            yield from (_joined(row.get("title"), row.get("detail"), row.get("status")) for row in shown)
        case "progress", dict():
            yield _joined(f"{shown['percent']:g}%") if "percent" in shown else ""
            steps = shown.get("steps", ())
            yield from (f"{step['title']} {step['state']}" for step in steps if step["state"] != "waiting")
        case "meter", int() | float():
            yield f"{shown:g} {card.get('unit', '')}".strip()
        case "meter", dict():
            yield _joined(f"{shown['value']:g} {card.get('unit', '')}".strip(), shown.get("detail"))
        case "form", dict():
            labels = ", ".join(field["label"] for field in card.get("fields", ()))
            yield f"a form that asks for {labels}"
        case "link", dict():
            yield _joined(shown.get("label", card.get("label")), shown.get("url", card.get("url")))
        case _, dict():
            yield from (f"{label} {_plain(each)}" for label, each in shown.items())
        case _:
            yield _plain(shown)


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part not in (None, ""))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
