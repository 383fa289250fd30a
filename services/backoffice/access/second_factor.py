"""A second factor: codes of an authenticator (TOTP, RFC 6238: six digits, 30 s). Each code is good once."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pyotp
import segno
from sqlalchemy import select, update

from parley.errors import BadInput
from services.backoffice.access.tables import accounts
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer, Unsealable

STEP_S = 30
AROUND = 1
"""Steps that a clock may be off, before and after."""
ISSUER = "Parley"
PICTURE_PX = 5
"""Of one square of the picture that is scanned, 37 to 45 of them wide with its white frame."""


class SecondFactor:
    """Of local accounts. Raises BadInput, Unavailable."""

    def __init__(self, database: Database, sealer: Sealer, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._sealer = sealer
        self._now = now

    def begin(self, name: str) -> tuple[str, str, str]:
        """A new secret in base32, its `otpauth://` address for a picture to scan, and what `turn_on` wants back."""
        secret = pyotp.random_base32()
        pending = self._sealer.seal(secret.encode(), about=f"totp to be/{name}")
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
        return secret, uri, base64.urlsafe_b64encode(pending).decode()

    @staticmethod
    def picture(uri: str) -> str:
        """The address as a QR code: SVG as a `data:` URI, black on white, so that cameras read it in dark too."""
        code = segno.make(uri, error="m", micro=False)
        return code.svg_data_uri(scale=PICTURE_PX, dark="#000", light="#fff")

    async def turn_on(self, name: str, pending: str, code: str) -> None:
        """From now on the account needs codes of this secret. `code`: its first; nobody shuts themselves out."""
        try:
            secret = self._sealer.open(base64.urlsafe_b64decode(pending.encode()), about=f"totp to be/{name}")
        except (Unsealable, ValueError):
            raise BadInput("pending: not what was given; begin anew") from None
        step = self._step(secret.decode(), code)
        if step is None:
            raise BadInput("code: not the one that is shown now; look at the clock of the telephone")
        sealed = self._sealer.seal(secret, about=f"totp/{name}")
        await self._store(name, sealed, step)

    async def turn_off(self, name: str) -> None:
        await self._store(name, None, 0)

    async def is_on(self, name: str) -> bool:
        return await self._sealed(name) is not None

    async def fits(self, name: str, code: str) -> bool:
        """Whether this is a code of now that was not used before."""
        sealed = await self._sealed(name)
        step = self._step(self._sealer.open(sealed, about=f"totp/{name}").decode(), code) if sealed else None
        if step is None:
            return False
        unused = (accounts.c.name == name) & (accounts.c.totp_step < step)
        async with self._database.transaction() as connection:
            done = await connection.execute(update(accounts).where(unused).values(totp_step=step))
        return done.rowcount == 1

    def _step(self, secret: str, code: str) -> int | None:
        here, totp = int(self._now() // STEP_S), pyotp.TOTP(secret)
        steps = range(here - AROUND, here + AROUND + 1)
        return next((step for step in steps if totp.verify(code.strip(), for_time=step * STEP_S)), None)

    async def _sealed(self, name: str) -> bytes | None:
        async with self._database.reading() as connection:
            found = await connection.execute(select(accounts.c.totp).where(accounts.c.name == name))
        sealed: bytes | None = found.scalar()
        return sealed

    async def _store(self, name: str, sealed: bytes | None, step: int) -> None:
        values = update(accounts).where(accounts.c.name == name).values(totp=sealed, totp_step=step)
        async with self._database.transaction() as connection:
            await connection.execute(values)
