"""A finished call as a timeline: who spoke when, and how long each stage took. Pure; seconds since the call began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from testbed.telephone.heard import RATE, audible
from testbed.telephone.phone import Call

_STEP = RATE // 1000
_BREATH_S = 0.7
"""Silence up to this is part of what is being said."""
_SAME_S = 0.05
_BAR = 72


@dataclass(frozen=True)
class Said:
    """Somebody spoke. `cut`: not to the end."""

    who: str
    start: float
    end: float
    words: str = ""
    cut: bool = False
    begun: float = 0.0
    """The caller's first frame, however soft."""


@dataclass(frozen=True)
class Exchange:
    """One thing the caller said and what came of it; None where nothing came.

    `cleared`, `silent`: after the caller's first sound, when the bot was interrupted. The others: after the caller's
    last sound; the stages from `recognised` on are what the gateway tells of what lies between.
    """

    caller: Said
    answer: float | None
    cleared: float | None
    silent: float | None
    recognised: float | None = None
    eager: float | None = None
    ended: float | None = None
    token: float | None = None
    words: float | None = None
    voiced: float | None = None
    heard: float | None = None


def spurts(mulaw: bytes, breath_s: float = _BREATH_S) -> list[tuple[float, float]]:
    """Runs of audible sound, in seconds; shorter silences do not part them."""
    loud = np.frombuffer(audible(mulaw), np.uint8)
    steps = np.flatnonzero(loud[: len(loud) // _STEP * _STEP].reshape(-1, _STEP).any(axis=1))
    if not len(steps):
        return []
    breaks = np.flatnonzero(np.diff(steps) * _STEP > breath_s * RATE)
    firsts, lasts = steps[np.r_[0, breaks + 1]], steps[np.r_[breaks, len(steps) - 1]] + 1
    return [(float(a) * _STEP / RATE, float(b) * _STEP / RATE) for a, b in zip(firsts, lasts, strict=True)]


def caller_said(call: Call, words: Sequence[str]) -> list[Said]:
    """What the caller really got to say, without the silence around it."""
    found = []
    for spoken, text in zip(call.spoken, words, strict=False):
        sound = np.frombuffer(audible(spoken.data[: spoken.sent]), np.uint8).nonzero()[0]
        if len(sound):
            start = spoken.start - call.born
            first, last = float(sound[0]) / RATE, float(sound[-1] + 1) / RATE
            found.append(Said("caller", start + first, start + last, text, begun=start))
    return found


def bot_said(call: Call, entries: Sequence[dict[str, Any]]) -> list[Said]:
    """By utterances with their words, where the gateway tells them; else by what is to be heard."""
    texts: dict[int, str] = {}
    started: dict[int, float] = {}
    found = []
    for entry in entries:
        number, at = entry.get("utterance", 0), entry["at_ms"] / 1000 - call.born
        if entry["what"] == "say":
            texts[number] = texts.get(number, "") + entry["text"]
        elif entry["what"] == "utterance_started":
            started[number] = at
        elif entry["what"] == "heard" and number in started:
            text = texts.get(number, "")
            found.append(
                Said("bot", started.pop(number), at, text[: entry["chars"]] if entry["cut"] else text, entry["cut"])
            )
    found += [Said("bot", at, call.ended_at - call.born, texts.get(number, ""), True) for number, at in started.items()]
    return found or [Said("bot", start, end) for start, end in spurts(call.heard.mulaw())]


def exchanges(
    call: Call, said: Sequence[Said], entries: Sequence[dict[str, Any]], turns: Sequence[dict[str, Any]] = ()
) -> list[Exchange]:
    """For each thing the caller said, the latencies. `entries` and `turns` are the gateway's account of the call."""
    sound, runs = spurts(call.heard.mulaw(), breath_s=0.1), spurts(call.heard.mulaw())
    found = []
    for place, caller in enumerate(said):
        until = said[place + 1].start if place + 1 < len(said) else float("inf")
        cleared = silent = None
        if any(start < caller.start and end > caller.begun for start, end in sound):
            clears = [clear.at - call.born for clear in call.heard.clears if clear.dropped_ms > 0]
            cleared = next((at for at in clears if caller.begun <= at < until), None)
            silent = cleared if cleared is not None else next(end for _, end in runs if end > caller.begun)
        since = max(caller.end, silent or 0.0)
        answer = next((start for start, _ in sound if since <= start < until), None)
        inside = _inside(call, caller, answer, entries) if answer is not None else {}
        if "voiced" in inside:
            inside |= _waterfall(call, caller, inside["voiced"], turns)
        found.append(
            Exchange(
                caller,
                None if answer is None else answer - caller.end,
                None if cleared is None else max(0.0, cleared - caller.start),
                None if silent is None else max(0.0, silent - caller.start),
                **inside,
            )
        )
    return found


def _inside(call: Call, caller: Said, answer: float, entries: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The stages of an answer: the utterance that began to sound then, and what led to it."""
    known = [(entry["at_ms"] / 1000 - call.born, entry) for entry in entries]
    found: dict[str, float] = {}
    begun = [(at, e) for at, e in known if e["what"] == "utterance_started" and caller.start < at <= answer + 0.25]
    if not begun:
        return found
    voiced, utterance = begun[-1]
    found["voiced"] = voiced - caller.end
    words = [at for at, e in known if e["what"] == "say" and e["utterance"] == utterance["utterance"] and e["text"]]
    if words:
        found["words"] = words[0] - caller.end
    for name, what in (("recognised", "final"), ("ended", "turn_ended")):
        if times := [at for at, e in known if e["what"] == what and caller.start < at <= voiced]:
            found[name] = times[-1] - caller.end
    return found


def _waterfall(call: Call, caller: Said, voiced: float, turns: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What only the gateway's own account of the turn knows: the turn whose first sound was sent just then."""
    for turn in turns:
        end = turn["at_ms"] / 1000 - call.born - caller.end
        if "audio" in turn and abs(end + turn["audio"] / 1000 - voiced) < _SAME_S:
            stages = (("eager", "eager"), ("token", "first_token"), ("heard", "heard"))
            return {name: end + turn[stage] / 1000 for name, stage in stages if stage in turn}
    return {}


def picture(call: Call, said: Sequence[Said], width: int = _BAR) -> list[str]:
    """Both sides as bars over time, one line each, with seconds below."""
    length = max(call.ended_at - call.born, 0.001)

    def bar(runs: Sequence[tuple[float, float]]) -> str:
        cells = ["·"] * width
        for start, end in runs:
            first = min(width - 1, int(start / length * width))
            last = min(width - 1, max(first, int(end / length * width - 0.01)))
            cells[first : last + 1] = "█" * (last + 1 - first)
        return "".join(cells)

    scale = [" "] * (width + 6)
    step = next(s for s in (1, 2, 5, 10, 20, 60, 120, 300, 600, 10_000) if length / s <= 12)
    for second in range(0, int(length) + 1, step):
        place = int(second / length * width)
        scale[place : place + len(str(second))] = str(second)
    return [
        f"caller  {bar([(each.start, each.end) for each in said])}",
        f"bot     {bar(spurts(call.heard.mulaw(), breath_s=0.3))}",
        f"s       {''.join(scale).rstrip()}",
    ]
