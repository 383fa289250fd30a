"""The tables of the watchers, as the migrations leave them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text, true

from services.backoffice.database import metadata

# One row per entry, never changed. `holder`: whose key opens `sealed`; empty: the house's own. `digest`: keyed hash of
# the content. `hash`: of all of this but `sealed`, and of the row before.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("who", String(200), nullable=False),
    Column("source", String(400), nullable=False, unique=True),
    Column("holder", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_subject", "subject", "seq"),
    Index("audit_kind", "kind", "seq"),
)

# One row: the last entry. Who adds some holds its lock.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

# The key of each caller, sealed. Forgetting a caller deletes it.
audit_holders = Table(
    "audit_holders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("number_hash", String(64), nullable=False, index=True),
    Column("sealed_key", LargeBinary, nullable=False),
)
audit_calls = Table(
    "audit_calls",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("holder", String(32), nullable=False, index=True),
)

# How each turn of a caller sounded. `turn`: the happening's id. `escalated`: a run of turns up to this one was told.
emotions = Table(
    "emotions",
    metadata,
    Column("turn", String(400), primary_key=True),
    Column("call_id", String(200), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("emotion", String(20), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("by", String(40), nullable=False),
    Column("escalated", Boolean, nullable=False),
    Index("emotions_call", "call_id", "at_ms"),
)

# What came of each call. `by`: `model` or `rules`.
outcomes = Table(
    "outcomes",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("outcome", String(40), nullable=False),
    Column("by", String(20), nullable=False),
    Column("model", String(100), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # summary and slots
    Index("outcomes_outcome", "outcome", "at_ms"),
)

# Where what happened is told. `kinds`: separated by spaces.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", String(400), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("note", String(200), nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("made_ms", BigInteger, nullable=False),
)

# What is to be told, or was. `state`: due, done, dead. `message_id`: the same each time it is sent.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("webhook", String(32), nullable=False),
    Column("message_id", String(80), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("call_id", String(200), nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("error", String(500), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Index("deliveries_once", "webhook", "message_id", unique=True),
    Index("deliveries_due", "state", "due_ms"),
    Index("deliveries_call", "call_id"),
)
