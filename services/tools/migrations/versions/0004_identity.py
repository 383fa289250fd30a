"""Wrong tries to show who one is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "identity_tries",
        sa.Column("agent", sa.String(100), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("who_pii", sa.String(250), primary_key=True),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("last", sa.String(250), nullable=False),
    )
    op.create_index("identity_tries_began_ms", "identity_tries", ["began_ms"])


def downgrade() -> None:
    op.drop_table("identity_tries")
