"""Keep replays of past orders under other terms of sourcing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; nothing that exists is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "sourcing_replays",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("since_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("until_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("contenders", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("orders_total", sa.Integer(), nullable=True),
        sa.Column("orders_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="sourcing_replays_state_ck"
        ),
        sa.CheckConstraint("since_at < until_at", name="sourcing_replays_period_ck"),
        sa.CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="sourcing_replays_result_ck"),
        sa.CheckConstraint(
            "(state IN ('queued', 'running')) = (finished_at IS NULL)", name="sourcing_replays_ended_ck"
        ),
        sa.PrimaryKeyConstraint("id", name="sourcing_replays_pk"),
    )
    op.create_index("sourcing_replays_created_ix", "sourcing_replays", ["created_at", "id"])


def downgrade() -> None:
    """Undo the above."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("sourcing_replays_created_ix", table_name="sourcing_replays")
    op.drop_table("sourcing_replays")
