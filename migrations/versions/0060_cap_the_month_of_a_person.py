"""Cap the month of a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

BEFORE = "payable_minor = CASE WHEN cap_minor > 0 THEN least(earned_minor, cap_minor) ELSE earned_minor END"
NOW = "payable_minor = CASE WHEN cap_minor > 0 THEN least(earned_minor, cap_minor - others_minor) ELSE earned_minor END"


def upgrade() -> None:
    """One column, and what must hold of it: months that are there were each capped alone, and stay so."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("payee_months", sa.Column("others_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_constraint("payee_months_payable_ck", "payee_months", type_="check")
    _check("payee_months_payable_ck", NOW)
    _check("payee_months_others_ck", "others_minor BETWEEN 0 AND cap_minor")


def _check(name: str, condition: str) -> None:
    op.create_check_constraint(name, "payee_months", condition, postgresql_not_valid=True)
    op.execute(f"ALTER TABLE payee_months VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Undo the above; refused once somebody was paid less for what another account of theirs had."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("payee_months_payable_ck", "payee_months", type_="check")
    op.create_check_constraint("payee_months_payable_ck", "payee_months", BEFORE)
    op.drop_column("payee_months", "others_minor")
