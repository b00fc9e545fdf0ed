"""Let units that broke while they were held be a task like those that are missing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns with constant defaults (nothing is rewritten); the checks read the few shortages there are once."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("shortages", sa.Column("broken", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("shortages", sa.Column("broken_gone", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("shortages", sa.Column("broke_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.alter_column("shortages", "count_id", nullable=True)
    op.create_check_constraint(
        "shortages_broken_ck", "shortages", "0 <= broken_gone AND broken_gone <= broken AND broken <= units"
    )
    op.create_check_constraint(
        "shortages_cause_ck",
        "shortages",
        "(broken > 0) = (broke_at IS NOT NULL) AND (broken < units) <= (count_id IS NOT NULL)",
    )


def downgrade() -> None:
    """Undo the above. A shortage of which every unit broke has no count to stand under: settle those first."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("shortages_cause_ck", "shortages")
    op.drop_constraint("shortages_broken_ck", "shortages")
    op.alter_column("shortages", "count_id", nullable=False)
    op.drop_column("shortages", "broke_at")
    op.drop_column("shortages", "broken_gone")
    op.drop_column("shortages", "broken")
