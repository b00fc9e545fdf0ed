"""Payees are paid by the provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table, and three columns to one that has a row a payout: what was asked for before goes by file."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "payee_accounts",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('staff', 'member', 'store', 'company')", name="payee_accounts_kind_ck"),
        sa.CheckConstraint("provider <> '' AND receiver <> '' AND holder <> ''", name="payee_accounts_filled_ck"),
        sa.PrimaryKeyConstraint("payee_id", name="payee_accounts_pk"),
    )
    op.add_column("payouts", sa.Column("provider", sa.Text(), server_default="", nullable=False))
    op.add_column("payouts", sa.Column("receiver", sa.Text(), server_default="", nullable=False))
    op.add_column("payouts", sa.Column("provider_ref", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(
        "payouts_provider_ck",
        "payouts",
        "CASE WHEN provider = '' THEN receiver = '' AND provider_ref = ''"
        " ELSE receiver <> '' OR state <> 'requested' END",
    )
    op.create_index(
        "payouts_send_ix",
        "payouts",
        ["at"],
        unique=False,
        postgresql_where=sa.text("state = 'requested' AND provider <> ''"),
    )


def downgrade() -> None:
    """Undo the above. Where payees are paid is lost with its table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("payouts_provider_ck", "payouts")
    op.drop_index(
        "payouts_send_ix", table_name="payouts", postgresql_where=sa.text("state = 'requested' AND provider <> ''")
    )
    op.drop_column("payouts", "provider_ref")
    op.drop_column("payouts", "receiver")
    op.drop_column("payouts", "provider")
    op.drop_table("payee_accounts")
