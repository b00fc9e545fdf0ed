"""Say what a code confirms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column with a constant default, which rewrites no row: every code so far was for a log-in."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("login_codes", sa.Column("purpose", sa.Text(), server_default="login", nullable=False))
    op.create_check_constraint("login_codes_purpose_ck", "login_codes", "purpose IN ('login', 'erasure')")


def downgrade() -> None:
    """Undo the above. Codes that confirm something else go: without the word they would open a log-in."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DELETE FROM login_codes WHERE purpose <> 'login'")
    op.drop_constraint("login_codes_purpose_ck", "login_codes", type_="check")
    op.drop_column("login_codes", "purpose")
