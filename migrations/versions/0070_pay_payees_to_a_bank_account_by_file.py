"""Pay payees to a bank account by file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

BEFORE = (
    "CASE WHEN provider = '' THEN receiver = '' AND provider_ref = '' ELSE receiver <> '' OR state <> 'requested' END"
)
AFTER = (
    "CASE WHEN provider = '' THEN provider_ref = '' AND (receiver = '') = (bank = '') AND (receiver = '') = (holder = '')"
    " ELSE provider <> 'bank' AND bank = '' AND holder = '' AND (receiver <> '' OR state <> 'requested') END"
)
DETAILS = ("bank", "branch", "owner")
FROZEN = ("holder", *DETAILS, "account_by")


def upgrade() -> None:
    """Add columns to two tables with a row a payee and a row a payout; what is there names no bank, and stays so."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in DETAILS:
        op.add_column("payee_accounts", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(
        "payee_accounts_bank_ck",
        "payee_accounts",
        "CASE WHEN provider = 'bank' THEN bank <> '' AND owner IN ('person', 'company') AND receiver ~ '^[0-9]{12,30}$'"
        " ELSE bank = '' AND branch = '' AND owner = '' END",
    )
    for name in FROZEN:
        op.add_column("payouts", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("payouts", sa.Column("account_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_check_constraint("payouts_account_ck", "payouts", "(account_by = '') = (account_at IS NULL)")
    op.drop_constraint("payouts_provider_ck", "payouts")
    op.create_check_constraint("payouts_provider_ck", "payouts", AFTER)


def downgrade() -> None:
    """Undo the above. The bank accounts of payees, and to which ones payouts went, are lost."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("payouts_provider_ck", "payouts")
    op.drop_constraint("payouts_account_ck", "payouts")
    op.execute("UPDATE payouts SET receiver = '' WHERE provider = ''")
    op.create_check_constraint("payouts_provider_ck", "payouts", BEFORE)
    op.drop_column("payouts", "account_at")
    for name in reversed(FROZEN):
        op.drop_column("payouts", name)
    op.drop_constraint("payee_accounts_bank_ck", "payee_accounts")
    op.execute("DELETE FROM payee_accounts WHERE provider = 'bank'")
    for name in reversed(DETAILS):
        op.drop_column("payee_accounts", name)
