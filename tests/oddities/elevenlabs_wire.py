"""The short forms of `elevenlabs.yaml` as messages of `stream-input`.

    says: "Hello there. "   sound and times for these characters, 50 ms each; `ms: 400` for all of them instead
    audio: 400              so many ms of sound, no times
    final: true             {"audio": null, "isFinal": true, ...}
    sent: {...}             any other message           raw: "..."      a text frame as it is
    wait: 0.1               seconds                     close: [1008, "why"]   CUT   HANG
    SPEAKS                  alone: speak what came, properly, to its end

`but: {path: value}` and `without: [path]` make a dent in what would be sent; a value `!sound 400` is 400 ms of sound.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from tests.oddities.dents import dented
from tests.oddities.raw_socket import Close, Script, Step

CHAR_MS = 50
PER_MS = 8
LONG_S = 60.0


def sound(ms: int) -> str:
    """µ-law at 8 kHz, as base64: a loud square, so that it is no silence."""
    return base64.b64encode((b"\x10" * 4 + b"\x90" * 4) * ms).decode()


def lines(http: list[str]) -> list[bytes]:
    """What the HTTP endpoint streams: one JSON document a line, here as text with `!sound 400` in it."""
    return [re.sub(r"!sound (\d+)", lambda ms: sound(int(ms[1])), line).encode() + b"\n" for line in http]


def script(items: list[Any]) -> Script:
    """One connection's steps."""
    if items == ["SPEAKS"]:
        return speaks
    return [step(item) for item in items]


def speaks(text: str) -> list[Step]:
    """The whole text in two pieces, and the end."""
    middle = len(text) // 2
    pieces = [piece for piece in (text[:middle], text[middle:]) if piece]
    return [*(json.dumps(message({"says": piece})) for piece in pieces), json.dumps(message({"final": True}))]


def step(item: Any) -> Step:
    if item == "CUT":
        return Close()
    if item == "HANG":
        return LONG_S
    if "close" in item:
        return Close(*item["close"])
    if "wait" in item:
        return float(item["wait"])
    return str(item["raw"]) if "raw" in item else json.dumps(message(item), ensure_ascii=False)


def message(item: dict[str, Any]) -> Any:
    made = dented(_whole(item), item.get("but"), item.get("without"))
    return _with_sound(made)


def _whole(item: dict[str, Any]) -> Any:
    if "sent" in item:
        return item["sent"]
    if "final" in item:
        return {"audio": None, "isFinal": True, "normalizedAlignment": None, "alignment": None}
    if "audio" in item:
        return {"audio": sound(item["audio"]), "isFinal": None, "normalizedAlignment": None, "alignment": None}
    text = item["says"]
    ms = item.get("ms", CHAR_MS * len(text))
    times = alignment(text, ms)
    return {"audio": sound(ms), "isFinal": None, "normalizedAlignment": times, "alignment": dict(times)}


def alignment(text: str, ms: int) -> dict[str, Any]:
    """Every character its even share of the sound."""
    starts = [round(i * ms / len(text)) for i in range(len(text))]
    lengths = [b - a for a, b in zip(starts, [*starts[1:], ms], strict=True)]
    return {"chars": list(text), "charStartTimesMs": starts, "charDurationsMs": lengths}


def _with_sound(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("!sound "):
        return sound(int(value.split()[1]))
    if isinstance(value, dict):
        return {key: _with_sound(entry) for key, entry in value.items()}
    return value
