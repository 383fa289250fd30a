"""One Media Stream, from the carrier's end (Twilio Media Streams, bidirectional)."""

from __future__ import annotations

import asyncio
import binascii
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from testbed.telephone.carrier import Debugger
from testbed.telephone.heard import Heard
from testbed.telephone.wire import Wire, connect

FRAME = 160
"""Bytes of µ-law in 20 ms."""
_PROTOCOL, _BINARY, _HANDSHAKE = 31951, 31950, 31920
_MAX_PENDING_MARKS = 5_000
_KEYS = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


@dataclass(frozen=True)
class Conditions:
    """What a call may have to live with. In order always; nothing is lost."""

    latency_ms: float = 0.0
    """Each way between carrier and server."""
    jitter_ms: float = 0.0
    """Every message takes up to so much longer, each way."""
    mark_delay_ms: float = 0.0
    """Marks come back so much later than their audio was played."""
    marks: bool = True
    """False: marks never come back."""
    seed: int = 1


PERFECT = Conditions()


@dataclass(slots=True)
class Mark:
    """A mark of the server: when it came, when its turn to be played was, whether it was cleared instead."""

    name: str
    arrived: float
    due: float
    cleared: bool = False


class _Road:
    """Carries calls in order, each a little late; at once when there is nothing to wait for."""

    def __init__(self, latency_s: float, jitter_s: float, seed: int) -> None:
        self._latency_s, self._jitter_s = latency_s, jitter_s
        self._random = random.Random(seed)
        self._waiting: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._last = 0.0
        self._plain = not latency_s and not jitter_s

    def carry(self, function: Callable[[Any], None], argument: Any) -> None:
        if self._plain:
            function(argument)
            return
        now = time.monotonic()
        self._last = max(self._last, now + self._latency_s + self._random.random() * self._jitter_s)
        self._waiting.append((function, argument))
        asyncio.get_running_loop().call_later(self._last - now, self._arrive)

    def _arrive(self) -> None:
        function, argument = self._waiting.popleft()
        function(argument)


