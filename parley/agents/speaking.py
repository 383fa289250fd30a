"""`agent.yaml`: how the agent speaks. Its voice, and the words it has beside the model's."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from parley.agents.strict import Strict
from parley.engines import engines_of

Sentence = Annotated[str, Field(min_length=1, max_length=160)]


class Voice(BaseModel):
    """Which voice, by engine name, as in `local: en-us+f3`. `speed` 1 = as the voice is."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Annotated[str, Field(max_length=200)]]

    speed: float = Field(1.0, ge=0.7, le=1.3)

    @model_validator(mode="after")
    def _known(self) -> Voice:
        known = engines_of("tts")
        if unknown := [name for name in self.of if name not in known]:
            raise ValueError(f"{unknown[0]}: there is no such voice engine; known are {', '.join(sorted(known))}")
        return self

    @property
    def of(self) -> dict[str, str]:
        """Voices by engine."""
        return self.__pydantic_extra__


class Fillers(Strict):
    """A word while the caller waits: `after_ms` after the end of a turn that has no answer yet, `tool_after_ms` into a
    tool marked slow. `by_tool`: sentences for one tool; else one of `tools`, or of `thinking`. None: nothing is said.
    """

    after_ms: int = Field(1000, ge=200, le=10000)
    thinking: tuple[Sentence, ...] = ()
    tool_after_ms: int = Field(1500, ge=200, le=60000)
    tools: tuple[Sentence, ...] = ()
    by_tool: dict[str, tuple[Sentence, ...]] = Field(default_factory=dict)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that may be said, each once."""
        own = (sentence for sentences in self.by_tool.values() for sentence in sentences)
        return tuple(dict.fromkeys((*self.thinking, *self.tools, *own)))

    @field_validator("thinking", "tools")
    @classmethod
    def _varied(cls, sentences: tuple[str, ...]) -> tuple[str, ...]:
        if len(sentences) == 1 or len(set(sentences)) < len(sentences):
            raise ValueError("must be two or more, all different: the same one is never said twice in a row")
        return sentences


class Silence(Strict):
    """A caller who says nothing is asked, then the call ends."""

    prompt_after_s: float = Field(8.0, gt=0, le=600)
    prompts: tuple[str, ...] = ("Are you still there?", "I cannot hear you. Is there anything I can do for you?")
    goodbye: str = "I will hang up now. Goodbye."


class Opening(Strict):
    """Of an agent whose caller speaks first: who says nothing for `wait_s` is spoken to after all. `say`: with these
    words; empty: with the greeting, and without one with the first of `silence.prompts`.
    """

    wait_s: float = Field(5.0, ge=0.5, le=60)
    say: str = ""


class Sentences(Strict):
    """What is said when words of its own fail the bot. `backend_down`: when what a tool needs does not answer, in place
    of the model's words about it; empty: those."""

    trouble: str = "I am sorry, something went wrong on my side. Could you say that again?"
    unavailable: str = "I am sorry, I cannot help you right now. Please call again a little later. Goodbye."
    backend_down: str = ""
    not_heard: str = "Sorry, I did not hear you. Please say that again."
    not_transferred: str = "I am sorry, nobody could take your call just now. Is there anything I can do for you?"
    cut_off: str = "Sorry, we were cut off for a moment."
    too_long: str = "Let me stop you there for a moment."
    time_is_up: str = "I am sorry, we have reached the end of the time for this call. Goodbye."
