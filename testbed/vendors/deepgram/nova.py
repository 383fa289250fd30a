"""Deepgram `/v1/listen`: interims, finals, endpointing, UtteranceEnd, Finalize."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.vendors.decoder import Word
from testbed.vendors.deepgram.ear import ENCODINGS, Ear

Post = Callable[[dict[str, Any], float], None]
_SEGMENT_MS = 5000.0
"""A segment this long is made final at the next word, although the caller goes on speaking."""


@dataclass(frozen=True, slots=True)
class NovaQuery:
    """The query of the connection, checked. Times in ms; None is off."""

    encoding: str
    sample_rate: int
    model: str
    interim_results: bool
    endpointing: int | None
    utterance_end_ms: int | None
    vad_events: bool
    punctuate: bool

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "NovaQuery":
        """Raises ValueError in Deepgram's sense: answered with 400."""
        encoding, rate = audio_format(query)
        if not query.get("model"):
            raise ValueError("model: is required")
        utterance_end = query.get("utterance_end_ms")
        interim = flag(query, "interim_results")
        if utterance_end is not None and not interim:
            raise ValueError("utterance_end_ms: needs interim_results=true")
        if utterance_end is not None and number("utterance_end_ms", utterance_end) < 1000:
            raise ValueError("utterance_end_ms: must be at least 1000")
        return cls(
            encoding=encoding,
            sample_rate=rate,
            model=query["model"],
            interim_results=interim,
            endpointing=_endpointing(query.get("endpointing", "10")),
            utterance_end_ms=None if utterance_end is None else number("utterance_end_ms", utterance_end),
            vad_events=flag(query, "vad_events"),
            punctuate=flag(query, "punctuate") or flag(query, "smart_format"),
        )


def _endpointing(value: str) -> int | None:
    if value in ("true", "false"):
        return 10 if value == "true" else None
    return number("endpointing", value)


def number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{name}: {value!r} is not a whole number") from None


def flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise ValueError(f"{name}: {value!r} must be true or false")
    return value == "true"


def audio_format(query: Mapping[str, str]) -> tuple[str, int]:
    """Encoding and rate; the stand-in hears raw mono µ-law and linear16 only."""
    encoding = query.get("encoding", "")
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding: {encoding!r} is not supported here; use one of {', '.join(ENCODINGS)}")
    if "sample_rate" not in query:
        raise ValueError("sample_rate: is required when encoding is given")
    rate = number("sample_rate", query["sample_rate"])
    if not 8000 <= rate <= 48000:
        raise ValueError(f"sample_rate: {rate} is out of range 8000-48000")
    if query.get("channels", "1") != "1":
        raise ValueError("channels: only 1 is supported here")
    return encoding, rate


