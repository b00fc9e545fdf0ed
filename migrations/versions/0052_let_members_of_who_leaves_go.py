"""Let the members of a guide who leaves go."""

from __future__ import annotations

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

ENDED = (
    "(until_at IS NULL) = (ended_because IS NULL)"
    " AND ended_because IN ('member', 'replaced', 'expired', 'transferred', 'dispute'{more})"
)


def upgrade() -> None:
    """One reason more for which a binding ends; what is there fits as before."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("bindings_ended_ck", "bindings", type_="check")
    op.create_check_constraint("bindings_ended_ck", "bindings", ENDED.format(more=", 'guide_left'"))


def downgrade() -> None:
    """Undo the above. Refused by the constraint while a binding ended so."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("bindings_ended_ck", "bindings", type_="check")
    op.create_check_constraint("bindings_ended_ck", "bindings", ENDED.format(more=""))
