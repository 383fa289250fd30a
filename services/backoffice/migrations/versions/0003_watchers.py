"""The audit log, emotions, outcomes, webhooks and what they are to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("source", sa.String(400), nullable=False, unique=True),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_subject", "audit", ["subject", "seq"])
    op.create_index("audit_kind", "audit", ["kind", "seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": ""}])
    op.create_table(
        "audit_holders",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("number_hash", sa.String(64), nullable=False, index=True),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_calls",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("holder", sa.String(32), nullable=False, index=True),
    )
    op.create_table(
        "emotions",
        sa.Column("turn", sa.String(400), primary_key=True),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("emotion", sa.String(20), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("escalated", sa.Boolean, nullable=False),
    )
    op.create_index("emotions_call", "emotions", ["call_id", "at_ms"])
    op.create_table(
        "outcomes",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("by", sa.String(20), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("outcomes_outcome", "outcomes", ["outcome", "at_ms"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.String(400), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("webhook", sa.String(32), nullable=False),
        sa.Column("message_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("deliveries_once", "deliveries", ["webhook", "message_id"], unique=True)
    op.create_index("deliveries_due", "deliveries", ["state", "due_ms"])
    op.create_index("deliveries_call", "deliveries", ["call_id"])


def downgrade() -> None:
    for table in (
        "deliveries",
        "webhooks",
        "outcomes",
        "emotions",
        "audit_calls",
        "audit_holders",
        "audit_head",
        "audit",
    ):
        op.drop_table(table)
