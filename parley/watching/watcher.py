"""`@watcher`: what a function wants to be told, and what becomes of an event that it fails on."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from parley.errors import BadInput
from parley.watching.kinds import KINDS, Happening

Act = Callable[[Happening], Awaitable[None]]
ActTogether = Callable[[Sequence[Happening]], Awaitable[None]]
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
BACK_OFF_S = (1.0, 5.0, 30.0, 120.0)


@dataclass(frozen=True)
class Watcher:
    """`name`: its place in the events is kept under it; another name begins anew. `tries`: after so many an event is a
    dead letter. `back_off_s`: waits between them, the last one again and again. `at_once`: calls told at the same time;
    the happenings of one call come one after the other. `together`: with more than 0 the function gets a list of what
    up to so many records hold, and all of it is tried again when it fails. `since`: a new name begins with what comes
    (`new`), or with all that is kept (`all`).
    """

    name: str
    kinds: frozenset[str]
    act: Callable[[Any], Awaitable[None]]
    tries: int = 5
    back_off_s: tuple[float, ...] = BACK_OFF_S
    timeout_s: float = 30.0
    at_once: int = 16
    together: int = 0
    since: str = "new"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadInput(f"watcher {self.name!r}: a name is a small letter, then up to 39 of a-z, 0-9, _ and -")
        if unknown := sorted(self.kinds - KINDS.keys()):
            raise BadInput(f"watcher {self.name}: kinds: {', '.join(unknown)} is none; known are {', '.join(KINDS)}")
        if self.since not in ("new", "all"):
            raise BadInput(f"watcher {self.name}: since: {self.since!r}; write new or all")
        for field, least, most in (("tries", 1, 20), ("at_once", 1, 256), ("together", 0, 1000)):
            if not least <= getattr(self, field) <= most:
                raise BadInput(f"watcher {self.name}: {field}: from {least} to {most}")
        if self.timeout_s <= 0 or not self.back_off_s or min(self.back_off_s) < 0:
            raise BadInput(f"watcher {self.name}: timeout_s must be above 0, and back_off_s have a wait at least")

    def __call__(self, told: Any) -> Awaitable[None]:
        """As the plain function: for tests."""
        return self.act(told)

    def wants(self, happening: Happening) -> bool:
        return not self.kinds or happening.kind in self.kinds

    def wait_s(self, tries: int) -> float:
        """Until the next try, after so many."""
        return self.back_off_s[min(tries, len(self.back_off_s)) - 1]


def watcher(
    kinds: Collection[str] = (), *, name: str = "", **how: Any
) -> Callable[[Callable[[Any], Awaitable[None]]], Watcher]:
    """Make a function a watcher. No `kinds`: all of them. The name is the function's unless it is given; `how`: the
    other fields of `Watcher`. Raises BadInput naming what is wrong."""

    def made(act: Callable[[Any], Awaitable[None]]) -> Watcher:
        return Watcher(name or act.__name__, frozenset(kinds), act, **how)

    return made
