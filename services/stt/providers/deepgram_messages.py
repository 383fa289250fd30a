"""What becomes of whatever Deepgram sends, decided here and nowhere else.

skipped         unknown, empty, half, told already: counted, and the stream goes on
Misconfigured,  the request's own fault: not sent again as it was, and no word against the vendor
BadInput
AtCapacity      too many streams at once
VendorLost      everything else that ends a stream; only this counts against the vendor
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

import orjson
import structlog
from deepgram.core.api_error import ApiError
from websockets.exceptions import ConnectionClosed

from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, VendorLost
from services.stt.contract import SpeechEvent
from services.stt.skipped import Skip, skip

log = structlog.get_logger()

_LONGEST_SAID = 200
_TOO_MANY = re.compile(r"429|TOO_?MANY|RATE_?LIMIT|CONCURREN|CAPACITY")
_OUR_MESSAGE = re.compile(r"SCHEMA|UNPARSABLE|UNKNOWN_?MESSAGE")
_REQUEST = re.compile(
    r"(?<!\d)4(?!08|29)\d\d(?!\d)|INVALID|UNSUPPORTED|NOT_?SUPPORTED|BAD_?REQUEST|AUTH|FORBIDDEN|PERMISSION|PAYMENT|INSUFFICIENT|DATA-?0000"
)
_UNDECODABLE = re.compile(r"data-?0000", re.IGNORECASE)
_CLOSE_REQUEST = (1002, 1003, 1007, 1008, 1009, 1010)
"""Close codes that say that we broke a rule: what we sent, or who we are."""


class Takes(Protocol):
    """Reads the messages of one version of the protocol."""

    @property
    def owes(self) -> bool:
        """Words were shown that are not final."""
        ...

    def read(self, message: dict[str, Any]) -> list[SpeechEvent]:
        """Raises Skip."""
        ...

    def unanswered(self) -> list[SpeechEvent]:
        """It was asked for its words in vain: what is known stands."""
        ...


class Messages:
    """One connection's messages, as they come from the socket."""

    def __init__(self, engine: str, takes: Takes) -> None:
        self.takes = takes
        self.not_understood = False
        """It could not read something that we said."""
        self._engine = engine
        self._seen: set[str] = set()

    def read(self, raw: str | bytes) -> list[SpeechEvent] | None:
        """What is new; None when the message was of no use. Raises ParleyError when the stream is at its end."""
        try:
            message = _parsed(raw)
            if message.get("type") == "Error":
                self._error(message)
            return self.takes.read(message)
        except Skip as skipped:
            self._skipped(skipped.kind)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            self._skipped("unreadable", error)
        return None

    def _skipped(self, kind: str, error: Exception | None = None) -> None:
        """The log tells of the first of its kind."""
        if not kind:
            return
        skip(self._engine, kind)
        if kind not in self._seen:
            self._seen.add(kind)
            log.info("a message of Deepgram is skipped", engine=self._engine, kind=kind, exc_info=error)

    def _error(self, message: dict[str, Any]) -> None:
        """Raises Skip when the stream goes on."""
        said = _told(message)
        names = [str(message.get(key))[:_LONGEST_SAID] for key in ("variant", "code", "err_code") if message.get(key)]
        name = " ".join(names).upper().replace(" ", "_") or said.upper().replace(" ", "_")
        if not name:
            raise Skip("half")
        if _OUR_MESSAGE.search(name):
            self.not_understood = True
            if self._engine == "deepgram":  # Nova says so and goes on
                raise Skip("our_message")
            raise VendorLost(f"Deepgram does not know what we asked: {said}")
        raise _fault(name, said)


def _parsed(raw: str | bytes) -> dict[str, Any]:
    """Raises Skip."""
    if not raw.strip():
        raise Skip("empty")
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            message = json.loads(raw)  # takes NaN and half characters, which are no reason to lose the rest
        except (ValueError, RecursionError):
            raise Skip("not_json" if isinstance(raw, str) else "binary") from None
    if not isinstance(message, dict):
        raise Skip("not_object")
    return message


def _told(message: dict[str, Any]) -> str:
    said = (message.get(key) for key in ("code", "variant", "description", "message", "reason", "err_msg"))
    return ", ".join(each for each in said if isinstance(each, str) and each)[:_LONGEST_SAID]


def _fault(name: str, said: str) -> ParleyError:
    if _TOO_MANY.search(name):
        return AtCapacity(f"Deepgram takes no more streams at once: {said}")
    if _REQUEST.search(name) or _UNDECODABLE.search(said):
        return Misconfigured(f"Deepgram refuses what it is sent: {said}")
    return VendorLost(f"Deepgram reports an error: {said}")


def closed(error: ConnectionClosed) -> ParleyError:
    """Why a stream was closed before its end."""
    if error.rcvd is None or (error.sent is not None and not error.rcvd_then_sent):
        ours = error.sent  # the library hung up: a message above the limit, or no WebSocket any more
        why = f"it breaks the rules ({ours.code})" if ours is not None else "no goodbye"
        return VendorLost(f"Deepgram closed in mid-stream: {why}")
    code, said = error.rcvd.code, error.rcvd.reason[:_LONGEST_SAID]
    if code in _CLOSE_REQUEST or _UNDECODABLE.search(said):
        return Misconfigured(f"Deepgram refuses what it is sent: {code} {said}")
    if code == 1013:
        return AtCapacity(f"Deepgram takes no more streams at once: {code} {said}")
    return VendorLost(f"Deepgram closed in mid-stream: {code} {said}")


def refused(error: Exception) -> ParleyError:
    """Why no connection came about."""
    status = error.status_code if isinstance(error, ApiError) else None
    match status:
        case 401 | 403:
            return Misconfigured(f"DEEPGRAM_API_KEY: Deepgram refuses the key ({status})")
        case 402:
            return Misconfigured("DEEPGRAM_API_KEY: Deepgram's account has no credit (402)")
        case 400:
            return BadInput("Deepgram refuses the request (400); check language, keyterms and PARLEY_DEEPGRAM_MODEL")
        case 429:
            return AtCapacity("Deepgram takes no more streams at once (429)")
        case None:
            return VendorLost(f"Deepgram cannot be reached: {type(error).__name__}")
        case _ if status < 500 and status != 408:
            return Misconfigured(f"DEEPGRAM_BASE_URL: what is there does not speak Deepgram's protocol ({status})")
        case _:
            return VendorLost(f"Deepgram answered {status}")
