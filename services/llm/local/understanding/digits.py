"""A number that a caller mends: says which part was wrong, which digit is missing and where it goes. Pure.

Works on normalised text. A hole in a number, a digit that was not understood, is a `?`: "12?4".
"""

from __future__ import annotations

import re

from parley.text.phrases import NUMBER_RUN, words_to_digits
from services.llm.local.understanding.vocabulary import is_plain
from services.llm.local.understanding.word_lists import words_of

HOLE = "?"
_RUN = re.compile(rf"(?<!\S){NUMBER_RUN}(?!\S)")
_LEAD = r"(?:(?:a|an|the|with|number|digits?|order|it|is|was|said|i|ends?|in|on) )*"
_NOT_THIS = re.compile(rf"(?<!\S)(?P<right>{NUMBER_RUN}) (?:and |but )?not {_LEAD}(?P<wrong>{NUMBER_RUN})(?!\S)")
_NOT_BUT_THIS = re.compile(
    rf"(?<!\S)not {_LEAD}(?P<wrong>{NUMBER_RUN}) (?:but |it is |i said |i mean |rather |sorry )+"
    rf"{_LEAD}(?P<right>{NUMBER_RUN})(?!\S)"
)
_DIGIT = r"(?:\d|zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine)"
_COMES = r"(?: (?:comes|goes|belongs|is|missing|should be|should come))*"
_WHICH = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5}
_NTH = re.compile(
    rf"(?P<which>{'|'.join(_WHICH)}|last) (?:digit |one |number )?"
    rf"(?:is|should be|must be) (?:a |an )?(?P<new>{_DIGIT})(?!\S)"
)
_BESIDE = re.compile(
    rf"(?<!\S)(?P<new>{_DIGIT}){_COMES} (?P<side>before|after|behind|in front of) "
    rf"the (?P<which>first |second |last )?(?P<old>{_DIGIT})(?!\S)"
)
_BETWEEN = re.compile(
    rf"(?<!\S)(?P<new>{_DIGIT}){_COMES}(?: in)? between (?:the )?(?P<left>{_DIGIT}) and (?:the )?(?P<right>{_DIGIT})"
    r"(?!\S)"
)
_AT_AN_END = re.compile(
    rf"(?<!\S)(?P<new>{_DIGIT}){_COMES} (?:at|in|on) the (?P<end>beginning|start|front|end|back)(?!\S)"
)
_LEFT_OUT = re.compile(
    rf"(?<!\S)(?:(?:forgot|missed|lost|skipped|left out) (?:a|the|one)|(?:a|the)(?= {_DIGIT} is missing)) "
    rf"(?P<new>{_DIGIT})(?!\S)"
)
_UNHEARD = words_of("something blank")


def mended(old: str, text: str) -> str:
    """`old` with what "four five, not five four" or "I said fifteen, not fifty" puts right; "" if nothing.

    Where the wrong part occurs twice the last one counts. A whole number in its place is given as it is.
    """
    found = _NOT_THIS.search(text) or _NOT_BUT_THIS.search(text)
    if found is None:
        return ""
    right, wrong = words_to_digits(found["right"]), words_to_digits(found["wrong"])
    if not right or not wrong or len(right) == len(old):
        return right
    at = old.rfind(wrong)
    return old[:at] + right + old[at + len(wrong) :] if at >= 0 else ""


def put_in(old: str, text: str) -> str:
    """`old` with the digit that was missing, where the caller says it goes: "a two before the one"; "" if nowhere."""
    if not old or HOLE in old:
        return ""
    if nth := _NTH.search(text):
        at = len(old) if nth["which"] == "last" else _WHICH[nth["which"]]
        return _with(old, at, nth["new"]) if at <= len(old) else ""
    if between := _BETWEEN.search(text):
        at = old.rfind(words_to_digits(between["left"]) + words_to_digits(between["right"]))
        return _with(old, at + 1, between["new"]) if at >= 0 else ""
    if beside := _BESIDE.search(text):
        places = [i for i, digit in enumerate(old) if digit == words_to_digits(beside["old"])]
        wanted = {"first ": 0, "second ": 1}.get(beside["which"] or "", -1)
        if not places or wanted >= len(places):
            return ""
        return _with(old, places[wanted] + (beside["side"] in ("after", "behind")), beside["new"])
    if end := _AT_AN_END.search(text):
        return _with(old, len(old) if end["end"] in ("end", "back") else 0, end["new"])
    return ""


def left_out(text: str) -> str:
    """The digit that the caller says is missing, without where it goes: "you forgot the two"; "" if none."""
    found = _LEFT_OUT.search(text)
    return words_to_digits(found["new"]) if found else ""


def with_hole(text: str, length: int) -> str:
    """A number of which one digit was not understood: of four, "four four sue one" is "44?1". "" if none."""
    runs = list(_RUN.finditer(text))
    if len(runs) != 2:
        return ""
    between = text[runs[0].end() : runs[1].start()].split()
    before, after = (words_to_digits(run.group()) for run in runs)
    unheard = len(between) == 1 and (between[0] in _UNHEARD or not is_plain(between[0]))
    return before + HOLE + after if unheard and len(before) + len(after) == length - 1 else ""


def _with(old: str, at: int, digit: str) -> str:
    return old[:at] + words_to_digits(digit) + old[at:]
