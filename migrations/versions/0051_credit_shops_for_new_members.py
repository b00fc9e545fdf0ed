"""Credit shops for new members."""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

ROLES = (
    "CASE book WHEN 'commission' THEN role IN ('guide', 'seller', 'referrer', 'second', 'bringing')"
    " ELSE role IN ('owner', 'bringer_store', 'guide_store', 'touchpoint_store', 'ship_store', 'hand_over_store',"
    " 'online', 'headquarters'{more}) END"
)
STAFF = "role <> 'bringing' OR payee_kind = 'staff'"


def _check(roles: str, bringing: str) -> None:
    for name, condition in (("accruals_role_ck", roles), ("accruals_bringing_ck", bringing)):
        op.drop_constraint(name, "accruals", type_="check")
        op.create_check_constraint(name, "accruals", condition)


def upgrade() -> None:
    """Let a shop have a share for a new member; everything that is there fits as before."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    _check(
        ROLES.format(more=", 'bringing_store'"),
        f"({STAFF}) AND (role <> 'bringing_store' OR payee_kind = 'store')",
    )


def downgrade() -> None:
    """Undo the above. Refused by the constraint while a shop has such a share."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    _check(ROLES.format(more=""), STAFF)
