"""Flag shares for bringing somebody who is gone."""

from __future__ import annotations

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

FLAGS = "flag IN ('self', 'phone', 'device', 'address', 'payer', 'circle')"
FLAGS_NOW = "flag IN ('self', 'phone', 'device', 'address', 'payer', 'circle', 'gone')"


def upgrade() -> None:
    """One more word for a flag; no row changes."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    _flags(FLAGS_NOW)


def _flags(words: str) -> None:
    op.drop_constraint("accruals_flag_ck", "accruals", type_="check")
    op.create_check_constraint("accruals_flag_ck", "accruals", words, postgresql_not_valid=True)
    op.execute("ALTER TABLE accruals VALIDATE CONSTRAINT accruals_flag_ck")


def downgrade() -> None:
    """Undo the above; refused once a share is flagged by it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    _flags(FLAGS)
