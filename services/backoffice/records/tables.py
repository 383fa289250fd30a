"""The tables of the records, as their migrations make them. Times are milliseconds since 1970, stages are in ms.

`records` holds what came, the others what was made of it: they can be made anew from it as long as it is kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from services.backoffice.database import metadata

ID = 200


def _call_id(key: bool = True) -> Column[str]:
    return Column("call_id", String(ID), primary_key=key, nullable=False)


def _nr() -> Column[int]:
    return Column("nr", Integer, primary_key=True, autoincrement=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _time(name: str, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


records = Table(
    "records",
    metadata,
    _call_id(),
    Column("leg", BigInteger, primary_key=True, autoincrement=False),
    Column("open", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("swept", Boolean, primary_key=True),
    _time("at_ms"),
    Column("sealed", LargeBinary, nullable=False),
    Index("records_at", "at_ms"),
)

# `caller_hash`, `caller_tail`: keyed hashes of the whole number and of its last four digits. `broken`: a record of it
# could not be read.
calls = Table(
    "calls",
    metadata,
    _call_id(),
    Column("agent", String(100), nullable=False),
    Column("version", String(100), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("direction", String(20), nullable=False),
    Column("language", String(20), nullable=False),
    Column("called", String(200), nullable=False),
    Column("caller_sealed", LargeBinary, nullable=False),
    Column("caller_hash", String(32), nullable=False),
    Column("caller_tail", String(32), nullable=False),
    _time("started_ms"),
    _time("last_ms"),
    _time("ended_ms", nullable=True),
    Column("seconds", Float, nullable=False),
    Column("ended_by", String(20), nullable=False),
    Column("reason", String(200), nullable=False),
    _count("turns"),
    _count("interruptions"),
    _count("pauses"),
    _count("tools"),
    _count("tools_failed"),
    _count("fallbacks"),
    _count("takeovers"),
    _count("legs"),
    _count("guarded"),
    Column("answer_ms", Integer),
    Column("slowest_ms", Integer),
    Column("usd", Float, nullable=False),
    Column("broken", Boolean, nullable=False),
    Index("calls_started", "started_ms", "call_id"),
    Index("calls_agent", "agent", "started_ms", "call_id"),
    Index("calls_caller", "caller_hash", "started_ms"),
    Index("calls_tail", "caller_tail", "started_ms"),
    Index("calls_called", "called", "started_ms"),
    Index("calls_open", "ended_ms", "last_ms"),
    Index("calls_last", "last_ms"),
)

lines = Table(
    "lines",
    metadata,
    _call_id(),
    _nr(),
    Column("who", String(10), nullable=False),
    Column("kind", String(20), nullable=False),
    _count("turn"),
    _time("at_ms"),
    _time("until_ms", nullable=True),
    Column("status", String(20), nullable=False),
    Column("heard_pii", Text, nullable=False),
    Column("unheard_pii", Text, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    _call_id(),
    _nr(),
    _time("at_ms"),
    Column("by", String(20), nullable=False),
    *(Column(stage, Integer) for stage in ("final", "eager", "ears", "token", "words", "sound", "heard", "over")),
    _count("rounds"),
    _count("interruptions"),
    Column("cut", Boolean, nullable=False),
    Index("turns_at", "at_ms"),
)

tools = Table(
    "tools",
    metadata,
    _call_id(),
    _nr(),
    _count("turn"),
    Column("name", String(200), nullable=False),
    _time("at_ms"),
    _time("until_ms", nullable=True),
    Column("status", String(20), nullable=False),
    Column("arguments_pii", Text, nullable=False),
    Column("result_pii", Text, nullable=False),
    Index("tools_status", "status", "name", "at_ms"),
    Index("tools_name", "name", "at_ms"),
)

moments = Table(
    "moments",
    metadata,
    _call_id(),
    _nr(),
    _time("at_ms"),
    Column("kind", String(20), nullable=False),
    _count("turn"),
    Column("detail", String(200), nullable=False),
)

costs = Table(
    "costs",
    metadata,
    _call_id(),
    Column("stage", String(10), primary_key=True),
    Column("engine", String(60), primary_key=True),
    Column("model", String(100), primary_key=True),
    Column("seconds", Float, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("written", BigInteger, nullable=False),
    Column("chars", BigInteger, nullable=False),
    _count("requests"),
    Column("usd", Float, nullable=False),
)

# All that was said in a call that is over, for a search by words: an index of words belongs to it.
texts = Table(
    "call_texts",
    metadata,
    Column("nr", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("call_id", String(ID), nullable=False, unique=True),
    Column("text_pii", Text, nullable=False),
)

# How far the stream of events was read, and which replica reads it. `stream`: when that stream was made: the numbers of
# another one begin anew.
positions = Table(
    "positions",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("stream", String(64), nullable=False),
)

OF_A_CALL = (lines, turns, tools, moments, costs)
"""What is made anew with a call."""
