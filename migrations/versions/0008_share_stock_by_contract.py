"""Let owners share stock by contract, and channels leave units."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns with constant defaults, which rewrite nothing. What is to be sent already counts as outward."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("stores", sa.Column("share_kind", sa.Text(), server_default=sa.text("'all'"), nullable=False))
    op.add_column("stores", sa.Column("share_units", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("stores", sa.Column("share_fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(
        "stores_share_ck",
        "stores",
        "share_kind IN ('all', 'none', 'up_to', 'all_but') AND share_units >= 0 AND share_fee_minor >= 0",
    )
    op.add_column("locations", sa.Column("outward_cap", sa.Integer(), nullable=True))
    op.add_column("locations", sa.Column("outward_reserve", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("levels", sa.Column("outward", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("levels", sa.Column("outward_cap", sa.Integer(), nullable=True))
    op.add_column("levels", sa.Column("outward_reserve", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "levels",
        sa.Column("buffers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("holds", sa.Column("outward", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "fulfilments", sa.Column("unit_fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute(
        """UPDATE holds h SET outward = true FROM fulfilment_lines l
           JOIN fulfilments f ON f.location_id = l.location_id AND f.id = l.fulfilment_id
           WHERE h.state = 'open' AND l.location_id = h.location_id AND l.hold_id = h.id AND f.kind = 'ship'"""
    )
    op.execute(
        """UPDATE levels l SET outward = h.units
           FROM (SELECT location_id, sku_id, sum(quantity)::integer AS units FROM holds
                 WHERE state = 'open' AND outward GROUP BY 1, 2) h
           WHERE l.location_id = h.location_id AND l.sku_id = h.sku_id"""
    )
    op.create_check_constraint("levels_outward_ck", "levels", "outward >= 0 AND outward <= held")
    op.create_check_constraint("levels_terms_ck", "levels", "outward_cap >= 0 AND outward_reserve >= 0")


def downgrade() -> None:
    """Undo the above. Data written since is lost with the columns that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_column("fulfilments", "unit_fee_minor")
    op.drop_column("holds", "outward")
    for name in ("buffers", "outward_reserve", "outward_cap", "outward"):
        op.drop_column("levels", name)
    for name in ("outward_reserve", "outward_cap"):
        op.drop_column("locations", name)
    for name in ("share_fee_minor", "share_units", "share_kind"):
        op.drop_column("stores", name)
