"""What is said: by callers, and by the model's stand-in, which can also go on after an answer that broke off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.orchestrator.run.prompt import CONTINUE
from testbed.letters import LETTERS
from testbed.vendors.openai.script import Call, Messages, Reply, Tools, lines_of, text_of

QUICK, SLOW, BOOK, STORY, TALE, WAIT = "quick", "slow", "book", "story", "tale", "wait"
ASKS = {
    QUICK: "tell me quickly of {mark}",
    SLOW: "look slowly for {mark}",
    BOOK: "book it for {mark}",
    STORY: "a story of {mark}",
    TALE: "a tale of {mark}",
    WAIT: "wait what of {mark}",
}
UH_HUH = "mm-hm"
_SHORT = "{mark} is ready for you today"
ANSWERS = {
    QUICK: _SHORT,
    SLOW: _SHORT,
    WAIT: _SHORT,
    STORY: "the story of {mark}, which is of two sisters who came to their town",
    TALE: "the tale of {mark}, which two sisters told to half of the town, and since then it has been told "
    "again by all who came to know them",
    BOOK: "done, booked {mark} for you",
}
NOT_KNOWN = "i can not say whether {mark} was done"
_KEYS = {"quickly": QUICK, "slowly": SLOW, "book": BOOK, "story": STORY, "tale": TALE, "wait": WAIT}
_NOTES = re.compile(r"\([^)]*\)")
_THINKS_MS = {SLOW: 1800.0}
_TOKENS_PER_S = {STORY: 8.0, TALE: 8.0}
"""Slow enough that a model which dies while its words are being spoken dies in the middle of them."""
PACES = (ASKS, ANSWERS, _THINKS_MS, _TOKENS_PER_S)
"""All that an answer's time follows from."""


MARKS = len(LETTERS) ** 2
"""Questions that are told apart; then their names come again."""


def mark_of(number: int) -> str:
    """Two words that name one question of one caller."""
    return f"{LETTERS[number // 16 % 16]} {LETTERS[number % 16]}"


def said_in(message: Mapping[str, Any]) -> str:
    """A message's words without what the platform adds in brackets."""
    return _NOTES.sub("", text_of(message)).strip()


def answer(messages: Messages, tools: Tools) -> Reply:
    """The model's stand-in. What it says follows from the caller's last words alone."""
    places = [n for n, m in enumerate(messages) if m.get("role") == "user" and said_in(m)]
    since = messages[places[-1] :] if places else []
    heard = said_in(since[0]).lower().replace(",", "").replace(".", "").split() if since else []
    mark = " ".join([word for word in heard if word in LETTERS][-2:])
    kind = next((_KEYS[word] for word in reversed(heard) if word in _KEYS), QUICK)
    last = messages[-1] if messages else {}
    if last.get("role") == "tool":
        return Reply(_told(last, mark))
    if kind == BOOK and tools and not any(m.get("tool_calls") for m in since):
        return Reply(calls=(Call("book_visit", {"mark": mark}),))
    whole = ANSWERS[kind].format(mark=mark)
    if CONTINUE in text_of(last):
        return Reply(rest(whole, since), tokens_per_s=_TOKENS_PER_S.get(kind, 0.0))
    return Reply(whole, wait_ms=_THINKS_MS.get(kind, 0.0), tokens_per_s=_TOKENS_PER_S.get(kind, 0.0))


def _told(result: Mapping[str, Any], mark: str) -> str:
    known = "booked" in text_of(result)
    return (ANSWERS[BOOK] if known else NOT_KNOWN).format(mark=mark)


def rest(whole: str, since: Messages) -> str:
    """What of an answer was not said yet."""
    parts = [line.removesuffix("\u2014").strip() for line in lines_of(since)]
    said = " ".join(part for part in parts if part and part in whole)
    return whole[len(said) :].lstrip() if whole.startswith(said) else whole
