"""`agent.yaml`: how the caller's yes is asked for and understood, before what can not be undone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from parley.agents.strict import Strict

Words = Annotated[str, Field(min_length=1, max_length=60)]


class Confirmation(Strict):
    """`yes`, `no`: words for it beside those of the language (English, Spanish, German and French have their own).
    `unclear`: said before a question that is asked again because the answer was no clear one.
    """

    yes: tuple[Words, ...] = Field((), max_length=30)
    no: tuple[Words, ...] = Field((), max_length=30)
    unclear: str = Field("Sorry, I need a clear answer.", max_length=200)
