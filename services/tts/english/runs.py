"""A text in runs, as the rules of reading see it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\S+")
_HEAD = "([{<\"'“‘«*_~`|"
_TAIL = ".,;:!?…)]}>\"'”’»*_~`|"
_AREA_CODE = re.compile(r"\(\d{2,4}\)[\d-]*(?=\W*$)")
_SHORTENED = frozenset({"no", "nr", "ext", "ref", "acct", "tel", "ph", "st", "approx"})
_BACK = 6


def runs_of(text: str) -> list[Run]:
    return [Run.of(match) for match in _TOKEN.finditer(text)]


@dataclass(frozen=True, slots=True)
class Run:
    """text[begin:end]: opening marks, what is read, closing marks."""

    begin: int
    end: int
    head: str
    core: str
    tail: str

    @classmethod
    def of(cls, match: re.Match[str]) -> Run:
        whole = match.group()
        if area := _AREA_CODE.match(whole):  # its brackets are no quotation
            return cls(match.start(), match.end(), "", area.group(), whole[area.end() :])
        core = whole.lstrip(_HEAD)
        head = whole[: len(whole) - len(core)]
        core = core.rstrip(_TAIL)
        return cls(match.start(), match.end(), head, core, whole[len(head) + len(core) :])

    @property
    def word(self) -> str:
        return self.core.lower()

    @property
    def ends_clause(self) -> bool:
        return any(char in ".,;!?…" for char in self.tail) and self.word not in _SHORTENED

    @property
    def ends_sentence(self) -> bool:
        return any(char in ".!?…" for char in self.tail)


def words_before(runs: Sequence[Run], place: int) -> list[str]:
    """The words of this clause before the run, the nearest last."""
    words: list[str] = []
    for run in reversed(runs[max(0, place - _BACK) : place]):
        if run.ends_clause:
            break
        words.append(run.word or "#")
    return words[::-1]


def word_after(runs: Sequence[Run], place: int) -> str:
    if place + 1 == len(runs) or runs[place].ends_clause:
        return ""
    return runs[place + 1].core or runs[place + 1].head
