"""Count scans in parts, and altogether."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Counts that are there become the first part of theirs; the sums of them are counted from the scans' own days."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("touchpoint_days", sa.Column("part", sa.Integer(), server_default="0", nullable=False))
    op.drop_constraint("touchpoint_days_pk", "touchpoint_days", type_="primary")
    op.create_primary_key("touchpoint_days_pk", "touchpoint_days", ["touchpoint_id", "on_date", "part"])
    op.create_table(
        "touchpoint_totals",
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.CheckConstraint("scans > 0", name="touchpoint_totals_scans_ck"),
        sa.PrimaryKeyConstraint("touchpoint_id", "part", name="touchpoint_totals_pk"),
    )
    # Nobody counts meanwhile: the table of days is locked since its column was added.
    op.execute(
        """INSERT INTO touchpoint_totals (touchpoint_id, scans)
           SELECT touchpoint_id, sum(scans) FROM touchpoint_days GROUP BY touchpoint_id"""
    )


def downgrade() -> None:
    """Undo the above. No scan is lost: the parts of a day become one."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("touchpoint_totals")
    op.execute(
        """WITH parts AS (DELETE FROM touchpoint_days d
                          WHERE EXISTS (SELECT FROM touchpoint_days o WHERE o.touchpoint_id = d.touchpoint_id
                                        AND o.on_date = d.on_date AND o.part <> d.part) RETURNING d.*)
           INSERT INTO touchpoint_days (touchpoint_id, on_date, part, scans)
           SELECT touchpoint_id, on_date, -1, sum(scans) FROM parts GROUP BY 1, 2"""
    )
    op.drop_constraint("touchpoint_days_pk", "touchpoint_days", type_="primary")
    op.create_primary_key("touchpoint_days_pk", "touchpoint_days", ["touchpoint_id", "on_date"])
    op.drop_column("touchpoint_days", "part")
