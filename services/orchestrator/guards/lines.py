"""What a caller's line is, before a model is asked: for a person, of a refused topic, for a specialist. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from parley.agents.agent import Agent
from parley.text.spoken import normalise
from parley.text.words import count, plain

MAX_CHARS = 1_000  # of a line that is looked at, its end
REPEATED_WORDS = 3  # a line of fewer words may well be said again
MAX_ESCALATIONS = 2  # of a call, to people; who came back from them is answered


def refused(agent: Agent, line: str) -> str:
    """The name of the topic, of which the longest piece of the line is; empty: none that is refused."""
    text = normalise(line[-MAX_CHARS:])
    found = {name: len(topic.found(text)) for name, topic in agent.guardrails.refuse_topics.items()}
    best = max(found, key=found.__getitem__, default="")
    return best if best and found[best] else ""


def escalates(agent: Agent, line: str, before: Sequence[str]) -> str:
    """Why the caller is given to a person now: `person`, `angry`, `phrases`, `repeats`; empty: they are not.

    `before`: what they said in earlier turns.
    """
    if agent.escalate is None:
        return ""
    if why := agent.escalate.why(normalise(line[-MAX_CHARS:])):
        return why
    words = plain(line)
    often = agent.escalate.repeats
    if often and count(line) >= REPEATED_WORDS and 1 + sum(plain(each) == words for each in before) >= often:
        return "repeats"
    return ""


def specialist_of(agent: Agent, line: str) -> str:
    """Whose phrases the line has; empty: nobody's, or two have as long a piece of it."""
    text = normalise(line[-MAX_CHARS:])
    found = {name: len(each.found(text)) for name, each in agent.specialists.items()}
    best = max(found.values(), default=0)
    names = [name for name, length in found.items() if length == best]
    return names[0] if best and len(names) == 1 else ""
