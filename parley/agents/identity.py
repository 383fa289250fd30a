"""`agent.yaml`: how callers show who they are, by what they know."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from parley.agents.strict import Strict
from parley.text.factors.dates import Order, order_of
from parley.text.factors.readings import Kind, Ways

VERIFY = "verify_customer"
CALLER = "caller"
MAX_LEVEL = 9
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DEFAULT_LEVELS = {1: 2, 2: 3}
Words = Annotated[str, Field(min_length=1, max_length=200)]


class Factor(Strict):
    """One thing that a caller can know. `field`: of the record that has it; empty: the factor's own name. `ask`: the
    question for it. `last`: of `digits`, so many of the end are asked for; 0: all.
    """

    kind: Kind
    field: str = Field("", max_length=100)
    ask: Words
    last: int = Field(0, ge=0, le=12)

    @model_validator(mode="after")
    def _last_of_digits(self) -> Factor:
        if self.last and self.kind != "digits":
            raise ValueError(f"last: is for kind digits, and this is {self.kind}; leave it out")
        return self


class Tries(Strict):
    """How many wrong tries there may be: in one call, from one number, for one record. The last two count for
    `window_s` from the first of them on, in all calls together.
    """

    call: int = Field(3, ge=1, le=20)
    caller: int = Field(6, ge=1, le=1000)
    record: int = Field(6, ge=1, le=1000)
    window_s: int = Field(86_400, ge=60, le=604_800)


class IdentitySentences(Strict):
    """What the engine without a vendor says on the way, and what a model is given as the words for an outcome."""

    first: Words = "First I need to make sure who I am talking to."
    right: Words = "Thank you, that is right."
    wrong: Words = "I am sorry, that does not match what I have here. Let us try once more."
    locked: Words = "I am sorry, I could not confirm who you are, so that is not possible on this call."
    declined: Words = "All right. Without that I can not do it, I am sorry. Is there anything else?"
    again: Words = "Sorry, I did not understand that."


class Identity(Strict):
    """Which collection has the callers' records, how the record of one is found, and what its owner knows.

    `find_by`: factors, and `caller` for the number that calls, found in `caller_field`; any of them finds. `levels`:
    how many right factors prove one. `expires_s`: how long a level holds; 0: until the end of the call. `date_order`:
    how days and months come in numbers; empty: as in the agent's language. `country`: telephone code of numbers that
    are written without one.
    """

    collection: str = Field(min_length=1, max_length=100)
    find_by: tuple[str, ...] = Field(min_length=1, max_length=4)
    caller_field: str = Field("phone", min_length=1, max_length=100)
    factors: dict[str, Factor] = Field(min_length=1, max_length=8)
    levels: dict[int, int] = Field(default_factory=lambda: dict(_DEFAULT_LEVELS), min_length=1, max_length=MAX_LEVEL)
    tries: Tries = Tries()
    expires_s: int = Field(900, ge=0, le=14_400)
    date_order: Literal["", "dmy", "mdy", "ymd"] = ""
    country: str = Field("1", pattern=r"^[1-9][0-9]{0,2}$", description='a telephone code in quotes, as "44"')
    sentences: IdentitySentences = IdentitySentences()

    @field_validator("factors")
    @classmethod
    def _named(cls, factors: dict[str, Factor]) -> dict[str, Factor]:
        for name in factors:
            if not _NAME.fullmatch(name) or name.startswith("model_") or name == CALLER:
                raise ValueError(
                    f"{name!r}: a factor's name is a small letter, then up to 39 small letters, digits and _, and not "
                    f"{CALLER} or model_...; choose another"
                )
        return factors

    @model_validator(mode="after")
    def _found_by_factors(self) -> Identity:
        for name in self.find_by:
            if name != CALLER and name not in self.factors:
                raise ValueError(f"find_by: there is no factor {name}; known are {CALLER}, {', '.join(self.factors)}")
        return self

    @model_validator(mode="after")
    def _levels_can_be_reached(self) -> Identity:
        steps = self.steps
        if not steps:
            raise ValueError(
                f"levels: level 1 wants {_DEFAULT_LEVELS[1]} right factors, and there is one; add a factor, or write "
                "levels: {1: 1}"
            )
        for level, needed in steps:
            if not 1 <= level <= MAX_LEVEL:
                raise ValueError(f"levels: {level}: a level is a number from 1 to {MAX_LEVEL}")
            if not 1 <= needed <= len(self.factors):
                raise ValueError(f"levels: {level} wants {needed} right factors, and there are {len(self.factors)}")
        if any(more <= fewer for (_, fewer), (_, more) in zip(steps, steps[1:], strict=False)):
            raise ValueError("levels: a higher level must want more right factors than a lower one")
        return self

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """(level, right factors that prove it), the lowest first. Of the default what there are factors enough for."""
        steps = sorted(self.levels.items())
        given = "levels" in self.model_fields_set
        return tuple((level, needed) for level, needed in steps if given or needed <= len(self.factors))

    @property
    def order(self) -> tuple[str, ...]:
        """The factors as they are asked for: one that finds the record first."""
        first = [name for name in self.find_by if name != CALLER][:1]
        return (*first, *(name for name in self.factors if name not in first))

    def level_of(self, right: int) -> int:
        """What so many right factors prove."""
        return max((level for level, needed in self.steps if right >= needed), default=0)

    def field_of(self, name: str) -> str:
        """Where a factor stands in a record."""
        return self.caller_field if name == CALLER else self.factors[name].field or name

    def kind_of(self, name: str) -> Kind:
        return "phone" if name == CALLER else self.factors[name].kind

    def ways(self, name: str, language: str) -> Ways:
        """How this factor's answers are to be read in a call of this language."""
        order: Order = self.date_order or order_of(language)
        return Ways(order, self.country, 0 if name == CALLER else self.factors[name].last)
