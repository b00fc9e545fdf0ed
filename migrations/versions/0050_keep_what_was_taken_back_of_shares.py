"""Keep what was taken back of shares."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, and fill it from the ledger, which has every change; nothing that was earned changes."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("accruals", sa.Column("reversed_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint("accruals_reversed_ck", "accruals", "reversed_minor >= 0")
    # The ledger says it of an order, not of a line: the line that has the least left stands for all of them. What
    # headquarters bears of offers is below nothing before anything is taken back, and is left out.
    op.execute(
        """
        UPDATE accruals a SET reversed_minor = b.minor
        FROM (SELECT DISTINCT ON (x.payee_id, x.order_id, x.book)
                     x.payee_id, x.order_id, x.line_id, x.book, x.role, x.location_id, m.minor
              FROM (SELECT split_part(e.debit, ':', 2)::uuid AS payee_id, j.order_id,
                           replace(j.kind, 'settlement-', '') AS book, sum(e.amount_minor)::bigint AS minor
                    FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
                    WHERE j.kind IN ('settlement-commission', 'settlement-allocation') AND e.debit ~ '^(pending|due):'
                    GROUP BY 1, 2, 3) m
              JOIN accruals x ON x.payee_id = m.payee_id AND x.order_id = m.order_id AND x.book = m.book
              WHERE x.payee_kind <> 'chain' AND x.role <> 'bringing'
              ORDER BY x.payee_id, x.order_id, x.book, x.earned_minor, x.line_id, x.role, x.location_id) b
        WHERE (a.payee_id, a.order_id, a.line_id, a.book, a.role, a.location_id)
              = (b.payee_id, b.order_id, b.line_id, b.book, b.role, b.location_id)
        """
    )
    op.create_index(
        "accruals_reversed_ix",
        "accruals",
        ["payee_id", "reversed_minor"],
        unique=False,
        postgresql_where=sa.text("reversed_minor > 0"),
    )


def downgrade() -> None:
    """Undo the above. What was taken back is in the ledger."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("accruals_reversed_ix", table_name="accruals", postgresql_where=sa.text("reversed_minor > 0"))
    op.drop_column("accruals", "reversed_minor")
