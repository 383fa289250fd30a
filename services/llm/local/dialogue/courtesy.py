"""What is said to talk that any conversation has: small talk, praise, anger, "slower", "did you get that?". Pure."""

from __future__ import annotations

import re

from parley.text.phrases import spoken_digits
from services.llm.local.dialogue import moves
from services.llm.local.dialogue.frame import Frame
from services.llm.local.understanding.digits import HOLE
from services.llm.local.understanding.domain import Domain

_NUMBER_WORD = "zero|one|two|three|four|five|six|seven|eight|nine"
_READ_OUT = re.compile(rf"\b(?:{_NUMBER_WORD})(?: (?:{_NUMBER_WORD}))+\b")


def words_for(frame: Frame, move: str, domain: Domain) -> str:
    """The words for a move that neither does nor ends anything; "" for others."""
    company = domain.agent.company
    if own := domain.own_words.get(move):
        return own
    match move:
        case "repeat":
            return _again(frame.heard) or moves.NOTHING_TO_REPEAT
        case "slower":
            return f"{moves.SLOWLY} {slowly(_again(frame.heard))}" if frame.heard else moves.NOTHING_TO_REPEAT
        case "understood":
            return understood(frame, domain)
        case "unfinished":
            return moves.TAKE_YOUR_TIME if frame.waiting or frame.confirming else moves.LISTENING
        case "torn":
            return f"{moves.YES_OR_NO} {_last_question(frame.heard)}".strip()
        case "insult":
            return moves.CALM if domain.human else moves.CALM_ALONE
        case "help":
            told = moves.without_apology(domain.agent.domain.fallback)
            return told or moves.HELP.format(company=company)
        case "robot":
            return moves.ROBOT
    plain = {
        "who": moves.WHO, "joke": moves.NO_JOKES, "how_are_you": moves.WELL, "pleased": moves.PLEASED,
        "compliment": moves.PLEASED, "hello": moves.HELLO, "thanks": moves.WELCOME, "wait": moves.TAKE_YOUR_TIME,
        "nothing": moves.ALL_RIGHT, "misunderstood": moves.MISUNDERSTOOD,
    }  # fmt: skip
    return plain.get(move, "").format(company=company)


def understood(frame: Frame, domain: Domain) -> str:
    """What is known of the caller's wish: values by their names, else the last words that were heard."""
    if frame.partial:
        return so_far(frame.partial)
    known = [f"{name.replace('_', ' ')} {spoken(name, value, domain)}" for name, value in frame.slots.items()]
    if known or frame.said:
        return moves.UNDERSTOOD.format(said=" and ".join(known) or frame.said.strip(" .?!"))
    return moves.NOT_HEARD


def so_far(partial: str) -> str:
    """Asks for the rest of a number where it is missing."""
    if HOLE in partial:
        before, after = map(spoken_digits, partial.split(HOLE))
        return moves.GAP.format(before=before, after=after)
    return moves.SO_FAR.format(said=spoken_digits(partial))


def spoken(name: str, value: str, domain: Domain) -> str:
    """A slot's value as it is said; digits one by one."""
    digits = name in domain.slots and domain.slots[name].kind == "digits"
    return spoken_digits(value) if digits else value


def slowly(text: str) -> str:
    """The same words with a pause after each digit: what a voice of one speed can do."""
    return _READ_OUT.sub(lambda run: run.group().replace(" ", ", "), text)


def _again(heard: str) -> str:
    """What is said again, without how it was begun the last time."""
    return heard.removeprefix(moves.SLOWLY).strip()


def _last_question(heard: str) -> str:
    return heard[max(heard.rfind(mark, 0, -1) for mark in ".!?") + 1 :].strip() if heard.endswith("?") else ""
