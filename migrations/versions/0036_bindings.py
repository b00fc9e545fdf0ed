"""Keep bindings of members to guides, and what is asked and disputed about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three tables, and a phone of one's own to staff."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "binding_asks",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("guide_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("answered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("accepted", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("NOT accepted OR answered_at IS NOT NULL", name="binding_asks_accepted_ck"),
        sa.CheckConstraint("expires_at > asked_at AND answered_at >= asked_at", name="binding_asks_time_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="binding_asks_member_fk"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="binding_asks_store_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="binding_asks_pk"),
    )
    op.create_index(
        "binding_asks_open_ux",
        "binding_asks",
        ["member_id", "guide_id"],
        unique=True,
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_table(
        "bindings",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("guide_id", sa.UUID(), nullable=True),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("touchpoint_id", sa.UUID(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("until_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.Column("device_id", sa.UUID(), nullable=True),
        sa.Column("flags", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("member_id"), "="),
            (sa.column("scope"), "="),
            (sa.text("tstzrange(from_at, until_at)"), "&&"),
            using="gist",
            name="bindings_no_overlap_ex",
        ),
        sa.CheckConstraint(
            "(until_at IS NULL) = (ended_because IS NULL) AND ended_because IN ('member', 'replaced', 'expired', 'transferred', 'dispute')",
            name="bindings_ended_ck",
        ),
        sa.CheckConstraint("guide_id IS NOT NULL OR source = 'transfer'", name="bindings_guide_ck"),
        sa.CheckConstraint("scope = 'guide'", name="bindings_scope_ck"),
        sa.CheckConstraint(
            "source IN ('scan', 'invitation', 'till', 'import', 'transfer', 'dispute')", name="bindings_source_ck"
        ),
        sa.CheckConstraint("until_at >= from_at AND expires_at > from_at", name="bindings_time_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="bindings_member_fk"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="bindings_store_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="bindings_pk"),
    )
    op.create_index(
        "bindings_device_ix",
        "bindings",
        ["device_id", "from_at"],
        unique=False,
        postgresql_where=sa.text("device_id IS NOT NULL"),
    )
    op.create_index(
        "bindings_expires_ix", "bindings", ["expires_at"], unique=False, postgresql_where=sa.text("until_at IS NULL")
    )
    op.create_index(
        "bindings_guide_ix", "bindings", ["guide_id", "id"], unique=False, postgresql_where=sa.text("until_at IS NULL")
    )
    op.create_index("bindings_id_ix", "bindings", ["id"], unique=False)
    op.create_index(
        "bindings_live_ux",
        "bindings",
        ["member_id", "scope"],
        unique=True,
        postgresql_where=sa.text("until_at IS NULL"),
    )
    op.create_index("bindings_store_ix", "bindings", ["store_id", "id"], unique=False)
    op.create_table(
        "binding_disputes",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("binding_id", sa.UUID(), nullable=False),
        sa.Column("guide_id", sa.UUID(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.UUID(), nullable=False),
        sa.Column("raised_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decision_reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decision IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL) AND (decided_at IS NULL) = (decision_reason = '')",
            name="binding_disputes_decided_ck",
        ),
        sa.CheckConstraint("decision IN ('stands', 'moves')", name="binding_disputes_decision_ck"),
        sa.CheckConstraint("decided_at >= raised_at", name="binding_disputes_time_ck"),
        sa.ForeignKeyConstraint(
            ["member_id", "binding_id"], ["bindings.member_id", "bindings.id"], name="binding_disputes_binding_fk"
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name="binding_disputes_pk"),
    )
    op.create_index("binding_disputes_id_ix", "binding_disputes", ["id"], unique=False)
    op.create_index(
        "binding_disputes_open_ux",
        "binding_disputes",
        ["member_id", "binding_id"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.add_column("staff", sa.Column("phone", sa.Text(), nullable=True))


def downgrade() -> None:
    """Remove them, with every binding."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("binding_disputes", "bindings", "binding_asks"):
        op.drop_table(name)
    op.drop_column("staff", "phone")
