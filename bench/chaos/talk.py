"""What is said: by callers, and by the model's stand-in, which can also go on after an answer that broke off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.caller import LETTERS
from services.orchestrator.prompt import CONTINUE
from tests.sims.openai_script import Call, Messages, Reply, Tools, text_of

QUICK, SLOW, BOOK, STORY, WAIT = "quick", "slow", "book", "story", "wait"
ASKS = {
    QUICK: "now tell me quickly of {mark}",
    SLOW: "please look slowly for {mark}",
    BOOK: "please book it for {mark}",
    STORY: "tell me a story of {mark}",
    WAIT: "wait what is new of {mark}",
}
UH_HUH = "uh-huh"
_SHORT = "the thing called {mark} is ready for you"
ANSWERS = {
    QUICK: _SHORT,
    SLOW: _SHORT,
    WAIT: _SHORT,
    STORY: "this is the story of {mark} that was made by two sisters, and since then it has taught "
    "half of the town how to ride",
    BOOK: "done, booked {mark} for you",
}
NOT_KNOWN = "i can not say whether {mark} was done"
_KEYS = {"quickly": QUICK, "slowly": SLOW, "book": BOOK, "story": STORY, "wait": WAIT}
_THINKS_MS = {SLOW: 1800.0}


def mark_of(number: int) -> str:
    """Two words that name one question of one caller."""
    return f"{LETTERS[number // 16 % 16]} {LETTERS[number % 16]}"


def answer(messages: Messages, tools: Tools) -> Reply:
    """The model's stand-in. What it says follows from the caller's last words alone."""
    said = [m for m in messages if m.get("role") == "user" and text_of(m) != CONTINUE]
    heard = text_of(said[-1]).lower().replace(",", "").replace(".", "").split() if said else []
    mark = " ".join([word for word in heard if word in LETTERS][-2:])
    kind = next((_KEYS[word] for word in reversed(heard) if word in _KEYS), QUICK)
    last = messages[-1] if messages else {}
    if last.get("role") == "tool":
        return Reply(_told(last, mark))
    if kind == BOOK and tools and not _booked(messages, said[-1]):
        return Reply(calls=(Call("book_visit", {"mark": mark}),))
    whole = ANSWERS[kind].format(mark=mark)
    if text_of(last) == CONTINUE:
        return Reply(_rest(whole, messages, said[-1]))
    return Reply(whole, wait_ms=_THINKS_MS.get(kind, 0.0))


def _told(result: Mapping[str, Any], mark: str) -> str:
    known = "booked" in text_of(result)
    return (ANSWERS[BOOK] if known else NOT_KNOWN).format(mark=mark)


def _booked(messages: Messages, since: Mapping[str, Any]) -> bool:
    """The tool was called for these words already."""
    return any(m.get("tool_calls") for m in messages[_place(messages, since) :])


def _rest(whole: str, messages: Messages, since: Mapping[str, Any]) -> str:
    """What of an answer was not said yet."""
    said = " ".join(text_of(m) for m in messages[_place(messages, since) :] if m.get("role") == "assistant").strip()
    return whole[len(said) :].lstrip() if whole.startswith(said) else whole


def _place(messages: Messages, message: Mapping[str, Any]) -> int:
    return max(place for place, each in enumerate(messages) if each is message)
