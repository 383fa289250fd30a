"""`agent.yaml`: what an agent will not talk about, what it must say, and what is looked at before it is said."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from parley.agents.strict import Strict
from parley.agents.wording import MAX_PHRASES, Text, Wording, checked_patterns
from parley.text.sentences import read

MAX_TOPICS = 30
_BETWEEN = r"[\s\u2010-\u2015_-]+"  # words of a name
Said = Annotated[str, Field(min_length=1, max_length=400)]


class RefusedTopic(Wording):
    """A topic that the agent does not touch: a caller's line of it is answered with `say`, and no model is asked."""

    say: Said

    @model_validator(mode="after")
    def _is_known_by_something(self) -> RefusedTopic:
        if not (self.phrases or self.patterns or self.examples):
            raise ValueError("has neither phrases nor patterns nor examples; write how callers come to speak of it")
        return self


class MustSay(Strict):
    """Sentences that are said word for word: around the greeting (in a call in which the caller speaks first, before
    the first answer), before a transfer, before the bot hangs up. They are heard to the end unless they are written
    `{text: ..., interruptible: true}`; `may_interrupt` has the names of those that are.
    """

    before_greeting: str = Field("", max_length=600)
    after_greeting: str = Field("", max_length=600)
    before_transfer: str = Field("", max_length=600)
    before_hang_up: str = Field("", max_length=600)
    may_interrupt: tuple[str, ...] = Field((), exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if "may_interrupt" in data:
            raise ValueError("may_interrupt: not a field; write {text: ..., interruptible: true} at the sentence")
        out, free = dict(data), []
        for name, value in data.items():
            if isinstance(value, dict):
                out[name], interruptible = read(name, value, interruptible=False)
                free += [name] if interruptible else []
        return {**out, "may_interrupt": tuple(free)} if free else out

    @property
    def sentences(self) -> dict[str, str]:
        """Those that are written, by name."""
        return {name: text for name in MOMENTS if (text := str(getattr(self, name)).strip())}

    @property
    def must_hear(self) -> tuple[str, ...]:
        return tuple(name for name in self.sentences if name not in self.may_interrupt)


MOMENTS = ("before_greeting", "after_greeting", "before_transfer", "before_hang_up")


class NeverSay(Strict):
    """What is cut from a model's words: `words` and names, `patterns` over the text as it stands (case does not count),
    and with `cards` the numbers of payment cards, in digits or in words.
    """

    words: tuple[Text, ...] = Field((), max_length=MAX_PHRASES)
    patterns: tuple[Text, ...] = Field((), max_length=MAX_PHRASES)
    cards: bool = False

    @field_validator("patterns")
    @classmethod
    def _patterns_are_right(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return checked_patterns(patterns)

    @cached_property
    def compiled(self) -> tuple[re.Pattern[str], ...]:
        words = "|".join(_BETWEEN.join(map(re.escape, word.split())) for word in self.words)
        own = (rf"(?<!\w)(?:{words})(?:['\u2019]s)?(?!\w)",) if words else ()
        return tuple(re.compile(pattern, re.IGNORECASE) for pattern in (*own, *self.patterns))


class Guardrails(Strict):
    """`numbers: from_sources`: numbers in a model's words that are in no tool's result, no passage, neither in the
    prompt nor in what is known of the call nor in the caller's own words are flagged, or (`unsourced: replace`) their
    sentence is not said but `instead`. `show`: the page is told, too.
    """

    refuse_topics: dict[str, RefusedTopic] = Field(default_factory=dict, max_length=MAX_TOPICS)
    must_say: MustSay = MustSay()
    never_say: NeverSay = NeverSay()
    numbers: Literal["", "from_sources"] = ""
    unsourced: Literal["flag", "replace"] = "flag"
    instead: Said = "I do not want to tell you a number that I am not sure of."
    show: bool = False

    @field_validator("refuse_topics")
    @classmethod
    def _named(cls, topics: dict[str, RefusedTopic]) -> dict[str, RefusedTopic]:
        for name in topics:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
                raise ValueError(f"{name!r}: a topic's name is small letters, digits and _, at most 40")
        return topics

    @model_validator(mode="after")
    def _numbers_are_looked_at(self) -> Guardrails:
        if not self.numbers and {"unsourced", "instead"} & self.model_fields_set:
            raise ValueError("unsourced, instead: are for an agent with `numbers: from_sources`")
        return self

    @property
    def looks_at_answers(self) -> bool:
        return bool(self.numbers or self.never_say.cards or self.never_say.compiled)
