"""What was said decides: a question, a yes, the last digit do not wait; "and", "my number is", "um" do.

Between them this caller's own way of pausing counts. The vendor's and the audio model's opinion move a turn one step.
"""

from __future__ import annotations

import re

from parley.text.spoken import normalise
from parley.text.words import count
from services.stt.contract import Expect
from services.stt.endpointing.answers import lone_number
from services.stt.endpointing.closers import acknowledges, only_opens
from services.stt.endpointing.dynamic import patience_ms
from services.stt.endpointing.ending import Ending, unknown_language
from services.stt.endpointing.grading import english
from services.stt.endpointing.policy import FLUSH_FROM_MS, Quiet, Wait

LEAST_MS = 250
MOST_MS = 1600
MORE_MS = 1250
ASKED_MS, ASKED_SHARE = 320, 0.4
"""After a question: so long, and this part of the caller's own patience."""
SAID_SHARE = 1.4
SURE, UNSURE = 0.8, 0.2
"""An opinion at or beyond these moves the ending a step."""

LONE, KNOWN = frozenset(("yes", "yeah", "yep", "yup", "no", "nope")), 2
"""What people say first when they answer, and often all; from so many pauses on the caller's own length of them."""
YES, LONE_MS = frozenset(("yes", "yeah", "yep", "yup", "sure", "correct", "exactly", "absolutely", "definitely")), 520
"""An asked-for yes needs nothing more; behind "no", "okay", "right" the rest often comes."""
OPENER_MS = 700
"""Behind words that open a sentence as often as they close one: a comma's pause, and room."""
SLOW_MS, SLOW_SHARE, SHORT = 700, 0.75, 6
"""Who usually pauses so long does it in questions too, behind few words rather than behind many."""
_NOT_LATIN = re.compile(r"[^\W\d_A-Za-z\u00aa-\u024f\u1e00-\u1eff]")
"""A letter that no English word has: whatever language was announced, this is another."""
_OVER = {Ending.DONE: 0.95, Ending.ASKED: 0.8, Ending.SAID: 0.6, Ending.MORE: 0.35, Ending.OPEN: 0.1}


def meaning(quiet: Quiet) -> Wait:
    wish = quiet.wish
    if wish.expect is Expect.BUTTON:
        return Wait(None, 0.0, quiet.flush_ms)
    most = wish.max_delay_ms or max(MOST_MS, wish.min_delay_ms)
    ending = Ending.SAID if quiet.behind else _judged(quiet)
    ms = max(wish.min_delay_ms or LEAST_MS, _ms(ending, quiet, most))
    ms = max(ms, _perhaps_more(ending, quiet))
    wait = Wait.soon(min(most, ms), _OVER[ending])
    return Wait(wait.ms, 0.0, FLUSH_FROM_MS) if quiet.behind else wait


def _judged(quiet: Quiet) -> Ending:
    wish = quiet.wish
    speaks_english = quiet.language.partition("-")[0].lower() == "en" and not _NOT_LATIN.search(quiet.text)
    grade = english if speaks_english else unknown_language
    ending = grade(quiet.text, wish.expect, wish.number_lengths)
    for opinion in (quiet.vendor_over, quiet.audio_over):
        if opinion is not None and ending in (Ending.ASKED, Ending.SAID, Ending.MORE):
            ending = Ending(ending - (opinion >= SURE) + (opinion <= UNSURE))
    return ending


def _perhaps_more(ending: Ending, quiet: Quiet) -> int:
    """Where the words look complete: of "no", of "thanks" and of a slow caller's question nobody is that sure."""
    pauses, said = quiet.pauses, normalise(quiet.text)
    if ending is Ending.DONE and " " not in said:
        own = pauses.mean_ms if said in LONE and pauses.count >= KNOWN else 0
        return max(own, LONE_MS if said not in YES and only_opens(said) else 0)
    if ending is Ending.ASKED and quiet.wish.expect is Expect.TIME and lone_number(said.split()):
        return LONE_MS
    if ending is Ending.ASKED and pauses.mean_ms >= SLOW_MS and count(quiet.text) <= SHORT:
        return int(SLOW_SHARE * pauses.mean_ms)
    if ending is Ending.ASKED:
        return OPENER_MS if quiet.wish.expect is Expect.FREE and acknowledges(said) else 0
    return OPENER_MS if ending >= Ending.SAID and only_opens(said) else 0


def _ms(ending: Ending, quiet: Quiet, most: int) -> int:
    patience = patience_ms(quiet.pauses)
    match ending:
        case Ending.DONE:
            return 0
        case Ending.ASKED:
            return max(ASKED_MS, int(ASKED_SHARE * patience))
        case Ending.SAID:
            return int(SAID_SHARE * patience)
        case Ending.MORE:
            return max(MORE_MS, patience)
        case _:
            return most
