"""Keep stored value of members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

KINDS = "kind IN ('sale', 'collection', 'refund', 'paid_in', 'paid_out')"
KINDS_NOW = "kind IN ('sale', 'collection', 'refund', 'paid_in', 'paid_out', 'top_up')"


def _id(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.UUID(), nullable=null)


def _minor(name: str, *, nothing: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0") if nothing else None, nullable=False)


def _text(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=null)


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def _of_wallet(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["member_id"], ["wallets.member_id"], name=name)


def upgrade() -> None:
    """Add five tables, and let a drawer take cash for a top-up."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "wallets",
        _id("member_id"),
        _minor("principal_minor", nothing=True),
        _minor("bonus_minor", nothing=True),
        _at("updated_at"),
        sa.CheckConstraint("principal_minor >= 0", name="wallets_principal_ck"),
        sa.CheckConstraint("bonus_minor >= 0", name="wallets_bonus_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="wallets_member_fk"),
        sa.PrimaryKeyConstraint("member_id", name="wallets_pk"),
    )
    op.create_table(
        "wallet_lots",
        _id("member_id"),
        _id("id"),
        _text("part"),
        _text("source"),
        _id("ref_id"),
        _minor("granted_minor"),
        _minor("left_minor"),
        _minor("gone_minor", nothing=True),
        _at("expires_at", null=True),
        _at("at"),
        sa.CheckConstraint("part IN ('principal', 'bonus')", name="wallet_lots_part_ck"),
        sa.CheckConstraint("source IN ('top_up', 'refund')", name="wallet_lots_source_ck"),
        sa.CheckConstraint(
            "granted_minor > 0 AND left_minor >= 0 AND gone_minor >= 0 AND left_minor + gone_minor <= granted_minor",
            name="wallet_lots_left_ck",
        ),
        sa.CheckConstraint("part = 'bonus' OR expires_at IS NULL", name="wallet_lots_expires_ck"),
        _of_wallet("wallet_lots_wallet_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="wallet_lots_pk"),
        sa.UniqueConstraint("member_id", "source", "ref_id", "part", name="wallet_lots_ref_uq"),
    )
    op.create_index("wallet_lots_expire_ix", "wallet_lots", ["expires_at"], postgresql_where=sa.text("left_minor > 0"))
    _top_ups()
    op.create_table(
        "wallet_uses",
        _id("member_id"),
        _id("id"),
        _id("order_id"),
        _minor("principal_minor"),
        _minor("bonus_minor"),
        _minor("back_principal_minor", nothing=True),
        _minor("back_bonus_minor", nothing=True),
        _at("bonus_expires_at", null=True),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        _at("at"),
        sa.CheckConstraint(
            "principal_minor >= 0 AND bonus_minor >= 0 AND principal_minor + bonus_minor > 0",
            name="wallet_uses_amount_ck",
        ),
        sa.CheckConstraint(
            "back_principal_minor BETWEEN 0 AND principal_minor AND back_bonus_minor BETWEEN 0 AND bonus_minor",
            name="wallet_uses_back_ck",
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name="wallet_uses_pk"),
    )
    op.create_index("wallet_uses_order_ix", "wallet_uses", ["member_id", "order_id"])
    op.create_index("wallet_uses_at_ix", "wallet_uses", ["member_id", "at"])
    op.create_table(
        "wallet_payouts",
        _id("member_id"),
        _id("id"),
        _minor("principal_minor"),
        _minor("bonus_minor"),
        _text("reason"),
        _text("actor"),
        _at("at"),
        sa.CheckConstraint("principal_minor > 0 AND bonus_minor >= 0", name="wallet_payouts_amount_ck"),
        sa.CheckConstraint("reason <> ''", name="wallet_payouts_reason_ck"),
        _of_wallet("wallet_payouts_wallet_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="wallet_payouts_pk"),
    )
    _kinds(KINDS_NOW)


def _top_ups() -> None:
    op.create_table(
        "wallet_top_ups",
        _id("member_id"),
        _id("id"),
        _minor("principal_minor"),
        _minor("bonus_minor"),
        _text("currency"),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        _text("tender"),
        _id("store_id", null=True),
        _text("state"),
        _text("provider_ref", null=True),
        _text("pay_url", null=True),
        _at("asked_at", null=True),
        _at("expires_at", null=True),
        _at("created_at"),
        _at("resolved_at", null=True),
        _text("actor"),
        sa.CheckConstraint("principal_minor > 0 AND bonus_minor >= 0", name="wallet_top_ups_amount_ck"),
        sa.CheckConstraint("state IN ('open', 'paid', 'closed')", name="wallet_top_ups_state_ck"),
        sa.CheckConstraint("(state = 'open') = (resolved_at IS NULL)", name="wallet_top_ups_resolved_ck"),
        sa.CheckConstraint(
            "tender <> 'cash' OR (state = 'paid' AND store_id IS NOT NULL)", name="wallet_top_ups_cash_ck"
        ),
        _of_wallet("wallet_top_ups_wallet_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="wallet_top_ups_pk"),
    )
    op.create_index("wallet_top_ups_id_ix", "wallet_top_ups", ["id"])
    op.create_index(
        "wallet_top_ups_open_ix", "wallet_top_ups", ["expires_at"], postgresql_where=sa.text("state = 'open'")
    )


def _kinds(kinds: str) -> None:
    op.drop_constraint("drawer_entries_kind_ck", "drawer_entries", type_="check")
    op.create_check_constraint("drawer_entries_kind_ck", "drawer_entries", kinds, postgresql_not_valid=True)
    op.execute("ALTER TABLE drawer_entries VALIDATE CONSTRAINT drawer_entries_kind_ck")


def downgrade() -> None:
    """Drop them. What members have is lost but for the journals of the ledger; refused once a drawer took a top-up."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    _kinds(KINDS)
    for name in ("wallet_payouts", "wallet_uses", "wallet_top_ups", "wallet_lots", "wallets"):
        op.drop_table(name)
