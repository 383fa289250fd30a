"""How many sockets an address holds open, here and at other replicas. Bounded: here by the sockets that are open."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from parley.limits.table import LIMITED

BELIEVED_S = 3.0
"""What a replica said of itself counts for so long: it says it twice a second."""
REPLICAS = 64
TELL_SHARE = 0.1


class OpenSockets:
    """`most` for one address over all replicas; 0: as many as it likes."""

    def __init__(self, name: str, most: int) -> None:
        self.most = most
        self._open: Tally[str] = Tally()
        self._elsewhere: dict[str, tuple[Mapping[str, int], float]] = {}
        self._limited = LIMITED.labels(name)

    def room(self, address: str, now: float) -> bool:
        """Whether one more would be let in."""
        if not self.most:
            return True
        there = sum(held.get(address, 0) for held, until in self._elsewhere.values() if until > now)
        if self._open[address] + there < self.most:
            return True
        self._limited.inc()
        return False

    @contextmanager
    def hold(self, address: str) -> Iterator[None]:
        """One more, for as long as the body runs."""
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if self._open[address] <= 0:
                del self._open[address]

    def told(self, replica: str, held: Mapping[str, int], now: float) -> None:
        """What another replica says that it holds; it replaces what it said before."""
        if replica not in self._elsewhere and len(self._elsewhere) >= REPLICAS:
            self._elsewhere = {name: said for name, said in self._elsewhere.items() if said[1] > now}
            if len(self._elsewhere) >= REPLICAS:
                return
        self._elsewhere[replica] = held, now + BELIEVED_S

    def many(self, at_most: int) -> list[tuple[str, int]]:
        """Addresses that hold so many that other replicas should know, the most first."""
        many = [(address, count) for address, count in self._open.items() if count >= self.most * TELL_SHARE]
        return sorted(many, key=lambda row: -row[1])[:at_most] if self.most else []
