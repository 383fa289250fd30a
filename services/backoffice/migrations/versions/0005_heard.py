"""When an answer was heard, beside when it was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("turns", sa.Column("heard", sa.Integer, nullable=True))


def downgrade() -> None:
    op.drop_column("turns", "heard")
