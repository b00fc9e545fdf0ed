"""Points come back with the time they had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What payments draw, and until when it would have lasted; of those there are, nothing is known."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "point_uses",
        sa.Column("drawn", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    )


def downgrade() -> None:
    """Undo the above. What comes back after that begins anew."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_column("point_uses", "drawn")
