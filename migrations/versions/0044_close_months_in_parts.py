"""Close months in parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


BEFORE = "state IN ('closed', 'approved', 'paying', 'paid', 'carried')"
NOW = "state IN ('closing', 'closed', 'approved', 'paying', 'paid', 'carried')"
UNSETTLED = sa.text("state = 'matured' AND earned_minor <> settled_minor")


def upgrade() -> None:
    """Let statements be under way, in the order of an index, and keep who closes which month. No row changes.

    Making the index reads all shares; tellings of orders wait for that and are made up for afterwards.
    """
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "closing_runs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("payees_total", sa.Integer(), nullable=True),
        sa.Column("payees_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("payees_failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shares_total", sa.BigInteger(), nullable=True),
        sa.Column("shares_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("noted_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'failed') = (problem IS NOT NULL)", name="closing_runs_problem_ck"),
        sa.CheckConstraint(
            "(state IN ('done', 'failed')) = (finished_at IS NOT NULL)", name="closing_runs_finished_ck"
        ),
        sa.CheckConstraint("month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name="closing_runs_month_ck"),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="closing_runs_state_ck"),
        sa.CheckConstraint(
            "payees_done >= 0 AND payees_failed >= 0 AND shares_done >= 0", name="closing_runs_counts_ck"
        ),
        sa.PrimaryKeyConstraint("id", name="closing_runs_pk"),
    )
    op.create_index("closing_runs_at_ix", "closing_runs", ["at", "id"], unique=False)
    op.create_index(
        "closing_runs_live_ux",
        "closing_runs",
        ["month"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(
        "accruals_unsettled_ix",
        "accruals",
        ["payee_id", "order_id", "line_id", "book", "role", "location_id"],
        unique=False,
        postgresql_where=UNSETTLED,
    )
    op.drop_index("accruals_open_ix", table_name="accruals")
    op.create_index(
        "statements_closing_ux", "statements", ["payee_id"], unique=True, postgresql_where=sa.text("state = 'closing'")
    )
    _check("statements_closing_ck", "state <> 'closing' OR (to_pay_minor = 0 AND cut_minor = 0)")
    op.drop_constraint("statements_state_ck", "statements", type_="check")
    _check("statements_state_ck", NOW)


def _check(name: str, condition: str) -> None:
    op.create_check_constraint(name, "statements", condition, postgresql_not_valid=True)
    op.execute(f"ALTER TABLE statements VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Undo the above; refused while a statement is under way. Who closed which month is lost, but for the audit."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("statements_state_ck", "statements", type_="check")
    _check("statements_state_ck", BEFORE)
    op.drop_constraint("statements_closing_ck", "statements", type_="check")
    op.drop_index("statements_closing_ux", table_name="statements")
    op.create_index("accruals_open_ix", "accruals", ["payee_id"], unique=False, postgresql_where=UNSETTLED)
    op.drop_index("accruals_unsettled_ix", table_name="accruals")
    op.drop_table("closing_runs")
