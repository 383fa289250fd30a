"""Values that callers say: digits, days, choices, names. Works on normalised text. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from parley.agents.domain import Slot
from parley.text import clocks, days
from parley.text.days import WEEKDAYS
from parley.text.phrases import NUMBER_RUN, normalise, words_to_digits
from services.llm.local.understanding.word_lists import words_of

_HOLIDAY = (
    r"(?:christmas|new years|thanksgiving|easter|labor|memorial|independence|presidents|veterans|columbus|valentines"
    r"|boxing|mothers|fathers)(?: (?:eve|day|sunday|monday))|christmas|thanksgiving|easter|halloween|good friday"
    r"|(?:the )?fourth of july|(?:public |bank )holidays?"
)
_DAY = rf"(?:{_HOLIDAY}|(?:this |the |next )?weekends?|{days.SOURCE})"
_NOISE = re.compile(r"\b(?:um+|uh+|er+|ah|dash|hyphen|then|digit|number|space|followed by|oclock)\b ?")
_LEAD_IN = re.compile(
    r"^(?:(?:my|the|his|her|our) (?:\w+ ){0,2}is|it is|this is|that is|i am|i mean|no|yes|well|sorry|actually|um|uh"
    r"|(?:put it |it is )?(?:for|under)(?: the name)?|please) "
)
_RUN = re.compile(rf"(?<!\S){NUMBER_RUN}(?!\S)")
# What recognisers write for digits; believed only where a number was asked for and it then has the right length.
_HOMOPHONES = {"to": "two", "too": "two", "for": "four", "fore": "four", "ate": "eight", "won": "one", "tree": "three"}
_HOMOPHONE = re.compile(rf"(?<!\S)(?:{'|'.join(_HOMOPHONES)})(?!\S)")
# What stands before a time, and behind a quantity: such a number is no value unless it was asked for.
_TIMES = words_of("at in since until till before after around by")
_UNITS = words_of(
    "year years month months week weeks day days hour hours minute minutes second seconds times percent degrees "
    "dollar dollars cent cents pound pounds euro euros bucks kilo kilos gram grams mile miles meter meters feet foot "
    "inch inches people kids children oclock am pm plus minus divided"
)
_MEASURE = rf"(?:minus )?(?:{NUMBER_RUN}(?: and a half| point {NUMBER_RUN})?|point {NUMBER_RUN})"
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_BARE = words_of("one oh o")  # no quantity alone: "the other one"
_ANYTHING = r"\S+(?: \S+){0,5}"


@dataclass(frozen=True, slots=True)
class Number:
    """A run of at least two digits in a sentence. `counts`: it is no time, age, price or other quantity.

    `before`: the word before it.
    """

    digits: str
    counts: bool
    before: str = ""


_TOKENS = {kind: rf"{kind} [bcdfghjkmnpqrstvwxz]{{4}}" for kind in ("card", "code")}
"""What stands for a card's number, or its code, in normalised text: "[card-kwtm]"; no word has such letters."""


_PART = "part of a number"


def is_part(slot: Slot, text: str) -> bool:
    """Whether the gateway has hidden digits in it that are no whole card's number, or code."""
    return slot.kind in _TOKENS and _PART in text


def numbers(text: str) -> list[Number]:
    """The numbers of a normalised sentence."""
    found = [
        Number(words_to_digits(run.group()), _counts(text, run), " ".join(text[: run.start()].split()[-1:]))
        for run in _RUN.finditer(text)
    ]
    return [number for number in found if len(number.digits) > 1]


def without_numbers(text: str) -> str:
    """The words beside the numbers."""
    return " ".join(_NOISE.sub("", _RUN.sub(" ", text) + " ").split())


def _counts(text: str, run: re.Match[str]) -> bool:
    before, after = text[: run.start()].split()[-1:], text[run.end() :].split()[:1]
    return not _TIMES.intersection(before) and not _UNITS.intersection(after)


def pattern(slot: Slot | None) -> str:
    """Regex source of what may stand in a phrase's place for this slot."""
    if slot is None:
        return _ANYTHING
    if slot.kind == "digits":
        return NUMBER_RUN
    if slot.kind == "number":
        return _MEASURE
    if slot.kind == "day":
        return _DAY
    if slot.kind == "time":
        return clocks.SOURCE
    if slot.kind in _TOKENS:
        return _TOKENS[slot.kind]
    if slot.kind == "choice" and slot.values:
        return "(?:" + "|".join(map(_spelled, sorted(_choices(slot), key=len, reverse=True))) + ")"
    return _ANYTHING


def _choices(slot: Slot) -> dict[str, str]:
    """What may be said for each of the values, normalised, with its accents and without."""
    also = {normalise(word): value for value, words in slot.also.items() for word in words}
    forms = also | {normalise(value): value for value in slot.values}
    return {_bare(form): value for form, value in forms.items()} | forms


