"""What a recogniser's stand-in may send that is not as it should be: the parts of which tests make messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from parley.errors import ParleyError
from services.stt.contract import Endpointing, Final, Flush, SpeechEvent, SttConfig, TurnEnded, TurnKind
from services.stt.providers.deepgram import Deepgram
from services.stt.providers.flux import Flux
from services.stt.skipped import KINDS, SKIPPED
from testbed.patience import PATIENCE_S
from testbed.vendors.deepgram.sim import DeepgramSim
from tests.stt.line import settings, silence
from tests.stt.test_deepgram import Ear

CONFIG = SttConfig(call_id="CA1", endpointing=Endpointing(max_delay_ms=800))


@dataclass
class Heard:
    """What came of one stream."""

    events: list[SpeechEvent] = field(default_factory=list)
    error: ParleyError | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    @property
    def finals(self) -> list[Final]:
        return [event for event in self.events if isinstance(event, Final) and event.text]

    @property
    def texts(self) -> list[str]:
        return [final.text for final in self.finals]

    @property
    def ends(self) -> list[str]:
        return [event.kind.value for event in self.events if isinstance(event, TurnEnded)]

    @property
    def confirmed(self) -> int:
        return sum(isinstance(e, TurnEnded) and e.kind is TurnKind.CONFIRMED for e in self.events)


def skipped(engine: str) -> dict[str, int]:
    counted = {kind: int(SKIPPED.labels(engine, kind)._value.get()) for kind in KINDS}
    return {kind: count for kind, count in counted.items() if count}


@asynccontextmanager
async def listening(sim: DeepgramSim, engine: str, config: SttConfig = CONFIG) -> AsyncIterator[Ear]:
    provider = Flux(settings(sim)) if engine == "flux" else Deepgram(settings(sim))
    ear = Ear(provider, config)  # type: ignore[arg-type]
    async with aclosing(ear.events):  # type: ignore[type-var]
        yield ear


async def hear(
    sim: DeepgramSim, engine: str, *steps: Any, audio_ms: int = 5_000, flush: bool = False, config: SttConfig = CONFIG
) -> Heard:
    """One stream of silence, in which the vendor says just this; to its end, or to its loss."""
    before, heard = skipped(engine), Heard()
    sim.scripts.add({"audio_ms": audio_ms}, *steps)
    known = len(sim.records)
    async with listening(sim, engine, config) as ear:
        ear.say(silence(audio_ms))
        if flush:
            ear.audio.put_nowait(Flush.FLUSH)
        ear.audio.put_nowait(None)
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for event in ear.events:
                    heard.events.append(event)
        except ParleyError as error:
            heard.error = error
    heard.skipped = {k: n - before.get(k, 0) for k, n in skipped(engine).items() if n > before.get(k, 0)}
    heard.connections = len(sim.records) - known
    return heard


def words(text: str, start: float, end: float) -> list[dict[str, Any]]:
    """Spread evenly."""
    each = text.split()
    step = (end - start) / max(1, len(each))
    return [
        {
            "word": word.lower().strip(".,"),
            "punctuated_word": word,
            "start": round(start + n * step, 3),
            "end": round(start + (n + 1) * step, 3),
            "confidence": 0.99,
        }
        for n, word in enumerate(each)
    ]


def results(
    text: str,
    start: float = 0.0,
    end: float = 1.0,
    *,
    final: bool = True,
    over: bool = False,
    finalize: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """A good Results of Nova; `more` replaces its fields."""
    alternative = {
        "transcript": text,
        "confidence": 0.98 if text else 0.0,
        "words": words(text, start + 0.05, end - 0.1),
    }
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": round(end - start, 3),
        "start": start,
        "is_final": final,
        "speech_final": over,
        "from_finalize": finalize,
        "channel": {"alternatives": [alternative]},
        "metadata": {"request_id": "r", "model_info": {"name": "nova-3", "version": "1", "arch": "nova-3"}},
        **more,
    }


def best(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same with other fields in its only alternative; a field `...` is left out."""
    changed = {**message["channel"]["alternatives"][0], **more}
    return {**message, "channel": {"alternatives": [without(changed)]}}


def timed(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same with other fields in each of its words."""
    return best(message, words=[without({**word, **more}) for word in message["channel"]["alternatives"][0]["words"]])


def but(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same with other fields; a field `...` is left out."""
    return without({**message, **more})


def without(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not ...}


def turn(name: str, text: str, start: float = 0.0, end: float = 1.0, index: int = 0, /, **more: Any) -> dict[str, Any]:
    """A good TurnInfo of Flux; `more` replaces its fields, `...` leaves one out."""
    listed = [{k: w[k] for k in ("word", "start", "end", "confidence")} for w in words(text, start + 0.05, end - 0.1)]
    info = {
        "type": "TurnInfo",
        "request_id": "r",
        "sequence_id": 1,
        "event": name,
        "turn_index": index,
        "audio_window_start": start,
        "audio_window_end": end,
        "transcript": text,
        "words": listed,
        "end_of_turn_confidence": 0.9 if name == "EndOfTurn" else 0.1,
        **more,
    }
    return without(info)


OFTEN: list[Any] = [
    {"type": "Results", "channel": {"alternatives": []}, "is_final": True, "start": 0, "duration": 0.1},
    {"type": "Results", "channel": {"alternatives": []}, "is_final": False, "speech_final": False},
    {"channel_index": [0, 1]},
    {"type": "Insight", "text": "the caller is in a hurry"},
    {"type": "Metadata", "duration": 0},
    {"text": "{"},
    {"binary": b"\x00"},
    [1],
]
"""What was reported to come again and again beside what is good."""
