"""Remember the browsers of guides."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of its own; until now the last browser of each code was known alone."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "guide_devices",
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=False),
        sa.Column("last_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "device_id", name="guide_devices_pk"),
    )
    op.create_index("guide_devices_last_ix", "guide_devices", ["last_at"], unique=False)
    # The one that was known so far of each code, as if it had been seen now.
    op.execute(
        """INSERT INTO guide_devices (owner_id, device_id, last_at)
           SELECT DISTINCT owner_id, device_id, now() FROM touchpoints
           WHERE kind = 'guide' AND ended_at IS NULL AND device_id IS NOT NULL"""
    )


def downgrade() -> None:
    """Undo the above. Data written since is lost with the tables that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("guide_devices_last_ix", table_name="guide_devices")
    op.drop_table("guide_devices")
