"""`agent.yaml`: what happens when somebody who follows a call thinks that its caller needs a person."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from parley.agents.guardrails import Said
from parley.agents.strict import Strict
from parley.text.words import has_words

ASK = "Would you like me to connect you to a colleague?"
SAY = "I will connect you to a colleague."


class Escalation(Strict):
    """What an `escalate` on `call.<id>.signal` does: from the watcher of callers' moods, or from a supervisor.

    `do`: `notify`: it is shown in the console, and nothing is said. `offer`: the bot asks `ask`; on a yes it says `say`
    and connects. `transfer`: it says `say` and connects. `nothing`. `to`: a number; empty: the agent's `transfer_to`.
    `say` is said before a transfer that a supervisor wants, too.
    """

    do: Literal["notify", "offer", "transfer", "nothing"] = "notify"
    to: str = Field(
        "",
        pattern=r"^(\+[1-9][0-9]{6,14})?$",
        description="a telephone number with + and country code, as +15551234567",
    )
    ask: Said = ASK
    say: Said = SAY

    @field_validator("ask", "say")
    @classmethod
    def _has_words(cls, sentence: str) -> str:
        if not has_words(sentence):
            raise ValueError(f"{sentence!r} has no word in it; write a sentence, or leave the field out")
        return sentence
