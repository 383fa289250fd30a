"""What the voice stand-in makes of a text: audio in the format asked for, cut into chunks with their characters."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parley.audio import from_pcm
from testbed.vendors import mulaw
from testbed.vendors.wordcodec import Rendered, render

FORMATS = {
    "ulaw_8000": 8000,
    "alaw_8000": 8000,
    "pcm_8000": 8000,
    "pcm_16000": 16000,
    "pcm_22050": 22050,
    "pcm_24000": 24000,
    "pcm_44100": 44100,
}
_ENCODE: dict[str, Callable[[Any], bytes]] = {
    "ulaw": mulaw.from_pcm,
    "alaw": lambda pcm: from_pcm(pcm, "alaw"),
}
DEFAULT_SCHEDULE = (120, 160, 250, 290)


def format_rate(name: str) -> int:
    """The rate in Hz of an output format. Raises ValueError for those that need an encoder, mp3 first."""
    if name not in FORMATS:
        raise ValueError(f"output_format: {name!r} is not supported here; use one of {', '.join(FORMATS)}")
    return FORMATS[name]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of audio and the characters that begin in it; times are ms from the start of this piece."""

    audio: bytes
    duration_ms: float
    chars: list[str]
    starts_ms: list[int]
    durations_ms: list[int]

    @property
    def alignment(self) -> dict[str, Any]:
        return {"chars": self.chars, "charStartTimesMs": self.starts_ms, "charDurationsMs": self.durations_ms}

    def message(self, aligned: bool) -> dict[str, Any]:
        """As the WebSocket sends it."""
        alignment = self.alignment if aligned else None
        audio = base64.b64encode(self.audio).decode()
        return {"audio": audio, "isFinal": None, "alignment": alignment, "normalizedAlignment": alignment}


def speak(text: str, output_format: str, chunk_ms: float) -> Iterator[Chunk]:
    """The chunks of a text; none when there is nothing to say in it."""
    rendered = render(text, rate=format_rate(output_format))
    times = _char_times(text, rendered)
    size = max(1, int(rendered.rate * chunk_ms / 1000))
    place = 0
    for at in range(0, len(rendered.pcm), size):
        pcm = rendered.pcm[at : at + size]
        begin = at * 1000 / rendered.rate
        end = begin + len(pcm) * 1000 / rendered.rate
        upto = place
        last = at + size >= len(rendered.pcm)
        while upto < len(text) and (times[upto] < end or last):
            upto += 1
        starts = [round(time - begin) for time in times[place:upto]]
        durations = [round(times[i + 1] - times[i]) for i in range(place, upto)]
        audio = _ENCODE.get(output_format.partition("_")[0], np.ndarray.tobytes)(pcm)
        yield Chunk(audio, end - begin, list(text[place:upto]), starts, durations)
        place = upto


def _char_times(text: str, rendered: Rendered) -> list[float]:
    """When each character begins, and, last, when the audio ends: a word's letters share its time evenly."""
    times: list[float] = []
    now = 0.0
    for word in rendered.words:
        times += [now] * (word.begin - len(times))
        letters = max(1, word.end - word.begin)
        times += [word.start_ms + (word.end_ms - word.start_ms) * n / letters for n in range(letters)]
        now = word.end_ms
    times += [now] * (len(text) - len(times))
    return [*times, rendered.duration_ms]


@dataclass(slots=True)
class TextBuffer:
    """When text becomes speech: at the schedule's next length, on flush, on a trigger from 50 on, or at once (auto)."""

    auto_mode: bool = False
    schedule: tuple[int, ...] = DEFAULT_SCHEDULE
    waiting: str = ""
    _generations: int = field(default=0)

    def add(self, text: str, *, flush: bool = False, trigger: bool = False) -> str | None:
        """Takes text; returns what is to be spoken now. Without a flush it is cut at its last space."""
        self.waiting += text
        if flush or (self.auto_mode and text.strip()):
            return self.drain()
        needed = self.schedule[min(self._generations, len(self.schedule) - 1)]
        if len(self.waiting) < (50 if trigger else needed):
            return None
        cut = self.waiting.rfind(" ") + 1
        spoken, self.waiting = self.waiting[:cut], self.waiting[cut:]
        return self._made(spoken)

    def drain(self) -> str | None:
        """Everything that waits."""
        spoken, self.waiting = self.waiting, ""
        return self._made(spoken)

    def _made(self, spoken: str) -> str | None:
        if not spoken.strip():
            return None
        self._generations += 1
        return spoken


def schedule_of(config: Any) -> tuple[int, ...]:
    """`generation_config.chunk_length_schedule`, checked. Raises ValueError."""
    given = config.get("chunk_length_schedule") if isinstance(config, dict) else None
    if given is None:
        return DEFAULT_SCHEDULE
    if not isinstance(given, list) or not given or not all(isinstance(n, int) and 50 <= n <= 500 for n in given):
        raise ValueError("chunk_length_schedule: must be a list of whole numbers within 50-500")
    return tuple(given)
