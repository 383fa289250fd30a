"""`agent.yaml`: the specialists behind the bot that answers first, and when a call is for a person."""

from __future__ import annotations

import re
from functools import cached_property

from pydantic import Field, field_validator

from parley.agents.guardrails import Said
from parley.agents.speaking import Voice
from parley.agents.strict import Strict
from parley.agents.wording import MAX_PHRASES, Text, Wording, checked_phrases, compiled, longest

FRONT = "front"
"""The agent itself: who has the call until a specialist has it."""
OWN_TOOLS = ("hand_over", "escalate")
"""Tools of the platform, for agents with specialists."""
NAME = r"[a-z][a-z0-9_]{0,29}"
MAX_SPECIALISTS = 12

_WHO = "[real|actual|live|] [person|human|human being|agent|representative|rep|operator|manager|supervisor]"
PERSON = (
    f"[speak|talk] [to|with] [a|an|the|your|] {_WHO}",
    "[speak|talk] [to|with] [somebody|someone] [real|else|there]",
    f"[connect|transfer|put|pass] me [through|] to [a|an|the|your|] {_WHO}",
    "[connect|transfer|put|pass] me [through|] to [somebody|someone|a colleague|your colleague]",
    f"[get|give] me [a|an|the|your|] {_WHO}",
    "[i|i'd|i would] [want|need|like] a [real|actual|live|] [person|human|human being]",
    "[do not|don't] want to [talk|speak] [to|with] a [machine|robot|computer|bot]",
    "[a|an|] [operator|representative|real person|human being|human] please",
)
ANGRY = (
    "[this is|that is|you are] [so|really|absolutely|completely|] [ridiculous|outrageous|unacceptable|useless]",
    "[this is|that is] [a joke|a disgrace|bullshit|nonsense]",
    "[i am|i'm] [so|really|very|getting|] [angry|furious|fed up|pissed off|sick of this]",
    "[worst|terrible|awful|horrible] [service|company|experience]",
    "[fuck|fucking|shit|damn it|goddamn|idiot|idiots|stupid [machine|robot|bot|thing]]",
    "[speak to|call|see|get] my lawyer",
    "[file|make] a complaint",
)


class Specialist(Wording):
    """One who does a part of the work. `about`: what it is for, as its colleagues are told. `prompt`: behind the
    agent's own. `tools`: its own, beside those that no specialist names. `models`, `voice`: instead of the agent's, by
    engine. `phrases`, `patterns`, `examples`: with which callers come to it.
    """

    about: str = Field(min_length=1, max_length=300)
    prompt: str = Field(min_length=1)
    tools: tuple[str, ...] = ()
    models: dict[str, str] = Field(default_factory=dict)
    voice: Voice | None = None


class Escalate(Strict):
    """When the caller is given to a person, without a model's say: asked for one (`person`), is angry (`angry`), says
    something of the agent's own `phrases`, or said the same `repeats` times (0: does not count). `to`: a specialist;
    empty: `transfer_to`, behind the words `say`. `person` and `angry` without a list: those of English.
    """

    to: str = ""
    say: Said = "I will connect you to a colleague."
    person: tuple[Text, ...] = Field(PERSON, max_length=MAX_PHRASES)
    angry: tuple[Text, ...] = Field(ANGRY, max_length=MAX_PHRASES)
    phrases: tuple[Text, ...] = Field((), max_length=MAX_PHRASES)
    repeats: int = Field(3, ge=0, le=10)

    @field_validator("person", "angry", "phrases")
    @classmethod
    def _phrases_are_right(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        return checked_phrases(phrases)

    @cached_property
    def _compiled(self) -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
        lists = (("person", self.person), ("angry", self.angry), ("phrases", self.phrases))
        return tuple((why, compiled(phrases)) for why, phrases in lists)

    def why(self, text: str) -> str:
        """`person`, `angry` or `phrases`, if a normalised sentence says so; else ""."""
        return next((why for why, patterns in self._compiled if longest(patterns, text)), "")
