"""Counts of stock, what was scanned in them, and the units they found missing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. Nothing that is there is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "counts",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("blind", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("shelf", sa.Text(), nullable=True),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("opened_by", sa.UUID(), nullable=False),
        sa.Column("opened_name", sa.Text(), nullable=False),
        sa.Column("submitted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.UUID(), nullable=True),
        sa.Column("submitted_name", sa.Text(), nullable=True),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_name", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (submitted_at IS NULL) OR state = 'cancelled'", name="counts_submitted_ck"
        ),
        sa.CheckConstraint("kind IN ('cycle', 'full')", name="counts_kind_ck"),
        sa.CheckConstraint("state <> 'approved' OR decided_at IS NOT NULL", name="counts_decided_ck"),
        sa.CheckConstraint("state IN ('open', 'submitted', 'approved', 'cancelled')", name="counts_state_ck"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name="counts_location_fk"),
        sa.PrimaryKeyConstraint("location_id", "id", name="counts_pk"),
    )
    op.create_index("counts_id_ix", "counts", ["id"], unique=False)
    op.create_index("counts_state_ix", "counts", ["location_id", "state", "opened_at"], unique=False)
    op.create_index(
        "counts_waiting_ix", "counts", ["submitted_at"], unique=False, postgresql_where=sa.text("state = 'submitted'")
    )
    op.create_table(
        "count_lines",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("count_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("book", sa.Integer(), nullable=True),
        sa.Column("moved", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("first_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("variance", sa.Integer(), nullable=True),
        sa.Column("applied", sa.Integer(), nullable=True),
        sa.Column("short", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(counted IS NULL) = (book IS NULL) AND (counted IS NULL) = (last_at IS NULL)", name="count_lines_book_ck"
        ),
        sa.CheckConstraint("counted >= 0", name="count_lines_counted_ck"),
        sa.CheckConstraint(
            "variance IS NULL OR (short >= 0 AND variance = applied - short)", name="count_lines_applied_ck"
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "count_id"], ["counts.location_id", "counts.id"], name="count_lines_count_fk"
        ),
        sa.PrimaryKeyConstraint("location_id", "count_id", "sku_id", name="count_lines_pk"),
    )
    op.create_index("count_lines_sku_ix", "count_lines", ["location_id", "sku_id"], unique=False)
    op.create_table(
        "shortages",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("count_id", sa.UUID(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("found", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("asks", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("changes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'resolved') AND (state = 'open') = (resolved_at IS NULL)", name="shortages_state_ck"
        ),
        sa.CheckConstraint(
            "least(taken, lost, found) >= 0 AND units > 0 AND taken + lost + found <= units",
            name="shortages_units_ck",
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "count_id"], ["counts.location_id", "counts.id"], name="shortages_count_fk"
        ),
        sa.PrimaryKeyConstraint("location_id", "id", name="shortages_pk"),
    )
    op.create_index("shortages_id_ix", "shortages", ["id"], unique=False)
    op.create_index("shortages_count_ix", "shortages", ["location_id", "count_id"], unique=False)
    op.create_index(
        "shortages_open_ux",
        "shortages",
        ["location_id", "sku_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "count_scans",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("count_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=True),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("(delta IS NULL) <> (counted IS NULL)", name="count_scans_what_ck"),
        sa.ForeignKeyConstraint(
            ["location_id", "count_id", "sku_id"],
            ["count_lines.location_id", "count_lines.count_id", "count_lines.sku_id"],
            name="count_scans_line_fk",
        ),
        sa.PrimaryKeyConstraint("location_id", "count_id", "id", name="count_scans_pk"),
    )


def downgrade() -> None:
    """Undo the above. Data written since is lost with the tables that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("count_scans")
    op.drop_index("shortages_open_ux", table_name="shortages", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("shortages_count_ix", table_name="shortages")
    op.drop_index("shortages_id_ix", table_name="shortages")
    op.drop_table("shortages")
    op.drop_index("count_lines_sku_ix", table_name="count_lines")
    op.drop_table("count_lines")
    op.drop_index("counts_waiting_ix", table_name="counts", postgresql_where=sa.text("state = 'submitted'"))
    op.drop_index("counts_state_ix", table_name="counts")
    op.drop_index("counts_id_ix", table_name="counts")
    op.drop_table("counts")
