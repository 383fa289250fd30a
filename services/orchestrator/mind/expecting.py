"""What kind of answer the bot's own words ask for, so that the ears know a whole one when they hear it. Pure.

English; in any other language every question is free.
"""

from __future__ import annotations

import re

from parley.text.words import count

FREE, YES_NO, DIGITS, SPELLING = "free", "yes_no", "digits", "spelling"
CHOICE, DAY, TIME, NAME, AMOUNT = "choice", "day", "time", "name", "amount"

_SENTENCE = re.compile(r"[^.?!]+[.?!]*")
_NO_END = re.compile(r"(?<=\d)\.(?=\d)|\b([ap])\.m\.")
_AFTER_QUESTION = 10
"""Words that may follow a question and leave it one: "It has four digits."."""
_UNHEARD = 2
"""Last words of a question without which it is understood, when more of it was heard."""
_REQUEST = re.compile(
    r"^(?:and |so |then |now |okay |just )*(?:please|tell|give|say|let me know|i (?:just |only )?need)\b"
)

_SPELL = re.compile(r"\b(?:spell|letter by letter)\b")
_NUMBER = re.compile(
    r"\b(?:(?:order|phone|telephone|mobile|account|card|customer|reference|tracking|confirmation|invoice|member|"
    r"serial|booking|policy|case|ticket|contact|your|the) numbers?|zip code|postal code|postcode|pin code|"
    r"digits)\b"
)
_ASKS_FOR_IT = re.compile(
    r"^(?:and )?(?:your|the)\b|\b(?:what|which|tell|give|have|know|need|say|repeat|read|enter|share|provide|"
    r"with)\b"
)

_TAG = re.compile(r"(?:, | )(?:right|correct|yes|is that (?:right|correct|okay|all right)|okay)\?$|\byes or no\b")
_HEAD = (
    r"(?:is|are|was|were|do|does|did|shall|should|would|will|may|can|could|have|has|had|am|isn't|aren't|don't|didn't|"
    r"doesn't|won't|wouldn't|shouldn't|haven't|hasn't)\b"
)
_SUBJECT = (
    r"(?: not)? (?:i|you|we|it|that|this|these|those|they|he|she|there|the|your|my|our|everything|anybody|anyone)\b"
)
_LEAD = re.compile(
    r"^(?:(?:okay|ok|all right|alright|great|good|thank you|thanks|sorry|so|and|or|but|well|now|then|"
    r"just to confirm|to confirm|perfect|sure|yes|of course|certainly|wonderful|lovely|excellent|no problem|i see|"
    r"understood)[, ]+)+"
)
_ASKS_YES_NO = re.compile(rf"^(?!was){_HEAD}|^was{_SUBJECT}")
_BY_TONE = re.compile(
    r"^(?:(?:you )?(?:want|need|ready|still|mean)\b|you (?:said|want|need|would|mean|are|have|will)\b|(?:that|it|this)"
    r"(?: is|'s| was| would)\b|(?:how|what) about (?:a |an |at |on |the )?\w+(?: \w+){0,4}\?|how (?:does|do|would|is) "
    r".* (?:sound|work|suit)\b|how's \w+ o'clock|same \w+)"
)
"""They offer, or say what was understood: "how does Tuesday sound?", "you want to return it?"."""
_CONFIRM = re.compile(r"^(?:so|just to confirm|to confirm|and so)[,:] ")
_LATER = re.compile(rf"(?:[,;:\u2013\u2014-] ?|\b(?:so|and|then|but|or) )({_HEAD}{_SUBJECT}.*)$")
"""The question of a sentence that tells something first: "I have ten o'clock, shall I book it?"."""
_REST = re.compile(
    r"[,;:\u2013\u2014] ?(?:and |so |but )?((?:(?:on|at|for|in|by|to|under) )?(?:what|which|how|when|who)\b.*)$"
)

_WH = re.compile(r"\b(?:what|which|how|when|where|who|whose|why)\b")
_EMBEDDED = re.compile(
    r"^(?:and |so )?(?:(?:can|could|would|will) you (?:please |just )?(?:tell|say|give|remind|let me know|share)|"
    r"(?:do|would) you (?:happen to )?(?:know|remember|recall|mind telling)|may i (?:ask|know|have)|(?:can|"
    r"could) i (?:ask|know|have|get|take)|(?:please |just )*(?:tell|give|say|let me know|i need))\b"
)
_OR = re.compile(r"\bor\b")
_TWO = re.compile(r"[,:\u2013\u2014] ?(?:\w+ ){1,4}?or (?:\w+ ){0,4}\w+\?$")
"""Behind a question word: "how can we reach you, by phone or by mail?"."""
_NO_CHOICE = re.compile(
    r",? or (?:not|no|so|more|less|later|what|(?:something|anything|somebody|anyone)\b.*|(?:is there|"
    r"do you have) .*)\?*$|\b(?:a|an|one|two|three|four) (?:\w+ )?or (?:so|two|three|four|five)\b|\byes or no\b|"
    r"\bsooner or later\b|\bmore or less\b"
)
_ANYTHING = re.compile(r"\b(?:anything|something|any other|else|any questions|more questions|any more)\b")

