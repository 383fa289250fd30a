"""A day's calls against a way of scaling: who waited, who was refused, who was cut, and what it took in pods."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.day.fleet import FRESH, Fleet
from bench.day.traffic import DAY_S, Day
from cli.scaling.prometheus import EVERY_S
from cli.scaling.rule import NUMBERS, Numbers, arriving, forecast, holding, need, needed, per_call, scaled, wanted
from cli.sizing.figures import PROFILES, Figure

TRIES, PAUSE_S = 3, 1.0
"""The gateway has the carrier ask so often again before it says that all lines are busy."""
SERVICES = ("gateway", "orchestrator", "stt")
"""A call keeps its place in these from its beginning to its end."""
GRACE_S: Mapping[str, float] = {"gateway": 3600.0, "orchestrator": 60.0, "stt": 60.0}
"""As in the manifests: only the gateway waits for its calls to end; the others hand them over."""
NO_FORECAST = Numbers(lead_s=0.0, margin=0.0)
"""Replicas for the calls that are there, filled as the rule fills them."""


@dataclass(frozen=True, slots=True)
class Way:
    """How replicas are counted. `still`: as many as the day's height needs, all day. `drains`: or stops them."""

    name: str
    numbers: Numbers = NUMBERS
    still: bool = False
    drains: bool = True


RULE = Way("the rule")
WAYS = (Way("static", still=True), Way("calls only", NO_FORECAST), RULE)
WITHOUT_DRAIN = Way("stopped, not drained", drains=False)


@dataclass
class Outcome:
    """`waited`: got in when asked again, within seconds. `pod_hours` by service. `course`: every five minutes the hour,
    calls open, and calls that the gateway's pods take."""

    day: str
    way: str
    calls: int = 0
    highest: int = 0
    waited: int = 0
    refused: int = 0
    cut: int = 0
    moved: int = 0
    pod_hours: dict[str, float] = field(default_factory=dict)
    course: list[tuple[float, int, float]] = field(default_factory=list)

    @property
    def hours(self) -> float:
        return sum(self.pod_hours.values())


class _Watch:
    """What Prometheus knows of the calls: samples every EVERY_S, and the rule's windows over them."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        kept = numbers.average_s // EVERY_S + 1
        self._open: deque[int] = deque(maxlen=kept)
        self._begun: deque[int] = deque(maxlen=kept)
        self._needed: dict[str, deque[int]] = {}

    def sample(self, calls: int, begun: int) -> None:
        self._open.append(calls)
        self._begun.append(begun)

    def _rate(self, window_s: int, before_s: int = 0) -> float:
        last = len(self._begun) - 1 - before_s // EVERY_S
        steps = min(window_s // EVERY_S, last)
        return (self._begun[last] - self._begun[last - steps]) / (steps * EVERY_S) if steps > 0 else 0.0

    def coming(self) -> float:
        numbers = self._numbers
        average, short = sum(self._open) / len(self._open), numbers.arrivals_s
        length = holding(average, self._rate(numbers.average_s), numbers)
        soon = arriving(
            self._rate(short), self._rate(short, before_s=short), self._rate(numbers.arrivals_long_s), numbers
        )
        return forecast(self._open[-1], soon, length, numbers)

    def wanted(self, service: str, capacity: int, coming: float) -> int:
        numbers = self._numbers
        lately = self._needed.setdefault(service, deque(maxlen=numbers.stable_s // EVERY_S + 1))
        calls = self._open[-1]
        lately.append(needed(need(coming, per_call(calls, calls, numbers), calls, numbers), capacity, numbers))
        return wanted(lately, numbers)


def play(day: Day, way: Way, peak: float, figures: Mapping[str, Figure] = PROFILES["cloud"]) -> Outcome:
    """`peak`: calls open at the day's usual height."""
    begun, lengths = day.calls(peak)
    chance, numbers = np.random.default_rng(day.seed + 1000), way.numbers
    outcome = Outcome(day.name, way.name, calls=len(begun))
    fleets = {
        service: Fleet(figures[service].capacity, GRACE_S[service] if way.drains else 0.0, chance)
        for service in SERVICES
    }
    highest = _highest(begun, lengths)
    for fleet in fleets.values():
        fleet.start(needed(highest, fleet.capacity) if way.still else numbers.least, 0.0, at_once=True)
    watch, since_down = _Watch(numbers), dict.fromkeys(SERVICES, 0.0)
    asking: list[tuple[float, int, int]] = [(float(at), call, 1) for call, at in enumerate(begun)]  # in order: a heap
    ending: list[tuple[float, int]] = []
    taken = 0
    seen: tuple[int, int] = (0, 0)
    for tick in range(DAY_S // EVERY_S):
        until = (tick + 1) * EVERY_S
        while (asking and asking[0][0] < until) or (ending and ending[0][0] < until):
            if ending and (not asking or ending[0][0] <= asking[0][0]):
                call = heapq.heappop(ending)[1]
                for fleet in fleets.values():
                    fleet.end(call)
                continue
            now, call, tries = heapq.heappop(asking)
            places = [(fleet, fleet.room(now)) for fleet in fleets.values()]
            if any(place is None for _, place in places):
                if tries > TRIES:
                    outcome.refused += 1
                else:
                    heapq.heappush(asking, (now + PAUSE_S, call, tries + 1))
                continue
            taken += 1
            outcome.waited += tries > 1
            for fleet, place in places:
                assert place is not None
                fleet.put(call, place)
            heapq.heappush(ending, (now + float(lengths[call]), call))
        open_now = len(ending)
        outcome.highest = max(outcome.highest, open_now)
        watch.sample(*seen)
        seen = open_now, taken + outcome.refused  # the autoscaler knows what was a scrape ago
        for fleet in fleets.values():
            fleet.pass_time(until, EVERY_S)
        if not way.still:
            coming = watch.coming()
            for service, fleet in fleets.items():
                count = scaled(
                    fleet.asked, watch.wanted(service, fleet.capacity, coming), until - since_down[service], numbers
                )
                if count < fleet.asked:
                    since_down[service] = until
                fleet.scale(count, until)
        if tick % (300 // EVERY_S) == 0:
            gateways = fleets["gateway"]
            outcome.course.append((until / 3600, open_now, gateways.asked * gateways.capacity * FRESH))
    outcome.pod_hours = {service: fleet.hours for service, fleet in fleets.items()}
    outcome.cut = sum(fleet.cut for fleet in fleets.values())
    outcome.moved = sum(fleet.moved for fleet in fleets.values())
    return outcome


def _highest(begun: np.ndarray, lengths: np.ndarray) -> int:
    """The most calls open at once, if none is refused: what a static fleet is made for."""
    changes = np.concatenate(
        [np.stack([begun, np.ones_like(begun)]), np.stack([begun + lengths, -np.ones_like(begun)])], 1
    )
    return int(np.cumsum(changes[1][np.argsort(changes[0])]).max(initial=0))
