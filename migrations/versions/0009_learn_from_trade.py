"""Learn from trade what locations reject and what walk-in customers buy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table and a column with a constant default, which rewrites nothing."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("levels", sa.Column("walk_in_rate", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint("levels_walk_in_ck", "levels", "walk_in_rate >= 0")
    op.create_table(
        "source_records",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("served", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("learned_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("location_id", name="source_records_pk"),
        sa.CheckConstraint("served >= 0 AND rejected >= 0", name="source_records_counts_ck"),
    )


def downgrade() -> None:
    """Undo the above. What was learned is learned again the next night."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("source_records")
    op.drop_column("levels", "walk_in_rate")
