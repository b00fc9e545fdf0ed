"""Find who adopted a guest; let a member's further old cards lead to them."""

from __future__ import annotations

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index to a small table, and a directory row for each card that somebody claims and nobody else has."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index("adopted_guests_guest_ix", "adopted_guests", ["guest_id"], unique=False)
    op.execute(
        """INSERT INTO member_codes (code, member_id)
           SELECT DISTINCT ON (value) value, member_id FROM identities
           WHERE kind = 'card_no' ORDER BY value, since, member_id
           ON CONFLICT (code) DO NOTHING"""
    )


def downgrade() -> None:
    """Undo the above, but for the cards: that they are read harms nobody."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("adopted_guests_guest_ix", table_name="adopted_guests")
