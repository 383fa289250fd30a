"""Times of characters as vendors send them, made fit for use: none is missing, all are in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite
from operator import add
from typing import Any

MOST_AHEAD_MS = 10_000
"""Times may be told before their audio comes, but not by more than this."""

CharTimes = tuple[list[str], list[float], list[float]]
"""Characters, where each begins, and where it ends."""
NONE: CharTimes = ([], [], [])
_NUMBERS = {int, float}


def mended(chars: Any, starts_ms: Any, lengths_ms: Any, audio_ms: float) -> CharTimes:
    """The times of a piece of audio of this length, counted from its first byte. NONE when nothing can be used.

    Times that are no numbers, below 0, far beyond the audio, out of order or not there are taken from their neighbours;
    times that all are the same say nothing.
    """
    if not (isinstance(chars, list) and isinstance(starts_ms, list) and isinstance(lengths_ms, list)):
        return NONE
    count = len(chars)
    if set(map(type, chars)) != {str}:
        return NONE
    most = audio_ms + MOST_AHEAD_MS
    if len(starts_ms) == len(lengths_ms) == count > 1 and _is_sound(starts_ms, lengths_ms, most):
        return chars, starts_ms, list(map(min, map(add, starts_ms, lengths_ms), [*starts_ms[1:], most]))
    times = [_number(starts_ms, place, most) for place in range(count)]
    good = _in_order(times)
    if not good or (count > 1 and len({times[place] for place in good}) == 1):
        return NONE
    starts = _filled(times, good)
    lengths = (_number(lengths_ms, place, inf) for place in range(count))
    following = [*starts[1:], max(starts[-1], audio_ms)]
    ends = [
        after if length is None else min(start + length, after if place < count - 1 else most)
        for place, (start, length, after) in enumerate(zip(starts, lengths, following, strict=True))
    ]
    return chars, starts, ends


def _is_sound(starts: list[Any], lengths: list[Any], most: float) -> bool:
    """Nothing is to be mended: as it is nearly always, and quickly seen."""
    if not set(map(type, starts)) | set(map(type, lengths)) <= _NUMBERS or not isfinite(sum(starts) + sum(lengths)):
        return False
    return starts == sorted(starts) and 0 <= starts[0] < starts[-1] <= most and min(lengths) >= 0


def _number(values: Sequence[Any], place: int, most: float) -> float | None:
    value = values[place] if place < len(values) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and 0 <= value <= most else None


def _in_order(times: Sequence[float | None]) -> list[int]:
    """The places of the most times that rise: one that is far off does not spoil those behind it."""
    placed = [(place, time) for place, time in enumerate(times) if time is not None]
    if all(a[1] <= b[1] for a, b in pairwise(placed)):
        return [place for place, _ in placed]
    tails: list[float] = []  # the lowest time that a chain of each length ends with
    chains: list[tuple[int, Any]] = []
    for place, time in placed:
        length = bisect_right(tails, time)
        chain = place, chains[length - 1] if length else None
        tails[length : length + 1] = [time]
        chains[length : length + 1] = [chain]
    found, link = [], chains[-1] if chains else None
    while link is not None:
        place, link = link
        found.append(place)
    return found[::-1]


def _filled(times: Sequence[float | None], good: Sequence[int]) -> list[float]:
    """Those at the `good` places, even steps between them; behind the last, its own."""
    filled = [0.0] * len(times)
    before, at = -1, 0.0
    for place in good:
        time = times[place] or 0.0
        for between in range(before + 1, place + 1):
            filled[between] = at + (time - at) * (between - before) / (place - before)
        before, at = place, time
    filled[before + 1 :] = [at] * (len(times) - before - 1)
    return filled
