"""Voice activity detection: Silero on onnxruntime, one model for all calls of the process, run in batches.

Each call is a `Track` with its own state; windows of all calls that fill up within a few ms are one run of the model,
on a thread of its own, so that the event loop never waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

import structlog
from prometheus_client import Counter

from parley.audio import AudioFormat
from parley.errors import BadInput
from services.stt import silero
from services.stt.contract import Edge, Lull, SpeechStarted, SpeechStopped
from services.stt.silero import CONTEXT_MS, WINDOW_MS, Lane, Rows

log = structlog.get_logger()

START_ABOVE = 0.5
STOP_BELOW = 0.35
STOP_MS = 192  # silence before speech counts as stopped
LULL_MS = 96  # silence that is worth a guess
GATHER_S = 0.004  # how long a full window waits for those of other calls
FEW = 4  # with so few calls there is nothing to wait for
PENDING_MS = 64_000  # of one call; a whole replayed buffer fits
BATCH = 64  # calls in one run
AT_ONCE = 16  # windows of one call in one go, when it has more audio than real time

# Most of a call is the other side's turn. While nothing is under way, the model is not asked about windows that are
# hushed, or no louder than what it lately called noise; its floor rises only on the model's own word. It knows a voice
# by what was before, so the last of those windows come first when there is something to hear: without them it missed
# four tenths of letters spelled at 16 kHz, with eight of them what it misses when it hears everything.
CALM = 0.1
HUSHED = (32 / 32768) ** 2  # mean power, -60 dBFS
LIKE_NOISE = 1.8  # +2.6 dB
BEFORE = 8  # windows

DROPPED = Counter("voice_stt_vad_dropped_windows_total", "Windows of 32 ms thrown away because a call's queue was full")
FAILED = Counter("voice_stt_vad_failed_batches_total", "Runs of the VAD model that raised; taken as silence")
TOLD_EVERY_S = 10.0
"""A model that fails does so 30 times a second; the log hears of it this often."""

Report = Callable[[int, Edge | None], None]
"""Called for each window: ms of leg time heard so far, and the edge found in it."""


class Track:
    """One call's ear for speech. `push` takes audio of any length; what is found goes to `report`, on the loop."""

    def __init__(self, detector: Detector, lane: Lane, audio: AudioFormat, offset_ms: int, report: Report) -> None:
        self._detector = detector
        self._report = report
        self._limit = PENDING_MS * audio.bytes_per_ms
        self._context = CONTEXT_MS * audio.bytes_per_ms
        self._size = WINDOW_MS * audio.bytes_per_ms
        self._position = offset_ms
        self._speaking = False
        self._voice_end = offset_ms
        self._rest = bytearray(audio.silence(CONTEXT_MS))  # the context of the next window, then audio
        self._calm = True
        self._floor = 0.0
        self._passed = 0
        """Windows at the front of `_rest` that were taken for quiet and told of."""
        self._known = 0
        """The same among those that the model has now."""
        self.lane = lane
        self.queued = False
        self.closed = False

    def push(self, data: bytes) -> None:
        rest = self._rest
        rest += data
        if len(rest) > self._limit + self._context:
            self._forget()
            lost = max(0, -(-(len(rest) - self._limit - self._context) // self._size))
            del rest[: lost * self._size]
            self._position += lost * WINDOW_MS
            DROPPED.inc(lost)
        self.advance()

    def advance(self) -> bool:
        """Tells of the quiet windows next in line; True when one that the model must hear was put in its queue."""
        size = self._size
        while not self.queued and not self.closed:
            at = self._context + self._passed * size
            if len(self._rest) < at + size:
                return False
            if self._calm:
                power = self.lane.rows.power(bytes(self._rest[at : at + size]))
                if power <= max(self._floor * LIKE_NOISE, HUSHED):
                    self._floor = min(self._floor, power)
                    self._pass()
                    self._heard(0.0)
                    continue
            self.queued = True
            self._detector.enqueue(self)
            return True
        return False

    def _pass(self) -> None:
        """A quiet window: kept, as long as it is one of the last."""
        if self._passed < BEFORE:
            self._passed += 1
        else:
            del self._rest[: self._size]

    def _forget(self) -> None:
        del self._rest[: self._passed * self._size]
        self._passed = 0

    def take(self) -> list[bytes]:
        """The next full windows with their context, out of the queue; quiet ones that were before them come first."""
        size, context = self._size, self._context
        self._known, self._passed = self._passed, 0
        count = min((len(self._rest) - context) // size, AT_ONCE)
        windows = [bytes(self._rest[i * size : (i + 1) * size + context]) for i in range(count)]
        del self._rest[: count * size]
        return windows

    def told(self, probability: float, power: float) -> None:
        """The model's word on the next of the windows taken."""
        if self._known:
            self._known -= 1
            return
        self._calm = probability < CALM
        if self._calm:
            self._floor = power
        if not self.closed:
            self._heard(probability)

    def _heard(self, probability: float) -> None:
        begin = self._position
        self._position += WINDOW_MS
        edge: Edge | None = None
        if probability >= STOP_BELOW:
            if probability > START_ABOVE and not self._speaking:
                self._speaking = True
                edge = SpeechStarted(begin)
            self._voice_end = self._position
        elif self._speaking and self._position - self._voice_end >= STOP_MS:
            self._speaking = False
            edge = SpeechStopped(self._voice_end)
        elif self._speaking and self._position - self._voice_end == LULL_MS:
            edge = Lull(self._voice_end)
        self._report(self._position, edge)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._rest.clear()
            self._detector.leave(self)


Batch = list[tuple[Track, list[bytes]]]
Work = tuple[asyncio.AbstractEventLoop, list[Batch]]


class Detector:
    """The model and its batches. One object for all calls of the process; made at the start, warm from then on.

    Raises Misconfigured when the model's file or onnxruntime is not installed.
    """

    def __init__(self) -> None:
        self._session = silero.load()
        self._formats: dict[AudioFormat, Rows] = {}
        self._waiting: list[Track] = []
        self._tracks = 0
        self._busy = False
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._tell_from = 0.0
        self._thread = Thread(target=self._serve, name="vad", daemon=True)
        for rate in (8000, 16000):
            audio = AudioFormat("pcm_s16le", rate)
            rows = Rows(self._session, audio)
            loud = b"\x00\x10" * ((CONTEXT_MS + WINDOW_MS) * rate // 1000)
            rows.run([rows.new_lane() for _ in range(4)], [loud] * 4)
        self._thread.start()

    def listen(self, audio: AudioFormat, offset_ms: int, report: Report) -> Track:
        """A track for a new call. Raises BadInput for a rate the model does not know."""
        if audio.rate not in (8000, 16000):
            raise BadInput(f"format.sample_rate_hz: {audio.rate}; use 8000 or 16000")
        rows = self._formats.get(audio)
        if rows is None:
            rows = self._formats[audio] = Rows(self._session, audio)
        self._tracks += 1
        return Track(self, rows.new_lane(), audio, offset_ms, report)

    def leave(self, track: Track) -> None:
        self._tracks -= 1
        track.lane.rows.free.append(track.lane.row)

    def enqueue(self, track: Track) -> None:
        """The track's next windows go with the next batch."""
        self._waiting.append(track)
        if not self._busy:
            self._busy = True
            self._gather(asyncio.get_running_loop())

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._tracks < FEW:
            loop.call_soon(self._start, loop)
        else:
            loop.call_later(GATHER_S, self._start, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = [track for track in self._waiting[:BATCH] if not track.closed]
        del self._waiting[:BATCH]
        if not batch:
            self._next(loop, at_once=False)
            return
        formats: dict[int, Batch] = {}
        for track in batch:
            formats.setdefault(id(track.lane.rows), []).append((track, track.take()))
        self._work.put((loop, list(formats.values())))

    def _serve(self) -> None:
        """The model's thread."""
        while (work := self._work.get()) is not None:
            loop, batches = work
            found = [told for batch in batches for told in self._ask(batch)]
            loop.call_soon_threadsafe(self._done, loop, found)

    def _ask(self, batch: Batch) -> list[tuple[Track, list[tuple[float, float]]]]:
        told: list[tuple[Track, list[tuple[float, float]]]] = [(track, []) for track, _ in batch]
        for turn in range(max(len(windows) for _, windows in batch)):
            now = [i for i, (_, windows) in enumerate(batch) if len(windows) > turn]
            lanes = [batch[i][0].lane for i in now]
            try:
                found, power = lanes[0].rows.run(lanes, [batch[i][1][turn] for i in now])
            except Exception:
                FAILED.inc()
                if (now_s := time.monotonic()) >= self._tell_from:
                    self._tell_from = now_s + TOLD_EVERY_S
                    log.exception("vad failed")
                found = power = [0.0] * len(now)
            for i, answer in zip(now, zip(found, power, strict=True), strict=True):
                told[i][1].append(answer)
        return told

    def _done(self, loop: asyncio.AbstractEventLoop, found: list[tuple[Track, list[tuple[float, float]]]]) -> None:
        more = False
        for track, answers in found:
            for probability, power in answers:
                track.told(probability, power)
            track.queued = False
            more = track.advance() or more
        self._next(loop, more)

    def _next(self, loop: asyncio.AbstractEventLoop, at_once: bool) -> None:
        """At once when a call has full windows left: it sent more audio than real time."""
        if not self._waiting:
            self._busy = False
        elif at_once or len(self._waiting) >= BATCH:
            self._start(loop)
        else:
            self._gather(loop)

    async def aclose(self) -> None:
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
