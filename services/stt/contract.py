"""What a recogniser is to the stt service, and what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from parley.audio import TELEPHONE, AudioFormat


class Expect(Enum):
    """What kind of answer the bot's last question asked for."""

    FREE = "free"
    YES_NO = "yes_no"
    DIGITS = "digits"
    SPELLING = "spelling"
    BUTTON = "button"
    CHOICE = "choice"
    DAY = "day"
    TIME = "time"
    NAME = "name"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When silence means "your turn". Delays in ms of silence after the last word; 0 = the policy's default.

    `number_lengths`: how many digits the numbers have that are asked for; empty = not known.
    """

    expect: Expect = Expect.FREE
    min_delay_ms: int = 0
    max_delay_ms: int = 0
    policy: str = ""
    number_lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pauses:
    """This caller's pauses inside a turn, as far as known."""

    count: int = 0
    mean_ms: int = 0
    max_ms: int = 0


@dataclass(frozen=True, slots=True)
class SttConfig:
    """`lead`: the caller's sound from before `offset_ms`, for voice detection only. `said`: the words of the turn under
    way that another recogniser has made final. `turn`: the number of that turn, which its events carry; 0: nobody
    counts.
    """

    call_id: str = ""
    format: AudioFormat = TELEPHONE
    language: str = "en"
    endpointing: Endpointing = Endpointing()
    keyterms: tuple[str, ...] = ()
    offset_ms: int = 0
    agent: str = ""
    pauses: Pauses = Pauses()
    lead: bytes = b""
    said: Final | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Offsets everywhere: ms of leg time, that is `config.offset_ms` + position in this stream's audio.

    `turn` everywhere: the number of the caller's turn. The service counts; recognisers leave it 0.
    """

    offset_ms: int
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Interim:
    """An empty text takes back the interim before it; after a Flush it says that there is nothing to tell."""

    text: str
    start_ms: int
    end_ms: int
    stability: float = 0.0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_ms: int
    end_ms: int
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Final:
    """An empty text: somebody spoke and was not understood; no turn comes of it. `engine`: who heard it."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    turn: int = 0
    engine: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    offset_ms: int
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Lull:
    """From our VAD, to a recogniser that is driven by it: no voice from here on, for 96 ms now. It may be the end."""

    offset_ms: int


Edge = SpeechStarted | SpeechStopped | Lull


class TurnKind(Enum):
    EAGER = "eager"
    RESUMED = "resumed"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """From a provider: the vendor's own opinion. From the endpointing: the service's decision.

    The text of an eager end may hold words that are not final. A confirmed one that has other words comes after a
    `resumed`.
    """

    kind: TurnKind
    offset_ms: int
    confidence: float = 0.0
    text: str = ""
    speech_end_ms: int = 0
    pauses: Pauses = field(default=Pauses())
    turn: int = 0


SpeechEvent = SpeechStarted | Interim | Final | SpeechStopped | TurnEnded


class Flush(Enum):
    """Stands in the audio stream. FLUSH: say now what you have, do not wait for more.

    VOICE: somebody has been speaking up to here. It asks for nothing; who watches a vendor knows that words are due.
    """

    FLUSH = "flush"
    VOICE = "voice"


class SpeechToTextProvider(Protocol):
    """One class per vendor, made from Settings; one object serves all calls of the process.

    `recognize` yields what the vendor hears in `audio` (bytes of `config.format`, in order, faster than real time
    after a reconnect; the end of the iterator is the end of the call). Closing the generator closes the vendor's
    stream.
    Raises Misconfigured (key refused), AtCapacity (429), VendorLost (closed, stalled, garbage), BadInput.
    """

    def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]: ...

    async def aclose(self) -> None: ...


@runtime_checkable
class DrivenByVoice(Protocol):
    """A recogniser that has no ear of its own for where speech begins and ends: our VAD tells it, in the audio.

    An edge stands behind the audio that the VAD had heard when it found it: 32 ms after the first of a voice, 96 ms
    into a lull, 192 ms after the last of a voice. An Endpointing says what the answers from there on are to be. The
    rest is as with a SpeechToTextProvider.
    """

    def recognize_voice(
        self, audio: AsyncIterator[bytes | Flush | Edge | Endpointing], config: SttConfig
    ) -> AsyncIterator[SpeechEvent]: ...

    async def aclose(self) -> None: ...
