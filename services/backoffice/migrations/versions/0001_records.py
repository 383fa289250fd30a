"""Records of calls, and what was made of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TABLES = ("records", "calls", "lines", "turns", "tools", "moments", "costs", "call_texts", "positions")
_STAGES = ("final", "eager", "ears", "token", "words", "sound", "over")


def _call_id() -> sa.Column[str]:
    return sa.Column("call_id", sa.String(200), primary_key=True)


def _nr() -> sa.Column[int]:
    return sa.Column("nr", sa.Integer, primary_key=True, autoincrement=False)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _time(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    _records()
    _calls()
    _of_calls()
    op.create_table(
        "call_texts",
        sa.Column("nr", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("call_id", sa.String(200), nullable=False, unique=True),
        sa.Column("text_pii", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _words_of_sqlite()
    else:
        op.execute("CREATE INDEX call_texts_words ON call_texts USING gin (to_tsvector('simple', text_pii))")
    op.create_table(
        "positions",
        sa.Column("name", sa.String(40), primary_key=True),
        _text("holder", 64),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        _text("stream", 64),
    )


def _records() -> None:
    op.create_table(
        "records",
        _call_id(),
        sa.Column("leg", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("open", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("swept", sa.Boolean, primary_key=True),
        _time("at_ms"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("records_at", "records", ["at_ms"])


def _calls() -> None:
    op.create_table(
        "calls",
        _call_id(),
        _text("agent", 100),
        _text("version", 100),
        _text("channel", 20),
        _text("direction", 20),
        _text("language", 20),
        _text("called", 200),
        sa.Column("caller_sealed", sa.LargeBinary, nullable=False),
        _text("caller_hash", 32),
        _text("caller_tail", 32),
        _time("started_ms"),
        _time("last_ms"),
        _time("ended_ms", nullable=True),
        sa.Column("seconds", sa.Float, nullable=False),
        _text("ended_by", 20),
        _text("reason", 200),
        *map(_count, ("turns", "interruptions", "pauses", "tools", "tools_failed", "fallbacks", "takeovers", "legs")),
        _count("guarded"),
        sa.Column("answer_ms", sa.Integer),
        sa.Column("slowest_ms", sa.Integer),
        sa.Column("usd", sa.Float, nullable=False),
        sa.Column("broken", sa.Boolean, nullable=False),
    )
    op.create_index("calls_started", "calls", ["started_ms", "call_id"])
    op.create_index("calls_agent", "calls", ["agent", "started_ms", "call_id"])
    op.create_index("calls_caller", "calls", ["caller_hash", "started_ms"])
    op.create_index("calls_tail", "calls", ["caller_tail", "started_ms"])
    op.create_index("calls_called", "calls", ["called", "started_ms"])
    op.create_index("calls_open", "calls", ["ended_ms", "last_ms"])
    op.create_index("calls_last", "calls", ["last_ms"])


def _of_calls() -> None:
    op.create_table(
        "lines",
        _call_id(),
        _nr(),
        _text("who", 10),
        _text("kind", 20),
        _count("turn"),
        _time("at_ms"),
        _time("until_ms", nullable=True),
        _text("status", 20),
        sa.Column("heard_pii", sa.Text, nullable=False),
        sa.Column("unheard_pii", sa.Text, nullable=False),
    )
    op.create_table(
        "turns",
        _call_id(),
        _nr(),
        _time("at_ms"),
        _text("by", 20),
        *(sa.Column(stage, sa.Integer) for stage in _STAGES),
        _count("rounds"),
        _count("interruptions"),
        sa.Column("cut", sa.Boolean, nullable=False),
    )
    op.create_index("turns_at", "turns", ["at_ms"])
    op.create_table(
        "tools",
        _call_id(),
        _nr(),
        _count("turn"),
        _text("name", 200),
        _time("at_ms"),
        _time("until_ms", nullable=True),
        _text("status", 20),
        sa.Column("arguments_pii", sa.Text, nullable=False),
        sa.Column("result_pii", sa.Text, nullable=False),
    )
    op.create_index("tools_status", "tools", ["status", "name", "at_ms"])
    op.create_index("tools_name", "tools", ["name", "at_ms"])
    op.create_table(
        "moments", _call_id(), _nr(), _time("at_ms"), _text("kind", 20), _count("turn"), _text("detail", 200)
    )
    op.create_table(
        "costs",
        _call_id(),
        *(sa.Column(name, sa.String(size), primary_key=True) for name, size in _PAID),
        sa.Column("seconds", sa.Float, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("read", "written", "chars")),
        _count("requests"),
        sa.Column("usd", sa.Float, nullable=False),
    )


_PAID = (("stage", 10), ("engine", 60), ("model", 100))


def _words_of_sqlite() -> None:
    """An index that holds no text of its own, kept true by triggers."""
    op.execute("CREATE VIRTUAL TABLE call_words USING fts5(text_pii, content='call_texts', content_rowid='nr')")
    add = "INSERT INTO call_words(rowid, text_pii) VALUES (new.nr, new.text_pii)"
    remove = "INSERT INTO call_words(call_words, rowid, text_pii) VALUES ('delete', old.nr, old.text_pii)"
    op.execute(f"CREATE TRIGGER call_texts_added AFTER INSERT ON call_texts BEGIN {add}; END")
    op.execute(f"CREATE TRIGGER call_texts_removed AFTER DELETE ON call_texts BEGIN {remove}; END")
    op.execute(f"CREATE TRIGGER call_texts_changed AFTER UPDATE ON call_texts BEGIN {remove}; {add}; END")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE call_words")
    for table in reversed(_TABLES):
        op.drop_table(table)
