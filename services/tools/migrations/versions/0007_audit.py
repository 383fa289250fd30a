"""What is audited has a home of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("agent", sa.String(100), primary_key=True),
        sa.Column("intent", sa.String(250), primary_key=True),
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("entry_pii", sa.Text, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("audit_written_at", "audit", ["written_at"])


def downgrade() -> None:
    op.drop_table("audit")
