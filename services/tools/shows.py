"""What a tool shows on the page: checked against the cards of the agent's `wrapper.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import structlog

from parley.agents.page.cards import checked
from parley.agents.page.wrapper import Wrapper
from parley.errors import BadInput, Misconfigured
from services.tools.contract import Intent, Shown
from services.tools.discovery import Toolboxes

log = structlog.get_logger()

MAX_BYTES = 16 * 1024
"""Of all that one result shows."""
MAX_TOLD = 1000

_told: set[tuple[str, str, str]] = set()
"""Agent, tool and card of which the log has said what is wrong: a tool may show a hundred times."""


class Shows:
    """For one run of a tool. Threads may share it."""

    def __init__(self, agent: str, tool: str, wrapper: Wrapper) -> None:
        self._agent = agent
        self._tool = tool
        self._wrapper = wrapper

    def one(self, name: object, value: object) -> Shown | None:
        """What the page is to be told; None, and said in the log, where no card is for that."""
        try:
            card = self._wrapper.card(str(name))
            if card is None:
                known = ", ".join(each.name for each in self._wrapper.cards) or "none"
                raise BadInput(f"no card in wrapper.json has this name; there are: {known}")
            return Shown(name=card.name, json=checked(card, value))
        except BadInput as e:
            self._refused(str(name)[:40], str(e))
            return None

    def all(self, shown: object) -> Iterator[Shown]:
        """Of a result."""
        if not isinstance(shown, Mapping):
            self._refused("", f"Result(show=...) must be a mapping of cards to values, not {type(shown).__name__}")
            return
        room = MAX_BYTES
        for name, value in shown.items():
            if (fit := self.one(name, value)) is None:
                continue
            if (room := room - fit.ByteSize()) < 0:
                self._refused(fit.name, f"with it a result shows more than {MAX_BYTES:,} bytes; show less, or earlier")
                return
            yield fit

    def _refused(self, name: str, problem: str) -> None:
        key = self._agent, self._tool, name
        if key in _told:
            return
        if len(_told) >= MAX_TOLD:
            _told.clear()
        _told.add(key)
        log.warning("a tool shows what no card takes", agent=self._agent, tool=self._tool, card=name, problem=problem)


def shows_of(toolboxes: Toolboxes, intent: Intent) -> Shows:
    """By the wrapper of the call's version, of the folder as it is now. One that never was good has no cards."""
    try:
        wrapper = toolboxes.wrapper(intent.agent, intent.version)
    except Misconfigured as e:
        log.error("nothing can be shown", agent=intent.agent, error=str(e))
        wrapper = Wrapper()
    return Shows(intent.agent, intent.name, wrapper)
