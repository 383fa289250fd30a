"""The lock by which the end of a replica's process is known at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("executors", sa.Column("lock", sa.BigInteger, nullable=True))


def downgrade() -> None:
    op.drop_column("executors", "lock")