class MediaStream:
    """Opened by `open`, or by `connect` and `start`; over when `closed` is done.

    Audio goes into `heard`, complaints to `debugger`.
    """

    def __init__(self, sid: str, heard: Heard, debugger: Debugger, conditions: Conditions, stirred: Callable[[], None]):
        self.sid = sid
        self.marks: list[Mark] = []
        self.cleared_at: list[float] = []
        """When each `clear` of the server came."""
        self.frames_sent = 0
        self.wire: Wire
        self._heard = heard
        self._debugger = debugger
        self._stirred = stirred
        self._echoes = conditions.marks
        latency, jitter = conditions.latency_ms / 1000, conditions.jitter_ms / 1000
        self._up = _Road(latency, jitter, conditions.seed)
        self._down = _Road(latency, jitter, conditions.seed + 1)
        self._marks_back = _Road(conditions.mark_delay_ms / 1000, 0.0, conditions.seed)
        self._pending: deque[Mark] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._sequence = 0
        self._told: set[str] = set()
        self._call: dict[str, str] = {}
        self._stopped = False
        self._media_tail = f'"}},"streamSid":"{sid}"}}'

    async def open(
        self, url: str, headers: Mapping[str, str], call_sid: str, account_sid: str, given: Mapping[str, str]
    ) -> None:
        """The upgrade, `connected` and `start`. Raises Unavailable."""
        await self.connect(url, headers)
        self.start(call_sid, account_sid, given)

    async def connect(self, url: str, headers: Mapping[str, str]) -> None:
        """The upgrade alone. Raises Unavailable."""
        self.wire = await connect(url, headers, lambda text: self._down.carry(self._take, text), self._binary)
        self.wire.closed.add_done_callback(lambda _: self._over())

    def start(self, call_sid: str, account_sid: str, given: Mapping[str, str]) -> None:
        """`connected` and `start`."""
        self._call = {"accountSid": account_sid, "callSid": call_sid}
        self._post({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            **self._call,
            "streamSid": self.sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(given),
        }
        self._post({"event": "start", "sequenceNumber": self._next(), "start": start, "streamSid": self.sid})

    @property
    def closed(self) -> asyncio.Future[int]:
        """The close code, once the socket is gone; 1006 when it went without a word."""
        return self.wire.closed

    def send_frame(self, payload: str) -> None:
        """20 ms of the caller's sound, as base64."""
        chunk = self.frames_sent = self.frames_sent + 1
        self._sequence += 1
        self._up.carry(
            self.wire.send,
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound","chunk":"{chunk}"'
            f',"timestamp":"{chunk * 20 - 20}","payload":"{payload}{self._media_tail}',
        )

    def dtmf(self, digit: str) -> None:
        dtmf = {"track": "inbound_track", "digit": digit}
        self._post({"event": "dtmf", "streamSid": self.sid, "sequenceNumber": self._next(), "dtmf": dtmf})

    def stop(self) -> None:
        """The call is over or goes elsewhere: `stop`, then the socket closes."""
        if not self._stopped:
            self._post({"event": "stop", "sequenceNumber": self._next(), "streamSid": self.sid, "stop": self._call})
            self._stopped = True
            self._up.carry(self.wire.close, 1000)

    def cut(self) -> None:
        """The connection is gone without a word."""
        self.wire.abort()

    # From the server

    def _take(self, text: str) -> None:
        if self._stopped or self.closed.done():
            return
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            self._complain("not JSON")
            return
        kind = message.get("event") if isinstance(message, dict) else None
        if kind not in _KEYS:
            self._complain(f"unknown event {kind!r}")
        elif message.keys() != _KEYS[kind]:
            self._complain(f"{kind} has the fields {', '.join(message)}, not {', '.join(sorted(_KEYS[kind]))}")
        elif message["streamSid"] != self.sid:
            self._complain(f"{kind} for another stream")
        elif kind == "media":
            self._media(message["media"])
        elif kind == "mark":
            self._mark(message["mark"])
        else:
            self._clear()

    def _media(self, media: Any) -> None:
        if not isinstance(media, dict) or media.keys() != {"payload"} or not isinstance(media["payload"], str):
            self._complain("media must hold a payload and nothing else")
            return
        try:
            data = binascii.a2b_base64(media["payload"], strict_mode=True)
        except (binascii.Error, ValueError):
            self._complain("media's payload is not base64")
            return
        self._heard.take(data, time.monotonic())
        self._stirred()

    def _mark(self, given: Any) -> None:
        if not isinstance(given, dict) or given.keys() != {"name"} or not isinstance(given["name"], str):
            self._complain("mark must hold a name and nothing else")
            return
        now = time.monotonic()
        if len(self._pending) >= _MAX_PENDING_MARKS:
            self._complain(f"more than {_MAX_PENDING_MARKS} marks wait for their audio")
            return
        mark = Mark(given["name"], now, max(now, self._heard.ends))
        self.marks.append(mark)
        self._pending.append(mark)
        if self._timer is None:
            self._play_marks()

    def _play_marks(self) -> None:
        """Echo the marks whose audio has been played, and wake up for the next."""
        self._timer = None
        now = time.monotonic()
        while self._pending and self._pending[0].due <= now:
            self._echo(self._pending.popleft())
        if self._pending:
            self._timer = asyncio.get_running_loop().call_later(self._pending[0].due - now, self._play_marks)

    def _clear(self) -> None:
        now = time.monotonic()
        self.cleared_at.append(now)
        self._heard.clear(now)
        while self._pending:
            mark = self._pending.popleft()
            mark.cleared = True
            self._echo(mark)
        self._play_marks_later()
        self._stirred()

    def _echo(self, mark: Mark) -> None:
        if self._echoes:
            self._marks_back.carry(self._return, mark.name)

    def _return(self, name: str) -> None:
        echo = {"event": "mark", "sequenceNumber": self._next(), "streamSid": self.sid, "mark": {"name": name}}
        self._post(echo)

    def _play_marks_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _binary(self, _data: bytes) -> None:
        self._complain("a binary message", _BINARY)

    def _over(self) -> None:
        """What has not been played when the socket closes is lost."""
        self._play_marks_later()
        self._heard.clear(time.monotonic())
        self._stirred()

    # To the server

    def _post(self, message: dict[str, Any]) -> None:
        if not self._stopped:
            self._up.carry(self.wire.send, orjson.dumps(message).decode())

    def _next(self) -> str:
        self._sequence += 1
        return str(self._sequence)

    def _complain(self, text: str, code: int = _PROTOCOL) -> None:
        """Each kind of complaint once per stream."""
        if text not in self._told:
            self._told.add(text)
            self._debugger.warn(code, text)
