"""Take a sale in parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Know which payments are being charged by a code, and what lies on a till's counter until it is paid."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("payment_intents", sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.drop_constraint("fulfilments_kind_ck", "fulfilments", type_="check")
    op.create_check_constraint("fulfilments_kind_ck", "fulfilments", "kind IN ('pickup', 'ship', 'transfer', 'till')")
    op.create_check_constraint(
        "fulfilments_till_ck", "fulfilments", "kind <> 'till' OR state IN ('waiting', 'handed_over', 'cancelled')"
    )
    op.create_check_constraint("orders_till_ck", "orders", "pay_mode <> 'till' OR state <> 'confirmed'")


def downgrade() -> None:
    """Undo the above. It fails as long as there are orders that waited at a till."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("orders_till_ck", "orders", type_="check")
    op.drop_constraint("fulfilments_till_ck", "fulfilments", type_="check")
    op.drop_constraint("fulfilments_kind_ck", "fulfilments", type_="check")
    op.create_check_constraint("fulfilments_kind_ck", "fulfilments", "kind IN ('pickup', 'ship', 'transfer')")
    op.drop_column("payment_intents", "asked_at")
