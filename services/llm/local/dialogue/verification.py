"""Who a caller is, asked before what only they may have is done: factor by factor, then `verify_customer`.

A tool that the agent knows and the request does not have wants a level that the caller has not proven. What was asked,
said and found is read again from the messages, as everything here. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from parley.agents.identity import VERIFY, Identity
from parley.text.factors.readings import readings
from services.llm.local.dialogue.frame import Act, Call, Frame, Say, checked
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.understanding import Meaning

_IN_WORDS = ("name", "word")
"""Kinds that anything may be; of others it is heard whether something was one."""
_FEW = 2  # digits that may be a word of something else: "one moment", "to a person"
_LATER = ("wait", "unfinished")


@dataclass(frozen=True, slots=True)
class Proof:
    """What is said and done for it: `check` are the words for `verify_customer`, `calls` what may be done at last."""

    text: str = ""
    check: dict[str, str] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()


def answered(frame: Frame, said: str, meaning: Meaning, domain: Domain) -> tuple[Frame, list[Act]] | None:
    """The answer to the question for a factor; None if none was asked, or the caller speaks of something else."""
    identity = domain.agent.identity
    factor = (_asked(frame.heard, identity) or frame.proving) if identity is not None else ""
    if identity is None or factor not in identity.factors or not _wants_tool(frame, domain):
        return None
    kind = identity.kind_of(factor)
    understood = readings(kind, said, identity.ways(factor, domain.agent.language))
    if kind in _IN_WORDS or not any(len(reading) > _FEW for reading in understood):
        elsewhere = meaning.by == "pattern" and meaning.intent != frame.intent
        if meaning.move in _LATER:
            return replace(frame, proving=factor), [Say(domain.says.take_your_time)]
        if meaning.move in ("no", "unsure") or (not understood and _cannot(said, domain)):
            return replace(frame, proving="", intent=""), [Say(identity.sentences.declined)]
        if meaning.move or elsewhere:
            return None
    if not understood:
        return replace(frame, proving=factor), [Say(f"{identity.sentences.again} {identity.factors[factor].ask}")]
    anew = factor in frame.proofs
    proofs = {factor: said} if anew else {**frame.proofs, factor: said}
    frame = replace(frame, proving="", proofs=proofs, proven=0 if anew else frame.proven)
    given = {name: value for name, value in frame.slots.items() if name in domain.mentions[frame.intent]}
    return frame, [Call(frame.intent, given)]


def next_step(
    frame: Frame, acts: Sequence[Act], told: str | None, offered: Collection[str], domain: Domain
) -> Proof | None:
    """What comes before what is wanted, or at last that. `told`: what a check of this turn has just found; `offered`:
    the tools of this round. None: nothing of it has to do with who the caller is.
    """
    identity = domain.agent.identity
    if identity is None or VERIFY not in offered:
        return None
    wanted = tuple(act for act in acts if isinstance(act, Call))
    barred = [act for act in wanted if domain.intents[act.intent].tool not in offered]
    if told is None and not barred:
        return None
    sentences, order = identity.sentences, identity.order
    if told is not None:
        frame, verdict = checked(frame, told)
        if not verdict:
            return Proof(domain.agent.sentences.trouble)
        if verdict == "wrong":
            return Proof(f"{sentences.wrong} {identity.factors[order[0]].ask}")
    if frame.locked:
        return Proof(f"{sentences.locked} {domain.says.offer}" if domain.human else sentences.locked)
    if told is not None and not barred:
        return Proof(sentences.right, calls=wanted)
    if len(frame.proofs) > frame.proven and len(frame.proofs) >= identity.steps[0][1]:
        return Proof(check=dict(frame.proofs))
    left = [name for name in order if name not in frame.proofs]
    if not left and told is not None:  # all was right, and it is not enough
        return Proof(domain.agent.sentences.trouble)
    lead = sentences.right if told is not None else "" if frame.proofs and left else sentences.first
    return Proof(f"{lead} {identity.factors[(left or order)[0]].ask}".strip())


def _cannot(said: str, domain: Domain) -> bool:
    """Whether a part of a sentence is a no: "I don't have it, it was in the phone"."""
    language = domain.language
    return any(language.move(part) in ("no", "unsure") for part in language.parts(said, "clauses"))


def _wants_tool(frame: Frame, domain: Domain) -> bool:
    return frame.intent in domain.intents and bool(domain.intents[frame.intent].tool)


def _asked(heard: str, identity: Identity) -> str:
    """The factor that the bot's last words asked for; most of the question is enough. "" if none."""
    asks = {name: factor.ask for name, factor in identity.factors.items()}
    whole = [name for name, ask in asks.items() if ask in heard]
    if whole:
        return max(whole, key=lambda name: (heard.rfind(asks[name]), len(asks[name])))
    return next((name for name, ask in asks.items() if _begun(ask, heard)), "")


def _begun(ask: str, heard: str) -> bool:
    return any(heard.endswith(ask[:size]) for size in range(len(ask) // 2 + 1, len(ask)))
