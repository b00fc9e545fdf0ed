"""Keep who is paid for an order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add twelve tables; nothing that exists is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "payees",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pending_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paying_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('staff', 'member', 'store', 'company', 'chain')", name="payees_kind_ck"),
        sa.CheckConstraint("paid_minor >= 0 OR kind NOT IN ('staff', 'member')", name="payees_paid_ck"),
        sa.CheckConstraint("pending_minor >= 0 OR kind NOT IN ('staff', 'member')", name="payees_pending_ck"),
        sa.CheckConstraint("paying_minor >= 0", name="payees_paying_ck"),
        sa.PrimaryKeyConstraint("payee_id", name="payees_pk"),
    )
    op.create_table(
        "payout_runs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="payout_runs_pk"),
    )
    op.create_index("payout_runs_at_ix", "payout_runs", ["at"], unique=False)
    op.create_table(
        "plan_sign_offs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("levels", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL) AND revoked_at >= at", name="plan_sign_offs_revoked_ck"
        ),
        sa.CheckConstraint("levels = 2", name="plan_sign_offs_levels_ck"),
        sa.PrimaryKeyConstraint("id", name="plan_sign_offs_pk"),
    )
    op.create_index(
        "plan_sign_offs_live_ux",
        "plan_sign_offs",
        ["levels"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "referrals",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("buyer_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("payee_id <> buyer_id", name="referrals_self_ck"),
        sa.PrimaryKeyConstraint("payee_id", "buyer_id", name="referrals_pk"),
    )
    op.create_index("referrals_buyer_ix", "referrals", ["buyer_id"], unique=False)
    op.create_table(
        "accruals",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("payee_kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), server_default="1", nullable=False),
        sa.Column("sign_off_id", sa.UUID(), nullable=True),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=True),
        sa.Column("basis_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("matures_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("month", sa.Text(), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("(book = 'commission') = (payee_kind IN ('staff', 'member'))", name="accruals_people_ck"),
        sa.CheckConstraint(
            "CASE book WHEN 'commission' THEN role IN ('guide', 'seller', 'referrer', 'second', 'bringing') ELSE role IN ('owner', 'bringer_store', 'guide_store', 'touchpoint_store', 'ship_store', 'hand_over_store', 'online', 'headquarters') END",
            name="accruals_role_ck",
        ),
        sa.CheckConstraint("book IN ('commission', 'allocation')", name="accruals_book_ck"),
        sa.CheckConstraint("earned_minor >= 0 OR book = 'allocation'", name="accruals_earned_ck"),
        sa.CheckConstraint("flag IN ('self', 'phone', 'device', 'address', 'circle')", name="accruals_flag_ck"),
        sa.CheckConstraint("level IN (1, 2) AND (level = 2) = (role = 'second')", name="accruals_level_ck"),
        sa.CheckConstraint("role <> 'bringing' OR payee_kind = 'staff'", name="accruals_bringing_ck"),
        sa.CheckConstraint("settled_minor = 0 OR state = 'matured'", name="accruals_settled_ck"),
        sa.CheckConstraint(
            "state IN ('pending', 'matured') AND (state = 'matured') = (month IS NOT NULL)", name="accruals_state_ck"
        ),
        sa.CheckConstraint("flag IS NULL OR earned_minor = 0", name="accruals_flagged_ck"),
        sa.CheckConstraint("level = 1 OR sign_off_id IS NOT NULL", name="accruals_sign_off_ck"),
        sa.CheckConstraint("payee_id <> member_id OR flag IS NOT NULL", name="accruals_self_ck"),
        sa.ForeignKeyConstraint(["payee_id"], ["payees.payee_id"], name="accruals_payee_fk"),
        sa.PrimaryKeyConstraint("payee_id", "order_id", "line_id", "book", "role", "location_id", name="accruals_pk"),
    )
    op.create_index("accruals_month_ix", "accruals", ["payee_id", "month"], unique=False)
    op.create_index(
        "accruals_open_ix",
        "accruals",
        ["payee_id"],
        unique=False,
        postgresql_where=sa.text("state = 'matured' AND earned_minor <> settled_minor"),
    )
    op.create_index("accruals_order_ix", "accruals", ["order_id"], unique=False)
    op.create_index(
        "accruals_ripe_ix",
        "accruals",
        ["payee_id", "matures_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "order_credits",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("commission_version", sa.Integer(), nullable=False),
        sa.Column("allocation_version", sa.Integer(), nullable=False),
        sa.Column("contracts_version", sa.Integer(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id"], ["orders.member_id", "orders.id"], name="order_credits_order_fk"
        ),
        sa.PrimaryKeyConstraint("member_id", "order_id", name="order_credits_pk"),
    )
    op.create_index("order_credits_at_ix", "order_credits", ["at"], unique=False)
    op.create_table(
        "payee_months",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("cap_minor", sa.BigInteger(), nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_cut_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("cap_minor >= 0", name="payee_months_cap_ck"),
        sa.CheckConstraint(
            "payable_minor = CASE WHEN cap_minor > 0 THEN least(earned_minor, cap_minor) ELSE earned_minor END",
            name="payee_months_payable_ck",
        ),
        sa.ForeignKeyConstraint(["payee_id"], ["payees.payee_id"], name="payee_months_payee_fk"),
        sa.PrimaryKeyConstraint("payee_id", "month", name="payee_months_pk"),
    )
    op.create_table(
        "statements",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("carried_in_minor", sa.BigInteger(), nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("cut_minor", sa.BigInteger(), nullable=False),
        sa.Column("to_pay_minor", sa.BigInteger(), nullable=False),
        sa.Column("carried_out_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("done_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'carried') <= (to_pay_minor = 0)", name="statements_carried_ck"),
        sa.CheckConstraint("month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name="statements_month_ck"),
        sa.CheckConstraint("state IN ('closed', 'approved', 'paying', 'paid', 'carried')", name="statements_state_ck"),
        sa.CheckConstraint("to_pay_minor >= 0 OR way = 'internal'", name="statements_pay_ck"),
        sa.CheckConstraint("way IN ('payout', 'internal')", name="statements_way_ck"),
        sa.CheckConstraint("approvals_needed IN (1, 2)", name="statements_needed_ck"),
        sa.CheckConstraint(
            "carried_in_minor + earned_minor - reversed_minor - cut_minor = to_pay_minor + carried_out_minor",
            name="statements_sum_ck",
        ),
        sa.CheckConstraint("earned_minor >= 0 AND reversed_minor >= 0", name="statements_parts_ck"),
        sa.ForeignKeyConstraint(["payee_id"], ["payees.payee_id"], name="statements_payee_fk"),
        sa.PrimaryKeyConstraint("payee_id", "id", name="statements_pk"),
        sa.UniqueConstraint("payee_id", "month", name="statements_month_uq"),
    )
    op.create_index("statements_id_ix", "statements", ["id"], unique=False)
    op.create_index("statements_month_ix", "statements", ["month", "id"], unique=False)
    op.create_table(
        "payouts",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("statement_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'requested') = (resolved_at IS NULL)", name="payouts_resolved_ck"),
        sa.CheckConstraint("state IN ('requested', 'done', 'failed')", name="payouts_state_ck"),
        sa.CheckConstraint("amount_minor > 0", name="payouts_amount_ck"),
        sa.ForeignKeyConstraint(
            ["payee_id", "statement_id"], ["statements.payee_id", "statements.id"], name="payouts_statement_fk"
        ),
        sa.PrimaryKeyConstraint("payee_id", "id", name="payouts_pk"),
    )
    op.create_index(
        "payouts_live_ux",
        "payouts",
        ["payee_id", "statement_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'failed'"),
    )
    op.create_index("payouts_run_ix", "payouts", ["run_id", "id"], unique=False)
    op.create_table(
        "statement_approvals",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("statement_id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("staff_id <> payee_id", name="statement_approvals_own_ck"),
        sa.ForeignKeyConstraint(
            ["payee_id", "statement_id"],
            ["statements.payee_id", "statements.id"],
            name="statement_approvals_statement_fk",
        ),
        sa.PrimaryKeyConstraint("payee_id", "statement_id", "staff_id", name="statement_approvals_pk"),
    )
    op.create_table(
        "statement_lines",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("statement_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="statement_lines_amount_ck"),
        sa.ForeignKeyConstraint(
            ["payee_id", "statement_id"], ["statements.payee_id", "statements.id"], name="statement_lines_statement_fk"
        ),
        sa.PrimaryKeyConstraint(
            "payee_id", "statement_id", "order_id", "line_id", "book", "role", "location_id", name="statement_lines_pk"
        ),
    )
    op.create_table(
        "statement_notes",
        sa.Column("payee_id", sa.UUID(), nullable=False),
        sa.Column("statement_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('dispute', 'answer')", name="statement_notes_kind_ck"),
        sa.CheckConstraint("note <> ''", name="statement_notes_note_ck"),
        sa.ForeignKeyConstraint(
            ["payee_id", "statement_id"], ["statements.payee_id", "statements.id"], name="statement_notes_statement_fk"
        ),
        sa.PrimaryKeyConstraint("payee_id", "statement_id", "id", name="statement_notes_pk"),
    )


def downgrade() -> None:
    """Undo the above. Data written since is lost with the tables that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("statement_notes")
    op.drop_table("statement_lines")
    op.drop_table("statement_approvals")
    op.drop_index("payouts_run_ix", table_name="payouts")
    op.drop_index("payouts_live_ux", table_name="payouts", postgresql_where=sa.text("state <> 'failed'"))
    op.drop_table("payouts")
    op.drop_index("statements_month_ix", table_name="statements")
    op.drop_index("statements_id_ix", table_name="statements")
    op.drop_table("statements")
    op.drop_table("payee_months")
    op.drop_index("order_credits_at_ix", table_name="order_credits")
    op.drop_table("order_credits")
    op.drop_index("accruals_ripe_ix", table_name="accruals", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("accruals_order_ix", table_name="accruals")
    op.drop_index(
        "accruals_open_ix",
        table_name="accruals",
        postgresql_where=sa.text("state = 'matured' AND earned_minor <> settled_minor"),
    )
    op.drop_index("accruals_month_ix", table_name="accruals")
    op.drop_table("accruals")
    op.drop_index("referrals_buyer_ix", table_name="referrals")
    op.drop_table("referrals")
    op.drop_index("plan_sign_offs_live_ux", table_name="plan_sign_offs", postgresql_where=sa.text("revoked_at IS NULL"))
    op.drop_table("plan_sign_offs")
    op.drop_index("payout_runs_at_ix", table_name="payout_runs")
    op.drop_table("payout_runs")
    op.drop_table("payees")
