"""Let a share be for the company whose territory an order went into."""

from __future__ import annotations

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

ROLES = (
    "CASE book WHEN 'commission' THEN role IN ('guide', 'seller', 'referrer', 'second', 'bringing')"
    " ELSE role IN ('owner', 'bringer_store', 'guide_store', 'touchpoint_store', {}'ship_store',"
    " 'hand_over_store', 'online', 'headquarters', 'bringing_store') END"
)


def upgrade() -> None:
    """Widen one check; every share there is fits it."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("accruals_role_ck", "accruals", type_="check")
    op.create_check_constraint("accruals_role_ck", "accruals", ROLES.format("'territory', "))


def downgrade() -> None:
    """As it was. Fails while there is a share for a territory, which would be lost."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("accruals_role_ck", "accruals", type_="check")
    op.create_check_constraint("accruals_role_ck", "accruals", ROLES.format(""))
