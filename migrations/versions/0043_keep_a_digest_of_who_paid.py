"""Keep a digest of who paid, and flag shares of orders that their payee's account paid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

TABLES = ("captures", "wallet_top_ups")
FLAGS = "flag IN ('self', 'phone', 'device', 'address', 'circle')"
FLAGS_NOW = "flag IN ('self', 'phone', 'device', 'address', 'payer', 'circle')"


def upgrade() -> None:
    """Add two columns, empty for all that was paid so far, with their indexes; and one more word for a flag."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in TABLES:
        op.add_column(name, sa.Column("payer_key", sa.LargeBinary(), nullable=True))
        op.create_check_constraint(f"{name}_payer_ck", name, "octet_length(payer_key) = 32", postgresql_not_valid=True)
        op.execute(f"ALTER TABLE {name} VALIDATE CONSTRAINT {name}_payer_ck")
        op.create_index(
            f"{name}_payer_ix",
            name,
            ["member_id", "payer_key"],
            unique=False,
            postgresql_where=sa.text("payer_key IS NOT NULL"),
        )
    _flags(FLAGS_NOW)


def _flags(words: str) -> None:
    op.drop_constraint("accruals_flag_ck", "accruals", type_="check")
    op.create_check_constraint("accruals_flag_ck", "accruals", words, postgresql_not_valid=True)
    op.execute("ALTER TABLE accruals VALIDATE CONSTRAINT accruals_flag_ck")


def downgrade() -> None:
    """Undo the above. Who paid is lost; refused once a share is flagged by it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    _flags(FLAGS)
    for name in reversed(TABLES):
        op.drop_index(f"{name}_payer_ix", table_name=name)
        op.drop_constraint(f"{name}_payer_ck", name, type_="check")
        op.drop_column(name, "payer_key")
