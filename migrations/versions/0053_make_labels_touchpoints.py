"""Make labels touchpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column with a default and one index; no row that exists is a label."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("touchpoints", sa.Column("label", sa.Boolean(), server_default="false", nullable=False))
    op.create_check_constraint(
        "touchpoints_label_ck",
        "touchpoints",
        "NOT label OR (kind = 'product' AND owner_kind = 'store' AND store_id = owner_id AND target_kind = 'product')",
    )
    op.create_index(
        "touchpoints_label_ux",
        "touchpoints",
        ["owner_id", "target"],
        unique=True,
        postgresql_where=sa.text("label AND ended_at IS NULL"),
    )


def downgrade() -> None:
    """Undo the above. Labels stay as touchpoints like others."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index(
        "touchpoints_label_ux", table_name="touchpoints", postgresql_where=sa.text("label AND ended_at IS NULL")
    )
    op.drop_constraint("touchpoints_label_ck", "touchpoints", type_="check")
    op.drop_column("touchpoints", "label")
