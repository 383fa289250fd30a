"""What kind of answer the bot's own words ask for, so that the ears know a whole one when they hear it. Pure.

English; in any other language every question is free, but for one for a number (`asked_numbers.py`).
"""

from __future__ import annotations

import re

from parley.text.answers.consent import base_of
from parley.text.words import count
from services.orchestrator.mind.asked_numbers import asks_for_number

FREE, YES_NO, DIGITS, SPELLING = "free", "yes_no", "digits", "spelling"
CHOICE, DAY, TIME, NAME, AMOUNT = "choice", "day", "time", "name", "amount"

_SENTENCE = re.compile(r"[^.?!]+[.?!]*")
_NO_END = re.compile(r"(?<=\d)\.(?=\d)|\b([ap])\.m\.|\b(mr|mrs|ms|dr|st)\.")
_AFTER_QUESTION = 10
"""Words that may follow a question and leave it one: "It has four digits."."""
_UNHEARD = 2
"""Last words of a question without which it is understood, when more of it was heard."""
_ASKED_OF = (
    r"(?:please |just |kindly )*(?:tell|give|say|read|remind|let me (?:know|have)|confirm|verify|state|share|choose|"
    r"enter)\b"
)
_REQUEST = re.compile(
    rf"(?:^|[,:;\u2013\u2014] |\b(?:and|so|then|now|okay|if you (?:can|could)) )(?:please\b|{_ASKED_OF})|"
    r"\bi(?:'ll| will|'d| would| do)?(?: just| only| also| then| now)* (?:need|like to (?:ask|know))\b"
)
"""A statement that asks: "Please tell me ...", "I just need ...", "Let me know which ..."."""
_FOR_YOURS = re.compile(
    r"\b(?:need|is|give me|tell me|read me|read|say|state|have|confirm|verify|share|choose|enter|with) (?:your|which|"
    r"what|how|where|who|whose)\b|\b(?:tell|give|read|remind) me (?:of )?the\b|\b(?:let me know|ask) (?:which|what|how|"
    r"where|who)\b"
)
_OFFERS = re.compile(r"^(?:so |and |now |then )*(?:i|we|there)(?: (?:have|can|are|is)|'ve|'s)\b.*\bor\b")
"""What there is to choose from, as the last words: "We have Monday at ten or Tuesday at four."."""

_SPELL = re.compile(r"\b(?:spell|letter by letter)\b")
_NUMBER = re.compile(
    r"(?<!house )(?<!room )(?<!apartment )(?<!flat )(?<!a )\bnumbers?\b(?! of)|\bnumber (?:to|where|we can)\b|"
    r"\bpostcode\b|\b(?:zip|postal|pin|security|verification|access|confirmation|reference|booking|sort|digit) code\b|"
    r"\bzip\b|\bdigits\b|\bpin\b|\bpasscode\b|\bmeter reading\b"
)
_MIXED = re.compile(
    r"\b(?:licen[sc]e plate|registration number|number plate|(?:employee|member|customer|user) id|serial number)\b"
)
"""Letters and digits, one by one."""
_ASKS_FOR_IT = re.compile(
    r"^(?:and )?(?:your|the)\b|\b(?:what|which|tell|give|have|know|need|say|repeat|read|enter|share|provide|"
    r"confirm|verify|state|get|with)\b"
)
_TO_GIVE = re.compile(
    r"^(?:shall|should|do you (?:need|want)|would you (?:like|prefer|rather)|did|does|will|have you|am i|is|are|was|"
    r"(?:can|could|may) i (?:give|send|text|read|repeat))\b"
)
"""They offer a number, or ask whether, and get a yes."""

_TAG = re.compile(
    r", (?:right|correct|yes|no|okay|isn't it|aren't you|don't you|is it|are you|do you)\?$|\b(?:is that|does (?:that|"
    r"it) (?:sound|look)) (?:right|correct|okay|all right|so|good|what you said)\?$|\byes or no\b"
)
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
    r"^(?:(?:you )?(?:want|need|ready|still|mean)\b|you(?:'d|'re|'ve|'ll)? (?!know)\w+ \w+|(?:that|it|this)"
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

