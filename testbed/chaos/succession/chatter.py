"""What callers talk of while one fault follows another: longer answers, and interruptions of one word."""

from __future__ import annotations

import random
from dataclasses import dataclass

from services.orchestrator.run.prompt import CONTINUE
from testbed.chaos import talk
from testbed.chaos.talk import said_in
from testbed.letters import LETTERS
from testbed.vendors.openai.script import Messages, Reply, Tools, text_of
from testbed.vendors.wordcodec import words_of

ONE_WORD = ("Wait.", "No.", "Stop.")
_ASKS = "the whole history of {mark}"
HISTORY = (
    "the history of {mark} is a long one. two brothers began it in a small shop by the river. they mended carts and "
    "wheels for farmers there. later they sold the first bicycles in the whole valley. then their shop burned down, "
    "and they built it again from stone. now it stands on the market square and everybody around knows it well"
)
"""Its last word stands nowhere else in it."""
LISTENS = "yes please, go ahead"
"""To an interruption of one word."""
_TOKENS_PER_S = 8.0
QUESTION, BOOKING, TALE, MURMUR, WORD, WORDS = "question", "booking", "long answer", "uh-huh", "one word", "words"
KINDS = {QUESTION: 3, BOOKING: 2, TALE: 1, MURMUR: 1, WORD: 5, WORDS: 3}
"""How often each comes, in proportion."""
INTERRUPTIONS = (WORD, WORDS)
_INTO_S = (0.8, 5.0)
"""From the beginning of a long answer to what is said into it."""
AIMED = 0.6
"""So many interruptions have their ears killed; half of those twice."""
FIRST_S, AGAIN_S = (0.0, 0.3), (0.1, 0.7)
"""From the caller's first sound to the first kill, and from that to the second."""


@dataclass(frozen=True)
class Topic:
    """One exchange as it is meant. `over`: what is said into the answer, `into_s` after its beginning; `aims`: when the
    ears are killed, in seconds from the first sound of that. `answers`: texts of which one must be heard."""

    kind: str
    mark: str
    question: str
    answers: tuple[str, ...]
    over: str = ""
    cut: str = ""
    into_s: float = 0.0
    aims: tuple[float, ...] = ()

    @property
    def interrupts(self) -> bool:
        return self.kind in INTERRUPTIONS


def topic(dice: random.Random, mark: str, other: str) -> Topic:
    """The next exchange of a caller. `mark`: two words that name it; `other`: what a caller asks who interrupts."""
    kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
    into_s, word, aims = dice.uniform(*_INTO_S), dice.choice(ONE_WORD), _aims(dice)
    if kind in (QUESTION, BOOKING):
        ask = talk.QUICK if kind == QUESTION else talk.BOOK
        answers = (talk.ANSWERS[ask].format(mark=mark), *([talk.NOT_KNOWN.format(mark=mark)] * (kind == BOOKING)))
        return Topic(kind, mark, talk.ASKS[ask].format(mark=mark), answers)
    question, history = _ASKS.format(mark=mark), HISTORY.format(mark=mark)
    if kind == WORD:
        return Topic(kind, mark, question, (LISTENS,), word, history, into_s, aims)
    if kind == WORDS:
        over, answer = talk.ASKS[talk.WAIT].format(mark=other), talk.ANSWERS[talk.WAIT].format(mark=other)
        return Topic(kind, mark, question, (answer,), over, history, into_s, aims)
    return Topic(kind, mark, question, (history,), talk.UH_HUH if kind == MURMUR else "", "", into_s)


def _aims(dice: random.Random) -> tuple[float, ...]:
    first, again, aimed, twice = dice.uniform(*FIRST_S), dice.uniform(*AGAIN_S), dice.random(), dice.random()
    if aimed >= AIMED:
        return ()
    return (first, first + again) if twice < 0.5 else (first,)


def answer(messages: Messages, tools: Tools) -> Reply:
    """The model's stand-in for these too; all else is as in `talk`."""
    places = [n for n, m in enumerate(messages) if m.get("role") == "user" and said_in(m)]
    since = messages[places[-1] :] if places else []
    heard = words_of(said_in(since[0])) if since else []
    if heard and all(f"{word}." in map(str.lower, ONE_WORD) for word in heard):
        return Reply(LISTENS)
    if "history" not in heard or heard[-1] not in LETTERS:
        return talk.answer(messages, tools)
    whole = HISTORY.format(mark=" ".join([word for word in heard if word in LETTERS][-2:]))
    rest = talk.rest(whole, since) if CONTINUE in text_of(messages[-1]) else whole
    return Reply(rest, tokens_per_s=_TOKENS_PER_S)
