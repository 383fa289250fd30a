"""Passwords: argon2id (RFC 9106, second recommended option: 64 MiB, 3 passes), beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parley.errors import AtCapacity, BadInput

Done = TypeVar("Done")

SHORTEST, LONGEST = 12, 200
AT_ONCE = 2
"""Each takes 64 MiB and a core for some 50 ms."""
WAITING = 16


class Passwords:
    """One per process: at most AT_ONCE are worked on, WAITING wait."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Raises AtCapacity."""
        return await self._beside(self._hasher.hash, password)

    async def fits(self, hashed: str, password: str) -> bool:
        """`hashed` empty: no such account, which takes as long as a wrong password. Raises AtCapacity."""
        return await self._beside(self._fits, hashed, password)

    def is_old(self, hashed: str) -> bool:
        """Made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            found = self._hasher.verify(hashed or self._nobodys, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
        return found and bool(hashed)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody's")

    async def _beside(self, act: Callable[..., Done], *given: str) -> Done:
        if self._waiting >= WAITING:
            raise AtCapacity("too many logins at once; try again in a moment")
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(act, *given)
        finally:
            self._waiting -= 1


def checked(password: str, name: str) -> str:
    """Raises BadInput: too short, too long, or the name itself. No rule of signs and digits: length is what counts."""
    if len(password) < SHORTEST:
        raise BadInput(f"password: at least {SHORTEST} characters; a few words that nobody else would put together")
    if len(password) > LONGEST:
        raise BadInput(f"password: at most {LONGEST} characters")
    if len(set(password)) < 5 or password.casefold().strip("0123456789 ") == name.casefold():
        raise BadInput("password: too easy to guess; take a few words that nobody else would put together")
    return password
