"""Tell points of an order's lines apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each line of an order has points of its own. Those that are there stay one lot an order, without a line."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("point_lots", sa.Column("line_id", sa.UUID(), nullable=True))
    op.alter_column("point_lots", "ripens_at", existing_type=postgresql.TIMESTAMP(timezone=True), nullable=True)
    op.drop_constraint("point_lots_ref_uq", "point_lots", type_="unique")
    op.create_unique_constraint(
        "point_lots_ref_uq",
        "point_lots",
        ["member_id", "source", "ref_id", "line_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_check_constraint("point_lots_line_ck", "point_lots", "line_id IS NULL OR source = 'order'")
    op.create_check_constraint(
        "point_lots_ripe_ck", "point_lots", "ripens_at IS NOT NULL OR state = 'pending' OR left_points = 0"
    )


def downgrade() -> None:
    """Undo the above. It is refused while an order has points by several lines: the release before knew one lot each."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("point_lots_ripe_ck", "point_lots", type_="check")
    op.drop_constraint("point_lots_line_ck", "point_lots", type_="check")
    op.drop_constraint("point_lots_ref_uq", "point_lots", type_="unique")
    op.create_unique_constraint("point_lots_ref_uq", "point_lots", ["member_id", "source", "ref_id"])
    op.execute("UPDATE point_lots SET ripens_at = at WHERE ripens_at IS NULL AND state <> 'pending'")
    op.execute("UPDATE point_lots SET ripens_at = at + interval '30 days' WHERE ripens_at IS NULL")
    op.alter_column("point_lots", "ripens_at", existing_type=postgresql.TIMESTAMP(timezone=True), nullable=False)
    op.drop_column("point_lots", "line_id")
