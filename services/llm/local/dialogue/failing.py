"""What is said when nothing was understood or known: what the bot can do, once; then a colleague; never twice the same.

Pure.
"""

from __future__ import annotations

from services.llm.local.dialogue import moves
from services.llm.local.dialogue.frame import Frame, capabilities
from services.llm.local.understanding.domain import Domain


def fallback(frame: Frame, sure: bool, domain: Domain) -> str:
    """Words for a sentence that led nowhere. `sure`: it was understood, but nothing answers it."""
    if frame.missed:
        return _once_more(frame, sure, domain)
    if frame.waiting:
        return f"{moves.DO_NOT_UNDERSTAND} {domain.slots[frame.waiting].ask}"
    words = domain.agent.domain.fallback
    if frame.told and capabilities(domain):
        return f"{moves.DO_NOT_KNOW} {moves.WHAT_ELSE}" if sure else moves.IN_OTHER_WORDS
    return moves.does_not_know(words) if sure else words


def _once_more(frame: Frame, sure: bool, domain: Domain) -> str:
    if frame.waiting:
        asks = domain.slots[frame.waiting].ask
        ways = [f"{moves.DO_NOT_UNDERSTAND} {moves.OR_COLLEAGUE}", f"{moves.NOR_THIS} {asks}"]
        ways = ways if domain.human else ways[1:] + [f"{moves.DO_NOT_UNDERSTAND} {asks}"]
    elif domain.human:
        ways = [moves.NEITHER_KNOWN if sure else moves.AGAIN_NOT, moves.STILL_NOT]
    else:
        ways = [f"{moves.DO_NOT_KNOW} {moves.WHAT_ELSE}" if sure else moves.NOR_THIS, moves.IN_OTHER_WORDS]
    return next(way for way in ways if way != frame.heard)


def wrong_length(frame: Frame, heard: str, asks: str, domain: Domain) -> str:
    """Words for a number with too many digits; `heard` says which were heard."""
    if not frame.missed:
        return f"{heard} {asks}"
    return f"{heard} {moves.OR_COLLEAGUE if domain.human and frame.missed % 2 else moves.ONE_BY_ONE}"


def with_offer(said: str, heard: str, domain: Domain) -> str:
    """A tool's failure that is not the first: told together with the offer of a person, never twice alike."""
    if not domain.human or moves.offers_human(said):
        return said
    offered = f"{said} {moves.OFFER}"
    return moves.STILL_NO_LUCK if offered == heard else offered
