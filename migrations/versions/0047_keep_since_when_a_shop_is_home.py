"""Keep since when a shop is home."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, with the home shops there are: since when they are, nobody wrote down."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "home_stores",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("until_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("(source = 'unknown') = (from_at IS NULL)", name="home_stores_start_ck"),
        sa.CheckConstraint("source IN ('member', 'import', 'unknown')", name="home_stores_source_ck"),
        sa.CheckConstraint("until_at >= from_at", name="home_stores_end_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="home_stores_member_fk"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="home_stores_store_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="home_stores_pk"),
    )
    op.create_index(
        "home_stores_open_ux", "home_stores", ["member_id"], unique=True, postgresql_where=sa.text("until_at IS NULL")
    )
    op.execute(
        """INSERT INTO home_stores (member_id, id, store_id, source)
           SELECT member_id, gen_random_uuid(), home_store_id, 'unknown' FROM members WHERE home_store_id IS NOT NULL"""
    )


def downgrade() -> None:
    """Undo the above. Data written since is lost with the tables that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("home_stores_open_ux", table_name="home_stores", postgresql_where=sa.text("until_at IS NULL"))
    op.drop_table("home_stores")
