"""Give members an electronic card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has a card until they look at it for the first time."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("members", sa.Column("card_no", sa.Text(), nullable=True))
    op.create_table(
        "member_cards",
        sa.Column("card_no", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("card_no", name="member_cards_pk"),
    )


def downgrade() -> None:
    """Cards that members were shown are worth nothing then."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("member_cards")
    op.drop_column("members", "card_no")
