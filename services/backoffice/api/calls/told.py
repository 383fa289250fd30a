"""Rows of the records as the API tells them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from parley.pii import mask
from parley.v1 import events_pb2
from services.backoffice.live.shapes import arguments, iso
from services.backoffice.masking import masked

Row = Mapping[str, Any]
Told = dict[str, Any]

_OURS = frozenset(
    ("kind", "outcome", "organ", "cause", "error", "status", "by", "rule", "action", "name", "agent", "agent_version",
     "channel", "direction", "language", "id", "to", "digit")
)  # fmt: skip
"""Texts of an input that are our own words. All others may be what somebody said."""
_WORDS = ("text", "reason", "message", "query", "data", "mouth_text")
MAX_TEXT = 2_000
_UNITS = {"stt": "seconds", "llm": "tokens", "tts": "characters"}


def call_row(row: Row, *, numbers: bool, emotion: str | None = None) -> Told:
    return {
        "call_id": row["call_id"],
        "agent": row["agent"],
        "agent_version": row["version"],
        "channel": row["channel"],
        "direction": row["direction"] or "inbound",
        "caller": row["caller"] if numbers else masked(row["caller"]),
        "called": row["called"],
        "language": row["language"],
        "started_at": iso(row["started_ms"]),
        "ended_at": iso(row["ended_ms"]) if row["ended_ms"] is not None else None,
        "seconds": round(row["seconds"], 3),
        "turns": row["turns"] if isinstance(row["turns"], int) else _turns(row["turns"]),
        "interruptions": row["interruptions"],
        "pauses": row["pauses"],
        "tools": row["tools"] if isinstance(row["tools"], int) else len(row["tools"]),
        "tools_failed": row["tools_failed"],
        "fallbacks": row["fallbacks"],
        "takeovers": row["takeovers"],
        "answer_ms": row["answer_ms"],
        "slowest_ms": row["slowest_ms"],
        "outcome": row["outcome"],
        "ended_by": row["ended_by"],
        "end_reason": mask(row["reason"]),
        "cost_usd": round(row["usd"], 6),
        "emotion": emotion,
        "recording": False,
    }


def _turns(rows: Sequence[Row]) -> int:
    """An "uh-huh" over the bot's voice is none."""
    return sum(row["by"] != "aside" for row in rows)


def lines_told(rows: Sequence[Row], emotions: Mapping[int, str]) -> list[Told]:
    """`emotions`: by the line's number."""
    return [
        {
            "n": row["nr"],
            "who": row["who"],
            "text": row["heard"] + row["unheard"],
            "heard": len(row["heard"]) if row["who"] == "bot" else None,
            "status": row["status"],
            "kind": row["kind"],
            "at_ms": row["at_ms"],
            "turn": row["turn"],
            "emotion": emotions.get(row["nr"]),
        }
        for row in rows
    ]


def felt(lines: Sequence[Row], emotions: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Each emotion (when it was told, and what) at the caller's line that it is of: the last one begun before it."""
    spoken = [row for row in lines if row["who"] == "caller"]
    found: dict[int, str] = {}
    for at_ms, emotion in emotions:
        before = [row["nr"] for row in spoken if row["at_ms"] <= at_ms]
        if before:
            found[before[-1]] = emotion
    return found


def turns_told(rows: Sequence[Row], lines: Sequence[Row], tools: Sequence[Row]) -> list[Told]:
    asked: dict[int, str] = {}
    for line in lines:
        if line["who"] == "caller":
            asked[line["turn"]] = " ".join(filter(None, (asked.get(line["turn"], ""), line["heard"] + line["unheard"])))
    return [
        {
            "turn": row["nr"],
            "at_ms": row["at_ms"],
            "by": row["by"],
            "question": asked.get(row["nr"], ""),
            "interrupted": bool(row["cut"]),
            "interruptions": row["interruptions"],
            "rounds": row["rounds"],
            "stages": {
                "ears": row["ears"],
                "first_token": row["token"],
                "first_sound": row["sound"],
                "heard": row["heard"],
                "over": row["over"],
            },
            "tools": [tool["nr"] for tool in tools if tool["turn"] == row["nr"]],
        }
        for row in rows
    ]


def tools_told(rows: Sequence[Row]) -> list[Told]:
    return [
        {
            "intent": row["nr"],
            "turn": row["turn"],
            "name": row["name"],
            "arguments": arguments(row["arguments"]),
            "result": row["result"][:MAX_TEXT],
            "status": row["status"],
            "at_ms": row["at_ms"],
            "ms": row["until_ms"] - row["at_ms"] if row["until_ms"] is not None else None,
        }
        for row in rows
    ]


def costs_told(rows: Sequence[Row]) -> list[Told]:
    return [
        {
            "stage": row["stage"],
            "vendor": row["engine"],
            "model": row["model"],
            "usd": round(row["usd"], 6),
            "unit": _UNITS.get(row["stage"], ""),
            "amount": round(_amount(row), 1),
            "requests": row["requests"],
        }
        for row in rows
    ]


def _amount(row: Row) -> float:
    match row["stage"]:
        case "stt":
            return float(row["seconds"])
        case "llm":
            return float(row["read"] + row["written"])
        case _:
            return float(row["chars"])


def moments_told(rows: Sequence[Row]) -> list[Told]:
    return [
        {"at_ms": row["at_ms"], "what": row["kind"], "turn": row["turn"], "detail": mask(row["detail"])} for row in rows
    ]


def events_told(
    records: Sequence[events_pb2.EventRecord], after: tuple[int, int], most: int
) -> Iterator[tuple[tuple[int, int], Told]]:
    """Inputs behind `after` (place of the record, place of the input), each with its own place; `most` at most."""
    count = 0
    for place, record in enumerate(records, 1):
        for number, each in enumerate(record.inputs, 1):
            if (place, number) <= after:
                continue
            yield (place, number), event_told(record, each)
            count += 1
            if count >= most:
                return


def event_told(record: events_pb2.EventRecord, event: events_pb2.StepInput) -> Told:
    kind = event.WhichOneof("event") or "unknown"
    inner = getattr(event, kind, None)
    texts, detail = _fields(inner) if inner is not None else ([], {})
    return {
        "n": record.n,
        "epoch": f"{record.epoch.leg}.{record.epoch.open}",
        "at_ms": event.at_ms,
        "kind": kind,
        "text": mask(" ".join(texts)[:MAX_TEXT]),
        "detail": detail,
    }


def _fields(message: Any) -> tuple[list[str], Told]:
    """What was said in it, and the numbers and our own words."""
    texts: list[str] = []
    detail: Told = {}
    for field, value in message.ListFields():
        if field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_BYTES) or field.name.endswith("_pii"):
            continue
        many = not isinstance(value, str | int | float | bool)
        if field.type == FieldDescriptor.TYPE_STRING:
            if field.name in _WORDS and not many:
                texts.append(value)
            elif field.name in _OURS and not many:
                detail[field.name] = mask(value)
        elif many:
            detail[field.name] = list(value)[:50]
        else:
            detail[field.name] = round(value, 4) if isinstance(value, float) else value
    if (outcome := getattr(message, "outcome", None)) is not None and hasattr(outcome, "status"):
        detail["status"] = outcome.status
    return texts, json.loads(json.dumps(detail, default=str))
