"""The voice's process without a process: what it is told, and what it sends, in one thread."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

from services.tts.contract import WordTime
from services.tts.hibari.process import Mouth, Voices
from services.tts.local import pipe


def say(stream: int, text: str, voice: str = "", speed: float = 1.0, pause_ms: int = 0) -> bytes:
    return pipe.frame(pipe.SAY, stream, pipe.Piece(text, voice, speed, "pcm_s16le", 16000, pause_ms).pack())


def stop(stream: int) -> bytes:
    return pipe.frame(pipe.STOP, stream)


@dataclass
class Sent:
    """One frame from the process."""

    kind: int
    stream: int
    payload: bytes

    @property
    def words(self) -> list[WordTime]:
        return pipe.unpack_spoken(self.payload)[0]


@dataclass
class Out(io.RawIOBase):
    """`each`: called with every frame as it is sent."""

    sent: list[Sent] = field(default_factory=list)
    each: Callable[[Sent], None] = lambda _: None

    def write(self, data: bytes) -> int:  # type: ignore[override]
        kind, stream, size = pipe.header(data[: pipe.HEADER.size])
        assert len(data) == pipe.HEADER.size + size
        self.sent.append(Sent(kind, stream, data[pipe.HEADER.size :]))
        self.each(self.sent[-1])
        return len(data)


def spoken(*frames: bytes, voices: Voices, each: Callable[[Mouth, Sent], None] | None = None) -> list[Sent]:
    """What one core makes of these frames, all of which are there before it begins."""
    out = Out()
    mouth = Mouth(out, 1, voices)  # type: ignore[arg-type]
    if each is not None:
        out.each = lambda sent: each(mouth, sent)
    mouth.read(io.BytesIO(b"".join(frames)))
    mouth.speak()
    return out.sent
