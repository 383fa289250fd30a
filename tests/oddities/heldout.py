"""The held-out rows (`tests/heldout/`), whose author saw no line of the project, as what is played here."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.oddities.elevenlabs_wire import sound
from tests.oddities.openai_wire import DONE, Answer
from tests.oddities.raw_socket import Close, Script, Step

FOLDER = Path(__file__).parents[1] / "heldout"
STREAM = {"Content-Type": "text/event-stream"}


@lru_cache(maxsize=8)
def rows(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(yaml.load((FOLDER / f"{name}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader))


def answer(items: list[Any]) -> Answer:
    """A round of `openai.yaml`: each item is what follows `data: `."""
    steps = tuple(_event(item) for item in items if item != {"close": True})
    return Answer(steps, "CLOSE", headers=STREAM)


def in_tokens(text: str) -> Answer:
    """A text as a model would stream it, a few characters at a time."""
    pieces = (text[at : at + 4] for at in range(0, len(text), 4))
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return Answer((*map(_event, [*chunks, end]), DONE), "CLOSE", headers=STREAM)


def _event(item: Any) -> bytes:
    return f"data: {item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)}\n\n".encode()


def connections(items: list[Any]) -> list[Script]:
    """A row of `deepgram.yaml`: what is sent on each connection."""
    scripts: list[list[Step]] = [[]]
    for item in items:
        if isinstance(item, dict) and "close" in item:
            scripts[-1].append(Close(item["close"], item.get("reason", "")))
            scripts.append([])
        elif isinstance(item, dict) and set(item) == {"binary"}:
            scripts[-1].append(base64.b64decode(item["binary"]))
        else:
            scripts[-1].append(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
    return [script for script in scripts if script] or [[]]


def stream(items: list[Any]) -> Script:
    """One stream of `elevenlabs.yaml`."""
    steps: list[Step] = []
    for item in items:
        if isinstance(item, dict) and "close" in item:
            steps.append(Close(item["close"], item.get("reason", "")))
        else:
            steps.append(item if isinstance(item, str) else json.dumps(_audible(item), ensure_ascii=False))
    return steps


def _audible(value: Any) -> Any:
    if isinstance(value, dict):
        return sound(value["ms"]) if set(value) == {"ms"} else {key: _audible(each) for key, each in value.items()}
    return [_audible(each) for each in value] if isinstance(value, list) else value


def missing(pieces: list[str], heard: str) -> list[str]:
    """Those of the pieces that are not in what was heard, in this order; white space and case count for nothing."""
    text, at, lost = folded(heard), 0, []
    for piece in map(folded, pieces):
        found = text.find(piece, at)
        if found < 0:
            lost.append(piece)
        else:
            at = found + len(piece)
    return lost


def folded(text: str) -> str:
    return " ".join(text.split())
