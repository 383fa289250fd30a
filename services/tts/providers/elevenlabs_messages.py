"""ElevenLabs' wire, inwards: what its messages hold, and what its errors mean.

Each message is one of three: used as far as it can be; skipped, when nothing in it is known or can be read; or an error
by what it says: the request's own fault (Misconfigured: a key, a quota, a voice; not asked again as it was), busy
(AtCapacity), or lost (VendorLost: only this says something about the vendor's health). Seen in the wild, and skipped:
`flush_done`, keep-alives, padding without characters, names in camel and in snake case.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from parley.errors import AtCapacity, Misconfigured, ParleyError, VendorLost
from services.tts.contract import WordTime
from services.tts.times import NONE, CharTimes, mended
from services.tts.words import Aligner

_BUSY = re.compile(r"too[_ ]many|concurren|rate[_ ]limit|busy|max_active|overload|at capacity")
_ITS_OWN = re.compile(r"internal|server[_ ]error|unavailable|time[d_ -]*out")
# A used-up quota is for the account's owner to mend, not for a retry.
_REFUSED_NAME = re.compile(
    r"unusual_activity|api_key|auth|permission|quota|credit|subscription|payment|voice|model|invalid|not_found"
)
_REFUSED_WORDS = re.compile(
    r"unusual activity|quota|credits|api[ _-]?key|unauthori[sz]ed|permission|subscription|payment|"
    r"\b(?:voice|model)\b.{0,80}\b(?:not|invalid|unknown|unsupported)\b|"
    r"\b(?:invalid|unknown|unsupported|no such)\b.{0,20}\b(?:voice|model)\b"
)
_REQUESTS_FAULT = (400, 401, 402, 403, 404, 422)
_GOODBYES = (1000, 1001)
_ERROR_FIELDS = frozenset(("error", "detail", "type", "message_type", "status", "status_code", "code"))
"""Without any of these a message is no error."""
_YES = (True, 1, "true")
_ALIGNMENTS = ("alignment", "normalizedAlignment", "normalized_alignment")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """What can be used of one message. `torn`: it had audio that cannot be read."""

    audio: bytes = b""
    final: bool = False
    times: CharTimes = NONE
    torn: bool = False
    error: ParleyError | None = None

    @property
    def chars(self) -> list[str]:
        return self.times[0]

    def words(self, aligner: Aligner, since_ms: float) -> list[WordTime]:
        """The words it completes; its times count from `since_ms`."""
        chars, starts, ends = self.times
        shift = since_ms.__add__
        return aligner.take(chars, list(map(shift, starts)), list(map(shift, ends)))


def parse(raw: str | bytes, bytes_per_ms: int) -> Message | None:
    """None: skip it."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return of(data, bytes_per_ms) if isinstance(data, dict) else None


def of(data: dict[str, Any], bytes_per_ms: int, before_ms: float = 0.0) -> Message | None:
    """`before_ms`: of other audio that its times may count too."""
    audio = decoded(data.get("audio"))
    times = _times(data, before_ms + len(audio or b"") / bytes_per_ms)
    final = data.get("isFinal") in _YES or data.get("is_final") in _YES
    error = None if _ERROR_FIELDS.isdisjoint(data) else _error(data)
    if audio == b"" and not (final or times[0] or error):
        return None
    return Message(audio or b"", final, times, torn=audio is None, error=error)


def decoded(audio: Any) -> bytes | None:
    """Base64, whose padding may be missing; nothing gives b"". None: it cannot be read."""
    if not audio:
        return b""
    if not isinstance(audio, str):
        return None
    try:
        return binascii.a2b_base64(audio, strict_mode=True)
    except ValueError:
        text = "".join(audio.split()).rstrip("=")
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return None


def _times(data: dict[str, Any], audio_ms: float) -> CharTimes:
    """Of the text as it was sent; else of the text as it was read out ("five dollars")."""
    for name in _ALIGNMENTS:
        alignment = data.get(name)
        if isinstance(alignment, dict):
            # Both spellings are in use.
            starts = alignment.get("charStartTimesMs") or alignment.get("charsStartTimesMs") or []
            lengths = alignment.get("charDurationsMs") or alignment.get("charsDurationsMs") or []
            times = mended(alignment.get("chars"), starts, lengths, audio_ms)
            if times is not NONE:
                return times
    return NONE


def _error(data: dict[str, Any]) -> ParleyError | None:
    """The error that a message is, if it is one. A bare `message` is only a remark."""
    error, detail = data.get("error"), data.get("detail")
    inner = next((each for each in (error, detail) if isinstance(each, dict)), {})
    kind = str(data.get("type") or data.get("message_type") or data.get("status") or "").lower()
    code = _first(int, data.get("code"), inner.get("code"), data.get("status_code"), data.get("status")) or 0
    if not (error or detail or "error" in kind or "exceeded" in kind or (code >= 400 and code not in _GOODBYES)):
        return None
    name = _first(str, inner.get("status"), inner.get("code"), inner.get("type"), error, kind) or ""
    said = _first(str, data.get("message"), inner.get("message"), detail, error) or ""
    return refusal(name, said, code if code < 1000 else 0)


def _first(kind: type[T], *values: Any) -> T | None:
    return next((value for value in values if type(value) is kind and value), None)


def refusal(name: str, message: str, status: int = 0) -> ParleyError:
    """The vendor's error as ours, from its name, its words, and its HTTP status if it has one."""
    said = f"elevenlabs: {message[:200] or name[:200] or f'status {status}'}"
    name, words = name.lower(), message.lower()
    if status == 429 or _BUSY.search(name) or _BUSY.search(words):
        return AtCapacity(said)
    if status in _REQUESTS_FAULT or (" " not in name and _REFUSED_NAME.search(name) and not _ITS_OWN.search(name)):
        return _misconfigured(said)
    if status < 500 and not _ITS_OWN.search(f"{name} {words}") and _REFUSED_WORDS.search(f"{name} {words}"):
        return _misconfigured(said)
    return VendorLost(said)


def _misconfigured(said: str) -> Misconfigured:
    return Misconfigured(f"{said}; check ELEVENLABS_API_KEY, the voice id and PARLEY_ELEVENLABS_MODEL")
