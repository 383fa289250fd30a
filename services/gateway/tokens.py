"""One-time tokens: who may open a media socket for which leg of which call."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import orjson

from parley.errors import NotAllowed

Door = Literal["phone", "voice", "chat"]

ENTRY_S = 60.0
"""A token from the webhook or the page opens a socket within this time."""
RESUME_S = 4 * 3600.0
"""A token for coming back lives as long as the longest call."""
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token says. `fresh`: the call has no leg yet, so it may be refused when the house is full."""

    call_id: str
    leg: int
    door: Door
    agent: str
    fresh: bool


class Tokens:
    """Signs and redeems. A token is good once per process; the signature is HMAC-SHA256 over its JSON.

    At another gateway with the same secret it is good once more: there the call's owner refuses a leg that is taken.
    """

    def __init__(self, secret: str = "", now: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(secret.encode()).digest() if secret else os.urandom(32)
        self._now = now
        self._used: dict[str, float] = {}

    def issue(self, claim: Claim, lifetime_s: float = ENTRY_S) -> str:
        """A URL-safe token of at most about 400 characters (a carrier's parameter holds 500)."""
        expires, nonce = self._now() + lifetime_s, os.urandom(9).hex()
        body = orjson.dumps([claim.call_id, claim.leg, claim.door, claim.agent, claim.fresh, expires, nonce])
        return f"{_encode(body)}.{_encode(self._sign(body))}"

    def redeem(self, token: str, door: Door, again: int = 0) -> Claim:
        """What the token claims. Raises NotAllowed: forged, for another door, too old, or used before.

        `again`: so often a token for coming back was used and no answer came. Each time is good once, for a leg above.
        """
        try:
            body_text, signature = token.split(".")
            body = _decode(body_text)
            genuine = hmac.compare_digest(self._sign(body), _decode(signature))
        except (ValueError, binascii.Error):
            genuine = False
        if not genuine:
            raise NotAllowed("the token is forged or damaged: ask for a new one")
        call_id, leg, meant, agent, fresh, expires, nonce = orjson.loads(body)
        now = self._now()
        if meant != door:
            raise NotAllowed(f"the token is for {meant}, not for {door}")
        if expires < now:
            raise NotAllowed("the token is too old: ask for a new one")
        if again and fresh:
            raise NotAllowed("only a token for coming back may be used again: ask for a new one")
        nonce, leg = f"{nonce}.{again}", leg + again
        if nonce in self._used:
            raise NotAllowed("the token was used before: ask for a new one")
        self._remember(nonce, expires, now)
        return Claim(call_id, leg, meant, agent, fresh)

    def _remember(self, nonce: str, expires: float, now: float) -> None:
        if len(self._used) >= _REMEMBERED:
            self._used = {n: e for n, e in self._used.items() if e >= now}
        if len(self._used) >= _REMEMBERED:
            raise NotAllowed("too many tokens are in use: try again in a minute")
        self._used[nonce] = expires

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:20]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
