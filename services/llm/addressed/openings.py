"""How a round's text begins when that says what it is: markers whose brackets were lost, thoughts without a mark. Pure.

A server that leaves out the special tokens gives `analysisThe user asks ..assistantfinalHello`; a model of the ReAct
school writes `Thought: .. Action: .. Action Input: {..}`. And a template that ends in `<think>` gives a thought without
its opening: only `</think>` shows what it was. Thoughts speak of the caller, answers speak to him: so what begins like
one is held until it is known. Nothing else is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

_INTERJECTIONS = (
    "", "okay, ", "ok, ", "alright, ", "hmm, ", "so, ", "so ", "okay, so ", "alright, so ", "well, ", "first, ",
    "now, ", "okay. ", "hmm. ", "let's see. ", "let me see. ",
)  # fmt: skip
_OF_THE_CALLER = (
    "the user", "the caller", "the customer", "this user", "this caller", "the human", "user asks", "user wants",
    "user is ", "caller asks", "caller wants",
    "用户", "好的，用户", "嗯，用户", "der nutzer", "der benutzer", "der anrufer",
    "el usuario", "l'utilisateur",
)  # fmt: skip
_OF_ONESELF = (
    "we need to ", "we should ", "we have to ", "i need to ", "i should ", "i have to ", "i must ", "let me think",
    "let's think", "the assistant", "the question", "they want", "they are asking", "need to ",
)  # fmt: skip
_STRIPPED = ("analysis", "commentary", "final", "assistant")
_STRIPPED_WHOLE = re.compile(r"(?:assistant)?(analysis|commentary|final)(?=[A-Z\"'(\[{]|<\||\s*to=)")
_REACT = ("Thought:", "Action:")
_FUNCTOOLS = "functools["  # Phi's name for a list of calls


def _all(cores: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    whole = frozenset(a + b for a, b in product(_INTERJECTIONS, cores))
    return whole, frozenset(text[:n] for text in whole for n in range(len(text)))


_SURELY = _all(_OF_THE_CALLER)
_PERHAPS = _all((*_OF_THE_CALLER, *_OF_ONESELF))
_LONGEST = max(len(text) for text in _PERHAPS[0])


@dataclass(frozen=True, slots=True)
class Opening:
    """`kind`: `words`, `thought` (without a mark, perhaps), `stripped` (harmony without brackets), `react`, `code` (a
    call as code), or `wait` for more text. `length`: characters of the opening itself."""

    kind: str
    length: int = 0


WORDS, WAIT = Opening("words"), Opening("wait")


def opening_of(text: str, tools: frozenset[str], wary: bool) -> Opening:
    """What the round's first characters say (no space before them). `wary`: of this model nothing is known yet."""
    if stripped := _STRIPPED_WHOLE.match(text):
        return Opening("stripped", stripped.start(1))
    for start in _REACT:
        if text.startswith(start):
            return Opening("react", len(start))
    if tools and text.startswith(_FUNCTOOLS):
        return Opening("code", len(_FUNCTOOLS) - 1)
    for name in tools:
        if text.startswith(name):
            behind = text[len(name) :].lstrip(" :\n")
            if behind[:1] in ("(", "{"):
                return Opening("code")
            if not behind and len(text) < len(name) + 4:
                return WAIT
    if _begins(text, *_STRIPPED, *_REACT, _FUNCTOOLS, *tools):
        return WAIT
    if text.startswith(_STRIPPED) and re.fullmatch(r"(?:assistant)?\w{0,10}\s*(?:<|t|to)?", text):
        return WAIT
    whole, prefixes = _PERHAPS if wary else _SURELY
    low = text[:_LONGEST].lower().replace("’", "'")
    for n in range(1, len(low) + 1):
        if low[:n] in whole:
            return Opening("thought")
        if low[:n] not in prefixes:
            return WORDS
    return WAIT


def _begins(text: str, *whole: str) -> bool:
    """Whether one of these may still come."""
    return any(each.startswith(text) for each in whole)
