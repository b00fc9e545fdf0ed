"""Tables of stored value. The ledger has every movement; these say what may be spent, from which lots, until when."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, blob, check, fk, index, integer, pk, text, uid, uids, unique
from duoline.kernel.placement import MEMBER, table

PACKAGE = "wallet"

# What a member has with us, locked by every change: what they paid in, and what was given on top.
wallets = table(
    PACKAGE,
    "wallets",
    MEMBER,
    uid("member_id"),
    big("principal_minor", default="0"),
    big("bonus_minor", default="0"),
    at("updated_at"),
    pk("wallets", "member_id"),
    fk("wallets_member_fk", ["member_id"], "members", ["member_id"]),
    check("wallets_principal_ck", "principal_minor >= 0"),
    check("wallets_bonus_ck", "bonus_minor >= 0"),
)

# Money that came together, for one reason: `left` of it is unspent, `gone` has ended, was given up or paid out.
wallet_lots = table(
    PACKAGE,
    "wallet_lots",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("part"),
    text("source"),
    uid("ref_id"),
    big("granted_minor"),
    big("left_minor"),
    big("gone_minor", default="0"),
    at("expires_at", null=True),
    at("at"),
    pk("wallet_lots", "member_id", "id"),
    unique("wallet_lots_ref_uq", "member_id", "source", "ref_id", "part"),
    fk("wallet_lots_wallet_fk", ["member_id"], "wallets", ["member_id"]),
    check("wallet_lots_part_ck", "part IN ('principal', 'bonus')"),
    check("wallet_lots_source_ck", "source IN ('top_up', 'refund')"),
    check(
        "wallet_lots_left_ck",
        "granted_minor > 0 AND left_minor >= 0 AND gone_minor >= 0 AND left_minor + gone_minor <= granted_minor",
    ),
    # What members have paid in never ends, by law (see the package's README).
    check("wallet_lots_expires_ck", "part = 'bonus' OR expires_at IS NULL"),
    index("wallet_lots_expire_ix", "expires_at", postgresql_where=sql_text("left_minor > 0")),
)

# What was asked for and paid in. The provider knows one by its id; `bonus_minor` is what was promised for it.
wallet_top_ups = table(
    PACKAGE,
    "wallet_top_ups",
    MEMBER,
    uid("member_id"),
    uid("id"),
    big("principal_minor"),
    big("bonus_minor"),
    text("currency"),
    integer("rule_version"),
    # 'cash', or the provider that takes it.
    text("tender"),
    uid("store_id", null=True),
    text("state"),
    text("provider_ref", null=True),
    text("pay_url", null=True),
    # Keyed digest of the account that paid it at the provider, as of captures.
    blob("payer_key", null=True),
    # Since when a provider is asked to take it by a code and has not answered.
    at("asked_at", null=True),
    at("expires_at", null=True),
    at("created_at"),
    at("resolved_at", null=True),
    text("actor"),
    pk("wallet_top_ups", "member_id", "id"),
    fk("wallet_top_ups_wallet_fk", ["member_id"], "wallets", ["member_id"]),
    check("wallet_top_ups_amount_ck", "principal_minor > 0 AND bonus_minor >= 0"),
    check("wallet_top_ups_state_ck", "state IN ('open', 'paid', 'closed')"),
    check("wallet_top_ups_resolved_ck", "(state = 'open') = (resolved_at IS NULL)"),
    check("wallet_top_ups_cash_ck", "tender <> 'cash' OR (state = 'paid' AND store_id IS NOT NULL)"),
    check("wallet_top_ups_payer_ck", "octet_length(payer_key) = 32"),
    index("wallet_top_ups_id_ix", "id"),
    index("wallet_top_ups_payer_ix", "member_id", "payer_key", postgresql_where=sql_text("payer_key IS NOT NULL")),
    index("wallet_top_ups_open_ix", "expires_at", postgresql_where=sql_text("state = 'open'")),
)

# A top-up that was paid when its member was forgotten already: all that came goes back the way it came. The provider
# knows it by its id.
wallet_top_up_refunds = table(
    PACKAGE,
    "wallet_top_up_refunds",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("top_up_id"),
    big("amount_minor"),
    text("state"),
    # How often the provider was asked and did not give it back, and what it said the last time.
    integer("attempts", default="0"),
    text("problem", null=True),
    # What the provider calls it, once it has taken it on.
    text("provider_ref", null=True),
    at("created_at"),
    at("resolved_at", null=True),
    pk("wallet_top_up_refunds", "member_id", "id"),
    unique("wallet_top_up_refunds_top_up_uq", "member_id", "top_up_id"),
    fk("wallet_top_up_refunds_top_up_fk", ["member_id", "top_up_id"], "wallet_top_ups", ["member_id", "id"]),
    check("wallet_top_up_refunds_amount_ck", "amount_minor > 0"),
    check("wallet_top_up_refunds_state_ck", "state IN ('requested', 'done', 'failed', 'by_hand')"),
    check("wallet_top_up_refunds_resolved_ck", "(state IN ('done', 'by_hand')) = (resolved_at IS NOT NULL)"),
    check("wallet_top_up_refunds_problem_ck", "state <> 'failed' OR problem IS NOT NULL"),
    index("wallet_top_up_refunds_open_ix", "created_at", postgresql_where=sql_text("state = 'requested'")),
    index("wallet_top_up_refunds_failed_ix", "created_at", postgresql_where=sql_text("state = 'failed'")),
)

# What paid for a part of an order, in which shares, and what of each came back.
wallet_uses = table(
    PACKAGE,
    "wallet_uses",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("order_id"),
    big("principal_minor"),
    big("bonus_minor"),
    big("back_principal_minor", default="0"),
    big("back_bonus_minor", default="0"),
    # When the last of the bonus that was spent would have ended; null when some of it never does.
    at("bonus_expires_at", null=True),
    integer("rule_version"),
    # Other members' wallets that paid a part, because they and the buyer are one person (`wallet_shares`).
    uids("shared_with", default="{}"),
    at("at"),
    pk("wallet_uses", "member_id", "id"),
    check("wallet_uses_amount_ck", "principal_minor >= 0 AND bonus_minor >= 0 AND principal_minor + bonus_minor > 0"),
    check(
        "wallet_uses_back_ck",
        "back_principal_minor BETWEEN 0 AND principal_minor AND back_bonus_minor BETWEEN 0 AND bonus_minor",
    ),
    index("wallet_uses_order_ix", "member_id", "order_id"),
    index("wallet_uses_at_ix", "member_id", "at"),
)

# What of a use another wallet of the same person paid, and what of it came back there. The amounts of the use are of
# all wallets together.
wallet_shares = table(
    PACKAGE,
    "wallet_shares",
    MEMBER,
    uid("member_id"),
    uid("use_id"),
    uid("buyer_id"),
    uid("order_id"),
    big("principal_minor"),
    big("bonus_minor"),
    big("back_principal_minor", default="0"),
    big("back_bonus_minor", default="0"),
    at("bonus_expires_at", null=True),
    at("at"),
    pk("wallet_shares", "member_id", "use_id"),
    fk("wallet_shares_wallet_fk", ["member_id"], "wallets", ["member_id"]),
    check("wallet_shares_ends_ck", "member_id <> buyer_id"),
    check("wallet_shares_amount_ck", "principal_minor >= 0 AND bonus_minor >= 0 AND principal_minor + bonus_minor > 0"),
    check(
        "wallet_shares_back_ck",
        "back_principal_minor BETWEEN 0 AND principal_minor AND back_bonus_minor BETWEEN 0 AND bonus_minor",
    ),
)

# What headquarters paid out of a wallet, and the bonus that was given up with it.
wallet_payouts = table(
    PACKAGE,
    "wallet_payouts",
    MEMBER,
    uid("member_id"),
    uid("id"),
    big("principal_minor"),
    big("bonus_minor"),
    text("reason"),
    text("actor"),
    at("at"),
    pk("wallet_payouts", "member_id", "id"),
    fk("wallet_payouts_wallet_fk", ["member_id"], "wallets", ["member_id"]),
    check("wallet_payouts_amount_ck", "principal_minor > 0 AND bonus_minor >= 0"),
    check("wallet_payouts_reason_ck", "reason <> ''"),
    append_only=True,
    erasable=("reason",),
)
