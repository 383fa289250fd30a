"""`agent.yaml`: how the agent's callers talk, for the engines that run without a vendor."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from parley.agents.strict import Strict
from parley.errors import BadInput
from parley.text.phrases import parse


def _parsed(phrase: str) -> str:
    try:
        parse(phrase)
    except BadInput as e:
        raise ValueError(str(e)) from e
    return phrase


Phrase = Annotated[str, AfterValidator(_parsed)]
"""A template that can be read: `parley.text.phrases`."""


class Slot(Strict):
    """Something a tool needs. `kind` says how it is heard; `values` for a choice, `also` what else may be said for
    one of them; `ask` is the question for it. `otherwise`: the value when the caller has none to give ("no",
    "nothing"); without it the wish is left.

    `digits` are read out one by one, of a `number` the value counts: "minus three point five" is -3.5. A value counts
    for the rest of the call; `once`: for one run of a tool, as a reading or a day does. A `sentence` is all that the
    caller said: it is there whenever an intent needs it, and for that time only. A `card`, and its
    security `code`, is the token that stands for it in an agent that takes payments.

    A tool gets `digits` and a `number` in figures, a `time` as "15:30", a `day` as "2026-12-08" where it takes a date,
    else in the caller's words ("next tuesday": `parley.text.days` reads them), a `choice` as it stands in `values`, a
    `name` and a `text` as said.
    """

    kind: Literal["digits", "number", "choice", "text", "day", "time", "name", "sentence", "card", "code"] = "text"
    length: int = Field(0, ge=0, le=20)
    values: tuple[str, ...] = ()
    also: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    ask: str = ""
    once: bool = False
    otherwise: str = ""

    @model_validator(mode="after")
    def _also_of_values(self) -> Slot:
        if unknown := [value for value in self.also if value not in self.values]:
            raise ValueError(f"also: {unknown[0]!r} is none of values; known are {', '.join(self.values) or 'none'}")
        return self


class Intent(Strict):
    """What callers want, and in which words: `phrases` with `[a|b|]` alternatives and `{slot}` places.

    `tool`: called with the slots once all in `needs`, which have the names of its arguments, are known. `say`: a fixed
    answer instead. `answer`: how to say a tool's result, with its fields in braces; without it the result's own
    `summary` is said. An intent with neither `tool` nor `say` is a question for the knowledge. `acknowledge`: said at
    once to a caller who has just said so, before the tool begins or a value is asked for: "I am sorry about the wait."
    `about`: ends the question "Do you mean ...?" to a caller whose wish is in doubt; empty: the intent's name.
    """

    phrases: tuple[Phrase, ...] = Field(min_length=1)
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

    @model_validator(mode="after")
    def _slots_that_intents_need(self) -> Domain:
        known = ", ".join(self.slots) or "none"
        for name, intent in self.intents.items():
            for need in intent.needs:
                if need not in self.slots:
                    near = get_close_matches(need, self.slots, 1)
                    meant = f", did you mean {near[0]}?" if near else f"; domain.slots has {known}"
                    raise ValueError(f"intents.{name}.needs: there is no slot {need}{meant}")
                if not self.slots[need].ask and self.slots[need].kind != "sentence":
                    raise ValueError(f"slots.{need}.ask: is empty, and intent {name} needs it; write the question")
        return self
