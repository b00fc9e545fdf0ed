"""One person, one member: identities, pairs in doubt, and merges that can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

KINDS = "kind IN ('stores', 'products', 'prices', 'stock', 'members', 'orders'{})"
BECAUSE = "because IN ('joined', 'reached', 'lapsed', 'set', 'rules'{})"


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def _uid(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.UUID(), nullable=null)


def _text(name: str, *, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=None if default is None else sa.text(default))


def upgrade() -> None:
    """Add six tables and four columns, and let a tier come from a merge."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    _merges()
    _identities()
    _signups()
    _pairs()
    _points()
    op.drop_constraint("import_jobs_kind_ck", "import_jobs", type_="check")
    op.create_check_constraint("import_jobs_kind_ck", "import_jobs", KINDS.format(", 'signups'"))
    op.drop_constraint("tier_changes_because_ck", "tier_changes", type_="check")
    op.create_check_constraint("tier_changes_because_ck", "tier_changes", BECAUSE.format(", 'merged', 'separated'"))


def _merges() -> None:
    op.add_column("members", _uid("merged_into", null=True))
    op.add_column("members", sa.Column("merged_others", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(
        "members_merged_ck",
        "members",
        "merged_others >= 0 AND (merged_into IS NULL"
        " OR (kind = 'member' AND merged_into <> member_id AND merged_others = 0))",
    )
    op.create_table(
        "member_merges",
        _uid("member_id"),
        _uid("id"),
        _uid("other_id"),
        _text("reason"),
        _text("actor"),
        _at("at"),
        _text("tier_before"),
        _at("keeps_before", null=True),
        _at("lapses_before", null=True),
        _at("undone_at", null=True),
        _text("undone_by", default="''"),
        _text("undone_reason", default="''"),
        sa.PrimaryKeyConstraint("member_id", "id", name="member_merges_pk"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="member_merges_member_fk"),
        sa.CheckConstraint("member_id <> other_id", name="member_merges_ends_ck"),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by = '') AND undone_at >= at", name="member_merges_undone_ck"
        ),
    )
    op.create_index(
        "member_merges_live_ux",
        "member_merges",
        ["member_id", "other_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("member_merges_other_ix", "member_merges", ["other_id"])
    op.add_column("adopted_guests", _uid("merge_id", null=True))
    op.create_foreign_key(
        "adopted_guests_merge_fk", "adopted_guests", "member_merges", ["member_id", "merge_id"], ["member_id", "id"]
    )


def _identities() -> None:
    op.create_table(
        "identities",
        _text("value"),
        _text("kind"),
        _uid("member_id"),
        sa.Column("leads", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("source"),
        _at("since"),
        sa.PrimaryKeyConstraint("value", "kind", "member_id", name="identities_pk"),
        sa.CheckConstraint(
            "kind IN ('phone', 'wechat_openid', 'wechat_unionid', 'mail', 'card_no')"
            " OR kind ~ '^marketplace:[a-z0-9_-]{1,30}$'",
            name="identities_kind_ck",
        ),
        sa.CheckConstraint("NOT (leads AND kind = 'card_no') AND value <> ''", name="identities_leads_ck"),
    )
    op.create_index(
        "identities_leads_ux", "identities", ["value", "kind"], unique=True, postgresql_where=sa.text("leads")
    )
    op.create_index("identities_member_ix", "identities", ["member_id"])
    op.create_table(
        "match_keys",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        _uid("member_id"),
        sa.PrimaryKeyConstraint("key", "member_id", name="match_keys_pk"),
    )


def _signups() -> None:
    op.create_table(
        "signups_read",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _uid("member_id"),
        sa.PrimaryKeyConstraint("digest", name="signups_read_pk"),
    )


def _pairs() -> None:
    op.create_table(
        "member_pairs",
        _uid("member_id"),
        _uid("other_id"),
        _text("state", default="'open'"),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        _text("source"),
        _at("found_at"),
        _at("decided_at", null=True),
        _text("decided_by", default="''"),
        _text("decided_reason", default="''"),
        sa.PrimaryKeyConstraint("member_id", "other_id", name="member_pairs_pk"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="member_pairs_member_fk"),
        sa.CheckConstraint("member_id < other_id", name="member_pairs_ends_ck"),
        sa.CheckConstraint("state IN ('open', 'same', 'different')", name="member_pairs_state_ck"),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (state = 'open') = (decided_by = '')",
            name="member_pairs_decided_ck",
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 100 AND cardinality(reasons) > 0", name="member_pairs_score_ck"),
    )
    op.create_index(
        "member_pairs_open_ix",
        "member_pairs",
        ["score", "member_id", "other_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("member_pairs_other_ix", "member_pairs", ["other_id"])


def _points() -> None:
    op.add_column(
        "point_uses",
        sa.Column("shared_with", postgresql.ARRAY(sa.UUID()), server_default="{}", nullable=False),
    )
    op.create_table(
        "point_shares",
        _uid("member_id"),
        _uid("use_id"),
        _uid("buyer_id"),
        _uid("order_id"),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("back_points", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _at("at"),
        sa.PrimaryKeyConstraint("member_id", "use_id", name="point_shares_pk"),
        sa.ForeignKeyConstraint(["member_id"], ["point_accounts.member_id"], name="point_shares_account_fk"),
        sa.CheckConstraint("member_id <> buyer_id", name="point_shares_ends_ck"),
        sa.CheckConstraint("points > 0 AND 0 <= back_points AND back_points <= points", name="point_shares_points_ck"),
    )


def downgrade() -> None:
    """Undo the above. It fails as long as a tier came from a merge, or sign-ups were imported."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint("import_jobs_kind_ck", "import_jobs", type_="check")
    op.create_check_constraint("import_jobs_kind_ck", "import_jobs", KINDS.format(""))
    op.drop_constraint("tier_changes_because_ck", "tier_changes", type_="check")
    op.create_check_constraint("tier_changes_because_ck", "tier_changes", BECAUSE.format(""))
    op.drop_table("point_shares")
    op.drop_column("point_uses", "shared_with")
    op.drop_table("member_pairs")
    op.drop_table("signups_read")
    op.drop_table("match_keys")
    op.drop_table("identities")
    op.drop_constraint("adopted_guests_merge_fk", "adopted_guests", type_="foreignkey")
    op.drop_column("adopted_guests", "merge_id")
    op.drop_table("member_merges")
    op.drop_constraint("members_merged_ck", "members", type_="check")
    op.drop_column("members", "merged_others")
    op.drop_column("members", "merged_into")
