"""What a voice is to the tts service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from parley.audio import TELEPHONE, AudioFormat


@dataclass(frozen=True, slots=True)
class TtsConfig:
    call_id: str = ""
    voice: str = ""
    format: AudioFormat = TELEPHONE
    language: str = "en"
    speed: float = 1.0
    traceparent: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class WordTime:
    """Characters are offsets into all text given so far (code points); times since the first audio byte."""

    char_start: int
    char_end: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """`data`: whole samples in `config.format`. `words`: those that begin here or were not told yet. `engine`: who
    speaks from here on, where that is new; the service says it, no provider does."""

    data: bytes
    words: tuple[WordTime, ...] = ()
    engine: str = ""


class TextToSpeechProvider(Protocol):
    """One class per vendor, made from Settings; one object serves all calls of the process.

    `synthesize` speaks `text` (phrases with their spaces; the end of the iterator = the text is complete) as it comes.
    Closing the generator stops synthesis at once.
    Raises Misconfigured (key or voice refused), AtCapacity (429), VendorLost (closed, stalled, garbage), BadInput.
    """

    def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]: ...

    async def warm(self) -> None:
        """Get ready before the first caller. What fails here is told when somebody calls."""

    async def aclose(self) -> None: ...
