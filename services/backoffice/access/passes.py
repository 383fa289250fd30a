"""What proves itself by a signature: the one-time login link, a browser that is known, a login at the provider,
why one was refused.

A pass is `body.signature` in URL-safe base64: JSON of purpose, what it says, when it ends; HMAC-SHA256 with a key made
of backoffice's own. Whoever has that key can make passes: it is the key of the house.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping

from parley.errors import NotAllowed

LINK, DEVICE, PROVIDER, REFUSED = "link", "device", "login at the provider", "refusal"
LINK_S = 15 * 60.0
DEVICE_S = 180 * 24 * 3600.0
PROVIDER_S = 10 * 60.0
REFUSED_S = 60.0
MAX_CHARS = 2000


class Passes:
    """`key`: 32 bytes. `now`: seconds since 1970."""

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"parley passes\0" + key).digest()
        self._now = now

    def issue(self, purpose: str, says: Mapping[str, str], lifetime_s: float) -> str:
        """Each has a random `id`, by which one that is good once is remembered."""
        body = {**says, "id": os.urandom(12).hex(), "for": purpose, "until": round(self._now() + lifetime_s)}
        data = json.dumps(body, separators=(",", ":")).encode()
        return f"{_text(data)}.{_text(self._signature(data))}"

    def read(self, text: str, purpose: str) -> dict[str, str]:
        """What it says. Raises NotAllowed: forged, for something else, or too old."""
        try:
            body, signature = text[:MAX_CHARS].split(".")
            data = _bytes(body)
            genuine = hmac.compare_digest(self._signature(data), _bytes(signature))
        except (ValueError, binascii.Error):
            genuine = False
        if not genuine:
            raise NotAllowed(f"the {purpose} is forged or damaged")
        said = json.loads(data)
        if said["for"] != purpose:
            raise NotAllowed(f"the {purpose} is forged or damaged")
        if said["until"] < self._now():
            raise NotAllowed(f"the {purpose} is too old")
        return {name: str(value) for name, value in said.items()}

    def _signature(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
