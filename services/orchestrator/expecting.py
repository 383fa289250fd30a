"""What kind of answer the bot's own words ask for, so that the ears know a whole one when they hear it. Pure."""

from __future__ import annotations

import re

from parley.words import count

_SENTENCE = re.compile(r"[^.?!]+[.?!]*")
_AFTER_QUESTION = 10
"""Words that may follow a question and leave it one: "It has four digits."."""
_SPELL = re.compile(r"\b(?:spell|letter by letter)\b")
_NUMBER = re.compile(
    r"\b(?:(?:order|phone|telephone|mobile|account|card|customer|reference|tracking|confirmation|invoice|member|serial|"
    r"booking|policy|case|ticket|contact|your|the) numbers?|zip code|postal code|postcode|pin code|digits)\b"
)
_ASKS_FOR_IT = re.compile(
    r"^(?:and )?(?:your|the)\b|\b(?:what|which|tell|give|have|need|say|repeat|read|enter|share|provide|with)\b"
)
_YES_NO = re.compile(
    r"^(?:(?:okay|all right|alright|great|thank you|thanks|sorry|so|and|just to confirm|to confirm|perfect|sure)[, ]+)*"
    r"(?:is|are|was|were|do|does|did|shall|should|would you like|do you want|may|can i|could i|can we|have you|has|"
    r"will that|would that|is that)\b"
)
_TAG = re.compile(r"(?:, | )(?:right|correct|yes|is that right|is that correct|okay)\?$")
_OPEN = re.compile(r"\b(?:or|anything|something|what|which|how|when|where|who|why|tell me|any other|else)\b")


def asks_for(text: str) -> str:
    """`yes_no`, `digits`, `spelling`, or `free`. English; anything else is free."""
    sentences = [s.strip().lower() for s in _SENTENCE.findall(text) if s.strip()]
    question, after = "", 0
    for sentence in reversed(sentences):
        if sentence.endswith("?") or (_wants_number(sentence) and sentence.startswith(("please", "tell", "give"))):
            question = sentence
            break
        after += count(sentence)
        if after > _AFTER_QUESTION:
            return "free"
    if not question:
        return "free"
    if _SPELL.search(question):
        return "spelling"
    if _wants_number(question) and not _TAG.search(question) and not question.startswith(("is ", "are ", "was ")):
        return "digits"
    if _TAG.search(question) or (_YES_NO.match(question) and not _OPEN.search(question)):
        return "yes_no"
    return "free"


def _wants_number(sentence: str) -> bool:
    return _NUMBER.search(sentence) is not None and _ASKS_FOR_IT.search(sentence) is not None
