"""Keep promotions, version by version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; nothing that exists is touched."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "promotions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("until_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name="promotions_version_ck"),
        sa.CheckConstraint(
            "body ->> 'id' = id::text AND (body ->> 'version')::integer = version", name="promotions_body_ck"
        ),
        sa.CheckConstraint(
            "kind = body -> 'effect' ->> 'type' AND kind IN ('percent_off', 'amount_off', 'fixed_price', 'threshold', 'every_nth', 'buy_get', 'bundle', 'free_delivery')",
            name="promotions_kind_ck",
        ),
        sa.CheckConstraint("until_at >= from_at", name="promotions_dates_ck"),
        sa.PrimaryKeyConstraint("id", "version", name="promotions_pk"),
    )


def downgrade() -> None:
    """Undo the above, offers and all."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("promotions")
