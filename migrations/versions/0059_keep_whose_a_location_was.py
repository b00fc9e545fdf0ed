"""Keep whose a location was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table, filled for the orders that have been shared: by whose their locations are today, which is what
    their next telling would have asked."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "order_places",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("company_id", sa.UUID(), nullable=False),
        sa.Column("franchised", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id"],
            ["order_credits.member_id", "order_credits.order_id"],
            name="order_places_credit_fk",
        ),
        sa.PrimaryKeyConstraint("member_id", "order_id", "location_id", name="order_places_pk"),
    )
    op.execute(
        """INSERT INTO order_places (member_id, order_id, location_id, company_id, franchised, at)
           SELECT DISTINCT a.member_id, a.order_id, a.location_id, s.company_id, c.kind = 'franchisee', now()
           FROM accruals a
           JOIN order_credits o ON o.member_id = a.member_id AND o.order_id = a.order_id
           JOIN stores s ON s.id = a.location_id JOIN companies c ON c.id = s.company_id
           WHERE a.book = 'allocation'"""
    )


def downgrade() -> None:
    """Undo the above. Whose the locations were is asked of the shops again."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("order_places")
