"""Learn what to promise, report which promises were kept, and remind of what waits to be collected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, and columns that may be null, which rewrites nothing.

    The index is empty, for no row has what it is about; but all rows are read for it, in which time orders wait: on a
    database with many orders, migrate at night.
    """
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "promise_days",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("promises", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("plain_kept", sa.Integer(), nullable=False),
        sa.Column("loss_milli", sa.BigInteger(), nullable=False),
        sa.Column("plain_loss_milli", sa.BigInteger(), nullable=False),
        sa.Column("aim", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('pickup', 'ship')", name="promise_days_kind_ck"),
        sa.CheckConstraint("loss_milli >= 0 AND plain_loss_milli >= 0", name="promise_days_loss_ck"),
        sa.CheckConstraint(
            "promises > 0 AND kept BETWEEN 0 AND promises AND plain_kept BETWEEN 0 AND promises",
            name="promise_days_kept_ck",
        ),
        sa.PrimaryKeyConstraint("location_id", "day", "kind", "band", name="promise_days_pk"),
    )
    op.create_index("promise_days_day_ix", "promise_days", ["day"])
    op.create_table(
        "promise_lags",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("lag", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("learned_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('pickup', 'ship')", name="promise_lags_kind_ck"),
        sa.CheckConstraint("seen >= 0", name="promise_lags_seen_ck"),
        sa.PrimaryKeyConstraint("location_id", "kind", "band", name="promise_lags_pk"),
    )
    op.create_table(
        "pickup_reminders",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("keep_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reminded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("claimed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("reminded_at < keep_until", name="pickup_reminders_time_ck"),
        sa.CheckConstraint(
            "outcome IS NULL OR (claimed_at IS NOT NULL) = (outcome IN ('sent', 'refused', 'unanswered'))",
            name="pickup_reminders_claim_ck",
        ),
        sa.CheckConstraint(
            "outcome IN ('sent', 'refused', 'unanswered', 'no_gateway', 'over')", name="pickup_reminders_outcome_ck"
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "fulfilment_id"],
            ["fulfilments.location_id", "fulfilments.id"],
            name="pickup_reminders_fulfilment_fk",
        ),
        sa.PrimaryKeyConstraint("location_id", "fulfilment_id", name="pickup_reminders_pk"),
    )
    op.add_column("fulfilments", sa.Column("plain_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("fulfilments", sa.Column("away_km", sa.Integer(), nullable=True))
    op.add_column("fulfilments", sa.Column("work_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("fulfilments", sa.Column("delivered_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "fulfilments_promised_ix",
        "fulfilments",
        ["location_id", "promise_at"],
        postgresql_where=sa.text("plain_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo the above. What was learned and reported is lost; who was reminded may be reminded again."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("fulfilments_promised_ix", table_name="fulfilments")
    op.drop_column("fulfilments", "delivered_at")
    op.drop_column("fulfilments", "work_at")
    op.drop_column("fulfilments", "away_km")
    op.drop_column("fulfilments", "plain_at")
    op.drop_table("pickup_reminders")
    op.drop_table("promise_lags")
    op.drop_index("promise_days_day_ix", table_name="promise_days")
    op.drop_table("promise_days")
