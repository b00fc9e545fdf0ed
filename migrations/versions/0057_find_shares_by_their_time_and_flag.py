"""Find shares by their time and flag."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two indexes, of which one takes the place of another that had only the members' shares; no row changes."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index("accruals_at_ix", "accruals", ["payee_id", "at"], unique=False)
    op.create_index(
        "accruals_flagged_ix", "accruals", ["payee_id"], unique=False, postgresql_where=sa.text("flag IS NOT NULL")
    )
    op.drop_index("accruals_member_ix", table_name="accruals", postgresql_where=sa.text("payee_kind = 'member'"))


def downgrade() -> None:
    """Undo the above."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index(
        "accruals_member_ix",
        "accruals",
        ["payee_id", "at"],
        unique=False,
        postgresql_where=sa.text("payee_kind = 'member'"),
    )
    op.drop_index("accruals_flagged_ix", table_name="accruals", postgresql_where=sa.text("flag IS NOT NULL"))
    op.drop_index("accruals_at_ix", table_name="accruals")
