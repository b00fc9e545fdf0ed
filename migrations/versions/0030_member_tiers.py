"""Give members tiers, with prices of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_CHOOSES = ["scope", "scope_id", "channel", "valid", "price_minor", "currency"]


def upgrade() -> None:
    """Every member has the first tier, every price is everybody's.

    Columns come with constant defaults, which rewrite nothing; members are written once, prices are indexed anew.
    """
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("members", sa.Column("tier", sa.Text(), server_default=sa.text("''"), nullable=False))
    for name in ("tier_keeps_until", "tier_lapses_at"):
        op.add_column("members", sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.execute("UPDATE members SET tier = 'member' WHERE kind = 'member'")
    op.create_check_constraint("members_tier_ck", "members", "(kind = 'guest') = (tier = '')")
    op.create_index(
        "members_lapse_ix", "members", ["tier_lapses_at"], postgresql_where=sa.text("tier_lapses_at IS NOT NULL")
    )
    op.create_table(
        "tier_changes",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "because IN ('joined', 'reached', 'lapsed', 'set', 'rules')", name="tier_changes_because_ck"
        ),
        sa.CheckConstraint("tier <> '' AND before <> tier", name="tier_changes_ends_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="tier_changes_member_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="tier_changes_pk"),
    )
    op.add_column("order_lines", sa.Column("price_tier", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("prices", sa.Column("tier", sa.Text(), server_default=sa.text("''"), nullable=False))
    _constrain(("sku_id", "="), ("scope_id", "="), ("channel", "="), ("tier", "="), ("valid", "&&"))
    _index([*_CHOOSES[:3], "tier", *_CHOOSES[3:]])


def _constrain(*parts: tuple[str, str]) -> None:
    op.drop_constraint("prices_no_overlap_ex", "prices")
    op.create_exclude_constraint("prices_no_overlap_ex", "prices", *parts, using="gist")


def _index(columns: list[str]) -> None:
    op.drop_index("prices_sku_ix", table_name="prices")
    op.create_index("prices_sku_ix", "prices", ["sku_id"], postgresql_include=columns)


def downgrade() -> None:
    """Undo the above. Prices of tiers go; what was charged by them stays on the orders."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DELETE FROM prices WHERE tier <> ''")
    _index(_CHOOSES)
    _constrain(("sku_id", "="), ("scope_id", "="), ("channel", "="), ("valid", "&&"))
    op.drop_column("prices", "tier")
    op.drop_column("order_lines", "price_tier")
    op.drop_table("tier_changes")
    op.drop_index("members_lapse_ix", table_name="members")
    op.drop_constraint("members_tier_ck", "members", type_="check")
    for name in ("tier_lapses_at", "tier_keeps_until", "tier"):
        op.drop_column("members", name)
