"""Sort names by pinyin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pypinyin import Style, lazy_pinyin
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

FIRST, LAST = 0x3400, 0x9FFF
# Read otherwise in a family's name, and it is names that are looked for.
FAMILIES = {"曾": "zeng1", "翟": "zhai2", "仇": "qiu2", "单": "shan4", "解": "xie4", "查": "zha1", "朴": "piao2"}


def in_order() -> list[int]:
    """Han characters as they follow each other by pinyin, tone and code; those without a known reading come last."""

    def place(code: int) -> tuple[str, bool, str, int]:
        sign = chr(code)
        said = FAMILIES.get(sign) or lazy_pinyin(sign, style=Style.TONE3, neutral_tone_with_five=True)[0]
        if said == sign:
            return "~", False, "", code
        # ü stands behind u of the same letters, as in dictionaries.
        return said[:-1].replace("v", "u"), "v" in said, said[-1], code

    return sorted(range(FIRST, LAST + 1), key=place)


def upgrade() -> None:
    """Add a table of its own, filled at once."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "hanzi",
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="hanzi_pk"),
    )
    op.execute(
        sa.text(
            "INSERT INTO hanzi (code, place) SELECT code, n FROM unnest(:codes) WITH ORDINALITY AS s(code, n)"
        ).bindparams(sa.bindparam("codes", in_order(), ARRAY(sa.Integer())))
    )
    op.execute("ANALYZE hanzi")


def downgrade() -> None:
    """Undo the above. Nothing else is kept there."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("hanzi")
