"""Let fulfilments say that their buyer waits in the shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column with a constant default, which rewrites nothing, and a check that no row of before can break."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("fulfilments", sa.Column("in_shop", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(
        "ALTER TABLE fulfilments ADD CONSTRAINT fulfilments_in_shop_ck CHECK (NOT in_shop OR kind = 'pickup') NOT VALID"
    )
    op.execute("ALTER TABLE fulfilments VALIDATE CONSTRAINT fulfilments_in_shop_ck")
    op.create_index("fulfilments_in_shop_ix", "fulfilments", ["work_at"], postgresql_where=sa.text("in_shop"))


def downgrade() -> None:
    """Remove it: nobody is known to wait in a shop any more."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("fulfilments_in_shop_ix", "fulfilments")
    op.drop_constraint("fulfilments_in_shop_ck", "fulfilments")
    op.drop_column("fulfilments", "in_shop")
