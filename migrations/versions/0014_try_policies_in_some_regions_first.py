"""Try policies in some regions first, and remember which region a decision was made for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add empty columns, which rewrites nothing, and an index of what has a region, which is nothing yet."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("policies", sa.Column("regions", postgresql.ARRAY(sa.UUID()), nullable=True))
    op.add_column("policies", sa.Column("controls", postgresql.ARRAY(sa.UUID()), nullable=True))
    op.add_column("policies", sa.Column("until_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_check_constraint(
        "policies_pilot_ck",
        "policies",
        "(regions IS NULL) = (controls IS NULL) AND (regions IS NULL) = (until_at IS NULL) "
        "AND cardinality(regions) > 0 AND cardinality(controls) > 0 AND NOT regions && controls",
    )
    op.add_column("sourcing_decisions", sa.Column("region_id", sa.UUID(), nullable=True))
    op.create_index(
        "sourcing_decisions_region_ix",
        "sourcing_decisions",
        ["region_id", "at"],
        postgresql_where=sa.text("region_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo the above. A pilot becomes a version like any other: end pilots first."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("sourcing_decisions_region_ix", table_name="sourcing_decisions")
    op.drop_column("sourcing_decisions", "region_id")
    op.drop_constraint("policies_pilot_ck", "policies")
    op.drop_column("policies", "until_at")
    op.drop_column("policies", "controls")
    op.drop_column("policies", "regions")
