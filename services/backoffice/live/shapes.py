"""Calls that are up as the API tells them. Pure; docs/api.md has the shapes.

Numbers stand in clear here and are masked where a client is told (`topic.News`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from parley.v1 import events_pb2

Told = dict[str, Any]
MAX_ARGUMENT_CHARS = 4_000


def iso(ms: float) -> str:
    """`2026-11-30T09:30:00.000Z`"""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def call_told(told: events_pb2.CallLive) -> Told:
    return {
        "call_id": told.call_id,
        "agent": told.agent,
        "agent_version": told.agent_version,
        "channel": told.channel,
        "direction": told.direction or "inbound",
        "caller": told.caller_pii,
        "called": told.called,
        "language": told.language,
        "started_at": iso(told.started_ms),
        "seconds": _seconds(told.started_ms, told.at_ms),
        "state": told.state,
        "turn": told.turn,
        "interruptions": told.interruptions,
        "tool": told.tool or None,
        "specialist": told.specialist,
        "emotion": None,
        "cost_usd": round(told.cost_usd, 6),
    }


def call_stored(stored: events_pb2.StoredCall, now_ms: int) -> Told:
    """As its owner wrote it down last: what it does at this moment may be another thing, what it costs is not known."""
    state = stored.state
    tools = [t for line in state.history for t in line.bot_line.tools if not t.HasField("outcome")]
    return {
        "call_id": state.call_id,
        "agent": state.agent,
        "agent_version": state.agent_version,
        "channel": state.channel,
        "direction": state.direction or "inbound",
        "caller": state.caller_pii,
        "called": state.called,
        "language": state.language,
        "started_at": iso(state.started_ms),
        "seconds": _seconds(state.started_ms, now_ms),
        "state": _state(state),
        "turn": state.turn,
        "interruptions": state.tally.barge_ins,
        "tool": tools[-1].name if tools else None,
        "specialist": state.specialist,
        "emotion": None,
        "cost_usd": None,
    }


def _state(state: events_pb2.CallState) -> str:
    floor = state.floor.WhichOneof("floor")
    if floor == "ended":
        return "ended"
    if state.sounding and not state.paused:
        return "speaking"
    return "thinking" if floor == "answering" else "listening"


def _seconds(started_ms: int, now_ms: int) -> int:
    return max(0, (now_ms - started_ms) // 1000)


def line_told(n: int, line: events_pb2.StateLine) -> Told:
    """`heard` counts characters; None for the caller's."""
    if line.WhichOneof("line") == "caller_line":
        said = line.caller_line
        return {
            "n": n,
            "who": "caller",
            "text": said.text,
            "heard": None,
            "status": "heard",
            "kind": "said",
            "at_ms": said.at_ms,
            "turn": None,
            "emotion": None,
        }
    bot = line.bot_line
    heard = len(bot.text) if bot.status == "heard" else min(bot.heard, len(bot.text))
    return {
        "n": n,
        "who": "bot",
        "text": bot.text,
        "heard": heard,
        "status": bot.status,
        "kind": bot.kind,
        "at_ms": bot.at_ms,
        "turn": bot.turn,
        "emotion": None,
    }


def tools_told(line: events_pb2.StateLine) -> list[Told]:
    """Of a bot's line. Times are known to the recorded call only."""
    bot = line.bot_line
    return [
        {
            "intent": tool.intent,
            "turn": bot.turn,
            "name": tool.name,
            "arguments": arguments(tool.arguments),
            "status": tool.outcome.status if tool.HasField("outcome") else "running",
            "message": tool.outcome.message,
            "at_ms": bot.at_ms,
            "ms": None,
        }
        for tool in bot.tools
    ]


def arguments(text: str) -> Told:
    """What a model gave a tool; what is no object, or too large to be shown, is told so."""
    if len(text) > MAX_ARGUMENT_CHARS:
        return {"_": f"{len(text)} characters are not shown"}
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"_": "they are no JSON object"}


def moment_told(moment: events_pb2.LiveMoment) -> Told:
    return {
        "at_ms": moment.at_ms,
        "what": moment.what,
        "utterance": moment.utterance,
        "cause": moment.cause,
        "chars": moment.chars,
        "cut": moment.cut,
    }
