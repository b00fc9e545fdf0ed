"""Let orders wait for a person, know which can be planned again, and what a unit is worth where it lies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, columns without a default (nothing is rewritten) and two partial indexes that begin empty.

    Each index and the check read their table once: minutes on a database with many orders. Run it at night.
    """
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "frozen_orders",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("since_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("rejections", sa.Integer(), nullable=False),
        sa.CheckConstraint("rejections > 0", name="frozen_orders_rejections_ck"),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id"], ["orders.member_id", "orders.id"], name="frozen_orders_order_fk"
        ),
        sa.PrimaryKeyConstraint("member_id", "order_id", name="frozen_orders_pk"),
    )
    op.create_index("frozen_orders_since_ix", "frozen_orders", ["since_at", "order_id"])
    op.create_table(
        "shadow_runs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("shelves", sa.Integer(), nullable=True),
        sa.Column("programs", sa.Integer(), nullable=True),
        sa.Column("by_scarcity", sa.Integer(), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="shadow_runs_state_ck"),
        sa.CheckConstraint("(state = 'done') = (shelves IS NOT NULL)", name="shadow_runs_done_ck"),
        sa.PrimaryKeyConstraint("id", name="shadow_runs_pk"),
    )
    op.create_index("shadow_runs_asked_ix", "shadow_runs", ["asked_at", "id"])
    op.create_index(
        "shadow_runs_queued_uq", "shadow_runs", ["state"], unique=True, postgresql_where=sa.text("state = 'queued'")
    )
    op.add_column("fulfilments", sa.Column("to_pick_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("fulfilments", sa.Column("begun_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "fulfilments_unpicked_ix",
        "fulfilments",
        ["to_pick_at"],
        postgresql_where=sa.text("state = 'to_pick' AND kind = 'ship' AND begun_at IS NULL"),
    )
    op.add_column("levels", sa.Column("shadow_minor", sa.Integer(), nullable=True))
    op.create_check_constraint("levels_shadow_ck", "levels", "shadow_minor >= 0")
    op.add_column("sourcing_decisions", sa.Column("saved_minor", sa.BigInteger(), nullable=True))
    op.create_index(
        "sourcing_decisions_saved_ix",
        "sourcing_decisions",
        ["at"],
        postgresql_where=sa.text("saved_minor IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo the above. Orders that wait for a person would be nobody's: deal with them first."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("sourcing_decisions_saved_ix", table_name="sourcing_decisions")
    op.drop_column("sourcing_decisions", "saved_minor")
    op.drop_column("levels", "shadow_minor")
    op.drop_index("fulfilments_unpicked_ix", table_name="fulfilments")
    op.drop_column("fulfilments", "begun_at")
    op.drop_column("fulfilments", "to_pick_at")
    op.drop_index("shadow_runs_queued_uq", table_name="shadow_runs")
    op.drop_index("shadow_runs_asked_ix", table_name="shadow_runs")
    op.drop_table("shadow_runs")
    op.drop_index("frozen_orders_since_ix", table_name="frozen_orders")
    op.drop_table("frozen_orders")
