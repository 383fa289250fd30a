"""Who has taken how much of one limit. Bounded: a flood from a million addresses finds the same few MiB."""

from __future__ import annotations

from collections import OrderedDict

from prometheus_client import Counter

from parley.limits.rules import Rule, Taken

ADDRESSES = 32_768
"""Addresses that one limit remembers, about 250 bytes each. Over it the one that was silent for longest is forgotten:
whoever floods is not."""
HEAVY = 4_096
"""Addresses that wait to be told to other replicas."""
TELL_SHARE = 0.1
"""Others learn of an address when it has taken this part of what it may take at once."""
WORST = 2.0
"""What others report never costs an address more than this many times what it may take at once."""

LIMITED = Counter("voice_limited_total", "Requests and sockets refused because their address asks too often", ["limit"])
FORGOTTEN = Counter("voice_limits_forgotten_total", "Addresses forgotten because too many others came", ["limit"])


class Table:
    """One limit of one process. `name` as its label says. Without a rule everything is allowed."""

    def __init__(self, name: str, rule: Rule | None, addresses: int = ADDRESSES) -> None:
        self.name = name
        self.rule = rule
        self._most = addresses
        self._by_address: OrderedDict[str, Taken] = OrderedDict()
        self._heavy: set[str] = set()
        self._limited = LIMITED.labels(name)
        self._forgotten = FORGOTTEN.labels(name)

    def __len__(self) -> int:
        return len(self._by_address)

    def take(self, address: str, now: float, cost: float = 1.0) -> float:
        """0: it is taken. Else the seconds after which it may be asked again; being refused costs nothing."""
        if self.rule is None:
            return 0.0
        taken = self._find(address, now)
        if wait := self.rule.wait(taken, now, cost):
            self._limited.inc()
            return wait
        taken.count += cost
        taken.untold += cost
        if taken.untold >= self.rule.most * TELL_SHARE and len(self._heavy) < HEAVY:
            self._heavy.add(address)
        return 0.0

    def charge(self, address: str, cost: float, now: float) -> None:
        """Another replica gave so much to this address."""
        if self.rule is None:
            return
        taken = self._find(address, now)
        self.rule.wait(taken, now, 0.0)
        taken.count = min(taken.count + cost, max(taken.count, WORST * self.rule.most))

    def heavy(self, at_most: int) -> list[tuple[str, float]]:
        """What others should know: addresses, and what each took since they were told. The rest is told next time."""
        told: list[tuple[str, float]] = []
        while self._heavy and len(told) < at_most:
            address = self._heavy.pop()
            taken = self._by_address.get(address)
            if taken is not None:
                told.append((address, taken.untold))
                taken.untold = 0.0
        return told

    def _find(self, address: str, now: float) -> Taken:
        taken = self._by_address.get(address)
        if taken is None:
            if len(self._by_address) >= self._most:
                gone, _ = self._by_address.popitem(last=False)
                self._heavy.discard(gone)
                self._forgotten.inc()
            taken = self._by_address[address] = Taken(now)
        else:
            self._by_address.move_to_end(address)
        return taken
