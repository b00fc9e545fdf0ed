"""Keep what several wallets of a person paid of one payment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table, and a column with a default that rewrites nothing."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "wallet_shares",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("use_id", sa.UUID(), nullable=False),
        sa.Column("buyer_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("principal_minor", sa.BigInteger(), nullable=False),
        sa.Column("bonus_minor", sa.BigInteger(), nullable=False),
        sa.Column("back_principal_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("back_bonus_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bonus_expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "use_id", name="wallet_shares_pk"),
        sa.ForeignKeyConstraint(["member_id"], ["wallets.member_id"], name="wallet_shares_wallet_fk"),
        sa.CheckConstraint("member_id <> buyer_id", name="wallet_shares_ends_ck"),
        sa.CheckConstraint(
            "principal_minor >= 0 AND bonus_minor >= 0 AND principal_minor + bonus_minor > 0",
            name="wallet_shares_amount_ck",
        ),
        sa.CheckConstraint(
            "back_principal_minor BETWEEN 0 AND principal_minor AND back_bonus_minor BETWEEN 0 AND bonus_minor",
            name="wallet_shares_back_ck",
        ),
    )
    op.add_column(
        "wallet_uses",
        sa.Column("shared_with", postgresql.ARRAY(sa.UUID()), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    """Undo the above. Which wallet paid a part is lost; with rows in the table stored value would go back wrongly."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_column("wallet_uses", "shared_with")
    op.drop_table("wallet_shares")
