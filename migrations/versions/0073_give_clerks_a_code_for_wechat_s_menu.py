"""Give clerks a code for WeChat's menu."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

BEFORE = "NOT standing OR (kind = 'share' AND owner_kind = 'member' AND note = '')"
AFTER = (
    "NOT standing OR (kind = 'share' AND note = '' AND owner_kind = CASE WHEN store_id IS NULL THEN 'member'"
    " ELSE 'staff' END)"
)
LIVE = sa.text("standing AND ended_at IS NULL")


def _replace(check: str, columns: list[str], *, nulls_not_distinct: bool) -> None:
    op.drop_constraint("touchpoints_standing_ck", "touchpoints")
    op.create_check_constraint("touchpoints_standing_ck", "touchpoints", check)
    op.drop_index("touchpoints_standing_ux", table_name="touchpoints", postgresql_where=LIVE)
    op.create_index(
        "touchpoints_standing_ux",
        "touchpoints",
        columns,
        unique=True,
        postgresql_where=LIVE,
        postgresql_nulls_not_distinct=nulls_not_distinct,
    )


def upgrade() -> None:
    """What there is of members' own codes has no shop and stays as unique as it was; a clerk's are of a shop."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    _replace(AFTER, ["owner_id", "store_id", "target_kind", "target"], nulls_not_distinct=True)


def downgrade() -> None:
    """Undo the above. What clerks shared stays, as links like any other; their own codes have ended."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        """UPDATE touchpoints SET standing = false,
                  ended_at = CASE WHEN target_kind = 'home' THEN coalesce(ended_at, greatest(now(), created_at))
                             ELSE ended_at END
           WHERE standing AND owner_kind = 'staff'"""
    )
    _replace(BEFORE, ["owner_id", "target_kind", "target"], nulls_not_distinct=False)
