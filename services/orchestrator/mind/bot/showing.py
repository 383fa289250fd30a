"""What tools show on the page: passed on at once, and the newest kept for a page, or an owner, that comes back.

A card is a fact and no word: no interruption takes it back, and it waits for nobody's turn. On the telephone there is
nothing to show anything on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from services.orchestrator.mind import events, history
from services.orchestrator.mind.actions import Shown
from services.orchestrator.mind.effects import Effect, Show
from services.orchestrator.mind.history import bytes_of
from services.orchestrator.mind.state import Call

MAX_KEPT_BYTES = 2_048
"""Of names and values together. A page that comes back still has what is larger, unless it missed just that."""


def tool_shows(call: Call, event: events.ToolShow, out: list[Effect]) -> Call:
    """A tool shows something while it works; also one whose turn is over."""
    if history.tool_of(call, event.intent) is None:
        return call
    return show(call, (Shown(event.name, event.value_pii),), out)


def show(call: Call, shown: Iterable[Shown], out: list[Effect]) -> Call:
    for each in shown if call.channel != "phone" else ():
        out.append(Show(each.name, each.value_pii))
        call = replace(call, shown=_kept((*(old for old in call.shown if old.name != each.name), each)))
    return call


def again(call: Call, out: list[Effect]) -> Call:
    """For a new owner, or a new leg: what was shown may never have reached the page."""
    out.extend(Show(each.name, each.value_pii, again=True) for each in call.shown)
    return call


def size_of(shown: Shown) -> int:
    return bytes_of(shown.name) + bytes_of(shown.value_pii)


def _kept(shown: tuple[Shown, ...]) -> tuple[Shown, ...]:
    """As many as there is room for, the newest first to have it."""
    room, kept = MAX_KEPT_BYTES, list[Shown]()
    for each in reversed(shown):
        if size_of(each) <= room:
            room -= size_of(each)
            kept.append(each)
    return tuple(reversed(kept))
