"""Secrets of the configuration: sealed with PARLEY_CONFIG_KEY where they are set, opened by the service that uses them.

AES-256-GCM, with the variable's name bound in: a key that was sealed for one setting opens as no other. Several keys,
comma-separated, during a rotation: the first seals, all open.
"""

from __future__ import annotations

import base64
import os
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parley.errors import Misconfigured
from parley.settings import Settings

SETTING = "PARLEY_CONFIG_KEY"
MIN_KEY = 32
"""Characters: a password that people think of is shorter."""
_PREFIX = "sealed:"
_NONCE = 12


class Seals:
    """Of a process. Without a key it can neither seal nor open, and says so."""

    def __init__(self, keys: str = "") -> None:
        """Raises Misconfigured: a key is too short."""
        given = [key.strip() for key in keys.split(",") if key.strip()]
        if any(len(key) < MIN_KEY for key in given):
            raise Misconfigured(
                f"{SETTING}: at least {MIN_KEY} random characters; `openssl rand -base64 32` makes some"
            )
        self._keys = [AESGCM(sha256(f"parley configuration {key}".encode()).digest()) for key in given]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.config_key.get_secret_value())

    def __bool__(self) -> bool:
        return bool(self._keys)

    def seal(self, variable: str, secret: str) -> str:
        """With its shown form, which gives little away. Raises Misconfigured: there is no key."""
        if not self._keys:
            raise Misconfigured(f"{SETTING}: is not set here, so that {variable} cannot be kept; set it, or {variable}")
        nonce = os.urandom(_NONCE)
        closed = nonce + self._keys[0].encrypt(nonce, secret.encode(), variable.encode())
        return f"{_PREFIX}{base64.urlsafe_b64encode(closed).decode()}:{shown(secret)}"

    def open(self, variable: str, sealed: str) -> str:
        """Raises Misconfigured: no key, another key, or not what was sealed for this setting."""
        if not self._keys:
            raise Misconfigured(
                f"{SETTING}: is not set here, so that {variable} cannot be opened; set it for this service"
            )
        try:
            closed = base64.urlsafe_b64decode(sealed.removeprefix(_PREFIX).partition(":")[0])
        except ValueError:
            closed = b""
        for key in self._keys:
            try:
                return key.decrypt(closed[:_NONCE], closed[_NONCE:], variable.encode()).decode()
            except (InvalidTag, ValueError):
                continue
        raise Misconfigured(f"{variable}: was not sealed with the {SETTING} of this service; set it anew")


def is_sealed(text: str) -> bool:
    return text.startswith(_PREFIX)


def shown(text: str) -> str:
    """A secret as people may see it, `sk-…3f2a`; a sealed one likewise. Of a short one nothing is shown."""
    if is_sealed(text):
        return text.rpartition(":")[2]
    head, dash, _ = text.partition("-")
    first = f"{head}-" if dash and len(head) <= 4 else ""
    return f"{first}…{text[-4:]}" if len(text) >= 16 else "…"
