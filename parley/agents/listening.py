"""`agent.yaml`: how the agent listens. When a turn is over, what interrupts, when it thinks ahead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from parley.agents.strict import Strict


class Endpointing(Strict):
    """ms of silence after which a turn is over: at least, at most. 0: the policy's own.

    `policy` empty: the service's. `number_lengths`: how many digits the numbers have that callers read out; empty:
    those of the domain's slots.
    """

    min_delay_ms: int = Field(0, ge=0, le=5000)
    max_delay_ms: int = Field(0, ge=0, le=10000)
    policy: Literal["", "dynamic", "fixed", "meaning", "vendor"] = ""
    number_lengths: tuple[Annotated[int, Field(ge=1, le=40)], ...] = Field((), max_length=20)


class Interruption(Strict):
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


class Ahead(Strict):
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
