"""Records that tools write: what they wrote stays when the seed file changes, and what they deleted stays deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("records") as table:
        table.alter_column("value_pii", existing_type=sa.Text, nullable=True)
        table.alter_column("position", existing_type=sa.Integer, type_=sa.BigInteger, existing_nullable=False)
        table.add_column(sa.Column("written_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("made_by", sa.String(250), nullable=True))
    op.create_index("records_made_by", "records", ["agent", "collection", "made_by"], unique=True)
    op.create_index("records_written_at", "records", ["written_at"])


def downgrade() -> None:
    op.execute("DELETE FROM records WHERE written_at IS NOT NULL")
    op.drop_index("records_written_at", "records")
    op.drop_index("records_made_by", "records")
    with op.batch_alter_table("records") as table:
        table.drop_column("made_by")
        table.drop_column("written_at")
        table.alter_column("position", existing_type=sa.BigInteger, type_=sa.Integer, existing_nullable=False)
        table.alter_column("value_pii", existing_type=sa.Text, nullable=False)
