"""How a call comes back to the webhook, and when it comes back so often that it is a loop. Pure: time is an argument.

The path by which the carrier brings a call back says when its leg began and how many legs before it were short, so
that any gateway can tell, also one that never had the call. A leg that lasted for `SHORT_S` clears the count: a long
call may see any number of rolling deploys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from parley.errors import BadInput
from parley.published.hours import Outside
from parley.text.placeholders import NAME, RESERVED

SHORT_S = 15
"""A leg that was over sooner was no conversation. Longer than a leg without an orchestrator lasts (10 s)."""
MAX_LEGS = 500
"""Of one call, however long they lasted: whatever is wrong with the clocks of the gateways, it ends."""


MAX_KNOWN = 32
_OURS = frozenset(("agent", "leg", "try", "short", "since", "token", "from", "to", "back"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One coming to the webhook. `short`: legs in a row, up to the last one, that were over too soon. `last_short`,
    `since`: as the path said. `tries`: how often this leg found no room. `door`: path of the webhook. `known`: what the
    number's URL says of its calls beside what is ours: variables by name, and `purpose`. A later leg's path is ours,
    and has none: the call knows."""

    agent: str
    leg: int = 1
    tries: int = 0
    short: int = 0
    last_short: int = 0
    since: int = 0
    door: str = ""
    known: Mapping[str, str] = field(default_factory=dict)
    outside: Outside | None = None
    """The number is not answered now: what becomes of a call that begins."""

    @classmethod
    def of(cls, door: str, query: Mapping[str, str], agent: str, now: float) -> Entry:
        """From the query at a webhook, whose path is `door`; `agent` where it names none. `now`: Unix time.

        Raises BadInput.
        """
        leg, tries = _number(query, "leg", 1), _number(query, "try", 0)
        short, since = _number(query, "short", 0), _number(query, "since", 0, digits=12)
        if leg < 1:
            raise BadInput("leg must be 1 or more; leave it out for a new call")
        # A path without `since` is not ours, or an older version's: nothing is known of that leg.
        too_soon = leg > 1 and since > 0 and now - since < SHORT_S
        in_a_row = short + 1 if too_soon else 0
        return cls(query.get("agent") or agent, leg, tries, in_a_row, short, since, door, _known(query))

    def loops(self, most: int) -> bool:
        """It has come back more than `most` times in a row after a short leg, or more often than any call does."""
        return self.short > most or self.leg > MAX_LEGS

    def next_leg(self, now: float) -> str:
        """Path for when the leg that begins now is lost."""
        return self._path(leg=self.leg + 1, agent=self.agent, short=self.short, since=int(now))

    def once_more(self) -> str:
        """Path for the same leg again: there was no room for it."""
        again: dict[str, str | int] = {"try": self.tries + 1, **self.known}
        return self._path(leg=self.leg, agent=self.agent, short=self.last_short, since=self.since, **again)

    def _path(self, **query: str | int) -> str:
        return f"{self.door}?{urlencode({name: value for name, value in query.items() if value})}"


def _known(query: Mapping[str, str]) -> dict[str, str]:
    taken = (*_OURS, *(name for name in RESERVED if name != "purpose"))
    named = {name: value for name, value in query.items() if name not in taken and re.fullmatch(NAME, name)}
    return dict(list(named.items())[:MAX_KNOWN])


def _number(query: Mapping[str, str], name: str, default: int, digits: int = 4) -> int:
    value = query.get(name, str(default))
    if not value.isascii() or not value.isdigit() or len(value) > digits:
        raise BadInput(
            f"{name} must be a number of at most {digits} digits, not {value!r:.20}; leave it out for a new call"
        )
    return int(value)
