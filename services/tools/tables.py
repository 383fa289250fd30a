"""The tables of the tools service, as the migrations leave them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, MetaData, String, Table, Text, func

metadata = MetaData()

# The newest epoch of each call that this service has heard of: lower ones are fenced.
fences = Table(
    "fences",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("leg", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("touched_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("fences_touched_at", "touched_at"),
)

# One row per intent with effects, inserted before the effect. `outcome` is null until it ended.
ledger = Table(
    "ledger",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("intent", BigInteger, primary_key=True, autoincrement=False),
    Column("leg", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("agent", String(100), nullable=False),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("arguments_pii", Text, nullable=False),
    Column("executor", String(64), nullable=False),
    Column("claim", String(32), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("outcome_pii", Text),
    Column("ended_at", DateTime(timezone=True)),
    Column("confirmed", String(80)),
    Index("ledger_started_at", "started_at"),
    Index("ledger_confirmed", "call_id", "confirmed", unique=True),
)

# Replicas that are alive say so, twice a second. `lock`: the advisory lock that each holds; null: none.
executors = Table(
    "executors",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("beat_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("lock", BigInteger),
)

# The agents' own data. `written_at` null: as the seed file says, and replaced with it; else a tool wrote it then.
# `value_pii` null: a tool deleted it. `made_by`: the intent whose `add` made the key, and its how many-eth.
records = Table(
    "records",
    metadata,
    Column("agent", String(100), primary_key=True),
    Column("collection", String(100), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("value_pii", Text),
    Column("written_at", DateTime(timezone=True)),
    Column("made_by", String(250)),
    Index("records_made_by", "agent", "collection", "made_by", unique=True),
    Index("records_written_at", "written_at"),
)
# What agents audit: rows are added, and forgotten when they are old. `hash`: of the entry but for its time, so that an
# intent which is done again has it once.
audit = Table(
    "audit",
    metadata,
    Column("agent", String(100), primary_key=True),
    Column("intent", String(250), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("entry_pii", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Index("audit_written_at", "written_at"),
)
# Wrong tries to show who one is, and those under way. `last`: the intent of the newest one.
identity_tries = Table(
    "identity_tries",
    metadata,
    Column("agent", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("who_pii", String(250), primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("last", String(250), nullable=False),
    Index("identity_tries_began_ms", "began_ms"),
)
# The hash of the file each collection was loaded from; in the row of collection "", `data.version` of the agent.
seeds = Table(
    "seeds",
    metadata,
    Column("agent", String(100), primary_key=True),
    Column("collection", String(100), primary_key=True),
    Column("hash", String(64), nullable=False),
)

# Card numbers and codes of calls under way, sealed, by the token that stands for each: see `vault/`.
vault = Table(
    "vault",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("token", String(20), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False),
    Index("vault_kept_at", "kept_at"),
)

# What a call's queries have found, by handle, for a while.
query_results = Table(
    "query_results",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("handle", String(20), primary_key=True),
    Column("agent", String(100), nullable=False),
    Column("customer_pii", String(200), nullable=False),
    Column("found_pii", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("query_results_made_at", "made_at"),
)
