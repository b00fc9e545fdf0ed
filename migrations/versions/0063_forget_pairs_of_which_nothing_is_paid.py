"""Forget pairs of which nothing is paid."""

from __future__ import annotations

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A cancelled order, or one that came back whole, left its pair behind, which made a circle of who did nothing."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        """DELETE FROM referrals r WHERE NOT EXISTS (
               SELECT FROM accruals a WHERE a.payee_id = r.payee_id AND a.member_id = r.buyer_id
                 AND a.role IN ('referrer', 'second') AND a.earned_minor > 0)"""
    )


def downgrade() -> None:
    """Nothing: such pairs were never meant to stay."""
    op.execute("SET LOCAL lock_timeout = '4s'")
