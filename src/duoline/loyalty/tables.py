"""Tables of points. The ledger has every movement; these say what may be spent, from which lots, and until when."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, doc, fk, index, integer, pk, text, uid, uids
from duoline.kernel.placement import MEMBER, table

PACKAGE = "loyalty"

# A member's points, locked by every change: what is not theirs to spend yet, what is, and what they owe because more
# was taken back than was left.
point_accounts = table(
    PACKAGE,
    "point_accounts",
    MEMBER,
    uid("member_id"),
    big("pending", default="0"),
    big("spendable", default="0"),
    big("owed", default="0"),
    at("updated_at"),
    pk("point_accounts", "member_id"),
    fk("point_accounts_member_fk", ["member_id"], "members", ["member_id"]),
    check("point_accounts_pending_ck", "pending >= 0"),
    check("point_accounts_spendable_ck", "spendable >= 0"),
    # Whoever owes has nothing to spend: what comes in pays the debt first.
    check("point_accounts_owed_ck", "owed >= 0 AND (owed = 0 OR spendable = 0)"),
)

# Points that came together, for one reason each: `granted` is what they are now, `left` what of them is unspent. Those
# of an order came by one line of it, or by all of them in releases that did not tell the lines apart.
point_lots = table(
    PACKAGE,
    "point_lots",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("source"),
    uid("ref_id"),
    uid("line_id", null=True),
    text("state"),
    big("granted"),
    big("left_points"),
    # Not spent in time: gone already when what earned them goes back.
    big("expired_points", default="0"),
    # None while more of the line is still to be handed over: nobody knows until when it may come back.
    at("ripens_at", null=True),
    at("expires_at", null=True),
    at("at"),
    pk("point_lots", "member_id", "id"),
    UniqueConstraint(
        "member_id", "source", "ref_id", "line_id", name="point_lots_ref_uq", postgresql_nulls_not_distinct=True
    ),
    fk("point_lots_account_fk", ["member_id"], "point_accounts", ["member_id"]),
    check("point_lots_source_ck", "source IN ('order', 'binding', 'given', 'refund')"),
    check("point_lots_state_ck", "state IN ('pending', 'open')"),
    check("point_lots_line_ck", "line_id IS NULL OR source = 'order'"),
    check("point_lots_ripe_ck", "ripens_at IS NOT NULL OR state = 'pending' OR left_points = 0"),
    check("point_lots_left_ck", "left_points >= 0 AND expired_points >= 0 AND left_points + expired_points <= granted"),
    index("point_lots_ripe_ix", "ripens_at", postgresql_where=sql_text("state = 'pending'")),
    index("point_lots_expire_ix", "expires_at", postgresql_where=sql_text("left_points > 0")),
)

# By which rate each line of an order earns, frozen when it first earned: hundredths of a point for a unit of money.
point_rates = table(
    PACKAGE,
    "point_rates",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("line_id"),
    integer("rate"),
    integer("rule_version"),
    text("tier"),
    pk("point_rates", "member_id", "order_id", "line_id"),
    check("point_rates_rate_ck", "rate >= 0"),
    append_only=True,
)

# Points that paid for a part of an order, and what of them came back.
point_uses = table(
    PACKAGE,
    "point_uses",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("order_id"),
    big("points"),
    big("worth_minor"),
    big("back_points", default="0"),
    big("back_minor", default="0"),
    # Other members' accounts that paid a part, because they and the buyer are one person (`point_shares`).
    uids("shared_with", default="{}"),
    # What each account gave and until when it would have lasted (`account.Drawn`), those that end first before the
    # others: none for payments of releases that did not write it down.
    doc("drawn", default="[]"),
    at("at"),
    pk("point_uses", "member_id", "id"),
    check("point_uses_points_ck", "points > 0 AND worth_minor > 0"),
    check("point_uses_back_ck", "0 <= back_points AND back_points <= points"),
    check(
        "point_uses_minor_ck",
        "0 <= back_minor AND back_minor <= worth_minor AND (back_minor = worth_minor) = (back_points = points)",
    ),
    index("point_uses_order_ix", "member_id", "order_id"),
)

# What of the points of a use another account of the same person paid, and what of it came back there.
point_shares = table(
    PACKAGE,
    "point_shares",
    MEMBER,
    uid("member_id"),
    uid("use_id"),
    uid("buyer_id"),
    uid("order_id"),
    big("points"),
    big("back_points", default="0"),
    at("at"),
    pk("point_shares", "member_id", "use_id"),
    fk("point_shares_account_fk", ["member_id"], "point_accounts", ["member_id"]),
    check("point_shares_ends_ck", "member_id <> buyer_id"),
    check("point_shares_points_ck", "points > 0 AND 0 <= back_points AND back_points <= points"),
)
