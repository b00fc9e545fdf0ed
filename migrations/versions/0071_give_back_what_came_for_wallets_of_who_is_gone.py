"""Give back what came for wallets of who is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an empty table; money that lies in such wallets already stays there for headquarters to give back."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "wallet_top_up_refunds",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("top_up_id", sa.UUID(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name="wallet_top_up_refunds_amount_ck"),
        sa.CheckConstraint(
            "state IN ('requested', 'done', 'failed', 'by_hand')", name="wallet_top_up_refunds_state_ck"
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'by_hand')) = (resolved_at IS NOT NULL)", name="wallet_top_up_refunds_resolved_ck"
        ),
        sa.CheckConstraint("state <> 'failed' OR problem IS NOT NULL", name="wallet_top_up_refunds_problem_ck"),
        sa.ForeignKeyConstraint(
            ["member_id", "top_up_id"],
            ["wallet_top_ups.member_id", "wallet_top_ups.id"],
            name="wallet_top_up_refunds_top_up_fk",
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name="wallet_top_up_refunds_pk"),
        sa.UniqueConstraint("member_id", "top_up_id", name="wallet_top_up_refunds_top_up_uq"),
    )
    for state, name in (("requested", "open"), ("failed", "failed")):
        op.create_index(
            f"wallet_top_up_refunds_{name}_ix",
            "wallet_top_up_refunds",
            ["created_at"],
            unique=False,
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def downgrade() -> None:
    """Undo the above. What was still to go back by itself goes back by nobody: see `wallet_top_up_refunds` before."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("wallet_top_up_refunds")
