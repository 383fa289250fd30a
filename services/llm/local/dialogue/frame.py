"""What is known of a call between two of the caller's sentences, and what can be done next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from parley.agents.identity import VERIFY
from services.llm.contract import Message, Role, ToolCall
from services.llm.local.dialogue import answers, confirmation
from services.llm.local.understanding.domain import Domain


@dataclass(frozen=True, slots=True)
class Offer:
    """What a yes to `question`, the last words of a tool's summary, does."""

    question: str
    intent: str
    slots: dict[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """`slots`: all values heard in this call. `waiting`: the slot that was asked for. `partial`: digits so far.

    `confirming`: a yes does it. `heard`: the bot's last words that the caller heard. `topic`: the last question for
    knowledge, and `topic_intent`, what it was about. `beside`: intents done at once beside the one that goes on.
    `tried`: values given to tools, also those that failed; `worked`: those that did not. `said`: the caller's last
    words. `missed`: how often in a row the bot had to say that it did not get or know something. `told`: it has said
    what it can do. `doubted`: the intent that the bot asked whether it was meant, and `doubted_slots`, what was said
    with it. `offer`: what the last tool offered to do next.

    Of who the caller is (`verification.py`): `proofs`, their words by factor, of which so many as `proven` were found
    right together; `proving`, the factor that is still owed an answer; `checking`, the id of the tool call that checks;
    `locked`: there are no more tries.

    `declined`: the caller was asked for their yes to a tool, and did not give it.
    """

    intent: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    waiting: str = ""
    partial: str = ""
    confirming: bool = False
    heard: str = ""
    topic: str = ""
    topic_intent: str = ""
    beside: tuple[str, ...] = ()
    tried: dict[str, str] = field(default_factory=dict)
    worked: dict[str, str] = field(default_factory=dict)
    said: str = ""
    missed: int = 0
    told: bool = False
    doubted: str = ""
    doubted_slots: dict[str, str] = field(default_factory=dict)
    offer: Offer | None = None
    proofs: dict[str, str] = field(default_factory=dict)
    proven: int = 0
    proving: str = ""
    checking: str = ""
    locked: bool = False
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool, with those of the slots that it knows. `first`: words for the caller before it begins."""

    intent: str
    slots: dict[str, str]
    first: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Answer from knowledge. `sure`: the question is in the domain, `intent`'s; `off_topic`: it is most likely not.

    `doubted`: it may as well not be in the domain. `question`: what was said, or the part of it that asks.
    `unknown`: words that the agent does not know; the passages must hold them.
    `topic`, `topic_intent`: the question before, which this one leans on, and what it was about.
    """

    sure: bool
    off_topic: bool = False
    doubted: bool = False
    intent: str = ""
    question: str = ""
    topic: str = ""
    topic_intent: str = ""
    unknown: tuple[str, ...] = ()


Act = Say | Call | Look


def heard(frame: Frame, message: Message, domain: Domain) -> Frame:
    """What the bot did and said, whichever engine it was. A tool call tells intent and slots for certain.

    What a tool failed with is not kept, unless it did before: the caller is asked again instead. Where a number that is
    read out was among it, it is that.
    """
    if message.role is Role.TOOL and message.tool_call_id and message.tool_call_id == frame.checking:
        return checked(frame, message.text)[0]
    if message.role is Role.TOOL:
        at_work = [name for name in (frame.intent, *frame.beside) if name]
        if state := confirmation.of_text(message.text):
            return replace(frame, declined=state == "declined")
        failed = answers.has_failed(message.text)
        needs = {slot for name in at_work for slot in domain.intents[name].needs}
        worked = {n: v for n, v in frame.tried.items() if n in needs} if not failed else {}
        frame = replace(frame, worked={**frame.worked, **worked}, offer=offered(message.text, domain))
        numbers = {name for name in needs if domain.slots[name].kind == "digits"}
        gone = {n for n in numbers if failed and frame.slots.get(n) != frame.worked.get(n)}
        gone |= {n for n in frame.slots if n in domain.slots and domain.slots[n].once}
        return replace(frame, slots={n: v for n, v in frame.slots.items() if n not in gone})
    for call in message.tool_calls:
        frame = replace(frame, checking=call.id) if call.name == VERIFY else frame
        if (intent := domain.of_tool(call.name, frame.intent)) and intent not in frame.beside:
            given = {k: str(v) for k, v in _arguments(call).items() if v and domain.keeps(k)}
            frame = replace(
                frame, intent=intent, slots={**frame.slots, **given}, waiting="", partial="", confirming=False
            )
            frame = replace(frame, tried={**frame.tried, **given}, declined=False)
    return _after_words(frame, message.text, domain) if message.role is Role.ASSISTANT and message.text else frame


def checked(frame: Frame, result: str) -> tuple[Frame, str]:
    """What a check of who the caller is has found: `right`, `wrong`, `locked`; "" where it could not be done."""
    try:
        told = orjson.loads(result)
    except orjson.JSONDecodeError:
        told = None
    verified = told.get("verified") if isinstance(told, dict) else None
    frame = replace(frame, checking="")
    if verified is True:
        return replace(frame, proven=len(frame.proofs)), "right"
    frame = replace(frame, proofs={}, proven=0)
    if verified is None or not isinstance(told, dict):
        return frame, ""
    return (replace(frame, locked=True), "locked") if told.get("locked") else (frame, "wrong")


def offered(result: str, domain: Domain) -> Offer | None:
    """What a tool's result has under `offers`: a tool of this agent's intents, with its arguments. None: nothing."""
    try:
        told = orjson.loads(result)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict) or not isinstance(offers := told.get("offers"), dict):
        return None
    intent, given = domain.of_tool(str(offers.get("tool", ""))), offers.get("arguments")
    question = str(told.get("summary", "")).strip()
    question = question[max(question.rfind(mark, 0, -1) for mark in ".!?") + 1 :].strip()
    if not intent or not question.endswith("?"):
        return None
    known = {n: str(v) for n, v in given.items() if n in domain.slots} if isinstance(given, dict) else {}
    return Offer(question, intent, known)


def capabilities(domain: Domain) -> str:
    """What the agent's words for "not understood" say of what it can do; "" if they only apologise."""
    return domain.language.without_apology(domain.agent.domain.fallback)


def _after_words(frame: Frame, said: str, domain: Domain) -> Frame:
    missed = frame.missed + 1 if domain.language.is_miss(said, domain.agent.domain.fallback) else 0
    can_do = capabilities(domain)
    return replace(frame, heard=said, missed=missed, told=frame.told or bool(can_do and can_do in said))


def _arguments(call: ToolCall) -> dict[str, Any]:
    """Another engine's call may hold anything."""
    try:
        read = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}
