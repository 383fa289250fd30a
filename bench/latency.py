"""A turn's way through the vendors, from one clock: what they took, and what is left for the platform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.caller import Caller, Turn
from testbed.vendors.vendors import Vendors

ENDPOINT_S = 0.2  # silence the recogniser is asked to wait for


@dataclass(frozen=True)
class Stages:
    """Seconds. `uplink`: end of speech + endpoint -> final told. `turn`: final -> model asked. `sentence`: first token
    -> first text at the voice. `downlink`: voice's first audio -> first audible sample at the caller.
    """

    uplink: float
    turn: float
    sentence: float
    downlink: float

    @property
    def overhead(self) -> float:
        """What the platform added. The wait for the words of the first phrase is the model's, and not in it."""
        return self.uplink + self.turn + self.downlink


def stages_of(turn: Turn, vendors: Vendors) -> Stages | None:
    """None: not answered, or not found at every vendor."""
    if turn.answered is None:
        return None
    final = _final_of(turn, vendors)
    answered = turn.answered
    asked = next(
        (r for r in reversed(vendors.openai.records) if _asks(r, turn) and turn.spoken <= r.at <= answered), None
    )
    spoken = next(
        (r for r in reversed(vendors.elevenlabs.records) if turn.mark in r.text and r.first_text_at >= turn.spoken),
        None,
    )
    if final is None or asked is None or spoken is None or not asked.first_token_at or not spoken.first_audio_at:
        return None
    return Stages(
        uplink=final - turn.spoken - ENDPOINT_S,
        turn=asked.at - final,
        sentence=spoken.first_text_at - asked.first_token_at,
        downlink=turn.answered - spoken.first_audio_at,
    )


def _final_of(turn: Turn, vendors: Vendors) -> float | None:
    """When the recogniser said that the turn was over; its words may have been final before that."""
    for record in vendors.deepgram.records:
        if any(turn.mark in told.text for told in record.told):
            ends = (t.at for t in record.told if t.kind == "speech_final" and t.at >= turn.spoken)
            return next(ends, None)
    return None


def _asks(record: object, turn: Turn) -> bool:
    """Whether the model was asked about it: for its answer, or, once the call is over, for what came of the call."""
    messages = getattr(record, "body", {}).get("messages", [])
    return bool(messages) and turn.mark in str(messages[-1].get("content"))


def told_speech(turn: Turn, vendors: Vendors) -> float | None:
    """When the recogniser said that speech began, for a turn that talks over the bot."""
    starts = [
        told.at
        for record in vendors.deepgram.records
        if any(turn.mark in t.text for t in record.told)
        for told in record.told
        if told.kind == "SpeechStarted" and turn.started <= told.at <= turn.spoken
    ]
    return min(starts, default=None)


def percentile(values: Iterable[float], q: float) -> float:
    """Nearest rank; nan when there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))] if ordered else float("nan")


def steady(callers: list[Caller], since: float) -> list[Turn]:
    """Turns that began when all calls were set up."""
    return [turn for caller in callers for turn in caller.turns if turn.started >= since]
