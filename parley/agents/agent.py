"""`agent.yaml` as a whole: one bot, checked. Its parts have files of their own."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from parley.agents.confirmation import Confirmation
from parley.agents.domain import Domain
from parley.agents.escalation import Escalation
from parley.agents.foreign.mcp import MAX_SERVERS, McpServer, ServerName
from parley.agents.guardrails import Guardrails
from parley.agents.identity import VERIFY, Identity
from parley.agents.listening import Ahead, Endpointing, Interruption
from parley.agents.outcomes import Outcomes
from parley.agents.queries import TOOLS as QUERY_TOOLS
from parley.agents.queries import Queries
from parley.agents.records import Data
from parley.agents.speaking import Fillers, Opening, Sentences, Silence, Voice
from parley.agents.specialists import FRONT, MAX_SPECIALISTS, Escalate, Specialist
from parley.agents.specialists import NAME as SPECIALIST_NAME
from parley.agents.strict import Strict
from parley.agents.thinking import Knowledge, Limits
from parley.text.placeholders import BUILT_IN, NAME, RESERVED, names_in
from parley.text.sentences import MUST_HEAR

MAX_SENTENCES_BYTES = 6_000
MAX_VARIABLES = 32
MAX_DEFAULT_CHARS = 100
SPECIALIST = "specialist"
"""A call's parameter: the specialist that it begins with."""


