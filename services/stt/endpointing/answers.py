"""Short answers to the bot's own question, in English: "Tuesday" is whole when a day was asked for, "the" is not.

Only what is surely the answer is judged here; anything else is graded as if nothing had been asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.stt.contract import Expect
from services.stt.endpointing import answer_words as aw
from services.stt.endpointing import english as en
from services.stt.endpointing.closers import OPENING
from services.stt.endpointing.ending import Ending
from services.stt.endpointing.tables import table

MOST = 5
"""Words of an answer, without what leads to it and what rounds it off."""

_DATES = aw.WEEKDAYS | aw.MONTHS | aw.RELATIVE | aw.DAY_LINKS | aw.DAY_PARTS
_TIMES = _DATES | aw.CLOCK | aw.WHOLE_TIMES | aw.SPANS | table("between")
_WHO = en.PRONOUNS | aw.POSSESSIVES | aw.EVERYBODY
_PARTS = table("be been being")
_YES_NO = table("yes yeah yep yup no nope sure")
_ECHO = 3
"""Words of an echo: "my husband is"."""


def answers(words: list[str], said: str, expect: Expect, lengths: Sequence[int]) -> Ending | None:
    judge = _JUDGES.get(expect)
    if judge is None:
        return None
    if expect is Expect.YES_NO and echoes(words):
        return Ending.ASKED
    if "not" in words and aw.UNKNOWN & set(words[words.index("not") :]):
        return None if words[-1] in en.DETERMINERS | en.PREPOSITIONS else Ending.SAID
    rest = _bare(words)
    apart = len(rest) > 1 and rest[-1] in en.STATES | {"each"}
    if not rest or len(rest) > MOST or (words[-1] in en.DETERMINERS | en.PREPOSITIONS and not apart):
        return None
    if " ".join(rest) in aw.ANY or aw.LEFT_OPEN.fullmatch(" ".join(rest)):
        return Ending.ASKED
    return judge(rest, words)


def echoes(words: list[str]) -> bool:
    """The verb of the question is the answer: "yes I am", "my husband is", "no it was not"."""
    at = next((i for i, word in enumerate(words) if word in _WHO), len(words))
    rest = _without_rounds(" ".join(words[at:])).split()
    verb = rest[:-1] if rest[-1:] == ["not"] else rest
    if not all(word in OPENING | en.YES_NO_HEAD for word in words[:at]) or not 2 <= len(verb) <= _ECHO:
        return False
    if verb[-1] not in en.AUXILIARIES - _PARTS or any(word in en.AUXILIARIES for word in verb[:-1]):
        return False
    return verb is not rest or words[0] in _YES_NO or " ".join(verb) not in aw.HALF


def lone_number(words: list[str]) -> bool:
    """An hour: "three" may go on with "thirty"."""
    rest = _bare(words)
    return len(rest) == 1 and _is_number(rest[0])


def _bare(words: list[str]) -> list[str]:
    """Without openers, leads and what rounds it off."""
    said = " ".join(words)
    while (shorter := _off(said)) != said:
        said = shorter
    return said.split()


def _off(said: str) -> str:
    first, _, rest = said.partition(" ")
    if first in OPENING - aw.DAY_PARTS and rest:
        return rest
    for lead in aw.LEADS:
        if said.startswith(f"{lead} "):
            return said[len(lead) + 1 :]
    return _without_rounds(said)


def _without_rounds(said: str) -> str:
    return next((said[: -len(tail) - 1] for tail in aw.ROUNDS if said.endswith(f" {tail}")), said)


def _is_number(word: str) -> bool:
    return word in aw.NUMBERS or word.isdecimal()


def _is_ordinal(word: str) -> bool:
    return word in aw.ORDINALS or (word[:-2].isdecimal() and word[-2:] in ("st", "nd", "rd", "th"))


def _is_day(rest: list[str]) -> bool:
    """All of it is a day or a date, and the last word does not lead to another."""
    if not all(w in _DATES or _is_ordinal(w) or _is_number(w) for w in rest):
        return False
    last, before = rest[-1], rest[-2] if len(rest) > 1 else ""
    if last in aw.WEEKDAYS | aw.RELATIVE | aw.DAY_PARTS or _is_ordinal(last) or last in ("week", "month"):
        return True
    if last in aw.MONTHS:
        return before == "of" or (_is_ordinal(before) or _is_number(before))
    return _is_number(last) and before in aw.MONTHS and last not in ("twenty", "thirty")


def _day(rest: list[str], words: list[str]) -> Ending | None:
    return Ending.ASKED if _is_day(rest) else _time(rest, words)


def _time(rest: list[str], words: list[str]) -> Ending | None:
    """A time, with its day or without. A day alone is half of what was asked for."""
    if words[-1] == "to" or "between" in words[:-1] and "and" not in words:
        return Ending.OPEN
    if " ".join(rest) in aw.WHEN:
        return Ending.ASKED
    if not all(w in _TIMES or _is_ordinal(w) or _is_number(w) for w in rest):
        return _fragment(rest, words)
    last, before = rest[-1], rest[-2] if len(rest) > 1 else ""
    if any(word in aw.DEADLINES for word in words) and _is_day(rest):
        return Ending.ASKED
    if last in aw.MONTHS and words[-2:-1] == ["in"]:
        return Ending.ASKED
    if last in aw.WHOLE_TIMES or (last == "m" and before in ("a", "p")) or (last in aw.UNITS and len(rest) > 1):
        return Ending.ASKED
    if not _is_number(last) or before in aw.MONTHS:
        return Ending.OPEN if last in ("half", "quarter", "past") else None
    return Ending.ASKED


def _name(rest: list[str], words: list[str]) -> Ending | None:
    """First name and last; of one name alone the other may follow."""
    if any(word in aw.NO_NAME or not word.isalpha() or len(word) == 1 for word in rest):
        return None
    return Ending.ASKED if 1 < len(rest) < MOST else Ending.SAID if len(rest) == 1 else None


def _amount(rest: list[str], words: list[str]) -> Ending | None:
    if rest[:2] in (["i", "have"], ["we", "have"]) and len(rest) > 2:
        rest = rest[2:]
    if not all(_is_number(word) or word in aw.SOME | aw.SPANS for word in rest):
        return _time(rest, words) or _fragment(rest, words)
    if not any(_is_number(word) or word in aw.SOME for word in rest):
        return _time(rest, words)
    return Ending.ASKED if rest[-1] not in ("a", "an", "the", "of", "and", "or", "per", "about") else None


def _choice(rest: list[str], words: list[str]) -> Ending | None:
    """A lone yes does not say which."""
    return Ending.MORE if all(word in en.YES_NO_HEAD for word in words) else _fragment(rest, words)


def _fragment(rest: list[str], words: list[str]) -> Ending | None:
    """Few words that are no sentence."""
    first, last, said = rest[0], rest[-1], " ".join(rest)
    if first in OPENING - aw.DAY_PARTS - aw.QUALITIES or first in aw.NO_CHOICE or last in en.LEADING - _LAST:
        return None
    if any(word in _SENTENCE for word in rest[1:]) or said in en.BEGINNINGS + en.MORE_PHRASES:
        return None
    if last in aw.QUALITIES and words[-2:-1] == ["the"]:
        return Ending.SAID
    if len(rest) == 1 and (last in en.NEEDS_OBJECT and words[-2:-1] and words[-2] in en.VERB_BEFORE):
        return None
    return None if words in (["first"], ["second"], ["third"], ["next"]) else Ending.ASKED


_SENTENCE = en.AUXILIARIES | en.SUBJECTS | en.WH
_LAST = frozenset(("last", "next", "both", "either", "electric", "most", "less", "more"))
_JUDGES: dict[Expect, Callable[[list[str], list[str]], Ending | None]] = {
    Expect.YES_NO: _fragment,
    Expect.CHOICE: _choice,
    Expect.DAY: _day,
    Expect.TIME: _time,
    Expect.NAME: _name,
    Expect.AMOUNT: _amount,
}
