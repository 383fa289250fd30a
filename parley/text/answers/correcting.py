"""What a caller puts right in what was read back to them: "no, make it eight", "Wednesday, not Tuesday". Pure, English.

Only what is certain: the words must hold values for one argument, by the kind of value that stands there now, and
beside it only values of arguments that are one of a few words: "Wednesday, in the morning". All else is for the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

from parley.text.answers.consent import base_of
from parley.text.clocks import clocks
from parley.text.days import DAY_WORD, MONTH, MONTHS, ORDINALS, WEEKDAYS
from parley.text.spoken import NUMBER_RUN, normalise, words_to_digits
from parley.text.telling import date_of, time_of

_NUMBERED = re.compile(rf"(?:\bthe |\b(?:{'|'.join(MONTHS)}) (?:the )?)(?P<n>{DAY_WORD})\b|\b(?P<m>{DAY_WORD}) of\b")
"""A day of the month, and not "a second"."""
MAX_WORDS = 14
"""A longer sentence says more than one value."""
_POINT = "q1q"  # in place of a decimal point, while all others go
_MARKED = re.compile(
    r"\b(?:no|nope|but|make|rather|instead|actually|change|sorry|meant|mean|said|want|should|at|am|pm|oclock|half|quarter|"
    r"noon|midnight|morning|afternoon|evening|prefer|better|for|to)\b"
)
"""A value alone puts nothing right: it may be a key that was pressed, or the end of something else."""
_FEW_DIGITS = 3
"""More of them are read out on purpose."""
_THINGS = re.compile(r"\b(?:people|persons?|pieces?|times|minutes?|hours?|days?|weeks?|seconds?|dollars?|euros?)\b")
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = f"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?: (?:{_UNITS}))?"
_BELOW = f"(?:{_TENS}|{_TEENS}|{_UNITS})"
_HUNDREDS = f"(?:{_BELOW} hundred(?: (?:and )?{_BELOW})?|{_BELOW})"
_CARDINAL = re.compile(rf"\d+|zero|{_HUNDREDS}(?: thousand(?: (?:and )?{_HUNDREDS})?)?")
"""A number that is said in one piece."""
_DOZENS = {"half a": "six", "a": "twelve", "one": "twelve", "two": "twenty four", "three": "thirty six"}
_DOZEN = re.compile(rf"\b({'|'.join(_DOZENS)}) dozens?\b")
_QUESTION = re.compile(
    r"\?\s*$|^(?:what|which|how|when|where|who|why|is|are|do|does|can|could|will|would|should) ", re.I
)
_ONLY = re.compile(
    r"\b(?:no|nope|yes|yeah|but|sorry|please|rather|instead|actually|well|um|uh|oh|make it|make that|change|it|that|to|"
    r"at|on|the|for|of|i|said|meant|mean|want|would|like|should|be|is|was|not|and|a|an|one|then|than|let|us|say|better|"
    r"oclock|am|pm|morning|afternoon|evening|night|half|past|quarter|noon|midnight|pieces?|people|thanks|"
    r"thank|you|prefer|have|could|can|we|my|number|day|date|time|o|clock|wait|okay)\b"
)


def corrected(
    arguments: Mapping[str, Any], text: str, language: str, choices: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, Any] | None:
    """The arguments with the one that the caller puts right; None: nothing certain is put right.

    `choices`: of an argument that may be one of a few words.
    """
    if base_of(language) != "en" or _QUESTION.search(text):
        return None
    said = _without_refused(_counted(_decimals(text)))
    if not said or len(said.split()) > MAX_WORDS:
        return None
    said, chosen = _chosen(arguments, said, choices or {})
    found: dict[str, Any] = {}
    for name, old in arguments.items():
        new, spans = _value(old, said) if name not in (choices or {}) else (None, [])
        if new is not None and new != old and not _left(said, spans):
            found[name] = new
    found = _likelier(found, arguments, said)
    if len(found) > 1 or (not found and _left(said, [])):
        return None
    changed = {**{name: new for name, new in chosen.items() if new != arguments[name]}, **found}
    return {**arguments, **changed} if changed else None


def _chosen(
    arguments: Mapping[str, Any], said: str, choices: Mapping[str, tuple[str, ...]]
) -> tuple[str, dict[str, str]]:
    """What is said beside the words that one chooses from, and what is chosen: "wednesday in the morning" may be both.
    Words that belong to two arguments, or two for one, are left where they are."""
    found = {name: _choice(said, choices[name]) for name in arguments if name in choices}
    chosen = {name: new for name, (new, _) in found.items() if new is not None}
    spans = [span for _, where in found.values() for span in where]
    if any(a < other_b and other_a < b for i, (a, b) in enumerate(spans) for other_a, other_b in spans[:i]):
        return said, {}
    for start, end in sorted(spans, reverse=True):
        said = f"{said[:start]} {said[end:]}"
    return " ".join(said.split()), chosen


def _likelier(found: dict[str, Any], arguments: Mapping[str, Any], said: str) -> dict[str, Any]:
    """Of a number and something else that is said in numbers: digits of the right length, a time that is "at"."""
    texts = {name: value for name, value in found.items() if isinstance(arguments[name], str)}
    if len(found) < 2 or len(texts) != 1:
        return found
    (value,) = texts.values()
    return texts if value.isdigit() or re.search(r"\b(?:at|oclock|am|pm|half|quarter)\b", said) else found


def _decimals(text: str) -> str:
    """Normalised, but for the point in "42.99"."""
    return normalise(re.sub(r"(?<=\d)\.(?=\d)", _POINT, text)).replace(_POINT, ".")


def _counted(said: str) -> str:
    """ "A dozen" and "a hundred" as numbers."""
    said = _DOZEN.sub(lambda m: _DOZENS[m[1]], said)
    return re.sub(r"\ba (?=hundred\b|thousand\b)", "one ", said)


def _without_refused(said: str) -> str:
    """ "Wednesday not Tuesday" without what is refused. Where the "not" comes first, nothing certain is left."""
    kept, _, refused = f" {said} ".partition(" not ")
    return f"no {kept.strip()}" if refused and kept.strip() else said if not refused else ""


def _value(old: Any, said: str) -> tuple[Any, list[tuple[int, int]]]:
    """A value of the kind of `old` that the words hold, and where; None: none, or more than one."""
    if isinstance(old, bool):
        return None, []
    if isinstance(old, int | float):
        return _number(old, said)
    if isinstance(old, str):
        if (was := date_of(old)) is not None:
            return _date(was, said)
        if (at := time_of(old)) is not None:
            return _time(at, said)
        if old.isdigit():
            return _digits(old, said)
    return None, []


def _choice(said: str, choices: tuple[str, ...]) -> tuple[str | None, list[tuple[int, int]]]:
    patterns = {choice: rf"\b(?:in (?:the )?)?{re.escape(normalise(choice))}\b" for choice in choices}
    found = [(choice, m.span()) for choice, pattern in patterns.items() if (m := re.search(pattern, said))]
    spans = [span for _, span in found]
    inside = [any(s <= a and b <= e and (s, e) != (a, b) for s, e in spans) for a, b in spans]
    whole = [each for each, within in zip(found, inside, strict=True) if not within]
    return (whole[0][0], [whole[0][1]]) if len(whole) == 1 else (None, [])


def _number(old: int | float, said: str) -> tuple[Any, list[tuple[int, int]]]:
    """One number, said in one piece: in "forty two ninety nine" nobody knows where the cents begin. One that is "at" or
    "on" something is a time or a day."""
    if re.search(r"\b(?:at|on|oclock|am|pm)\b", said) or not _MARKED.search(said):
        return None, []
    decimals = list(re.finditer(r"(?<!\S)\d+\.\d+(?!\S)", said))
    if decimals:
        whole = len(decimals) == 1 and isinstance(old, float) and not _digits_in(said, decimals[0].span())
        return (float(decimals[0][0]), [decimals[0].span()]) if whole else (None, [])
    runs = list(re.finditer(rf"\b{NUMBER_RUN}\b", said))
    values = [(int(words), m.span()) for m in runs if (words := words_to_digits(m[0]))]
    if len(values) != 1 or not _CARDINAL.fullmatch(said[slice(*values[0][1])]):
        return None, []
    return (float(values[0][0]) if isinstance(old, float) else values[0][0]), [values[0][1]]


def _digits_in(said: str, span: tuple[int, int]) -> bool:
    """Numbers beside the one that stands there."""
    return re.search(rf"\b{NUMBER_RUN}\b", f"{said[: span[0]]} {said[span[1] :]}") is not None


def _digits(old: str, said: str) -> tuple[Any, list[tuple[int, int]]]:
    if len(old) < _FEW_DIGITS and not _MARKED.search(said):
        return None, []
    runs = [(words_to_digits(m[0]), m.span()) for m in re.finditer(rf"\b{NUMBER_RUN}\b", said)]
    fitting = [(run, span) for run, span in runs if len(run) == len(old)]
    return (fitting[0][0], [fitting[0][1]]) if len(fitting) == 1 and len(runs) == 1 else (None, [])


def _date(old: date, said: str) -> tuple[Any, list[tuple[int, int]]]:
    """A weekday is the nearest to the day before it; "the third" is of the same month; a month may come with it."""
    spans: list[tuple[int, int]] = []
    month = re.search(rf"\b(?:{MONTH})\b", said)
    number = _NUMBERED.search(said)
    weekdays = list(re.finditer(rf"\b(?:{'|'.join(WEEKDAYS)})\b", said))
    if len(weekdays) > 1:
        return None, []
    new: date | None = None
    try:
        if number is not None:
            new = old.replace(
                month=MONTHS.index(month[0]) + 1 if month else old.month, day=ORDINALS[number["n"] or number["m"]]
            )
            spans += [number.span(), *([month.span()] if month else [])]
        elif month is None and weekdays:
            ahead = (WEEKDAYS.index(weekdays[0][0]) - old.weekday()) % 7
            new = old + timedelta(ahead if ahead <= 3 else ahead - 7)
    except (ValueError, OverflowError):
        return None, []
    if new is None or (weekdays and WEEKDAYS[new.weekday()] != weekdays[0][0]):
        return None, []
    return new.isoformat(), spans + [m.span() for m in weekdays]


def _time(old: time, said: str) -> tuple[Any, list[tuple[int, int]]]:
    found = clocks(said)
    if len(found) != 1 or not _MARKED.search(said) or _THINGS.search(said):
        return None, []
    hour, minute = found[0].on_24(late=_nearer_late(found[0].hour % 12, old))
    return f"{hour:02d}:{minute:02d}", [found[0].span]


def _nearer_late(hour: int, old: time) -> bool:
    """Of eight in the morning and in the evening the one that is nearer to what was said before."""
    was = old.hour * 60 + old.minute
    return abs(hour * 60 + 720 - was) < abs(hour * 60 - was)


def _left(said: str, spans: list[tuple[int, int]]) -> str:
    """What is said beside the value, but for words that only hold it."""
    for start, end in sorted(spans, reverse=True):
        said = f"{said[:start]} {said[end:]}"
    return " ".join(_ONLY.sub(" ", said).split())
