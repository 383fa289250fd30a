"""Whose key opens the content of an entry: each caller has one, kept sealed; forgetting a caller deletes it.

A call is somebody's from its first event on. One whose first event comes late, or whose caller has no number, has a key
of its own until then.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.backoffice.sealing import Sealer, Unsealable
from services.backoffice.watchers.tables import audit_calls, audit_holders

HOUSE = ""
_KEY_BYTES = 64  # half of it to seal, half of it to hash
_NONCE_BYTES = 12


class HolderKey:
    """One caller's. What it sealed nobody opens once it is gone."""

    def __init__(self, key: bytes) -> None:
        self.raw = key
        self._aes = AESGCM(key[:32])
        self._hash_key = key[32:]

    @classmethod
    def new(cls) -> HolderKey:
        return cls(os.urandom(_KEY_BYTES))

    def seal(self, content: bytes, source: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aes.encrypt(nonce, content, source.encode())

    def open(self, sealed: bytes, source: str) -> bytes:
        """Raises Unsealable."""
        try:
            return self._aes.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], source.encode())
        except (InvalidTag, ValueError):
            raise Unsealable(f"{source}: damaged, or sealed with another key") from None

    def digest(self, content: bytes) -> str:
        return hmac.new(self._hash_key, content, hashlib.sha256).hexdigest()


class HouseKey:
    """For what operators do: the sealer's own."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, content: bytes, source: str) -> bytes:
        return self._sealer.seal(content, f"audit/{source}")

    def open(self, sealed: bytes, source: str) -> bytes:
        """Raises Unsealable."""
        return self._sealer.open(sealed, f"audit/{source}")

    def digest(self, content: bytes) -> str:
        return self._sealer.hash(content.decode(), "audit content")


class Holders:
    """Keys in the database, within a transaction of who calls."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.house = HouseKey(sealer)

    async def of_number(self, connection: AsyncConnection, number: str) -> tuple[str, HolderKey]:
        """A caller's id and key, made if need be."""
        number_hash = self._sealer.number(number)
        found = await connection.execute(
            select(audit_holders.c.id, audit_holders.c.sealed_key).where(audit_holders.c.number_hash == number_hash)
        )
        row = found.first() if number_hash else None
        return (row.id, self._opened(row.id, row.sealed_key)) if row else await self._made(connection, number_hash)

    async def of_calls(
        self, connection: AsyncConnection, numbers: Mapping[str, str]
    ) -> dict[str, tuple[str, HolderKey]]:
        """By call id. `numbers`: call id -> its caller's number, empty where that is not known here."""
        found = await connection.execute(
            select(audit_calls.c.call_id, audit_calls.c.holder, audit_holders.c.sealed_key, audit_holders.c.number_hash)
            .outerjoin(audit_holders, audit_calls.c.holder == audit_holders.c.id)
            .where(audit_calls.c.call_id.in_(list(numbers)))
        )
        known: dict[str, tuple[str, HolderKey]] = {}
        for row in found:
            if row.sealed_key is None:  # its caller was forgotten while it was on: what follows nobody can read either
                known[row.call_id] = row.holder, HolderKey.new()
                continue
            known[row.call_id] = row.holder, self._opened(row.holder, row.sealed_key)
            if not row.number_hash and (number_hash := self._sealer.number(numbers[row.call_id])):
                await connection.execute(
                    update(audit_holders).where(audit_holders.c.id == row.holder).values(number_hash=number_hash)
                )
        for call_id, number in numbers.items():
            if call_id not in known:
                known[call_id] = await self.of_number(connection, number)
                await connection.execute(insert(audit_calls).values(call_id=call_id, holder=known[call_id][0]))
        return known

    async def known(self, connection: AsyncConnection, ids: Collection[str]) -> dict[str, HolderKey | HouseKey]:
        """Keys that are still there, by holder, the house's among them. Raises Unsealable."""
        found = await connection.execute(
            select(audit_holders.c.id, audit_holders.c.sealed_key).where(audit_holders.c.id.in_(list(ids)))
        )
        return {HOUSE: self.house, **{row.id: self._opened(row.id, row.sealed_key) for row in found}}

    async def forget(self, connection: AsyncConnection, number: str) -> list[str]:
        """Delete a caller's keys; gives whose they were."""
        number_hash = self._sealer.number(number)
        if not number_hash:
            return []
        found = await connection.execute(select(audit_holders.c.id).where(audit_holders.c.number_hash == number_hash))
        ids = [row.id for row in found]
        await connection.execute(delete(audit_holders).where(audit_holders.c.id.in_(ids)))
        return ids

    async def _made(self, connection: AsyncConnection, number_hash: str) -> tuple[str, HolderKey]:
        holder, key = secrets.token_hex(12), HolderKey.new()
        sealed = self._sealer.seal(key.raw, f"audit holder/{holder}")
        await connection.execute(insert(audit_holders).values(id=holder, number_hash=number_hash, sealed_key=sealed))
        return holder, key

    def _opened(self, holder: str, sealed: bytes) -> HolderKey:
        return HolderKey(self._sealer.open(sealed, f"audit holder/{holder}"))
