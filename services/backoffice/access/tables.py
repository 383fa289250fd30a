"""The tables of who may, as migration 0002 makes them. Times are ms since 1970; secrets stand here hashed or sealed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from services.backoffice.database import metadata

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password", Text, nullable=False),  # argon2id
    Column("number", String(32), nullable=False, server_default=""),
    Column("totp", LargeBinary),  # sealed; NULL: no second factor
    Column("totp_step", BigInteger, nullable=False, server_default="0"),  # of the last code that was used
    Column("made_ms", BigInteger, nullable=False),
    Column("password_ms", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the token
    Column("name", String(200), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("role", String(16), nullable=False),  # of an account: the account's counts
    Column("address", String(64), nullable=False),
    Column("browser", String(200), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False),  # SHA-256 of the whole key, which is 256 random bits
    Column("name", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger),
    Column("used_ms", BigInteger),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", String(32), primary_key=True),  # keyed hash of account and origin
    Column("times", Integer, nullable=False),
    Column("last_ms", BigInteger, nullable=False, index=True),
    Column("until_ms", BigInteger, nullable=False),
)

used_passes = Table(
    "used_passes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
)