def _bare(text: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def value(slot: Slot, said: str) -> str:
    """The value in the words that filled the slot; of the wrong length it is still given. "" if it is none."""
    if slot.kind == "digits":
        return words_to_digits(said)
    if slot.kind == "number":
        return _measure(said)
    if slot.kind == "day":
        said = re.sub(r"^(?:(?:this|the|next) (?=weekend)|(?:this|the coming|coming) )", "", said)
        return said.removesuffix("s") if said.removesuffix("s") in (*WEEKDAYS, "weekend") else said
    if slot.kind == "time":
        found = clocks.clocks(said)
        return clocks.by_day(found[-1]) if found else ""
    if slot.kind in _TOKENS:
        return f"[{said.replace(' ', '-')}]"
    if slot.kind == "choice":
        return next((v for form, v in _choices(slot).items() if _figures(form) == _figures(said)), "")
    return said.title() if slot.kind == "name" else said


def fits(slot: Slot, found: str) -> bool:
    """Whether the value is whole: digits have the slot's length."""
    return bool(found) and (slot.kind != "digits" or not slot.length or len(found) == slot.length)


def find(slot: Slot, text: str, partial: bool = False) -> str:
    """The slot's value somewhere in a sentence; only of kinds that can be told from other words. "" if none.

    Quantities are none: "two weeks", "at 12 30". What a caller takes back is none either: "saturday, not sunday".

    "at nine" is a time, "nine" alone only if `partial`, where it was asked for.

    Of several the last one counts: people correct themselves. Digits read out in pieces are put together; of a wrong
    length they are given only if `partial`, since "one" is a common word; so is a whole one that looks like a time.
    """
    if slot.kind == "digits":
        whole = [run for run in _runs(text if partial else _without_quantities(text)) if fits(slot, run)]
        joined = "".join(_runs(_without_quantities(text)))
        return whole[-1] if whole else joined if partial or fits(slot, joined) else ""
    if slot.kind == "time":
        times = [clock for clock in clocks.clocks(_without_refused(slot, text)) if clock.marked or partial]
        return clocks.by_day(times[-1]) if times else ""
    if slot.kind == "number":
        runs = re.findall(rf"(?<!\S){_MEASURE}(?!\S)", text)
        return next((_measure(run) for run in reversed(runs) if partial or run not in _BARE), "")
    if slot.kind in ("day", "choice", *_TOKENS):
        found = re.findall(rf"(?<!\S){pattern(slot)}(?!\S)", _without_refused(slot, text))
        return value(slot, found[-1]) if found else ""
    return ""


def _without_refused(slot: Slot, text: str) -> str:
    return re.sub(rf"(?<!\S)not (?:on |at |the |this |with )*{pattern(slot)}(?!\S)", "", text)


def without_choices(slots: Iterable[Slot], text: str) -> str:
    """A normalised sentence without what may be chosen: the two of "pump two" is no quantity."""
    for slot in slots:
        if slot.kind == "choice" and slot.values:
            text = re.sub(rf"(?<!\S){pattern(slot)}(?!\S)", "and", text)
    return text


def _measure(said: str) -> str:
    """ "minus three point five" -> "-3.5", "seven and a half" -> "7.5"; "" if it is no number."""
    plain = said.removeprefix("minus ")
    whole, _, part = plain.removesuffix(" and a half").partition("point")
    before, after = words_to_digits(whole) or "0", words_to_digits(part)
    if not (words_to_digits(whole) or after):
        return ""
    after = "5" if plain.endswith(" and a half") else after
    return f"{'-' if said != plain else ''}{int(before)}{f'.{after}' if after else ''}"


def _spelled(choice: str) -> str:
    """Regex source of a normalised value; its small numbers in words or figures: "pump two", "pump 2"."""
    forms = {**{word: str(n) for n, word in enumerate(_SMALL)}, **{str(n): word for n, word in enumerate(_SMALL)}}
    return " ".join(f"(?:{re.escape(w)}|{re.escape(forms[w])})" if w in forms else re.escape(w) for w in choice.split())


def _figures(text: str) -> str:
    return " ".join(str(_SMALL.index(word)) if word in _SMALL else word for word in text.split())


def _runs(text: str) -> list[str]:
    return [words_to_digits(run) for run in _RUN.findall(_NOISE.sub("", f"{text} "))]


def _without_quantities(text: str) -> str:
    return _RUN.sub(lambda run: run.group() if _counts(text, run) else "and", text)


def answer(slot: Slot, text: str) -> str:
    """The value in the answer to the slot's own question: free text counts whole, without its lead-in."""
    if slot.kind in ("text", "name"):
        return value(slot, without_lead_in(text))
    found = find(slot, text, partial=True)
    if slot.kind == "digits" and not fits(slot, found):
        meant = find(slot, _HOMOPHONE.sub(lambda m: _HOMOPHONES[m.group()], text))
        return meant or found
    return found


def without_lead_in(text: str) -> str:
    """An answer without what only leads to it: "my name is", "it is for"."""
    while (short := _LEAD_IN.sub("", text)) != text:
        text = short
    return text
