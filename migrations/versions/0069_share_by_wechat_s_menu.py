"""Share by WeChat's menu."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What WeChat gives for two hours, and a mark on the links that a member's own code leads to; no row has it yet."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "wechat_keys",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("token_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ticket", sa.Text(), server_default="", nullable=False),
        sa.Column("ticket_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("again_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(ticket = '') = (ticket_until IS NULL)", name="wechat_keys_ticket_ck"),
        sa.CheckConstraint("(token = '') = (token_until IS NULL)", name="wechat_keys_token_ck"),
        sa.PrimaryKeyConstraint("app_id", name="wechat_keys_pk"),
    )
    op.add_column("touchpoints", sa.Column("standing", sa.Boolean(), server_default="false", nullable=False))
    op.create_index(
        "touchpoints_standing_ux",
        "touchpoints",
        ["owner_id", "target_kind", "target"],
        unique=True,
        postgresql_where=sa.text("standing AND ended_at IS NULL"),
    )
    op.create_check_constraint(
        "touchpoints_standing_ck",
        "touchpoints",
        "NOT standing OR (kind = 'share' AND owner_kind = 'member' AND note = '')",
    )


def downgrade() -> None:
    """Undo the above. Data written since is lost with the tables that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("touchpoints_standing_ck", "touchpoints")
    op.drop_index(
        "touchpoints_standing_ux", table_name="touchpoints", postgresql_where=sa.text("standing AND ended_at IS NULL")
    )
    op.drop_column("touchpoints", "standing")
    op.drop_table("wechat_keys")