_WH = re.compile(r"\b(?:what|which|how|when|where|whom?|whose|why)\b")
_EMBEDDED = re.compile(
    r"^(?:and |so )?(?:(?:can|could|would|will) you (?:please |just )*(?:tell|say|give|remind|let me know|share|"
    r"describe|explain|confirm|verify)|(?:do|would) you (?:happen to )?(?:know|remember|recall|mind telling)|"
    r"(?:can|could|may) i (?:please |just )*(?:ask|know|have|get|take))\b"
)
_OBJECT = re.compile(
    r"(?:tell|give|remind|share|confirm|verify|describe|explain|have|get|take)(?: me)?(?: of)? (?:your|the|a name)\b"
    r"(?! (?:permission|okay|attention|consent|agreement))"
)
_OR = re.compile(r"\bor\b")
_TWO = re.compile(r"[,:\u2013\u2014] ?(?:\w+ ){1,4}?or (?:\w+ ){0,4}\w+\?$")
"""Behind a question word: "how can we reach you, by phone or by mail?"."""
_NO_CHOICE = re.compile(
    r",? or (?:not|no|so|more|less|later|what|(?:something|anything|somebody|anyone)\b.*|(?:is there|"
    r"do you have) .*)\?*$|\b(?:a|an) (?:\w+ )?or (?:so|two|three)\b|\b(?:one|two|three|four) or (?:so|two|three|four|"
    r"five)\b|\byes or no\b|\bsooner or later\b|\bmore or less\b"
)
_ANYTHING = re.compile(
    r"\b(?:any|some)thing (?:else|more|further)|\banything (?:i|we) can\b|\bquestions\b|\bwhat else\b"
)

_PREFERRED = re.compile(
    r"\b(?:preferred|particular|specific|certain) (day|date|time)\b|"
    r"\ba(?: \w+)? (day|date|time) (?:that|which|in mind|you|when)\b"
)
_BIRTH = re.compile(r"\b(?:birth|birthday|when .*born)\b")
_DAYS = re.compile(
    r"\b(?:what|which|on what|on which) (?:\w+ )?(?:day|days|date|dates|weekday|month|week)\b|\bthe date\b"
)
_TIMES = re.compile(
    r"\b(?:what|which) (?:\w+ )?(?:time|times|hour|time slot|slot)\b|\bwhat time\b|\bhow (?:soon|early|late)\b|"
    r"\bsince when\b|^(?:and )?(?:until |by )?when\b|\b(?:tell|know|ask|say|remember|recall) (?:me )?(?:\w+ )?when\b|"
    r"\bwhen (?:would|should|shall|can|do you|did you|works|suits|is good|is a good|is best)\b|^what(?: would|"
    r" will| is|'s).*\b(?:good|best|better|convenient) time\b"
)
_AMOUNTS = re.compile(r"\bhow (?:many|much|old|long|often|big|tall|far|large|heavy)\b")
_ONE_NAME = re.compile(
    r"\b(?:first|last|family|sur|given|middle|maiden|pet|dog|company|street|doctor)[ ']?s? ?names?\b|\bsurname\b|"
    r"\bname of\b|\b(?:what|which|whose|a) names?\b"
)
_BOTH_NAMES = re.compile(
    r"\b(?:first|last|given|family) (?:name )?and (?:your )?(?:first|last|family|given|sur) ?names?\b"
)
_NAMES = re.compile(
    r"\b(?:your|the|full|whose|what|which) (?:\w+ )?names?\b|\bwho(?:m)? am i (?:speaking|talking)\b|\bwho(?: is|"
    r"'s) (?:calling|speaking|this)\b|^(?:and )?you are\?"
)
_COUNTED = re.compile(r"\b(?:house|room|apartment|flat) number\b")
_KINDS = ((DAY, _DAYS), (TIME, _TIMES), (AMOUNT, _AMOUNTS), (CHOICE, _ONE_NAME), (NAME, _NAMES), (AMOUNT, _COUNTED))
_ASKS_A_THING = re.compile(rf"{_WH.pattern}|^(?:and |in |at |on |for )*(?:the|your)\b")
"""Whatever it is, few words are it: "Where to?", "What does it say?", "And the street?"."""
_ASKS_ANY = re.compile(r"^(?:and )?any\b")
_OPEN = re.compile(
    r"\b(?:address|e-?mail|problem|issue|matter|reason|trouble|concern|details|why|happen|happened|happening|describe|"
    r"explain|wrong|symptoms|more about|goals|going on|how come|help|assist|direct your call|looking for|"
    r"your order|brings? you|(?:tell|told) you|like to (?:order|discuss|talk about|know)|"
    r"how (?:are|is) (?:you|it going|everything)|mean by|"
    r"(?:what|how) (?:can|could|may|do|should) (?:i|we) (?:do|help|get|offer|be)|what was that|know what|"
    r"this (?:is )?(?:regarding|about|concerning))\b"
)
"""What takes sentences to say, or comes in parts."""
_TWICE = re.compile(
    r"\b(?:what|which|how|when|where|who)\b.*\band (?:\w+ )?(?:what|which|how|when|where|who|the|your)\b"
)


