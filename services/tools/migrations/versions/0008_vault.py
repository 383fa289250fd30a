"""Card numbers of calls under way, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "vault",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("token", sa.String(20), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("vault_kept_at", "vault", ["kept_at"])


def downgrade() -> None:
    op.drop_table("vault")
