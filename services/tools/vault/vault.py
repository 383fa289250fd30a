"""Numbers of cards and their codes, by the token that stands for them in a call: sealed, for a quarter of an hour.

They come from the gateway (`Tools.Keep`) and are found only by the executor, for an argument that is declared to be one
(`Secret` in tools.py). A code is deleted in the moment a tool begins with it: it may not be kept after that, not even
sealed (PCI DSS 3.3.1). The key is `PARLEY_VAULT_KEY`; without it one of this process, and its death loses what is here.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from prometheus_client import Counter
from sqlalchemy import delete, func, select

from parley.errors import AtCapacity, BadInput
from services.tools.database import Database
from services.tools.tables import vault

KEEP = timedelta(minutes=15)
MAX_OF_CALL = 16
PAUSES_S = (0.1, 0.2, 0.4)
TOKEN = re.compile(r"\[?((card|code)-[a-z]{4})\]?", re.IGNORECASE)
_DIGITS = {"card": re.compile(r"\d{12,19}"), "code": re.compile(r"\d{3,4}")}
_NONCE_BYTES = 12

Kind = Literal["card", "code"]
OPENED = Counter("voice_vault_opened_total", "Numbers of cards and codes that tools asked for", ["kind", "outcome"])


class NotKept(Exception):
    """There is nothing behind what stands in an argument. The text is fit for the model."""


class Vault:
    """All calls' numbers, shared by replicas that share database and key."""

    def __init__(self, database: Database, key: str = "") -> None:
        self._database = database
        secret = key.encode() if key else os.urandom(32)
        self._aes = AESGCM(HKDF(SHA256(), 32, None, b"parley vault").derive(secret))

    async def keep(self, call_id: str, token: str, kind: str, digits: str) -> None:
        """Raises BadInput, AtCapacity (MAX_OF_CALL of one call), Unavailable."""
        if (match := TOKEN.fullmatch(token)) is None or match[2] != kind or match[1] != token:
            raise BadInput("token: write `card-` or `code-` and four small letters, as the kind says")
        if _DIGITS[kind].fullmatch(digits) is None:
            raise BadInput(f"digits: {len(digits)} characters are no {kind}")
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._aes.encrypt(nonce, digits.encode(), _about(call_id, token))
        values = {"sealed": sealed, "kept_at": datetime.now(UTC)}
        insert = self._database.insert(vault).values(call_id=call_id, token=token, **values)
        mine = select(func.count()).select_from(vault).where(vault.c.call_id == call_id, vault.c.token != token)
        async with self._database.transaction() as connection:
            await connection.execute(delete(vault).where(vault.c.kept_at < datetime.now(UTC) - KEEP))
            if ((await connection.execute(mine)).scalar() or 0) >= MAX_OF_CALL:
                raise AtCapacity(f"{MAX_OF_CALL} numbers of this call are kept already")
            await connection.execute(insert.on_conflict_do_update(index_elements=["call_id", "token"], set_=values))

    async def check(self, call_id: str, secrets: Mapping[str, Kind], arguments: Mapping[str, Any]) -> None:
        """Before a caller is asked for their yes. Raises NotKept, Unavailable."""
        tokens = _tokens(secrets, arguments)
        sealed = await self._sealed(call_id, tokens)
        for name, token in tokens.items():
            if token not in sealed:
                raise NotKept(_AGAIN[secrets[name]])

    async def filled(self, call_id: str, secrets: Mapping[str, Kind], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with digits where tokens stood. Codes are gone from here then. Raises NotKept, Unavailable."""
        tokens = _tokens(secrets, arguments)
        sealed = await self._sealed(call_id, tokens)
        found: dict[str, Any] = dict(arguments)
        for name, token in tokens.items():
            number = self._opened(call_id, token, sealed[token]) if token in sealed else ""
            OPENED.labels(secrets[name], "found" if number else "missing").inc()
            if not number:
                raise NotKept(_AGAIN[secrets[name]])
            found[name] = number
        if codes := [token for name, token in tokens.items() if secrets[name] == "code"]:
            here = (vault.c.call_id == call_id) & vault.c.token.in_(codes)
            async with self._database.transaction() as connection:
                if (await connection.execute(delete(vault).where(here))).rowcount < len(codes):
                    raise NotKept(_AGAIN["code"])  # another tool was quicker
        return found

    async def _sealed(self, call_id: str, tokens: Mapping[str, str]) -> dict[str, bytes]:
        """By token. One that the gateway has told a moment ago may still be on its way here."""
        wanted = set(tokens.values())
        found: dict[str, bytes] = {}
        for pause_s in (*PAUSES_S, 0.0) if wanted else ():
            fresh = vault.c.kept_at >= datetime.now(UTC) - KEEP
            query = select(vault).where(vault.c.call_id == call_id, vault.c.token.in_(wanted), fresh)
            async with self._database.transaction() as connection:
                found = {row.token: bytes(row.sealed) for row in (await connection.execute(query)).all()}
            if wanted <= found.keys():
                break
            await asyncio.sleep(pause_s)
        return found

    def _opened(self, call_id: str, token: str, sealed: bytes) -> str:
        try:
            return self._aes.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _about(call_id, token)).decode()
        except InvalidTag:  # sealed by a process that had another key
            return ""


_AGAIN: dict[Kind, str] = {
    "card": "The card's number is not there, or not any more. Ask the caller for the whole number again.",
    "code": "The card's security code is not there, or was used. Ask the caller for it again.",
}
_ASK: dict[Kind, str] = {
    "card": "pass the token in brackets that stands for the card's number, as [card-kwtm], never digits. Without one, "
    "ask the caller for the card number.",
    "code": "pass the token in brackets that stands for the security code, as [code-kwtm], never digits. Without one, "
    "ask the caller for the security code.",
}


def _tokens(secrets: Mapping[str, Kind], arguments: Mapping[str, Any]) -> dict[str, str]:
    """By argument. Raises NotKept: there is something else in one of them."""
    found = {}
    for name, kind in secrets.items():
        if not arguments.get(name):
            continue
        match = TOKEN.search(str(arguments[name]))
        if match is None:
            raise NotKept(f"argument {name}: {_ASK[kind]}")
        if match[2].lower() != kind:
            raise NotKept(f"argument {name}: that stands for a {match[2].lower()}. {_AGAIN[kind]}")
        found[name] = match[1].lower()
    return found


def _about(call_id: str, token: str) -> bytes:
    return f"{call_id}/{token}".encode()
