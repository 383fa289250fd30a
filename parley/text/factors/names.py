"""Names and secret words, said, spelled, or both. Pure."""

from __future__ import annotations

import re

from parley.text.factors.letters import code_words, pieces, plain, words_of

_LEAD = re.compile(
    r"^(?:(?:um+|uh+|er+|yes|well|okay|sure|so|sorry|hello|hi|it is|its|it's|that is|that's|thats|this is|i am|i'm|im|"
    r"i was|was|and|"
    r"(?:(?:my|the|full|first|last|family|middle|maiden|given|sur|mother's|mothers|father's|fathers|mom's|moms|"
    r"memorable|secret|security|pet's|pets) ?)*"
    r"(?:name|word|password|passphrase|answer)(?: is|'s)?)[\s,:]+)+",
    re.IGNORECASE,
)
_SPELLING = re.compile(
    r"[,;:]?\s*\b(?:(?:and |that is |that's |thats |which is |it is |it's |i )?(?:spelled|spelt|spell(?: it| that)?"
    r"|written|s p e l l e d)(?: out)?(?: as)?|that is|that's|thats|with(?= an? \w\b))\b[,:]?\s+",
    re.IGNORECASE,
)
_TITLES = words_of("mr mister mrs missus ms miss mx dr doctor prof professor sir madam herr frau senor senora")
_TAIL = re.compile(r"[\s,]+(?:please|thanks|thank you)[.!]*$", re.IGNORECASE)


def name(written: str) -> str:
    """As a record has it: "Brown, John" is John Brown, and titles are no part of it."""
    last, comma, first = written.partition(",")
    words = (f"{first} {last}" if comma else written).split()
    return "".join(plain(word) for word in words if plain(word) not in _TITLES)


def names(said: str) -> tuple[str, ...]:
    """What the caller may mean, the likeliest first."""
    return _readings(said, _TITLES)


def word(written: str) -> str:
    return plain(written)


def words(said: str) -> tuple[str, ...]:
    return _readings(said, frozenset())


def _readings(said: str, unsaid: frozenset[str]) -> tuple[str, ...]:
    said = _SPELLING.sub(" ", _TAIL.sub("", _LEAD.sub("", said.strip())))
    last, comma, first = said.partition(",")
    parts = [(text, spelled) for text, spelled in pieces(said) if text not in unsaid]
    spoken = [text for text, spelled in parts if not spelled or len(parts) == 1]
    spelled_out = [text for text, spelled in parts if spelled and len(text) > 1]
    found = ["".join(text for text, _ in parts)]
    if spelled_out:
        found = ["".join(_instead(parts)), *found, "".join(spelled_out)]
    elif unsaid and comma:
        found.append(first + last)  # "Brown, John"
    if spoken:
        found.append("".join(spoken))
    found.append(code_words(said))
    return tuple(dict.fromkeys(text for text in map(plain, found) if text))


def _instead(parts: list[tuple[str, bool]]) -> list[str]:
    """Letters stand for the word that they follow: "Braun, b r o w n"."""
    out: list[tuple[str, bool]] = []
    for text, spelled in parts:
        if spelled and len(text) > 1 and out and not out[-1][1]:
            out[-1] = text, True
        else:
            out.append((text, spelled))
    return [text for text, _ in out]
