"""What a caller's line is, before a model is asked: for a person, of a refused topic, for a specialist. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.agents.agent import Agent
from parley.text.spoken import normalise
from parley.text.words import count, plain

_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")

MAX_CHARS = 4_000  # of a line that is looked at, its end: as much as may be typed
REPEATED_WORDS = 3  # a line of fewer words may well be said again
MAX_ESCALATIONS = 2  # of a call, to people; who came back from them is answered


def refused(agent: Agent, line: str) -> str:
    """The name of the topic, of which the longest piece of the line is; empty: none that is refused."""
    text = _plain(line)
    found = {name: len(topic.found(text)) for name, topic in agent.guardrails.refuse_topics.items()}
    best = max(found, key=found.__getitem__, default="")
    return best if best and found[best] else ""


def escalates(agent: Agent, line: str, before: Sequence[str]) -> str:
    """Why the caller is given to a person now: `person`, `angry`, `phrases`, `repeats`; empty: they are not.

    `before`: what they said in earlier turns.
    """
    if agent.escalate is None:
        return ""
    if why := agent.escalate.why(_plain(line)):
        return why
    words = plain(line)
    often = agent.escalate.repeats
    if often and count(line) >= REPEATED_WORDS and 1 + sum(plain(each) == words for each in before) >= often:
        return "repeats"
    return ""


def specialist_of(agent: Agent, line: str) -> str:
    """Whose phrases the line has; empty: nobody's, or two have as long a piece of it."""
    text = _plain(line)
    found = {name: len(each.found(text)) for name, each in agent.specialists.items()}
    best = max(found.values(), default=0)
    names = [name for name, length in found.items() if length == best]
    return names[0] if best and len(names) == 1 else ""


def _plain(line: str) -> str:
    return normalise(_UNSEEN.sub("", line[-MAX_CHARS:]))