class NovaStream:
    """One connection. `post(message, delay_ms)` sends."""

    def __init__(
        self,
        query: NovaQuery,
        ear: Ear,
        post: Post,
        request_id: str,
        interim_ms: float,
        interim_delay_ms: float,
        final_delay_ms: float,
    ) -> None:
        self._query, self._ear, self._post, self._request_id = query, ear, post, request_id
        self._interim_ms, self._interim_delay, self._final_delay = interim_ms, interim_delay_ms, final_delay_ms
        self.words: list[Word] = []
        self._segment: list[Word] = []
        self._segment_start_ms = 0.0
        self._interim_at_ms = -1e9
        self._told = 0
        self._onset_told: float | None = None
        self._voice_open = False
        self._utterance_open = False

    def audio(self, data: bytes) -> None:
        """Takes audio and sends whatever it brought about."""
        new = self._ear.hear(data)
        self._speech_started()
        if new:
            self.words += new
            self._segment += new
            self._utterance_open = self._voice_open = True
        if self._segment and self._ear.now_ms - self._segment_start_ms >= _SEGMENT_MS and not self._ear.in_word:
            self._result(is_final=True)
        self._interim()
        self._endpoint()
        self._utterance_end()

    def control(self, message: dict[str, Any]) -> bool:
        kind = message["type"]
        if kind == "CloseStream":
            return True
        if kind == "Finalize":
            if self._ear.now_ms > self._segment_start_ms:
                self._result(is_final=True, from_finalize=True)
        elif kind == "Configure":
            self._post({"type": "ConfigureSuccess", "keyterms": message.get("keyterms", [])}, 0)
        elif kind != "KeepAlive":
            error = {"type": "Error", "variant": "SchemaError", "description": f"unknown message type {kind!r}"}
            self._post(error, 0)
        return False

    def finish(self) -> None:
        """The end of the audio: the rest of the results, then Metadata."""
        new = self._ear.finish()
        self.words += new
        self._segment += new
        if self._segment:
            self._result(is_final=True)
        self._post(
            {
                "type": "Metadata",
                "transaction_key": "deprecated",
                "request_id": self._request_id,
                "sha256": hashlib.sha256(self._request_id.encode()).hexdigest(),
                "created": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                "duration": round(self._ear.now_ms / 1000, 3),
                "channels": 1,
            },
            0,
        )

    def _speech_started(self) -> None:
        onset = self._ear.onset_ms
        if onset is not None and onset != self._onset_told:
            self._voice_open = True
            if self._query.vad_events:
                started = {"type": "SpeechStarted", "channel": [0, 1], "timestamp": round(onset / 1000, 3)}
                self._post(started, self._interim_delay)
        self._onset_told = onset

    def _interim(self) -> None:
        due = self._ear.now_ms - self._interim_at_ms >= self._interim_ms
        if self._query.interim_results and due and len(self._segment) > self._told:
            self._result(is_final=False)

    def _endpoint(self) -> None:
        limit = self._query.endpointing
        if limit is None or not self._voice_open:
            return
        if self._ear.silence_ms >= limit and not self._ear.in_word:
            self._result(is_final=True, speech_final=True)
            self._voice_open = False

    def _utterance_end(self) -> None:
        limit = self._query.utterance_end_ms
        if limit is None or not self._utterance_open or self._ear.in_word:
            return
        last_end = self.words[-1].end_ms
        if self._ear.now_ms - last_end >= limit:
            if self._segment:
                self._result(is_final=True)
            self._utterance_open = False
            message = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": round(last_end / 1000, 3)}
            self._post(message, self._final_delay)

    def _result(self, *, is_final: bool, speech_final: bool = False, from_finalize: bool = False) -> None:
        now = self._ear.now_ms
        words, start = self._segment, self._segment_start_ms
        message = {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": round((now - start) / 1000, 3),
            "start": round(start / 1000, 3),
            "is_final": is_final,
            "speech_final": speech_final,
            "from_finalize": from_finalize,
            "channel": {"alternatives": [self._alternative(words, speech_final)]},
            "metadata": {
                "request_id": self._request_id,
                "model_info": {"name": self._query.model, "version": "2024-12-18.0", "arch": "nova-3"},
                "model_uuid": "40bd3654-e622-47c4-a111-63a61b23bfe8",
            },
        }
        self._post(message, self._final_delay if is_final else self._interim_delay)
        if is_final:
            self._segment, self._segment_start_ms, self._told, self._interim_at_ms = [], now, 0, -1e9
        else:
            self._told, self._interim_at_ms = len(words), now

    def _alternative(self, words: list[Word], closed: bool) -> dict[str, Any]:
        shown = [word.text for word in words]
        if self._query.punctuate and shown:
            shown[0] = shown[0].capitalize()
            shown[-1] += "." if closed else ""
        items = []
        for word, punctuated in zip(words, shown, strict=True):
            item = {
                "word": word.text,
                "start": round(word.start_ms / 1000, 3),
                "end": round(word.end_ms / 1000, 3),
                "confidence": 0.99,
            }
            if self._query.punctuate:
                item["punctuated_word"] = punctuated
            items.append(item)
        return {"transcript": " ".join(shown), "confidence": 0.99 if words else 0.0, "words": items}
