"""What an exchange has lost, when faults followed each other: nothing, or each thing that went wrong in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.chaos.callers import understood
from testbed.chaos.succession.chatter import BOOKING, MURMUR
from testbed.chaos.succession.exchange import Exchange, Line
from testbed.chaos.verdict import CUT_OFF, missing_of
from testbed.vendors.decoder import Word
from testbed.vendors.wordcodec import words_of

_FINAL_S = 3.0
"""Words are final by so long after their end, also where their ears had died."""
_ANSWERED = 0.5
_LEG_S = 0.2


@dataclass
class Account:
    """`wrong`: what must not be. `excused`: the caller's words that were not final, or said into no ear, when a gateway
    ended. `again`: the bot's words that were said again because of that. `silent_s`: from the first sound of an
    interruption to the last word of the answer that it broke into; None where there was no interruption.
    """

    caller: str
    kind: str
    began: float
    ended: float
    wrong: list[str] = field(default_factory=list)
    excused: int = 0
    again: int = 0
    unknown: int = 0
    silent_s: float | None = None
    heard: str = ""

    def has(self, what: str) -> bool:
        return any(wrong.startswith(what) for wrong in self.wrong)


LOST, UNANSWERED, UNSILENCED, FORGOTTEN = "call lost", "not answered", "not silenced", "forgotten"
WORDS_LOST, BOT_LOST, TWICE, DOUBLED = "words lost", "bot's words lost", "said twice", "done twice"


def judge(each: Exchange, found: Sequence[Word], requests: Sequence[dict[str, Any]], booked: int) -> Account:
    """`found`: the words that were heard; `requests`: bodies of what the model was asked meanwhile; `booked`: how often
    the action was done.
    """
    topic = each.topic
    account = Account(each.caller, topic.kind, each.began, each.ended)
    account.heard = " ".join(word.text for word in found) or "silence"
    if each.lost:
        account.wrong.append(f"{LOST}: {each.lost}")
        return account
    lost = _callers_words(account, each, requests)
    _interruption(account, each, found, lost)
    _bots_words(account, each, found, lost)
    if topic.kind == BOOKING:
        account.unknown = int(not booked)
        if booked > 1:
            account.wrong.append(f"{DOUBLED}: {booked} times")
    return account


def _callers_words(account: Account, each: Exchange, requests: Sequence[dict[str, Any]]) -> set[str]:
    """Those that the model was not told of."""
    lines = [line for line in each.lines if each.topic.kind != MURMUR or line is each.lines[0]]
    told = words_of(" ".join(understood(requests, len(lines))))
    said = [word for line in lines for word in words_of(line.text)]
    missing, more = missing_of(said, told), missing_of(told, said)
    at_risk = [word for line in lines if _broke(each, line) for word in words_of(line.text)]
    excused = Counter(missing) & Counter(at_risk)
    account.excused = excused.total()
    wrong = list((Counter(missing) - excused).elements())
    if each.topic.interrupts and each.over is not None and not set(wrong).isdisjoint(words_of(each.over.text)):
        whole = not missing_of(words_of(each.over.text), wrong)
        account.wrong.append(f"{FORGOTTEN if whole else WORDS_LOST}: {' '.join(wrong)} of {each.over.text!r}")
    elif wrong:
        account.wrong.append(f"{WORDS_LOST}: {' '.join(wrong)}")
    if more:
        account.wrong.append(f"{TWICE} by the caller: {' '.join(more)}")
    return set(missing)


def _broke(each: Exchange, line: Line) -> bool:
    """Its words may have been lost with a gateway."""
    start, end = line.spoken.start - _LEG_S, line.spoken.end + _FINAL_S
    return line.lost > 0 or any(start <= at <= end for at in each.broke)


def _interruption(account: Account, each: Exchange, found: Sequence[Word], lost: set[str]) -> None:
    """The answer that was broken into must end with it: whatever else is heard, its last words are not."""
    over, topic = each.over, each.topic
    if over is None or not topic.interrupts:
        return
    start, end = over.spoken.start - each.began, over.spoken.end - each.began
    old = set(words_of(topic.cut)) - set(words_of(" ".join((*topic.answers, CUT_OFF))))
    after = [word for word in found if word.text in old and word.end_ms / 1000 > start]
    account.silent_s = max((word.end_ms / 1000 - start for word in after), default=0.0)
    last = words_of(topic.cut)[-1]
    to_the_end = any(word.text == last and word.start_ms / 1000 > end for word in after)
    if to_the_end and not (lost and account.excused):
        account.wrong.append(f"{UNSILENCED}: the answer went on to its end")


def _bots_words(account: Account, each: Exchange, found: Sequence[Word], lost: set[str]) -> None:
    """The answer is heard whole, and nothing twice but what is begun again after an apology."""
    topic = each.topic
    after_s = each.asked_at - each.began
    texts = [w.text for w in found if not topic.interrupts or w.end_ms / 1000 > after_s]
    expected = min((words_of(a) for a in topic.answers), key=lambda words: len(missing_of(words, texts)))
    missing = [word for word in missing_of(expected, texts) if word not in lost]
    holes = sum(at >= each.began for at, _ in each.call.heard.gaps())
    if len(missing) > len(expected) * _ANSWERED:
        if not (account.excused and lost):
            account.wrong.append(f"{UNANSWERED}: {each.trouble or topic.question}")
        return
    if len(missing) > holes:
        account.wrong.append(f"{BOT_LOST}: {' '.join(missing)}")
    allowed = Counter(expected) + Counter(words_of(topic.cut))
    twice = Counter(w.text for w in found) - allowed
    broke = bool(each.broke)
    twice -= Counter(words_of(" ".join([CUT_OFF] * len(each.broke))))
    pauses = sum(each.began <= clear.at <= each.ended for clear in each.call.heard.clears)
    if broke:
        account.again = twice.total()
    elif twice.total() > pauses:
        account.wrong.append(f"{TWICE}: {' '.join(twice.elements())}")
