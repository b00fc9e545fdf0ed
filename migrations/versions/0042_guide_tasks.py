"""Keep what guides did for their members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table; nothing that exists is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "guide_tasks",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref_id", sa.UUID(), nullable=False),
        sa.Column("guide_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("done_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('pickup', 'balance', 'welcome', 'after_sale', 'coupon', 'points', 'quiet')",
            name="guide_tasks_kind_ck",
        ),
        sa.CheckConstraint("how IN ('called', 'written', 'met', 'skipped')", name="guide_tasks_how_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="guide_tasks_member_fk"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="guide_tasks_store_fk"),
        sa.PrimaryKeyConstraint("member_id", "kind", "ref_id", name="guide_tasks_pk"),
    )
    op.create_index("guide_tasks_guide_ix", "guide_tasks", ["guide_id", "store_id", "done_at"], unique=False)


def downgrade() -> None:
    """Undo the above. What guides did is lost with its table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("guide_tasks")
