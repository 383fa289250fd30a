"""An English turn by its words: is it over? Rules from the surest to the least sure; the first that fits decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from parley.text.spoken import NUMBER_RUN, normalise, words_to_digits
from services.stt.contract import Expect
from services.stt.endpointing import english as en
from services.stt.endpointing.answer_words import MONTHS
from services.stt.endpointing.answers import answers, echoes
from services.stt.endpointing.closers import AGREED, COURTESIES, closes, only_opens
from services.stt.endpointing.ending import Ending, number
from services.stt.endpointing.tables import ends, starts

_NUMBER = re.compile(rf"(?<!\S){NUMBER_RUN}(?!\S)")
_NUMBER_AT_END = re.compile(rf"(?<!\S)({NUMBER_RUN})$")
_SENTENCES = re.compile(r"[.?!;]+\s+")
_SHORTENED = re.compile(
    r"\b(?:i|it|that|he|she|we|they|you|there|what|where|who|here)['\u2019](?:m|s|d|re|ve|ll)\W*$", re.I
)
"""Nobody ends in "it's"; said in full, "yes it is" is an end."""
_DICTATED = 3
"""So many numbers in a row are one that is read out, whatever stands before."""
_SHORT = 3
_MONTH = "|".join(sorted(MONTHS))
_DATED = re.compile(
    rf"\b(?:{_MONTH})\b.* (?:(?:19|20)\d\d|(?:nineteen|twenty) (?:\d\d|oh \w+|\w+teen|\w+ty(?: \w+)?|ten|eleven|"
    r"twelve)|two thousand(?: and)?(?: \w+)?)$"
)
"""A date with its year leaves nothing open, whatever was asked."""


@lru_cache(maxsize=512)
def english(text: str, expect: Expect, lengths: tuple[int, ...]) -> Ending:
    """`text` as a recogniser writes it, with or without punctuation."""
    said = normalise(text)
    words = said.split()
    if not words:
        return Ending.SAID
    if (words[-1] in en.HESITATIONS | en.CONJUNCTIONS and not ends(said, AGREED)) or ends(said, en.WAIT_PHRASES):
        return Ending.OPEN
    if expect is Expect.YES_NO and words[0] in en.YES_NO_HEAD and all(w in en.YES_NO for w in words):
        if words[-1] in en.YES_NO_OPEN and not ends(said, en.CLOSED_ENDS) and not echoes(words):
            return Ending.OPEN
        return Ending.SAID if said in en.HEDGES else Ending.DONE
    if _SHORTENED.search(text):
        return Ending.OPEN
    if _DATED.search(said):
        return Ending.ASKED
    if (closing := closes(said, lambda before: english(before, expect, lengths))) is not None:
        return closing
    for rule in (answers, _reads_number, _spells):
        if (ending := rule(words, said, expect, lengths)) is not None:
            return ending
    if words[-1] == "wait" and len(words) <= _SHORT:
        return Ending.OPEN
    last = normalise(_SENTENCES.split(text.strip())[-1])
    ending = _sentence(last or said, asked=text.rstrip().endswith("?"))
    if only_opens(said):
        return Ending.SAID if words[-1] in COURTESIES or ends(said, AGREED) else max(ending, Ending.SAID)
    if ending is Ending.SAID and expect is Expect.YES_NO and words[0] in en.YES_NO_HEAD and len(words) > 1:
        return Ending.ASKED
    return ending


def _reads_number(words: list[str], said: str, expect: Expect, lengths: Sequence[int]) -> Ending | None:
    found = _NUMBER_AT_END.search(said)
    if not found:
        return Ending.OPEN if expect is Expect.DIGITS and _announced(words) else None
    if expect is Expect.DIGITS:
        return number(sum(len(words_to_digits(run)) for run in _NUMBER.findall(said)), lengths)
    before = said[: found.start()].split()
    digits = len(words_to_digits(found[1]))
    phone = any(word in en.PHONE_LEADS for word in before[-5:])
    dictated = len(found[1].split()) >= _DICTATED and digits >= _DICTATED
    if not before and not dictated:
        return Ending.MORE  # a house number, "two": more may follow, or not
    told = before[-1:] == ["is"] or ends(" ".join(before), ("me at", "me on", "number", "order", "code"))
    if dictated or (told and any(word in en.NUMBER_LEADS for word in before[-4:])):
        return number(digits, () if phone else lengths)
    return Ending.OPEN if phone and told else None


def _announced(words: list[str]) -> bool:
    """The number is announced, not begun: "it is", "yes", "sure my number is"."""
    return all(w in en.OPENERS or w in ("it", "is", "number", "the", "my", "order") for w in words)


def _spells(words: list[str], said: str, expect: Expect, lengths: Sequence[int]) -> Ending | None:
    """A name letter by letter: nobody but the caller knows when it is whole."""
    letters = [len(word) == 1 and word.isalpha() or word in en.ALPHABET for word in words[-2:]]
    as_in = re.search(r"\b[a-z] (?:as in|for|like|as) \w+$", said) is not None
    if expect is Expect.SPELLING and (letters[-1] or as_in or len(words) <= _SHORT):
        return Ending.OPEN
    alone = letters[-1] and words[-1] not in ("a", "i", "o") and len(words) > 1
    return Ending.OPEN if as_in or alone or (len(letters) > 1 and all(letters)) else None


def _sentence(said: str, *, asked: bool) -> Ending:
    body = _without_openers(said.split())
    if not body:
        return Ending.MORE if all(word in en.GREETINGS for word in said.split()) else Ending.SAID
    if len(body) == 1 and body[0] in en.ALONE:
        return Ending.OPEN
    wh, question = _question(body)
    if not ends(said, en.CLOSED_ENDS) and _open(body, " ".join(body), wh=wh, question=question):
        return Ending.OPEN
    text = " ".join(body)
    if len(body) > 1 and (ends(text, en.SENTENCE_ENDS + en.ASKED_ENDS) or (not question and _concludes(body))):
        return Ending.ASKED
    if question or asked or body[0] in en.IMPERATIVES or starts(text, en.REQUESTS):
        if _wants_more(body, wh=wh):
            return Ending.SAID
        return Ending.ASKED if wh or (asked and not question) or _rounded(body) else Ending.SAID
    if _first_half(body):
        return Ending.MORE
    told = body[0] in en.TELLERS and any(word in en.PAST or word.endswith("ed") for word in body[1:4])
    if (told and "not" not in body) or starts(text, en.MORE_PHRASES):
        return Ending.MORE
    return Ending.SAID


def _without_openers(words: list[str]) -> list[str]:
    at = 0
    while at < len(words) and words[at] in en.OPENERS:
        at += 1
    if words[at : at + 1] == ["just"] and words[at + 1 : at + 2] and words[at + 1] in en.IMPERATIVES:
        at += 1
    return words[at:]


def _question(body: list[str]) -> tuple[bool, bool]:
    """Whether it asks with a question word, and whether it asks at all: from its first word on, or from a later one."""
    if len(body) > _SHORT - 1 and body[0] in en.INVERTED_FIRST and body[1] not in en.NOT_INVERTED:
        return False, True
    joints = en.CONJUNCTIONS | en.OPENERS | {""}
    for i, (before, word) in enumerate(zip(["", *body], body, strict=False)):
        after = body[i + 1] if i + 1 < len(body) else ""
        if before in joints and word in en.WH and ((not before and word != "when") or after in en.INVERTED):
            return True, True
        if before in joints and word in en.INVERTED and after in en.INVERTED_SUBJECTS:
            return False, True
    return False, False


def _open(body: list[str], said: str, *, wh: bool, question: bool) -> bool:
    """The last words ask for others."""
    last, before = body[-1], body[-2] if len(body) > 1 else ""
    if last == "may" and before in en.MONTH_BEFORE:
        return False
    if last in en.CONJUNCTIONS or last in en.DETERMINERS or ends(said, en.ASK_ON):
        return True
    if said in en.REQUESTS or ends(said, en.GIVEN_TO) or said == "make it":
        return True
    if last == "that" and before in en.THAT_BEFORE and len(body) > 2:
        return True
    if last in en.SUBJECTS:
        return not (wh and before in en.BE)
    if last in en.PREPOSITIONS:
        apart = last in en.APART and before not in en.PREPOSITIONS and any(word in en.DETERMINERS for word in body)
        if apart and any(word in en.SEPARABLE for word in body[:-2]):
            return False
        if last in en.STATES and before in en.BE:
            return False
        return not ((last in en.PARTICLES and before in en.BEFORE_PARTICLE) or (wh and len(body) > _SHORT))
    if question and last in en.PRONOUNS and before in en.AUXILIARIES:
        return not (wh and before in en.BE)
    if last in en.AUXILIARIES and question:
        return not (wh and (last in ("do", "have") or (last == "be" and body[0] in ("how", "what"))))
    purpose = before == "to" and body[-3] not in en.BEFORE_INFINITIVE if len(body) > _SHORT else False
    if not purpose and any(word in en.ASKED_BEFORE for word in body[:-2]):
        return last in en.LEADING and last not in en.WH
    if last in en.CONTENT_VERBS:
        return not wh and not question
    if last in en.NEEDS_OBJECT:
        verb = before in en.VERB_BEFORE or (question and before == "it")
        return verb and not (wh and body[0] in ("what", "which", "who", "how"))
    if last in en.LEADING:
        return len(body) > 1 or last not in en.WH
    return not question and (last in en.AUXILIARIES or _ends_tag(said))


def _concludes(body: list[str]) -> bool:
    """A statement that leaves nothing open: a verdict, a promise with its time, a refusal with its object."""
    if body[-1] in en.VERDICTS and any(word in en.BE for word in body[1:-1]):
        return True
    if body[0] in ("i", "we") and body[1:2] == ["will"] and len(body) > _SHORT:
        return _rounded(body)
    return "not" in body[:-2] and body[0] in en.SUBJECTS and body[-1] in en.FINISHERS


def _first_half(body: list[str]) -> bool:
    """ "If it rains tomorrow": a second subject has not come."""
    if len(body) < _SHORT or body[0] not in en.SUBORDINATE or body[1] not in en.PRONOUNS | en.DETERMINERS:
        return False
    return not any(word in en.PRONOUNS for word in body[2:])


def _wants_more(body: list[str], *, wh: bool) -> bool:
    """A question that seems complete, and whose last word yet is one of something, or one to do something."""
    if wh and body[-1] in en.RELATIONAL and not any(word in en.ADJUNCTS for word in body[1:-1]):
        return True
    if body[-2:] in (["it", "costs"], ["it", "takes"]):
        return True
    if body[1:2] == ["about"] and body[-1] in en.DAYS:  # "what about thursday" goes on with a time
        return True
    return body[0] in en.BE and body[1:2] == ["there"] and len(body) <= _SHORT + 1


def _rounded(body: list[str]) -> bool:
    """More than verb and object: who has said where, when, with what, or asks for a state, rarely goes on.

    "Can I return a bike" may be all, or "... that I bought online" follows.
    """
    if body[-1] in en.FINISHERS or (body[0] in en.BE and body[1:2] != ["there"] and "possible" not in body[:-1]):
        return True
    for before, word in zip(body[1:], body[2:-1], strict=False):
        if word in en.ADJUNCTS or (word == "to" and before not in en.BEFORE_INFINITIVE):
            return True
    return False


def _ends_tag(said: str) -> bool:
    """A link to what is missing; "..., i think" after a sentence is none."""
    if re.search(r"\w \w.* i (?:think|guess|believe|suppose|mean)$", said):
        return False
    return said in en.BEGINNINGS or ends(said, en.LINKS)
