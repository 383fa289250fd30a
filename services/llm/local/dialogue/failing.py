"""What is said when nothing was understood or known: what the bot can do, once; then a colleague; never twice the same.

Pure.
"""

from __future__ import annotations

from services.llm.local.dialogue.frame import Frame, capabilities
from services.llm.local.understanding.domain import Domain


def fallback(frame: Frame, sure: bool, domain: Domain) -> str:
    """Words for a sentence that led nowhere. `sure`: it was understood, but nothing answers it."""
    says = domain.says
    if frame.missed:
        return _once_more(frame, sure, domain)
    if frame.waiting:
        return f"{says.do_not_understand} {domain.slots[frame.waiting].ask}"
    words = domain.agent.domain.fallback
    if frame.told and capabilities(domain):
        return f"{says.do_not_know} {says.what_else}" if sure else says.in_other_words
    return domain.language.does_not_know(words) if sure else words


def _once_more(frame: Frame, sure: bool, domain: Domain) -> str:
    says = domain.says
    if frame.waiting:
        asks = domain.slots[frame.waiting].ask
        ways = [f"{says.do_not_understand} {says.or_colleague}", f"{says.nor_this} {asks}"]
        ways = ways if domain.human else ways[1:] + [f"{says.do_not_understand} {asks}"]
    elif domain.human:
        ways = [says.neither_known if sure else says.again_not, says.still_not]
    else:
        ways = [f"{says.do_not_know} {says.what_else}" if sure else says.nor_this, says.in_other_words]
    return next(way for way in ways if way != frame.heard)


def wrong_length(frame: Frame, heard: str, asks: str, domain: Domain) -> str:
    """Words for a number with too many digits; `heard` says which were heard."""
    if not frame.missed:
        return f"{heard} {asks}"
    return f"{heard} {domain.says.or_colleague if domain.human and frame.missed % 2 else domain.says.one_by_one}"


def not_whole(frame: Frame, asks: str, domain: Domain) -> str:
    """Words for a part of a card's number, or one with a wrong digit. What asks for it stays last: the gateway hides
    digits while they are asked for."""
    if frame.missed and frame.missed % 2 == 0 and domain.human:
        return f"{domain.says.not_whole} {domain.says.or_colleague}"
    slowly = f"{domain.says.one_by_one} " if frame.missed else ""
    return f"{domain.says.not_whole} {slowly}{asks}"


def with_offer(said: str, heard: str, domain: Domain) -> str:
    """A tool's failure that is not the first: told together with the offer of a person, never twice alike."""
    if not domain.human or domain.language.offers_human(said):
        return said
    offered = f"{said} {domain.says.offer}"
    return domain.says.still_no_luck if offered == heard else offered
