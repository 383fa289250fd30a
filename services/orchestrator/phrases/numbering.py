"""Which numbers at the start of lines only count the items of a list, and are not said. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.orchestrator.phrases import blocks

NUMBER_AHEAD = 160
"""Characters behind the first number of a list within which its next item must begin."""

_NEXT = re.compile(r"\n[ \t]*(\d{1,9})[.)][ \t]+\S")
_PARAGRAPH = re.compile(r"\n(?:[ \t]*\n)+(?=\S)")


@dataclass(slots=True)
class _List:
    indent: int
    value: int
    silent: bool


class Numbering:
    """The lists that are open, each inside the one before."""

    def __init__(self) -> None:
        self._lists: list[_List] = []

    def silent(self, number: re.Match[str], source: str, final: bool) -> bool | None:
        """Whether a number, a match of `NUMBER` at the start of `source`, is left out: one of several that count from
        1. None: more must be seen; never if `final`."""
        indent, value = len(number[1]), int(number[2])
        while self._lists and self._lists[-1].indent > indent + 1:
            self._lists.pop()
        last = self._lists[-1] if self._lists and self._lists[-1].indent >= indent - 1 else None
        silent: bool | None = False
        if last is not None and value in (last.value, last.value + 1):
            silent = last.silent
        elif value <= 1:
            silent = _goes_on(value, source)
            if silent is None and not final:
                return None
        if last is None:
            self._lists.append(last := _List(indent, value, False))
        last.indent, last.value, last.silent = indent, value, bool(silent)
        return last.silent

    def expects(self, value: int) -> bool:
        """Whether it would be the next number, or the first of a list."""
        return value <= 1 or any(each.value + 1 == value for each in self._lists)

    def over(self) -> None:
        """A text has come that belongs to no list."""
        self._lists.clear()


def _goes_on(value: int, source: str) -> bool | None:
    """Whether the next item follows; None: it may yet."""
    area, decided = source[:NUMBER_AHEAD], len(source) >= NUMBER_AHEAD
    for paragraph in _PARAGRAPH.finditer(area):
        rest = area[paragraph.end() :]
        if not blocks.begins(rest) and not blocks.undecided(rest):
            area, decided = area[: paragraph.end()], True
            break
    if any(int(number) in (value, value + 1) for number in _NEXT.findall(area)):
        return True
    return False if decided else None
