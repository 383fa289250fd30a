"""What is said to talk that any conversation has: small talk, praise, anger, "slower", "did you get that?". Pure."""

from __future__ import annotations

import re

from parley.text.telling import date_of, day
from parley.text.telling import digits as read_out
from services.llm.local.dialogue.frame import Frame
from services.llm.local.understanding.digits import HOLE
from services.llm.local.understanding.domain import Domain

_NUMBER_WORD = "zero|one|two|three|four|five|six|seven|eight|nine"
_READ_OUT = re.compile(rf"\b(?:{_NUMBER_WORD})(?: (?:{_NUMBER_WORD}))+\b")


def words_for(frame: Frame, move: str, domain: Domain) -> str:
    """The words for a move that neither does nor ends anything; "" for others."""
    company, says = domain.agent.company, domain.says
    if own := domain.own_words.get(move):
        return own
    match move:
        case "repeat":
            return _again(frame.heard, domain) or says.nothing_to_repeat
        case "slower":
            return f"{says.slowly} {slowly(_again(frame.heard, domain))}" if frame.heard else says.nothing_to_repeat
        case "understood":
            return understood(frame, domain)
        case "unfinished":
            return says.take_your_time if frame.waiting or frame.confirming else says.listening
        case "torn":
            return f"{says.yes_or_no} {_last_question(frame.heard)}".strip()
        case "insult":
            return says.calm if domain.human else says.calm_alone
        case "help":
            told = domain.language.without_apology(domain.agent.domain.fallback)
            return told or says.help.format(company=company)
        case "robot":
            return says.robot
    plain = {
        "who": says.who, "joke": says.no_jokes, "how_are_you": says.well, "pleased": says.pleased,
        "compliment": says.pleased, "hello": says.hello, "thanks": says.welcome, "wait": says.take_your_time,
        "nothing": says.all_right, "misunderstood": says.misunderstood,
    }  # fmt: skip
    return plain.get(move, "").format(company=company)


def understood(frame: Frame, domain: Domain) -> str:
    """What is known of the caller's wish: values by their names, else the last words that were heard."""
    says = domain.says
    if frame.partial:
        return so_far(frame.partial, domain)
    known = [f"{name.replace('_', ' ')} {spoken(name, value, domain)}" for name, value in frame.slots.items()]
    if known or frame.said:
        return says.understood.format(said=says.and_.join(known) or frame.said.strip(" .?!"))
    return says.not_heard


def so_far(partial: str, domain: Domain) -> str:
    """Asks for the rest of a number where it is missing."""
    says = domain.says
    if HOLE in partial:
        before, after = (read_out(part, domain.agent.language) for part in partial.split(HOLE))
        return says.gap.format(before=before, after=after)
    return says.so_far.format(said=read_out(partial, domain.agent.language))


def spoken(name: str, value: str, domain: Domain) -> str:
    """A slot's value as it is said; digits one by one, a day that a tool was given as a date in words."""
    kind = domain.slots[name].kind if name in domain.slots else ""
    if kind == "day" and (on := date_of(value)) is not None:
        return day(on, domain.agent.language)
    return read_out(value, domain.agent.language) if kind == "digits" else value


def slowly(text: str) -> str:
    """The same words with a pause after each digit: what a voice of one speed can do."""
    return _READ_OUT.sub(lambda run: run.group().replace(" ", ", "), text)


def _again(heard: str, domain: Domain) -> str:
    """What is said again, without how it was begun the last time."""
    return heard.removeprefix(domain.says.slowly).strip()


def _last_question(heard: str) -> str:
    return heard[max(heard.rfind(mark, 0, -1) for mark in ".!?") + 1 :].strip() if heard.endswith("?") else ""
