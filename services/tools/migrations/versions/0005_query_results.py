"""What queries have found, for the rest of the call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "query_results",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("handle", sa.String(20), primary_key=True),
        sa.Column("agent", sa.String(100), nullable=False),
        sa.Column("customer_pii", sa.String(200), nullable=False),
        sa.Column("found_pii", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("query_results_made_at", "query_results", ["made_at"])


def downgrade() -> None:
    op.drop_table("query_results")
