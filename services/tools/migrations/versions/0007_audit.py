"""What is audited has a home of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    audit = op.create_table(
        "audit",
        sa.Column("agent", sa.String(100), primary_key=True),
        sa.Column("intent", sa.String(250), primary_key=True),
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("entry_pii", sa.Text, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("audit_written_at", "audit", ["written_at"])
    names = ("agent", "collection", "key", "value_pii", "written_at")
    records = sa.table("records", *(sa.column(name) for name in names))
    old = records.c  # entries were rows of a collection, by the intent's key; these names in this order are theirs
    entries = old.value_pii.like('{"who":%,"level":%,"what":%,"about":%,"at":%,"call":%}') & old.written_at.is_not(None)
    moved = sa.select(old.agent, old.key, sa.func.substr(old.collection, 1, 64), old.value_pii, old.written_at)
    op.execute(sa.insert(audit).from_select([column.name for column in audit.columns], moved.where(entries)))
    op.execute(sa.delete(records).where(entries))


def downgrade() -> None:
    op.drop_table("audit")