class Agent(Strict):
    """One bot. `transfer_to`: the E.164 number of the people behind it; empty: calls cannot be transferred.

    `variables`: what may be known of a call (an order number, a name) by name, with what stands there when it is not;
    places for them are `{name}` in greeting, prompt and `opening.say`. `speaks_first` empty: the bot, if it has a
    greeting. `must_hear`: the sentences that are marked `interruptible: false` in the file, by name. `version`: of
    `agent.yaml` and of the files its tools are made of, a short hash each. `tools`: of its own tools, those it may use;
    None: all. `mcp`: servers whose tools it may use too, as `<server>_<tool>`. `payment`: callers pay by card; what is
    said, typed or pressed in answer to a question for a card is kept for tools, and known to nobody else.
    """

    name: str = ""
    version: str = ""
    company: str
    language: str = "en"
    greeting: str = ""
    prompt: str = Field(min_length=1)
    speaks_first: Literal["", "bot", "caller"] = ""
    opening: Opening = Opening()
    variables: dict[str, str] = Field(default_factory=dict, max_length=MAX_VARIABLES)
    voice: Voice = Voice()
    models: dict[str, str] = Field(default_factory=dict)
    tools: tuple[str, ...] | None = None
    mcp: dict[ServerName, McpServer] = Field(default_factory=dict, max_length=MAX_SERVERS)
    transfer_to: str = Field(
        "",
        pattern=r"^(\+[1-9][0-9]{6,14})?$",
        description="a telephone number with + and country code, as +15551234567",
    )
    keyterms: tuple[str, ...] = ()
    endpointing: Endpointing = Endpointing()
    interruption: Interruption = Interruption()
    ahead: Ahead = Ahead()
    fillers: Fillers = Fillers()
    silence: Silence = Silence()
    confirmation: Confirmation = Confirmation()
    limits: Limits = Limits()
    knowledge: Knowledge = Knowledge()
    data: Data = Data()
    outcomes: Outcomes = Outcomes()
    queries: Queries | None = None
    sentences: Sentences = Sentences()
    must_hear: tuple[str, ...] = MUST_HEAR
    domain: Domain = Domain()
    identity: Identity | None = None
    guardrails: Guardrails = Guardrails()
    specialists: dict[str, Specialist] = Field(default_factory=dict, max_length=MAX_SPECIALISTS)
    escalate: Escalate | None = None
    escalation: Escalation = Escalation()
    payment: bool = False

    @model_validator(mode="after")
    def _sentences_fit(self) -> Agent:
        said = [self.greeting, self.opening.say, *self.variables, *self.variables.values()]
        said += [*self.silence.prompts, self.silence.goodbye, *self.sentences.model_dump().values()]
        if "confirmation" in self.model_fields_set:
            said += [*self.confirmation.yes, *self.confirmation.no, self.confirmation.unclear]
        said += [*self.fillers.sentences, *(self.interruption.backchannels or ())]
        said += self.guardrails.must_say.sentences.values()
        said += [text for name, each in self.specialists.items() for text in (name, *each.tools)]
        if "escalation" in self.model_fields_set:
            said += [self.escalation.ask, self.escalation.say]
        if (size := sum(len(text.encode()) for text in said)) > MAX_SENTENCES_BYTES:
            raise ValueError(
                f"its own sentences (greeting, silence, fillers, variables, names of specialists' tools and the like) "
                f"are {size:,} bytes of UTF-8 together; at most {MAX_SENTENCES_BYTES:,}, as each call's state has them"
            )
        return self

    @field_validator("variables")
    @classmethod
    def _named(cls, variables: dict[str, str]) -> dict[str, str]:
        for name, default in variables.items():
            if not re.fullmatch(NAME, name):
                raise ValueError(f"{name!r}: a name is a letter, then up to 39 letters, digits and _")
            if name in RESERVED:
                raise ValueError(f"{name}: is known of every call, as {{{name}}}; choose another name")
            if len(default) > MAX_DEFAULT_CHARS:
                raise ValueError(f"{name}: its default has {len(default)} characters; at most {MAX_DEFAULT_CHARS}")
        return variables

    @model_validator(mode="after")
    def _places_are_known(self) -> Agent:
        known = {*self.variables, *BUILT_IN}
        for field, text in (("greeting", self.greeting), ("prompt", self.prompt), ("opening.say", self.opening.say)):
            if unknown := [name for name in names_in(text) if name not in known]:
                place, name = f"{{{unknown[0]}}}", unknown[0]
                raise ValueError(
                    f"{field}: nothing is known for {place}; give it a default, `variables: {{{name}: ...}}`, or write "
                    f"{{{place}}} for the text itself"
                )
        return self

    @model_validator(mode="after")
    def _somebody_speaks(self) -> Agent:
        if not {"greeting", "speaks_first"} & self.model_fields_set:
            raise ValueError("greeting: missing; write one, or speaks_first: caller")
        if self.speaks_first == "bot" and not self.greeting.strip():
            raise ValueError("greeting: empty, and speaks_first is bot; write one, or speaks_first: caller")
        if not self.caller_first and "opening" in self.model_fields_set:
            raise ValueError("opening: is for an agent with speaks_first: caller (or without a greeting)")
        if self.caller_first and not self.first_words:
            raise ValueError("opening.say: empty, as are greeting and silence.prompts; write one of them")
        return self

    @property
    def caller_first(self) -> bool:
        """The call begins with the caller's words, or with silence."""
        return self.speaks_first == "caller" or not self.greeting.strip()

    @property
    def first_words(self) -> str:
        """What the bot says when it speaks first, or when the caller who should have does not."""
        texts = (self.greeting,) if not self.caller_first else (self.opening.say, self.greeting, *self.silence.prompts)
        return next((text for text in texts if text.strip()), "")

    @model_validator(mode="after")
    def _fillers_of_tools(self) -> Agent:
        unknown = sorted(name for name in self.fillers.by_tool if self.tools and not self.may_use(name))
        if unknown:
            raise ValueError(f"fillers.by_tool: {', '.join(unknown)} is not among this agent's tools; see `tools`")
        return self

    @field_validator("specialists")
    @classmethod
    def _specialists_are_named(cls, specialists: dict[str, Specialist]) -> dict[str, Specialist]:
        for name in specialists:
            if name == FRONT or not re.fullmatch(SPECIALIST_NAME, name):
                raise ValueError(
                    f"{name!r}: a name is small letters, digits and _, at most 30; `{FRONT}` is the agent itself"
                )
        return specialists

    @model_validator(mode="after")
    def _specialists_fit(self) -> Agent:
        known = ", ".join(self.specialists) or "none"
        for name, each in self.specialists.items():
            if missing := sorted(set(each.tools) - set(self.tools or each.tools)):
                raise ValueError(f"specialists.{name}.tools: {', '.join(missing)} is not among this agent's `tools`")
        if self.specialists and SPECIALIST in self.variables:
            raise ValueError(f"variables.{SPECIALIST}: says which specialist a call begins with; choose another name")
        if self.escalate and self.escalate.to and self.escalate.to not in self.specialists:
            raise ValueError(f"escalate.to: there is no specialist {self.escalate.to}; known are {known}")
        if self.escalate and not (self.escalate.to or self.transfer_to):
            raise ValueError("escalate: nobody to give a call to; write `transfer_to`, or `escalate.to` a specialist")
        return self

    @model_validator(mode="after")
    def _escalation_has_people(self) -> Agent:
        wants = self.escalation.do in ("offer", "transfer")
        if wants and not (self.escalation.to or self.transfer_to):
            raise ValueError("escalation: nobody to connect a caller to; write `escalation.to` or `transfer_to`")
        if wants and not self.language.startswith("en"):
            needed = ("ask", "say") if self.escalation.do == "offer" else ("say",)
            if missing := [name for name in needed if name not in self.escalation.model_fields_set]:
                raise ValueError(f"escalation.{missing[0]}: missing; write it in the agent's language, {self.language}")
        return self

    @property
    def builtin_tools(self) -> tuple[str, ...]:
        """Names of the tools that other parts of the file give it, beside those of tools.py."""
        verify = (VERIFY,) if self.identity is not None else ()
        return (*verify, *(QUERY_TOOLS if self.queries is not None else ()))

    @property
    def secret_tools(self) -> tuple[str, ...]:
        """Those whose arguments are not kept once they have ended."""
        return (VERIFY,) if self.identity is not None else ()

    def may_use(self, tool: str) -> bool:
        """Whether a tool of this name is offered to the model, where there is one."""
        foreign = any(tool.startswith(f"{server}_") for server in self.mcp)
        return self.tools is None or tool in self.tools or tool in self.builtin_tools or foreign

    @property
    def number_lengths(self) -> tuple[int, ...]:
        """Digits of the numbers callers read out."""
        slots = {slot.length for slot in self.domain.slots.values() if slot.kind == "digits" and slot.length}
        return self.endpointing.number_lengths or tuple(sorted(slots))
