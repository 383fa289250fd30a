"""`agent.yaml`: how the agent's callers talk, for the engines that run without a vendor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parley.agents.strict import Strict


class Slot(Strict):
    """Something a tool needs. `kind` says how it is heard; `values` for a choice; `ask` is the question for it.

    `digits` are read out one by one, of a `number` the value counts: "minus three point five" is -3.5. A `sentence` is
    all that the caller said, as it was said: it is there whenever an intent needs it.
    """

    kind: Literal["digits", "number", "choice", "text", "day", "name", "sentence"] = "text"
    length: int = Field(0, ge=0, le=20)
    values: tuple[str, ...] = ()
    ask: str = ""


class Intent(Strict):
    """What callers want, and in which words: `phrases` with `[a|b|]` alternatives and `{slot}` places.

    `tool`: called with the slots once all in `needs` are known. `say`: a fixed answer instead. `answer`: how to say a
    tool's result, with its fields in braces; without it the result's own `summary` is said. An intent with neither
    `tool` nor `say` is a question for the knowledge. `acknowledge`: said at once to a caller who has just said so,
    before the tool begins or a value is asked for: "I am sorry about the wait." `about`: ends the question "Do you mean
    ...?" to a caller whose wish is in doubt; empty: the intent's name.
    """

    phrases: tuple[str, ...] = Field(min_length=1)
    tool: str = ""
    needs: tuple[str, ...] = ()
    say: str = ""
    answer: str = ""
    acknowledge: str = ""
    confirm: str = ""
    about: str = ""


class Domain(Strict):
    """How this agent's callers talk: for the engines that run without a vendor.

    `words`: what the business has to do with, beside what phrases, keyterms and knowledge name. Who speaks of other
    things is not believed to want one of the intents.
    """

    slots: dict[str, Slot] = Field(default_factory=dict)
    intents: dict[str, Intent] = Field(default_factory=dict)
    words: tuple[str, ...] = ()
    fallback: str = "I am sorry, I can not help with that."
