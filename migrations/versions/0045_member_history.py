"""Read a member's history by when it happened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add five indexes and widen one; no row is touched, the one that is widened is made anew in the same transaction."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index(
        "accruals_member_ix",
        "accruals",
        ["payee_id", "at"],
        unique=False,
        postgresql_where=sa.text("payee_kind = 'member'"),
    )
    op.create_index("coupon_uses_member_ix", "coupon_uses", ["member_id", "at"], unique=False)
    op.drop_index("coupons_member_ix", table_name="coupons")
    op.create_index(
        "coupons_member_ix",
        "coupons",
        ["member_id", "issued_at"],
        unique=False,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index(
        "journals_member_ix",
        "journals",
        ["member_id", "ref_kind", "at"],
        unique=False,
        postgresql_where=sa.text("ref_kind IN ('points', 'wallet')"),
    )
    op.create_index(
        "order_events_member_ix",
        "order_events",
        ["member_id", "at"],
        unique=False,
        postgresql_where=sa.text(
            "kind IN ('handed_over', 'shipped', 'delivered', 'cancelled', 'expired', 'uncollected')"
        ),
    )
    op.create_index("returns_member_ix", "returns", ["member_id", "at"], unique=False)


def downgrade() -> None:
    """Undo the above."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("returns_member_ix", table_name="returns")
    op.drop_index(
        "order_events_member_ix",
        table_name="order_events",
        postgresql_where=sa.text(
            "kind IN ('handed_over', 'shipped', 'delivered', 'cancelled', 'expired', 'uncollected')"
        ),
    )
    op.drop_index(
        "journals_member_ix", table_name="journals", postgresql_where=sa.text("ref_kind IN ('points', 'wallet')")
    )
    op.drop_index("coupons_member_ix", table_name="coupons", postgresql_where=sa.text("member_id IS NOT NULL"))
    op.create_index(
        "coupons_member_ix",
        "coupons",
        ["member_id"],
        unique=False,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.drop_index("coupon_uses_member_ix", table_name="coupon_uses")
    op.drop_index("accruals_member_ix", table_name="accruals", postgresql_where=sa.text("payee_kind = 'member'"))
