"""Fulfilments that bring units to the shop where they are collected, and transfers that are sent for something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three empty columns; no row is touched. The wider checks hold of every row that the narrower one let in."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("fulfilments", sa.Column("to_location_id", sa.UUID(), nullable=True))
    op.drop_constraint("fulfilments_kind_ck", "fulfilments", type_="check")
    op.create_check_constraint("fulfilments_kind_ck", "fulfilments", "kind IN ('pickup', 'ship', 'transfer')")
    op.create_check_constraint(
        "fulfilments_to_ck",
        "fulfilments",
        "(kind = 'transfer') = (to_location_id IS NOT NULL) AND to_location_id IS DISTINCT FROM location_id",
    )
    op.add_column("transfers", sa.Column("ref_kind", sa.Text(), nullable=True))
    op.add_column("transfers", sa.Column("ref_id", sa.UUID(), nullable=True))
    op.create_check_constraint("transfers_ref_ck", "transfers", "(ref_kind IS NULL) = (ref_id IS NULL)")
    op.create_index(
        "transfers_ref_ux",
        "transfers",
        ["location_id", "ref_id"],
        unique=True,
        postgresql_where=sa.text("ref_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo the above. Refused by the narrower check as long as there is a fulfilment that brings units to a shop."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("transfers_ref_ux", table_name="transfers", postgresql_where=sa.text("ref_id IS NOT NULL"))
    op.drop_constraint("transfers_ref_ck", "transfers", type_="check")
    op.drop_column("transfers", "ref_id")
    op.drop_column("transfers", "ref_kind")
    op.drop_constraint("fulfilments_to_ck", "fulfilments", type_="check")
    op.drop_constraint("fulfilments_kind_ck", "fulfilments", type_="check")
    op.create_check_constraint("fulfilments_kind_ck", "fulfilments", "kind IN ('pickup', 'ship')")
    op.drop_column("fulfilments", "to_location_id")
