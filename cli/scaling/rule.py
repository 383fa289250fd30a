"""How many replicas a service should have, from the calls there are and those that will come.

    calls begun in the last minutes  ->  arriving   calls a second in the next ones
    calls, arriving, holding time    ->  forecast   calls open when a replica that is asked for now takes its first one
    forecast, what a call uses       ->  need       streams of the service then
    need, what a replica takes       ->  needed     replicas
    needed over the last minutes     ->  wanted     replicas, up at once and down slowly

A replica that is too many drains: it takes nothing new, and ends when its last call has ended or was moved. So the rule
need not ask which one leaves. No clock and no I/O here; Prometheus evaluates the same formulas
(`cli/scaling/prometheus.py`), and a test compares both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of the rule."""

    lead_s: float = 180.0
    """From the moment a call begins to the first call of the replica that it made necessary: scrape, rule, autoscaler
    (15 to 30 s each), and a pod's start with an image that the node may not have."""
    margin: float = 3.0
    """Standard deviations above the mean."""
    fill: float = 0.75
    """Of a replica is reckoned with. Below the share up to which the gateway fills itself with new calls (0.8): who is
    full sees no more calls than it takes, and would never ask for another replica."""
    spare: int = 1
    """Replicas that may be lost, and all calls still fit on the others."""
    holding_s: float = 180.0
    """Length of a call while nothing is known of it."""
    shortest_s: float = 30.0
    longest_s: float = 3600.0
    """What a measured length may be."""
    most_per_call: float = 2.0
    """Streams of a service that one call may be reckoned with."""
    arrivals_s: int = 120
    """Window over which arrivals are counted."""
    arrivals_long_s: int = 600
    """A second one; the higher rate counts."""
    doubt: float = 2.0
    """Standard deviations by which arrivals must have risen, to be expected to go on rising."""
    average_s: int = 1800
    """Window of the averages: length of a call, streams per call."""
    stable_s: int = 600
    """Nothing is taken away for so long after it was needed."""
    down_every_s: int = 60
    """Between two replicas of a service that leave."""
    tolerance: float = 0.1
    """An autoscaler does nothing about a difference up to this share (Kubernetes: 10 %)."""
    least: int = 2
    most: int = 100


NUMBERS = Numbers()


def holding(calls: float, begun: float, numbers: Numbers = NUMBERS) -> float:
    """Mean length of a call, s, by Little's law: calls open on average over calls begun a second."""
    if calls <= 0:
        return numbers.holding_s
    return min(max(calls / begun if begun > 0 else math.inf, numbers.shortest_s), numbers.longest_s)


def arriving(now: float, before: float, long: float, numbers: Numbers = NUMBERS) -> float:
    """Calls a second to expect while a replica starts: as many as now, and more if they have become more.

    Calls a second, refused ones too, in the last `arrivals_s`, in as long before, and in the last `arrivals_long_s`.
    """
    chance = numbers.doubt * math.sqrt((now + before) / numbers.arrivals_s)
    rise = max(0.0, now - before - chance) / numbers.arrivals_s
    return max(now + rise * (numbers.lead_s + numbers.arrivals_s / 2), long)


def per_call(load: float, calls: float, numbers: Numbers = NUMBERS) -> float:
    """Streams of a service that a call has open on average; 1 while there are no calls to tell it by."""
    return min(load / calls, numbers.most_per_call) if calls > 0 else 1.0


def forecast(calls: float, arrivals: float, holding_s: float, numbers: Numbers = NUMBERS) -> float:
    """Calls that will not be exceeded `lead_s` from now, but for what lies beyond the margin. Never less than now.

    Of those open now each stays with the same chance (binomial); those who come meanwhile and are still there are as
    many as Erlang's infinite group has (Poisson). Begun a second: `arrivals`.
    """
    stays = math.exp(-numbers.lead_s / holding_s)
    new = arrivals * holding_s * (1 - stays)
    spread = math.sqrt(calls * stays * (1 - stays) + new)
    return max(calls, calls * stays + new + numbers.margin * spread)


def need(calls: float, each: float, load: float, numbers: Numbers = NUMBERS) -> float:
    """Streams of a service that so many calls use. `each`: as `per_call` says; below 1 they do not all use it at once.

    Never less than `load`, which is in use now.
    """
    mean = each * calls
    return max(load, mean + numbers.margin * math.sqrt(max(0.0, mean * (1 - each))))


def needed(streams: float, capacity: float, numbers: Numbers = NUMBERS) -> int:
    """Replicas for so many streams: new calls find room below `fill`, and with `spare` replicas lost all still fit."""
    return max(math.ceil(streams / (capacity * numbers.fill)), math.ceil(streams / capacity) + numbers.spare)


def wanted(lately: Iterable[int], numbers: Numbers = NUMBERS) -> int:
    """Replicas to ask an autoscaler for. `lately`: what was needed in the last `stable_s`, this moment included.

    A little more than needed where the autoscaler's tolerance would otherwise leave it below.
    """
    asked = math.floor((1 + numbers.tolerance) * (max(lately) - 1)) + 1
    return min(max(asked, numbers.least), numbers.most)


def scaled(now: int, asked: int, since_down_s: float, numbers: Numbers = NUMBERS) -> int:
    """What the autoscaler makes of it: up at once; down by one, at most every `down_every_s`; within its tolerance
    nothing. `now` counts no replica that is draining."""
    if abs(asked / now - 1) <= numbers.tolerance:
        return now
    if asked > now:
        return asked
    return now - 1 if since_down_s >= numbers.down_every_s else now
