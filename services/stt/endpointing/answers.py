"""Short answers to the bot's own question, in English: "Tuesday" is whole when a day was asked for, "the" is not.

Only what is surely the answer is judged here; anything else is graded as if nothing had been asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.stt.contract import Expect
from services.stt.endpointing import english as en
from services.stt.endpointing.closers import OPENING
from services.stt.endpointing.ending import Ending
from services.stt.endpointing.tables import phrases, table

MOST = 5
"""Words of an answer, without what leads to it and what rounds it off."""

LEADS = phrases(
    "my name is, my first name is, my last name is, my full name is, the name is, first name is, last name is, it is, "
    "it would be, it will be, it was, that would be, that will be, that is, this is, there are, there will be, there "
    "is, i am, we are, she is, he is, they are, it was, she will be, he will be, i would like, we would like, i would "
    "prefer, we would prefer, i prefer, i will take, we will take, i will have, i want, we want, i need, we need, i "
    "think, i guess, i would say, let us say, let us do, let us go with, let us take, let us make it, make it, make "
    "that, how about, what about, maybe, probably, just, only, about, around, rather, say, i will go with, i would go "
    "with, go with, for, on, at, in, by, the, a, an, since, until, after, before, definitely, preferably, better, "
    "roughly, approximately, at least, at most, up to, it has to be, book, take, please"
)
"""What stands before it; taken off again and again."""
ROUNDS = phrases(
    "please, thanks, thank you, i think, i guess, i suppose, i believe, if possible, if that is okay, if that is "
    "possible, would be good, would be great, would be fine, would be perfect, would be best, would be better, would "
    "be nice, would be okay, is good, is great, is fine, is perfect, is best, is better, is okay, works, works for "
    "me, works best, works fine, works better, is good for me, is fine for me, then, sounds good, sounds great, suits "
    "me, suits me better, instead, maybe, or so, would work, at the latest, i would say, actually, though, anyway, already, right now, roughly, max, sir, madam"
)
"""What rounds it off."""

WEEKDAYS = en.DAYS | table("mondays tuesdays wednesdays thursdays fridays saturdays sundays weekend weekends")
MONTHS = table("january february march april may june july august september october november december")
RELATIVE = table("tonight yesterday")
UNKNOWN = table("know sure certain decided remember")
"""Who does not know it yet often says something about it."""
WHEN = phrases("soon as possible, as soon as possible, last week, last month, last year, next week")
ANY = phrases("any day, any time, anytime, whenever, either, either one, both, neither, whichever, none, all of them")
NUMBERS = table(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
)
ORDINALS = table(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
DEADLINES = table("by until till before after since from")
DAY_LINKS = table("the of on in next this last coming following week month day after before twenty thirty and or")
DAY_PARTS = table("morning afternoon evening night noon midnight midday lunchtime lunch breakfast dinner")
CLOCK = table(
    "oclock am pm half quarter past to a m p in the at around about sharp minutes hours hour minute ago by for"
)
WHOLE_TIMES = table("now immediately anytime whenever asap ago oclock am pm tonight") | DAY_PARTS
SPANS = table(
    "year years month months week weeks day days hour hours minute minutes second seconds night nights people person "
    "persons adult adults child children kids guests times time dollars euros pounds cents bucks percent miles meters "
    "kilometers meter kilometer kilo kilos dollar euro inch inches feet centimeters pieces items bikes tickets rooms "
    "copies bottles boxes a an the of us and each per or half quarter just only about around almost nearly old long "
    "ago more less together"
)
UNITS = table("minute minutes hour hours day days night nights week weeks month months year years")
SOME = table("couple few dozen once twice several none half")
NO_NAME = (
    en.PRONOUNS | en.AUXILIARIES | en.PREPOSITIONS | en.DETERMINERS | en.CONJUNCTIONS | en.WH | en.ALONE | en.OPENERS
    | en.NEEDS_OBJECT
)  # fmt: skip
NO_CHOICE = (en.PRONOUNS | en.AUXILIARIES | en.WH | en.ALONE - table("next first second third")) | table(
    "your their me him us them there here if because when"
)
"""An answer that begins so is a sentence."""
HALF = phrases("i have, i would, i will, it is, that is, this is, there is, there are, it was")
"""Alone a sentence has begun with them; behind a yes they are all of it."""
POSSESSIVES = table("my our his her")
EVERYBODY = table("everybody everyone nobody somebody someone one both all")
_WHO = en.PRONOUNS | POSSESSIVES | EVERYBODY
_PARTS = table("be been being")
_YES_NO = table("yes yeah yep yup no nope sure")
_ECHO = 3
QUALITIES = table(
    "first second third green blue red black white yellow orange purple pink brown gray grey silver gold dark light small big large "
    "medium little long short old new used cheap cheaper expensive better fast slow heavy last next other same left "
    "right upper lower smaller bigger larger older newer regular electric full half"
)
"""Behind "the" a thing, or "one", may still come."""


def answers(words: list[str], said: str, expect: Expect, lengths: Sequence[int]) -> Ending | None:
    judge = _JUDGES.get(expect)
    if judge is None:
        return None
    if expect is Expect.YES_NO and echoes(words):
        return Ending.ASKED
    if "not" in words and UNKNOWN & set(words[words.index("not") :]):
        return None if words[-1] in en.DETERMINERS | en.PREPOSITIONS else Ending.SAID
    rest = _bare(words)
    apart = len(rest) > 1 and rest[-1] in en.STATES | {"each"}
    if not rest or len(rest) > MOST or (words[-1] in en.DETERMINERS | en.PREPOSITIONS and not apart):
        return None
    if " ".join(rest) in ANY:
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
    return verb is not rest or words[0] in _YES_NO or " ".join(verb) not in HALF


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
    if first in OPENING - DAY_PARTS and rest:
        return rest
    for lead in LEADS:
        if said.startswith(f"{lead} "):
            return said[len(lead) + 1 :]
    return _without_rounds(said)


def _without_rounds(said: str) -> str:
    return next((said[: -len(tail) - 1] for tail in ROUNDS if said.endswith(f" {tail}")), said)


def _is_number(word: str) -> bool:
    return word in NUMBERS or word.isdecimal()


def _is_ordinal(word: str) -> bool:
    return word in ORDINALS or (word[:-2].isdecimal() and word[-2:] in ("st", "nd", "rd", "th"))


def _is_day(rest: list[str]) -> bool:
    """All of it is a day or a date, and the last word does not lead to another."""
    if not all(
        w in WEEKDAYS | MONTHS | RELATIVE | DAY_LINKS | DAY_PARTS or _is_ordinal(w) or _is_number(w) for w in rest
    ):
        return False
    last, before = rest[-1], rest[-2] if len(rest) > 1 else ""
    if last in WEEKDAYS | RELATIVE | DAY_PARTS or _is_ordinal(last) or last in ("week", "month"):
        return True
    if last in MONTHS:
        return before == "of" or (_is_ordinal(before) or _is_number(before))
    return _is_number(last) and before in MONTHS and last not in ("twenty", "thirty")


def _day(rest: list[str], words: list[str]) -> Ending | None:
    return Ending.ASKED if _is_day(rest) else _time(rest, words)


def _time(rest: list[str], words: list[str]) -> Ending | None:
    """A time, with its day or without. A day alone is half of what was asked for."""
    if words[-1] == "to" or "between" in words[:-1] and "and" not in words:
        return Ending.OPEN
    if " ".join(rest) in WHEN:
        return Ending.ASKED
    known = WEEKDAYS | MONTHS | RELATIVE | DAY_LINKS | DAY_PARTS | CLOCK | WHOLE_TIMES | SPANS | table("between")
    if not all(w in known or _is_ordinal(w) or _is_number(w) for w in rest):
        return _fragment(rest, words)
    last, before = rest[-1], rest[-2] if len(rest) > 1 else ""
    if any(word in DEADLINES for word in words) and _is_day(rest):
        return Ending.ASKED
    if last in MONTHS and words[-2:-1] == ["in"]:
        return Ending.ASKED
    if last in WHOLE_TIMES or (last == "m" and before in ("a", "p")) or (last in UNITS and len(rest) > 1):
        return Ending.ASKED
    if not _is_number(last) or before in MONTHS:
        return Ending.OPEN if last in ("half", "quarter", "past") else None
    return Ending.ASKED


def _name(rest: list[str], words: list[str]) -> Ending | None:
    """First name and last; of one name alone the other may follow."""
    if any(word in NO_NAME or not word.isalpha() or len(word) == 1 for word in rest):
        return None
    return Ending.ASKED if 1 < len(rest) < MOST else Ending.SAID if len(rest) == 1 else None


def _amount(rest: list[str], words: list[str]) -> Ending | None:
    if not all(_is_number(word) or word in SOME | SPANS for word in rest):
        return _time(rest, words) or _fragment(rest, words)
    if not any(_is_number(word) or word in SOME for word in rest):
        return _time(rest, words)
    return Ending.ASKED if rest[-1] not in ("a", "an", "the", "of", "and", "or", "per", "about") else None


def _choice(rest: list[str], words: list[str]) -> Ending | None:
    """A lone yes does not say which."""
    return Ending.MORE if all(word in en.YES_NO_HEAD for word in words) else _fragment(rest, words)


def _fragment(rest: list[str], words: list[str]) -> Ending | None:
    """Few words that are no sentence."""
    first, last, said = rest[0], rest[-1], " ".join(rest)
    if first in OPENING - DAY_PARTS - QUALITIES or first in NO_CHOICE or last in en.LEADING - _LAST:
        return None
    if any(word in en.AUXILIARIES | en.SUBJECTS | en.WH for word in rest[1:]) or said in en.BEGINNINGS + en.MORE_PHRASES:
        return None
    if last in QUALITIES and words[-2:-1] == ["the"]:
        return Ending.SAID
    if len(rest) == 1 and (last in en.NEEDS_OBJECT and words[-2:-1] and words[-2] in en.VERB_BEFORE):
        return None
    return None if words in (["first"], ["second"], ["third"], ["next"]) else Ending.ASKED


_LAST = frozenset(("last", "next", "both", "either", "electric", "most", "less", "more"))
_JUDGES: dict[Expect, Callable[[list[str], list[str]], Ending | None]] = {
    Expect.YES_NO: _fragment,
    Expect.CHOICE: _choice,
    Expect.DAY: _day,
    Expect.TIME: _time,
    Expect.NAME: _name,
    Expect.AMOUNT: _amount,
}
