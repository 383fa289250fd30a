"""With how many replicas of a service a process is connected: with a few, and with more only while those are full.

If each were connected with each, connections and beats would grow as a product: 54 gateways and 44 stt are 2,376
connections and 12,000 beats a second; with four each they are 216. Each process has others, so that all are used; it
takes the least loaded of its own, so that they are used alike. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

FEW = 4
"""Enough for the least loaded of them to be about as loaded as all: `tests/kernel/test_subset.py`."""
MOST = 64
FULL = 0.7
"""Where all are filled so far one more is joined, before the gateway calls them full (0.8)."""
EMPTY = 0.3


@dataclass(frozen=True, slots=True)
class Used:
    """A replica of ours. `usable`: it takes something new, or has not been heard yet."""

    usable: bool
    load: float


def chosen(addresses: Iterable[str], own: bytes, width: int) -> list[str]:
    """`width` of the addresses (rendezvous hashing): others for each `own`, the same each time, and who comes or goes
    moves at most one of them."""
    return sorted(addresses, key=lambda address: sha256(own + address.encode()).digest())[: max(0, width)]


def width(now: int, there: int, used: Sequence[Used]) -> int:
    """With how many of the replicas that are `there` to be connected, after `now`."""
    loads = [each.load for each in used if each.usable]
    if now < there and len(loads) < FEW:
        now += FEW - len(loads)
    elif now < there and min(loads) >= FULL:
        now += 1
    elif len(loads) > FEW and max(loads) < EMPTY:
        now -= 1
    return max(FEW, min(now, there, MOST))
