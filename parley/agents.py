"""An agent's files: `agents/<name>/agent.yaml`, read and checked. Tools and knowledge lie beside it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from parley.engines import engines_of
from parley.errors import Misconfigured, NotFound
from parley.field_errors import told
from parley.rereading import Reread
from parley.text.placeholders import BUILT_IN, NAME, RESERVED, names_in
from parley.text.sentences import MUST_HEAR, plain


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Endpointing(_Strict):
    """ms of silence after which a turn is over: at least, at most. 0: the policy's own.

    `policy` empty: the service's. `number_lengths`: how many digits the numbers have that callers read out; empty:
    those of the domain's slots.
    """

    min_delay_ms: int = Field(0, ge=0, le=5000)
    max_delay_ms: int = Field(0, ge=0, le=10000)
    policy: Literal["", "dynamic", "fixed", "meaning", "vendor"] = ""
    number_lengths: tuple[Annotated[int, Field(ge=1, le=40)], ...] = Field((), max_length=20)


class Interruption(_Strict):
    """When a caller interrupts the bot, and when not. docs/interruptions.md says what each is for.

    Either is enough: speech of `min_speech_ms` with at least one word, or `min_words` words; 0 switches it off. A voice
    of which no word is understood for `wordless_ms` is noise. `backchannels` are no words; without a list of its own an
    agent has that of its language.
    """

    min_speech_ms: int = Field(250, ge=0, le=5000)
    min_words: int = Field(1, ge=0, le=20)
    wordless_ms: int = Field(1200, ge=300, le=10_000)
    backchannels: tuple[str, ...] | None = None
    keys: bool = True
    protect_greeting_ms: int = Field(0, ge=0, le=10_000)
    push_to_talk: bool = False
    mute_during_effects: bool = False


class Ahead(_Strict):
    """Thinking before the caller's turn is over; nothing of it is said or done before it is.

    `when`: `eager`, the ears think that the turn may be over; `stable`, also when the words have not changed for
    `stable_ms`, or the recogniser is as sure of them as `stability`; `never`. `tries`: at most, in one turn; the last
    one is kept for a sure sign. What is thrown away is paid for all the same.
    """

    when: Literal["never", "eager", "stable"] = "eager"
    stable_ms: int = Field(300, ge=50, le=3000)
    stability: float = Field(0.9, gt=0, le=1)
    min_words: int = Field(2, ge=1, le=20)
    tries: int = Field(2, ge=1, le=5)


MAX_SENTENCES_BYTES = 6_000
MAX_VARIABLES = 32
MAX_DEFAULT_CHARS = 100
Sentence = Annotated[str, Field(min_length=1, max_length=160)]


class Fillers(_Strict):
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


class Silence(_Strict):
    """A caller who says nothing is asked, then the call ends."""

    prompt_after_s: float = Field(8.0, gt=0, le=600)
    prompts: tuple[str, ...] = ("Are you still there?", "I cannot hear you. Is there anything I can do for you?")
    goodbye: str = "I will hang up now. Goodbye."


class Opening(_Strict):
    """Of an agent whose caller speaks first: who says nothing for `wait_s` is spoken to after all. `say`: with these
    words; empty: with the greeting, and without one with the first of `silence.prompts`.
    """

    wait_s: float = Field(5.0, ge=0.5, le=60)
    say: str = ""


class Limits(_Strict):
    """Bounds of a call. `turn_s`: a caller who never stops talking is answered after this. `retry_s`: a model that is
    away is asked again for so long, before the caller is told that something went wrong; 0: one more time.
    """

    call_s: float = Field(1800.0, gt=0, le=14400)
    turn_s: float = Field(60.0, gt=0, le=600)
    retry_s: float = Field(5.0, ge=0, le=30)
    rounds: int = Field(3, ge=1, le=10)
    answer_tokens: int = Field(400, ge=1, le=4000)


class Knowledge(_Strict):
    """`retrieve` `always`: passages for every turn; `never`. `wait_ms`: the model is asked without them after that."""

    retrieve: Literal["always", "never"] = "always"
    wait_ms: int = Field(80, ge=0, le=2000)
    limit: int = Field(3, ge=1, le=10)
    min_score: float = Field(0.0, ge=0, le=1)


class Sentences(_Strict):
    """What is said when words of its own fail the bot."""

    trouble: str = "I am sorry, something went wrong on my side. Could you say that again?"
    unavailable: str = "I am sorry, I cannot help you right now. Please call again a little later. Goodbye."
    not_heard: str = "Sorry, I did not hear you. Please say that again."
    not_transferred: str = "I am sorry, nobody could take your call just now. Is there anything I can do for you?"
    cut_off: str = "Sorry, we were cut off for a moment."
    too_long: str = "Let me stop you there for a moment."
    time_is_up: str = "I am sorry, we have reached the end of the time for this call. Goodbye."


class Slot(_Strict):
    """Something a tool needs. `kind` says how it is heard; `values` for a choice; `ask` is the question for it."""

    kind: Literal["digits", "choice", "text", "day", "name"] = "text"
    length: int = Field(0, ge=0, le=20)
    values: tuple[str, ...] = ()
    ask: str = ""


class Intent(_Strict):
    """What callers want, and in which words: `phrases` with `[a|b|]` alternatives and `{slot}` places.

    `tool`: called with the slots once all in `needs` are known. `say`: a fixed answer instead. `answer`: how to say a
    tool's result, with its fields in braces; without it the result's own `summary` is said. An intent with neither
    `tool` nor `say` is a question for the knowledge. `about`: ends the question "Do you mean ...?" to a caller whose
    wish is in doubt; empty: the intent's name.
    """

    phrases: tuple[str, ...] = Field(min_length=1)
    tool: str = ""
    needs: tuple[str, ...] = ()
    say: str = ""
    answer: str = ""
    confirm: str = ""
    about: str = ""


class Domain(_Strict):
    """How this agent's callers talk: for the engines that run without a vendor.

    `words`: what the business has to do with, beside what phrases, keyterms and knowledge name. Who speaks of other
    things is not believed to want one of the intents.
    """

    slots: dict[str, Slot] = Field(default_factory=dict)
    intents: dict[str, Intent] = Field(default_factory=dict)
    words: tuple[str, ...] = ()
    fallback: str = "I am sorry, I can not help with that."


class Agent(_Strict):
    """One bot. `transfer_to`: the E.164 number of the people behind it; empty: calls cannot be transferred.

    `variables`: what may be known of a call (an order number, a name) by name, with what stands there when it is not;
    places for them are `{name}` in greeting, prompt and `opening.say`. `speaks_first` empty: the bot, if it has a
    greeting. `must_hear`: the sentences that are marked `interruptible: false` in the file, by name. `version`: of
    `agent.yaml` and of `tools.py`, a short hash each.
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
    transfer_to: str = Field("", pattern=r"^(\+[1-9][0-9]{6,14})?$")
    keyterms: tuple[str, ...] = ()
    endpointing: Endpointing = Endpointing()
    interruption: Interruption = Interruption()
    ahead: Ahead = Ahead()
    fillers: Fillers = Fillers()
    silence: Silence = Silence()
    limits: Limits = Limits()
    knowledge: Knowledge = Knowledge()
    sentences: Sentences = Sentences()
    must_hear: tuple[str, ...] = MUST_HEAR
    domain: Domain = Domain()

    @model_validator(mode="after")
    def _sentences_fit(self) -> Agent:
        said = [self.greeting, self.opening.say, *self.variables, *self.variables.values()]
        said += [*self.silence.prompts, self.silence.goodbye, *self.sentences.model_dump().values()]
        said += [*self.fillers.sentences, *(self.interruption.backchannels or ())]
        if (size := sum(len(text.encode()) for text in said)) > MAX_SENTENCES_BYTES:
            raise ValueError(
                f"its own sentences (greeting, silence, fillers, variables and the like) are {size:,} bytes of UTF-8 "
                f"together; at most {MAX_SENTENCES_BYTES:,}, as each call's state has them"
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
        unknown = sorted(set(self.fillers.by_tool) - set(self.tools or self.fillers.by_tool))
        if unknown:
            raise ValueError(f"fillers.by_tool: {', '.join(unknown)} is not among this agent's tools; see `tools`")
        return self

    @property
    def number_lengths(self) -> tuple[int, ...]:
        """Digits of the numbers callers read out."""
        slots = {slot.length for slot in self.domain.slots.values() if slot.kind == "digits" and slot.length}
        return self.endpointing.number_lengths or tuple(sorted(slots))


def known_agents(folder: Path) -> list[str]:
    """Names of the agents in `folder`."""
    return sorted(p.parent.name for p in folder.glob("*/agent.yaml"))


_FILES: dict[tuple[Path, str], Reread[Agent]] = {}
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_agent(folder: Path, name: str) -> Agent:
    """The agent `name`, as this process last read it. Raises NotFound (lists the known ones), Misconfigured (file,
    field, what is wrong, line)."""
    known = _FILES.get((folder, name))
    return known.good if known is not None and known.good is not None else agent_now(folder, name)


def agent_now(folder: Path, name: str) -> Agent:
    """The agent `name`, read again when its files have changed; a broken edit is told in the log, and the last good
    one stays. Two stats, and some 10 ms of reading after an edit. Raises as `load_agent` does, if it never was good.
    """
    if (known := _FILES.get((folder, name))) is None:
        if name not in (names := known_agents(folder)):
            raise NotFound(f"there is no agent {name!r} in {folder}; known are {', '.join(names) or 'none'}")
        paths = tuple(folder / name / file for file in ("agent.yaml", "tools.py"))
        known = _FILES.setdefault((folder, name), Reread(name, "settings", paths, lambda: _read(folder, name)))
    return known.now()


def _read(folder: Path, name: str) -> Agent:
    path = folder / name / "agent.yaml"
    try:
        source = path.read_bytes()
        data = yaml.load(source.decode(), _YAML)  # noqa: S506 - a safe loader, in C where there is one
    except (OSError, UnicodeDecodeError) as e:
        raise Misconfigured(f"{path}: cannot be read: {e}") from e
    except yaml.YAMLError as e:
        raise Misconfigured(f"{path}: not valid YAML: {e}") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected a mapping at the top")
    tools = folder / name / "tools.py"
    version = f"{digest_of(source)}.{digest_of(tools.read_bytes() if tools.is_file() else b'')}"
    try:
        return Agent.model_validate({**plain(data), "name": name, "version": version})
    except ValidationError as e:
        raise Misconfigured(f"{path}: {told(e, source.decode(), Agent)}") from None
    except ValueError as e:
        raise Misconfigured(f"{path}: {e}") from None


def digest_of(source: bytes) -> str:
    """What a file counts for in an agent's version. No file counts as an empty one."""
    return hashlib.sha256(source).hexdigest()[:8]


def with_tools(agent: Agent, digest: str) -> Agent:
    """The agent with the version it has with tools of this digest, which whoever runs the tools knows best."""
    version = f"{agent.version.partition('.')[0]}.{digest}"
    return agent if version == agent.version else agent.model_copy(update={"version": version})
