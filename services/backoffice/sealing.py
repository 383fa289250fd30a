"""What may not be read in a copy of the database: sealed with a key that is not in it.

    sealer = Sealer.of(settings)
    sealed = sealer.seal(b"...", about="calls/CA1")       # AES-256-GCM; opens only for the same `about`
    sealer.open(sealed, about="calls/CA1")
    sealer.number("+1 555 010 9999")                      # the same for the same number; says nothing without the key

The key is `PARLEY_BACKOFFICE_KEY`. Without it, one replica with SQLite makes its own, `backoffice.key` in the data
folder, beside the database: whoever copies both can read both.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from parley.errors import Misconfigured, ParleyError
from parley.settings import Settings

KEY_BYTES = 32
FILE = "backoffice.key"
_NONCE_BYTES = 12
_VERSION = b"\x01"


class Unsealable(ParleyError):
    """It was sealed with another key, for something else, or is damaged."""

    code = "DATA_LOSS"


class Sealer:
    """One key for what is sealed, another for hashes, both made of the same secret. `seal` and `open` take and give
    bytes of any length; a sealed value is 29 bytes longer."""

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(_derived(key, b"seal"))
        self._hash_key = _derived(key, b"hash")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises Misconfigured: the key is missing where replicas share a database, or is no key."""
        return cls(key_of(settings))

    def seal(self, data: bytes, about: str) -> bytes:
        """`about`: what it belongs to; needed again to open it, so that nobody moves it elsewhere."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._aes.encrypt(nonce, data, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Raises Unsealable."""
        if sealed[:1] != _VERSION:
            raise Unsealable(f"{about}: not sealed by this version")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aes.decrypt(nonce, body, about.encode())
        except (InvalidTag, ValueError):
            raise Unsealable(f"{about}: damaged, or sealed with another PARLEY_BACKOFFICE_KEY") from None

    def hash(self, text: str, what: str) -> str:
        """32 hex digits, the same for the same text and kind of thing; without the key nobody can try texts."""
        return hmac.new(self._hash_key, f"{what}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def number(self, number: str) -> str:
        """The hash of a telephone number, however it is written; empty for none."""
        plain = plain_number(number)
        return self.hash(plain, "number") if plain else ""


def plain_number(number: str) -> str:
    """`+15550109999` of `+1 (555) 010-9999` or `0015550109999`; other addresses (a SIP address, a page's visitor) in
    small letters."""
    compact = "".join(number.split())
    if not compact.strip("+0123456789()-./"):
        digits = "".join(char for char in compact if char.isdigit())
        return f"+{digits.removeprefix('00') if not compact.startswith('+') else digits}" if digits else ""
    return compact.casefold()


def key_of(settings: Settings) -> bytes:
    """The 32 bytes of the setting, or of the file that one replica makes for itself. Raises Misconfigured."""
    if value := settings.backoffice_key.get_secret_value():
        return _decoded(value, "PARLEY_BACKOFFICE_KEY")
    if settings.backoffice_database_url.get_secret_value():
        raise Misconfigured(
            "PARLEY_BACKOFFICE_KEY: missing, and replicas that share a database need the same one; make it with"
            " `python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`"
        )
    return kept_key(settings.data_dir)


def kept_key(data_dir: Path) -> bytes:
    """The key of this data folder, made once; for its owner only. Raises Misconfigured."""
    path = data_dir / FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            new = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(new, path)  # who comes second takes the first one's
            except FileExistsError:
                pass
            finally:
                new.unlink()
        return _decoded(path.read_text(), str(path))
    except OSError as e:
        raise Misconfigured(f"PARLEY_DATA_DIR: cannot keep the key {path}: {e.strerror}") from None


def _decoded(value: str, where: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(value.strip() + "=" * (-len(value.strip()) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Misconfigured(f"{where}: not {KEY_BYTES} bytes in base64")
    return key


def _derived(key: bytes, what: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"parley backoffice " + what).derive(key)
