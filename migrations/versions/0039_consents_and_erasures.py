"""Consents with who gave them, versions of their texts, and members who asked to be forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

PURPOSES = "purpose IN ('service', 'marketing', 'profiling', 'location', 'sharing')"
ERASED = (
    "erased_at IS NULL OR (kind = 'guest' AND display_name = ''"
    " AND num_nonnulls(phone, home_store_id, external_code, card_no) = 0)"
)


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    """Add two tables, two columns and three indexes. Nothing has been written to `consents` so far, so its checks hold at once."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("members", _at("erased_at", null=True))
    op.execute(f"ALTER TABLE members ADD CONSTRAINT members_erased_ck CHECK ({ERASED}) NOT VALID")
    op.execute("ALTER TABLE members VALIDATE CONSTRAINT members_erased_ck")
    op.add_column("consents", sa.Column("actor", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_check_constraint("consents_purpose_ck", "consents", PURPOSES)
    op.create_check_constraint("consents_version_ck", "consents", "text_version >= 1")
    op.create_table(
        "consent_texts",
        _text("purpose"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("title_zh"),
        _text("title_en"),
        _text("body_zh"),
        _text("body_en"),
        sa.Column("widens", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        _text("reason"),
        _at("created_at"),
        sa.PrimaryKeyConstraint("purpose", "version", name="consent_texts_pk"),
        sa.CheckConstraint(PURPOSES, name="consent_texts_purpose_ck"),
        sa.CheckConstraint("version >= 2", name="consent_texts_version_ck"),
    )
    op.create_table(
        "erasures",
        sa.Column("member_id", sa.UUID(), nullable=False),
        _text("channel"),
        _text("actor"),
        _at("erased_at"),
        sa.Column("traces", postgresql.JSONB(), nullable=True),
        _at("swept_at", null=True),
        sa.PrimaryKeyConstraint("member_id", name="erasures_pk"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="erasures_member_fk"),
        sa.CheckConstraint("(swept_at IS NULL) = (traces IS NOT NULL)", name="erasures_swept_ck"),
    )
    op.create_index("erasures_unswept_ix", "erasures", ["erased_at"], postgresql_where=sa.text("swept_at IS NULL"))
    # What is kept of a member is found without reading whole tables.
    op.create_index("member_sessions_member_ix", "member_sessions", ["member_id"])
    for name in ("device_touches", "scans"):
        op.create_index(f"{name}_member_ix", name, ["member_id"], postgresql_where=sa.text("member_id IS NOT NULL"))


def downgrade() -> None:
    """Undo the above. Who was forgotten stays forgotten."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("scans", "device_touches", "member_sessions"):
        op.drop_index(f"{name}_member_ix", name)
    op.drop_table("erasures")
    op.drop_table("consent_texts")
    op.drop_constraint("consents_version_ck", "consents", type_="check")
    op.drop_constraint("consents_purpose_ck", "consents", type_="check")
    op.drop_column("consents", "actor")
    op.drop_constraint("members_erased_ck", "members", type_="check")
    op.drop_column("members", "erased_at")
