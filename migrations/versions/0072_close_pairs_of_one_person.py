"""Close pairs of one person."""

from __future__ import annotations

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Pairs that wait between two who are one person by merges of before: nobody has anything to decide there. As a
    merge closes them from now on, in the system's name, so that undoing it asks again."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        """UPDATE member_pairs p
           SET state = 'same', decided_at = now(), decided_by = 'system:00000000-0000-7000-8000-000000000001'
           FROM members a, members b
           WHERE p.state = 'open' AND a.member_id = p.member_id AND b.member_id = p.other_id
             AND coalesce(a.merged_into, a.member_id) = coalesce(b.merged_into, b.member_id)"""
    )


def downgrade() -> None:
    """Nothing: there was nothing to decide about them."""
    op.execute("SET LOCAL lock_timeout = '4s'")
