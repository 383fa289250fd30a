"""An agent's files: `agents/<name>/agent.yaml`, read and checked. Tools and knowledge lie beside it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from parley.errors import Misconfigured, NotFound
from parley.sentences import MUST_HEAR, plain


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Voice(_Strict):
    """Which voice, by engine name. `speed` 1 = as the voice is."""

    elevenlabs: str = ""
    hibari: str = ""
    local: str = ""
    speed: float = Field(1.0, ge=0.7, le=1.3)


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
    """`always`: passages for every turn; `never`."""

    retrieve: Literal["always", "never"] = "always"
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

    `must_hear`: the sentences that are marked `interruptible: false` in the file, by name.
    """

    name: str = ""
    version: str = ""
    company: str
    language: str = "en"
    greeting: str = Field(min_length=1)
    prompt: str = Field(min_length=1)
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
        said = [self.greeting, *self.silence.prompts, self.silence.goodbye, *self.sentences.model_dump().values()]
        said += [*self.fillers.sentences, *(self.interruption.backchannels or ())]
        if (size := sum(len(text.encode()) for text in said)) > MAX_SENTENCES_BYTES:
            raise ValueError(
                f"its own sentences (greeting, silence, sentences, fillers, backchannels) are {size:,} bytes of UTF-8 "
                f"together; at most {MAX_SENTENCES_BYTES:,}, as each call's state has them"
            )
        return self

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


@lru_cache(maxsize=64)
def load_agent(folder: Path, name: str) -> Agent:
    """The agent `name`. Raises NotFound (lists the known ones), Misconfigured (file, field, what is wrong).

    `version` is a short hash of all its files, so that a state knows what it was decided with.
    """
    if name not in known_agents(folder):
        raise NotFound(f"there is no agent {name!r} in {folder}; known are {', '.join(known_agents(folder)) or 'none'}")
    path = folder / name / "agent.yaml"
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as e:
        raise Misconfigured(f"{path}: not valid YAML: {e}") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected a mapping at the top")
    try:
        return Agent.model_validate({**plain(data), "name": name, "version": _version(folder / name)})
    except ValidationError as e:
        lines = [f"{'.'.join(map(str, err['loc']))}: {_remedy(err['msg'], err['input'])}" for err in e.errors()]
        raise Misconfigured(f"{path}: {'; '.join(lines)}") from None
    except ValueError as e:
        raise Misconfigured(f"{path}: {e}") from None


def _remedy(message: str, value: object) -> str:
    """What is wrong and what is right, with the value as it was written when it is a plain one."""
    plain_value = isinstance(value, str | int | float) and len(str(value)) <= 60
    return f"{message}, not {value!r}" if plain_value and message.startswith("Input should") else message


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
