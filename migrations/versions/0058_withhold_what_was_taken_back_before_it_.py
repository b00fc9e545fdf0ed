"""Withhold what was taken back before it was paid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

WITHHELD = (
    "withheld_minor = 0"
    " OR (withheld_minor BETWEEN 1 AND to_pay_minor AND way = 'payout' AND state NOT IN ('closing', 'closed'))"
)


def upgrade() -> None:
    """Three columns, and what must hold of them. What was due when earlier payouts were asked for nobody knows: as much
    as was asked for."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("payouts", sa.Column("due_minor", sa.BigInteger(), nullable=True))
    op.execute("UPDATE payouts SET due_minor = amount_minor")
    op.alter_column("payouts", "due_minor", nullable=False)
    _check("payouts", "payouts_due_ck", "amount_minor <= due_minor")
    op.add_column("statements", sa.Column("withheld_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("statements", sa.Column("withheld_in_minor", sa.BigInteger(), server_default="0", nullable=False))
    _check("statements", "statements_withheld_ck", WITHHELD)
    _check("statements", "statements_withheld_in_ck", "withheld_in_minor >= 0")
    op.drop_constraint("statements_carried_ck", "statements", type_="check")
    _check("statements", "statements_carried_ck", "(state = 'carried') <= (to_pay_minor = withheld_minor)")


def _check(table: str, name: str, condition: str) -> None:
    op.create_check_constraint(name, table, condition, postgresql_not_valid=True)
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Undo the above; refused once something was withheld."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("statements_carried_ck", "statements", type_="check")
    op.create_check_constraint("statements_carried_ck", "statements", "(state = 'carried') <= (to_pay_minor = 0)")
    op.drop_column("statements", "withheld_in_minor")
    op.drop_column("statements", "withheld_minor")
    op.drop_column("payouts", "due_minor")