def asks_for(text: str, language: str = "en") -> str:
    """`yes_no`, `choice`, `day`, `time`, `name`, `amount`, `digits`, `spelling`, or `free`.

    `day`: a day or a date is the whole answer. `time`: a day alone is half of it. `choice`: one thing of few words.
    """
    after, base = 0, base_of(language or "en")
    for sentence in reversed(_sentences(text)):
        asks, kind = sentence.endswith("?"), FREE
        if base != "en":
            kind = DIGITS if asks_for_number(sentence, base) else FREE
        elif asks or _REQUEST.search(sentence):
            kind = _kind(sentence)
        if asks or kind != FREE:
            return kind
        if base == "en" and not after and _OFFERS.match(sentence):
            return CHOICE
        after += count(sentence)
        if after > _AFTER_QUESTION:
            return FREE
    return FREE


def asked_by(text: str, heard: int, language: str = "en") -> str:
    """The same, of its first `heard` characters. A question whose last words were missed is one yet."""
    for found in _SENTENCE.finditer(text):
        if found.start() < heard < found.end():
            whole, missed = count(found[0]), count(text[heard : found.end()])
            near = missed <= _UNHEARD and 2 * missed <= whole
            return asks_for(text[: found.end()] if near else text[: found.start()], language)
    return asks_for(text[:heard], language)


def _sentences(text: str) -> list[str]:
    text = _NO_END.sub(lambda m: f"{m[1]}m" if m[1] else m[2] or " ", text.lower().replace("\u2019", "'"))
    return [s.strip() for s in _SENTENCE.findall(text) if s.strip()]


def _kind(sentence: str) -> str:
    if _SPELL.search(sentence):
        return SPELLING
    bare = _LEAD.sub("", sentence)
    if _ASKS_FOR_IT.search(sentence) and not _TAG.search(sentence) and not _TO_GIVE.match(bare):
        if _MIXED.search(sentence):
            return SPELLING
        if _NUMBER.search(sentence):
            return DIGITS
    if not sentence.endswith("?"):
        return _thing(sentence, CHOICE if _FOR_YOURS.search(sentence) else FREE)
    if _TAG.search(sentence):
        return YES_NO
    if _CONFIRM.match(sentence) and not _WH.search(sentence) and not _OR.search(sentence):
        return YES_NO
    if not (_ASKS_YES_NO.match(bare) or _WH.match(bare)) and (later := _REST.search(bare) or _LATER.search(bare)):
        if bare[: later.start(1)].endswith("or "):
            return CHOICE
        bare = later[1]
    if _EMBEDDED.match(bare) and any(of.search(bare) for of in (_WH, _NAMES, _ONE_NAME, _OBJECT)):
        return _thing(bare, CHOICE)
    if _ANYTHING.search(bare):
        return FREE
    if (preferred := _PREFERRED.search(bare)) and not _WH.search(bare):
        return DAY if {"day", "date"} & {*preferred.groups()} else TIME
    if _NAMES.search(bare) and bare.endswith("you are?"):
        return NAME
    if _ASKS_YES_NO.match(bare) or _BY_TONE.match(bare):
        return CHOICE if _OR.search(_NO_CHOICE.sub("", bare)) else YES_NO
    if (thing := _thing(bare, CHOICE if _ASKS_A_THING.search(bare) else FREE)) != FREE or _WH.search(bare):
        return CHOICE if thing == FREE and _TWO.search(bare) else thing
    if _ASKS_ANY.match(bare):
        return YES_NO
    return CHOICE if _OR.search(_NO_CHOICE.sub("", bare)) else FREE


def _thing(question: str, unknown: str) -> str:
    """What a question word asks for; `unknown`: if it is none of the kinds.

    Two things at once are free; a day and a time are a time.
    """
    kinds = [kind for kind, of in _KINDS if of.search(question)]
    if _BIRTH.search(question) or (_OPEN.search(question) and not {DAY, TIME, AMOUNT} & {*kinds}):
        return FREE
    if _BOTH_NAMES.search(question):
        return NAME
    if CHOICE in kinds:
        return CHOICE if not {DAY, TIME, AMOUNT} & {*kinds} else FREE
    if set(kinds) == {DAY, TIME}:
        return TIME
    if len(kinds) > 1 or (not kinds and _TWICE.search(question)):
        return FREE
    return kinds[0] if kinds else unknown
