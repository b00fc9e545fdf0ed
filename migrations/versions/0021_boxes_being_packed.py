"""Find the boxes that are being packed for a shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a partial index; building it reads the fulfilments once."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index(
        "fulfilments_to_ix",
        "fulfilments",
        ["to_location_id", "promise_at"],
        postgresql_where=sa.text("kind = 'transfer' AND state IN ('to_pick', 'ready')"),
    )


def downgrade() -> None:
    """Remove it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("fulfilments_to_ix", table_name="fulfilments")