_PREFERRED = re.compile(
    r"\b(?:preferred|particular|specific|certain) (day|date|time)\b|"
    r"\ba(?: \w+)? (day|date|time) (?:that|which|in mind|you|when)\b"
)
_BIRTH = re.compile(r"\b(?:birth|birthday|born)\b")
_DAYS = re.compile(
    r"\b(?:what|which|on what|on which) (?:\w+ )?(?:day|days|date|dates|weekday|month|week)\b|\bthe date\b"
)
_TIMES = re.compile(
    r"\b(?:what|which) (?:\w+ )?(?:time|times|hour|time slot|slot)\b|\bwhat time\b|\bhow (?:soon|early|late)\b|"
    r"\bsince when\b|^(?:and )?(?:until |by )?when\b|\b(?:tell|know|ask|say|remember|recall) (?:me )?(?:\w+ )?when\b|"
    r"\bwhen (?:would|should|shall|can|do you|did you|works|suits|is good|is a good|is best)\b|^what (?:would|"
    r"will|is|'s).* (?:good|best|better|convenient) time\b"
)
_AMOUNTS = re.compile(r"\bhow (?:many|much|old|long|often|big|tall|far|large|heavy)\b")
_ONE_NAME = re.compile(
    r"\b(?:first|last|family|sur|given|middle|pet|dog|company|street|doctor|middle)[ ']?s? ?names?\b|\bsurname\b"
)
_BOTH_NAMES = re.compile(
    r"\b(?:first|last|given|family) (?:name )?and (?:your )?(?:first|last|family|given|sur) ?names?\b"
)
_NAMES = re.compile(
    r"\b(?:your|the|full|whose|what|which) (?:\w+ )?names?\b|\bwho(?:m)? am i (?:speaking|talking)\b|\bwho(?: is|"
    r"'s) (?:calling|speaking|this)\b"
)
_THINGS = re.compile(
    r"\bwhich\b|\bwhat (?:kind|sort|type|colou?r|size|city|town|country|state|model|brand|make|language|flavou?r|"
    r"floor|room|shade|version|plan|seat|material|shape|department|branch|store|shop|option|bike|car|one)\b|"
    r"\bwhat is your favou?rite\b"
)
_KINDS = ((DAY, _DAYS), (TIME, _TIMES), (AMOUNT, _AMOUNTS), (CHOICE, _ONE_NAME), (NAME, _NAMES), (CHOICE, _THINGS))
_LONG = re.compile(r"\b(?:address|e-?mail|problem|issue|matter|reason|happened|trouble|concern|mean by|details)\b")


def asks_for(text: str) -> str:
    """`yes_no`, `choice`, `day`, `time`, `name`, `amount`, `digits`, `spelling`, or `free`.

    `day`: a day or a date is the whole answer. `time`: a day alone is half of it. `choice`: one thing of few words.
    """
    after = 0
    for sentence in reversed(_sentences(text)):
        if sentence.endswith("?") or _REQUEST.match(sentence):
            kind = _kind(sentence)
            if kind != FREE or sentence.endswith("?"):
                return kind
        after += count(sentence)
        if after > _AFTER_QUESTION:
            return FREE
    return FREE


def asked_by(text: str, heard: int) -> str:
    """The same, of its first `heard` characters. A question whose last words were missed is one yet."""
    for found in _SENTENCE.finditer(text):
        if found.start() < heard < found.end():
            whole, missed = count(found[0]), count(text[heard : found.end()])
            near = missed <= _UNHEARD and 2 * missed <= whole
            return asks_for(text[: found.end()] if near else text[: found.start()])
    return asks_for(text[:heard])


def _sentences(text: str) -> list[str]:
    text = _NO_END.sub(lambda m: f"{m[1]}m" if m[1] else " ", text.lower().replace("\u2019", "'"))
    return [s.strip() for s in _SENTENCE.findall(text) if s.strip()]


def _kind(sentence: str) -> str:
    if _SPELL.search(sentence):
        return SPELLING
    asks_whether = sentence.startswith(("is ", "are ", "was "))
    if _wants_number(sentence) and not _TAG.search(sentence) and not asks_whether:
        return DIGITS
    if not sentence.endswith("?"):
        return _thing(sentence) if _EMBEDDED.match(sentence) or _REQUEST.match(sentence) else FREE
    if _TAG.search(sentence):
        return YES_NO
    if _CONFIRM.match(sentence) and not _WH.search(sentence) and not _OR.search(sentence):
        return YES_NO
    bare = _LEAD.sub("", sentence)
    if not (_ASKS_YES_NO.match(bare) or _WH.match(bare)) and (later := _REST.search(bare) or _LATER.search(bare)):
        bare = later[1]
    if _EMBEDDED.match(bare) and (_WH.search(bare) or _NAMES.search(bare) or _ONE_NAME.search(bare)):
        return _thing(bare)
    if _ANYTHING.search(bare):
        return FREE
    if (preferred := _PREFERRED.search(bare)) and not _WH.search(bare):
        return DAY if {"day", "date"} & {*preferred.groups()} else TIME
    if _ASKS_YES_NO.match(bare) or _BY_TONE.match(bare):
        return CHOICE if _OR.search(_NO_CHOICE.sub("", bare)) else YES_NO
    if (thing := _thing(bare)) != FREE or (_WH.search(bare) and not _TWO.search(bare)):
        return thing
    return CHOICE if _OR.search(_NO_CHOICE.sub("", bare)) else FREE


def _thing(question: str) -> str:
    """What a question word asks for. Two things at once are free; a day and a time are a time."""
    kinds = [kind for kind, of in _KINDS if of.search(question)]
    if _BIRTH.search(question) or (_LONG.search(question) and not {DAY, TIME, AMOUNT} & {*kinds}):
        return FREE
    if _BOTH_NAMES.search(question):
        return NAME
    if CHOICE in kinds and len(kinds) > 1:
        kinds = [kind for kind in kinds if kind != CHOICE] if not _ONE_NAME.search(question) else [CHOICE]
    if set(kinds) == {DAY, TIME}:
        return TIME
    return kinds[0] if len(kinds) == 1 else FREE


def _wants_number(sentence: str) -> bool:
    return _NUMBER.search(sentence) is not None and _ASKS_FOR_IT.search(sentence) is not None
