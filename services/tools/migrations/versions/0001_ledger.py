"""The ledger, its fences and executors; the agents' records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    op.create_table(
        "fences",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("leg", sa.BigInteger, nullable=False),
        sa.Column("open", sa.BigInteger, nullable=False),
        _moment("touched_at"),
    )
    op.create_index("fences_touched_at", "fences", ["touched_at"])
    op.create_table(
        "ledger",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("intent", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("leg", sa.BigInteger, nullable=False),
        sa.Column("open", sa.BigInteger, nullable=False),
        sa.Column("agent", sa.String(100), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("arguments_pii", sa.Text, nullable=False),
        sa.Column("executor", sa.String(64), nullable=False),
        sa.Column("claim", sa.String(32), nullable=False),
        _moment("started_at"),
        sa.Column("outcome_pii", sa.Text),
        _moment("ended_at", nullable=True),
    )
    op.create_index("ledger_started_at", "ledger", ["started_at"])
    op.create_table("executors", sa.Column("instance", sa.String(64), primary_key=True), _moment("beat_at"))
    op.create_table(
        "records",
        sa.Column("agent", sa.String(100), primary_key=True),
        sa.Column("collection", sa.String(100), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("value_pii", sa.Text, nullable=False),
    )
    op.create_table(
        "seeds",
        sa.Column("agent", sa.String(100), primary_key=True),
        sa.Column("collection", sa.String(100), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    for table in ("seeds", "records", "executors", "ledger", "fences"):
        op.drop_table(table)
