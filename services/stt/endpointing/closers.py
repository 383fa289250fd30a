"""Words that close a talk, and those that close it as often as they open the next sentence: "thanks, and when ..."."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from services.stt.endpointing.ending import Ending
from services.stt.endpointing.english import OPENERS, WH
from services.stt.endpointing.tables import ends, phrases, table

FAREWELLS = phrases(
    "bye, goodbye, that is all, that is it, that is everything, nothing else, that will be all, have a nice day, have "
    "a good day, have a good one, have a great day, have a nice weekend, have a great weekend, for your help, for all "
    "your help, for helping, bye now, that was all, see you, see you later, see you then, see you soon, see you "
    "tomorrow, that is all for today, talk to you later, you too, good night, i am all set, we are all set, that is "
    "all i need, that is all i needed"
)
THANKS = phrases(
    "thank you, thanks, very much, thanks a lot, please, thank you so much, thank you very much, thanks so much, many "
    "thanks"
)
"""They close a sentence that says something; alone they open one as often."""
EMPHATIC = phrases(
    "very much, thanks a lot, so much, thanks a million, thanks a bunch, a lot for that, very much indeed, for "
    "everything"
)
"""Thanks that end a talk more often than they open a sentence."""
AGREED = phrases(
    "got it, i got it, sounds good, sounds great, that is fine, that is correct, that is right, that is great, that "
    "is good, that is perfect, that is okay, that is nice, that is wonderful, that is helpful, that is very helpful, "
    "that is very kind, i see, i understand, no problem, no worries, of course, good to know, fair enough, makes "
    "sense, that makes sense, very good, very well, all right, i know, my bad, uh huh, mm hm"
)
"""With these one agrees before one goes on: "got it, and how much is it"."""
COURTESIES = table(
    "nice excellent wonderful lovely awesome brilliant fantastic amazing understood exactly absolutely definitely "
    "certainly indeed correct true really sir madam maam hiya yay wow gotcha cheers mhm yup aha huh many greetings"
)
NO_MORE = phrases(
    "no thank you, no thanks, no thank you very much, no thanks a lot, nope thanks, nope thank you, yes please, yeah "
    "please, yep please, sure please, yes please thank you, yes please thanks, yes thank you, yes thanks"
)
"""Said to an offer, and nothing is missing."""
OPENING = OPENERS | COURTESIES
OF_IT = table("that this it you sounds looks works appreciate")
_FEW = 6
"""So short a sentence that begins with one of these is said of what the bot has told."""


@lru_cache(maxsize=512)
def only_opens(said: str) -> bool:
    """Nothing but words with which one closes a talk as often as one begins a sentence: "thanks", "okay", "no"."""
    rest = f" {said} "
    for phrase in _LONGEST_FIRST:
        rest = rest.replace(f" {phrase} ", " ")
    return bool(said) and all(word in OPENING for word in rest.split())


def acknowledges(said: str) -> bool:
    """What was heard is welcome, and there is a sentence in it: "thank you so much", "that helps a lot, thanks"."""
    if ends(said, EMPHATIC) or only_opens(said):
        return ends(said, EMPHATIC)
    for phrase in THANKS:
        said = f" {said} ".replace(f" {phrase} ", " ").strip()
    words = said.split()
    while words and words[0] in OPENING - OF_IT:
        words = words[1:]
    return bool(words) and words[0] in OF_IT and len(words) <= _FEW and not (WH | {"not"}) & {*words}


def closes(said: str, grade: Callable[[str], Ending]) -> Ending | None:
    """The talk is over; or thanks and "please" end a sentence, and alone say nothing. `grade`: what is before them."""
    if ends(said, FAREWELLS):
        return Ending.DONE
    if said in NO_MORE or (ends(said, EMPHATIC) and not {"thanks", "thank"}.isdisjoint(said.split())):
        return Ending.ASKED
    if not ends(said, THANKS):
        return None
    if only_opens(said):
        return Ending.SAID
    before = said
    while found := next((p for p in THANKS if ends(before, (p,))), None):
        before = before.removesuffix(found).strip()
    ending = grade(before)
    return ending if ending is Ending.OPEN else min(ending, Ending.ASKED)


_LONGEST_FIRST = sorted(AGREED, key=len, reverse=True)
"""So that of "that is very helpful" nothing is left."""
