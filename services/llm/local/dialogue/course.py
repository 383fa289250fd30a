"""Where a call stands, worked out again from its messages: the caller's sentences one by one, and what came of them."""

from __future__ import annotations

from dataclasses import replace

from parley.text.answers import consent
from services.llm.contract import Message, Role
from services.llm.local.dialogue import confirmation, dialogue, verification
from services.llm.local.dialogue.frame import Act, Call, Frame, Say, heard
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.understanding import Understanding

_REMEMBERED = 24  # messages of the caller that the frame is worked out from


async def planned(
    messages: tuple[Message, ...], understanding: Understanding
) -> tuple[Frame, list[Act], frozenset[str]]:
    """Where the call stands after the caller's last sentence, and what is to do. Of a yes to what was read back that is
    what was said behind it; the third are the tool calls that were its effect, {} for other sentences."""
    domain, frame = understanding.domain, Frame()
    acts: list[Act] = [Say(domain.agent.domain.fallback)]
    done: frozenset[str] = frozenset()
    turns = [i for i, m in enumerate(messages) if m.role is Role.USER]
    begin = turns[-_REMEMBERED - 1] + 1 if len(turns) > _REMEMBERED else 0  # with what the bot said before, too
    end = turns[-1] + 1 if turns else 0
    told = begin
    for i in range(begin, end):
        message = messages[i]
        if message.role is not Role.USER:
            frame = heard(frame, message, domain) if i >= told else frame
            continue
        if done := confirmation.done_on_yes(messages, i):
            told = next((n for n in range(i + 2, len(messages)) if messages[n].tool_call_id not in done), len(messages))
            for effect in messages[i + 1 : told]:
                frame = heard(frame, effect, domain)
            frame, acts = await _behind(frame, message.text, understanding)
            continue
        said = domain.vocabulary.respelled(message.text)
        meaning = await understanding.of(said)
        proving = verification.answered(frame, message.text, meaning, domain)
        frame, acts = proving or dialogue.plan(replace(frame, proving=""), said, meaning, domain)
    return frame, [_whole(act, frame, domain) for act in acts], done


async def _behind(frame: Frame, text: str, understanding: Understanding) -> tuple[Frame, list[Act]]:
    """What is wanted behind a yes: "and when are you open"."""
    domain = understanding.domain
    own = domain.agent.confirmation
    rest = consent.behind_yes(text, domain.agent.language, own.yes, own.no)
    if not rest:
        return frame, []
    said = domain.vocabulary.respelled(rest)
    return dialogue.plan(replace(frame, proving=""), said, await understanding.of(said), domain)


def _whole(act: Act, frame: Frame, domain: Domain) -> Act:
    """A tool that wants the caller's sentence is given the one that asked for it."""
    if not isinstance(act, Call):
        return act
    return replace(act, slots=domain.with_sentence(act.intent, act.slots, frame.said))
