"""A yes is used up by what was done on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("ledger", sa.Column("confirmed", sa.String(80), nullable=True))
    op.create_index("ledger_confirmed", "ledger", ["call_id", "confirmed"], unique=True)


def downgrade() -> None:
    op.drop_index("ledger_confirmed", "ledger")
    op.drop_column("ledger", "confirmed")
