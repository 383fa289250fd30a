"""Deepgram `/v2/listen` (Flux): turns instead of segments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.vendors.decoder import Word
from testbed.vendors.deepgram.ear import Ear
from testbed.vendors.deepgram.nova import audio_format, number

Post = Callable[[dict[str, Any], float], None]
_UPDATE_MS = 250.0


@dataclass(slots=True)
class FluxQuery:
    """The query of the connection, checked."""

    encoding: str
    sample_rate: int
    eager: float | None
    threshold: float
    timeout_ms: int

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "FluxQuery":
        """Raises ValueError in Deepgram's sense: answered with 400."""
        encoding, rate = audio_format(query)
        if query.get("model") not in ("flux-general-en", "flux-general-multi"):
            raise ValueError("model: must be flux-general-en or flux-general-multi")
        for name in ("interim_results", "endpointing", "vad_events", "smart_format", "language"):
            if name in query:
                raise ValueError(f"{name}: is not a parameter of /v2/listen")
        parsed = cls(encoding, rate, None, 0.7, 5000)
        parsed.configure(query)
        return parsed

    def configure(self, values: Mapping[str, Any]) -> None:
        """Takes thresholds from the query or from Configure. Raises ValueError, changing nothing."""
        eager = float(values["eager_eot_threshold"]) if "eager_eot_threshold" in values else self.eager
        threshold = float(values.get("eot_threshold", self.threshold))
        timeout = number("eot_timeout_ms", str(values.get("eot_timeout_ms", self.timeout_ms)))
        if not 0.5 <= threshold <= 1.0:
            raise ValueError("eot_threshold: must be within 0.5-1.0")
        if eager is not None and not (0.3 <= eager <= 0.9 and eager <= threshold):
            raise ValueError("eager_eot_threshold: must be within 0.3-0.9 and not above eot_threshold")
        if not 500 <= timeout <= 60000:
            raise ValueError("eot_timeout_ms: must be within 500-60000")
        self.eager, self.threshold, self.timeout_ms = eager, threshold, timeout


class FluxStream:
    """One connection. The confidence that a turn is over grows with silence: 0.99 after `full_confidence_ms`."""

    def __init__(
        self,
        query: FluxQuery,
        ear: Ear,
        post: Post,
        request_id: str,
        interim_delay_ms: float,
        final_delay_ms: float,
        full_confidence_ms: float,
    ) -> None:
        self._query, self._ear, self._post, self._request_id = query, ear, post, request_id
        self._delay, self._final_delay, self._full_ms = interim_delay_ms, final_delay_ms, max(1.0, full_confidence_ms)
        self.words: list[Word] = []
        self._turn: list[Word] = []
        self._turn_index = 0
        self._turn_start_ms = 0.0
        self._open = self._eager = False
        self._updated_ms = 0.0
        self._sequence = 0
        self._send({"type": "Connected"})

    def audio(self, data: bytes) -> None:
        new = self._ear.hear(data)
        if new:
            self._heard(new)
        if not self._open:
            return
        if self._ear.now_ms - self._updated_ms >= _UPDATE_MS and not self._eager:
            self._tell("Update")
        silence = 0.0 if self._ear.in_word else self._ear.silence_ms
        sure = self._confidence(silence)
        if silence >= self._query.timeout_ms:
            self._end("timeout")
        elif self._query.threshold < 1.0 and sure >= self._query.threshold:
            self._end("model")
        elif self._query.eager is not None and sure >= self._query.eager and not self._eager:
            self._eager = True
            self._tell("EagerEndOfTurn")

    def control(self, message: dict[str, Any]) -> bool:
        kind = message["type"]
        if kind == "CloseStream":
            return True
        if kind == "ForceEndTurn":
            if self._open:
                self._end("manual")
        elif kind == "Configure":
            self._configure(message)
        else:
            self._send({"type": "Error", "code": "UNPARSABLE_CLIENT_MESSAGE", "description": f"unknown type {kind!r}"})
        return False

    def finish(self) -> None:
        new = self._ear.finish()
        if new:
            self._heard(new)
            self._tell("Update")

    def _configure(self, message: dict[str, Any]) -> None:
        try:
            self._query.configure(message.get("thresholds") or {})
        except (TypeError, ValueError) as error:
            self._send({"type": "ConfigureFailure", "code": "INVALID_THRESHOLDS", "description": str(error)})
            return
        thresholds: dict[str, Any] = {"eot_threshold": self._query.threshold, "eot_timeout_ms": self._query.timeout_ms}
        if self._query.eager is not None:
            thresholds["eager_eot_threshold"] = self._query.eager
        self._send({"type": "ConfigureSuccess", "thresholds": thresholds, "keyterms": message.get("keyterms") or []})

    def _heard(self, new: list[Word]) -> None:
        self.words += new
        self._turn += new
        if not self._open:
            self._open = True
            self._turn_start_ms = new[0].start_ms
            self._tell("StartOfTurn")
        elif self._eager:
            self._eager = False
            self._tell("TurnResumed")

    def _end(self, trigger: str) -> None:
        if not self._eager and self._query.eager is not None:
            self._tell("EagerEndOfTurn")
        self._tell("EndOfTurn", trigger)
        self._turn = []
        self._turn_index += 1
        self._open = self._eager = False

    def _confidence(self, silence_ms: float) -> float:
        return min(0.99, silence_ms / self._full_ms)

    def _tell(self, event: str, trigger: str | None = None) -> None:
        self._updated_ms = self._ear.now_ms
        message: dict[str, Any] = {
            "type": "TurnInfo",
            "event": event,
            "turn_index": self._turn_index,
            "audio_window_start": round(self._turn_start_ms / 1000, 3),
            "audio_window_end": round(self._ear.now_ms / 1000, 3),
            "transcript": " ".join(word.text for word in self._turn),
            "words": [
                {
                    "word": word.text,
                    "confidence": 0.99,
                    "start": round(word.start_ms / 1000, 3),
                    "end": round(word.end_ms / 1000, 3),
                }
                for word in self._turn
            ],
            "end_of_turn_confidence": round(self._confidence(self._ear.silence_ms), 3),
        }
        if trigger is not None:
            message["trigger"] = trigger
        self._send(message, self._final_delay if event == "EndOfTurn" else self._delay)

    def _send(self, message: dict[str, Any], delay_ms: float = 0) -> None:
        self._post({**message, "request_id": self._request_id, "sequence_id": self._sequence}, delay_ms)
        self._sequence += 1
