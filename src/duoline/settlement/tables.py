"""Tables of settlement: what orders' shares follow from, what each payee has earned, and how it was paid."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, doc, fk, flag, index, integer, pk, text, uid, unique
from duoline.kernel.placement import MEMBER, distributed, managed_local, table

PACKAGE = "settlement"

PAYEE = distributed("payee_id", "payee")

# What an order's shares follow from, with the versions of the rules that held when it was placed.
order_credits = table(
    PACKAGE,
    "order_credits",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    doc("facts"),
    doc("lines"),
    integer("commission_version"),
    integer("allocation_version"),
    integer("contracts_version"),
    at("at"),
    pk("order_credits", "member_id", "order_id"),
    fk("order_credits_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    index("order_credits_at_ix", "at"),
    append_only=True,
)

# Whose company a location was when it first had a part in an order, and whether that company was franchised: a shop
# that is sold takes none of the margin of what was sold before along.
order_places = table(
    PACKAGE,
    "order_places",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("location_id"),
    uid("company_id"),
    flag("franchised"),
    at("at"),
    pk("order_places", "member_id", "order_id", "location_id"),
    fk("order_places_credit_fk", ["member_id", "order_id"], "order_credits", ["member_id", "order_id"]),
    append_only=True,
)

# Who is paid for whom by a link, pair by pair, as long as anything is: no circle can be written, by this key and a lock
# (STL-5). The payee is a member, or somebody of the staff.
referrals = table(
    PACKAGE,
    "referrals",
    distributed("payee_id", "referral"),
    uid("payee_id"),
    uid("buyer_id"),
    uid("order_id"),
    at("at"),
    pk("referrals", "payee_id", "buyer_id"),
    check("referrals_self_ck", "payee_id <> buyer_id"),
    index("referrals_buyer_ix", "buyer_id"),
)

# A level beyond the first is paid only behind the word of somebody who answers for it.
plan_sign_offs = table(
    PACKAGE,
    "plan_sign_offs",
    managed_local(),
    uid("id"),
    integer("levels"),
    text("document"),
    text("reason"),
    text("actor"),
    at("at"),
    at("revoked_at", null=True),
    text("revoked_by", null=True),
    pk("plan_sign_offs", "id"),
    check("plan_sign_offs_levels_ck", "levels = 2"),
    check("plan_sign_offs_revoked_ck", "(revoked_at IS NULL) = (revoked_by IS NULL) AND revoked_at >= at"),
    index("plan_sign_offs_live_ux", "levels", unique=True, postgresql_where=sql_text("revoked_at IS NULL")),
)

# A payee, locked by every change: what is not theirs yet, what is and was not paid (below zero: taken back after it
# was paid, and carried against what comes), what is on its way, and what they have had.
payees = table(
    PACKAGE,
    "payees",
    PAYEE,
    uid("payee_id"),
    text("kind"),
    big("pending_minor", default="0"),
    big("due_minor", default="0"),
    big("paying_minor", default="0"),
    big("paid_minor", default="0"),
    at("updated_at"),
    pk("payees", "payee_id"),
    check("payees_kind_ck", "kind IN ('staff', 'member', 'store', 'company', 'chain')"),
    # Only an organisation's part may be below nothing before it is theirs: headquarters bears its offers.
    check("payees_pending_ck", "pending_minor >= 0 OR kind NOT IN ('staff', 'member')"),
    check("payees_paying_ck", "paying_minor >= 0"),
    check("payees_paid_ck", "paid_minor >= 0 OR kind NOT IN ('staff', 'member')"),
)

# What a payee has earned by a line: `earned` follows what the buyer keeps, `reversed` is all of it that was ever taken
# back (earned and reversed together is what was earned in all), `settled` is what of `earned` statements have.
accruals = table(
    PACKAGE,
    "accruals",
    PAYEE,
    uid("payee_id"),
    uid("order_id"),
    uid("line_id"),
    text("book"),
    text("role"),
    uid("location_id"),
    uid("member_id"),
    text("payee_kind"),
    integer("level", default="1"),
    uid("sign_off_id", null=True),
    integer("rate_bp"),
    text("flag", null=True),
    # What the buyer keeps and paid in money: after offers, and what it would have been before them.
    big("basis_minor"),
    big("gross_minor"),
    big("earned_minor"),
    big("reversed_minor", default="0"),
    big("settled_minor", default="0"),
    text("state", default="pending"),
    at("matures_at", null=True),
    text("month", null=True),
    at("at"),
    at("updated_at"),
    pk("accruals", "payee_id", "order_id", "line_id", "book", "role", "location_id"),
    fk("accruals_payee_fk", ["payee_id"], "payees", ["payee_id"]),
    check("accruals_book_ck", "book IN ('commission', 'allocation')"),
    check(
        "accruals_role_ck",
        "CASE book WHEN 'commission' THEN role IN ('guide', 'seller', 'referrer', 'second', 'bringing')"
        " ELSE role IN ('owner', 'bringer_store', 'guide_store', 'touchpoint_store', 'territory', 'ship_store',"
        " 'hand_over_store', 'online', 'headquarters', 'bringing_store') END",
    ),
    check("accruals_people_ck", "(book = 'commission') = (payee_kind IN ('staff', 'member'))"),
    # Two levels are the most there can be, and the second only behind a sign-off.
    check("accruals_level_ck", "level IN (1, 2) AND (level = 2) = (role = 'second')"),
    check("accruals_sign_off_ck", "level = 1 OR sign_off_id IS NOT NULL"),
    # Members are not paid by head for whom they bring: staff are, and shops, at headquarters' cost.
    check(
        "accruals_bringing_ck",
        "(role <> 'bringing' OR payee_kind = 'staff') AND (role <> 'bringing_store' OR payee_kind = 'store')",
    ),
    # Nobody is paid for what they bought themselves.
    check("accruals_self_ck", "payee_id <> member_id OR flag IS NOT NULL"),
    check("accruals_flag_ck", "flag IN ('self', 'phone', 'device', 'address', 'payer', 'circle', 'gone')"),
    check("accruals_flagged_ck", "flag IS NULL OR earned_minor = 0"),
    check("accruals_earned_ck", "earned_minor >= 0 OR book = 'allocation'"),
    check("accruals_reversed_ck", "reversed_minor >= 0"),
    check("accruals_state_ck", "state IN ('pending', 'matured') AND (state = 'matured') = (month IS NOT NULL)"),
    check("accruals_settled_ck", "settled_minor = 0 OR state = 'matured'"),
    index("accruals_order_ix", "order_id"),
    index("accruals_ripe_ix", "payee_id", "matures_at", postgresql_where=sql_text("state = 'pending'")),
    index("accruals_month_ix", "payee_id", "month"),
    # What was taken back of somebody, without reading what was not.
    index("accruals_reversed_ix", "payee_id", "reversed_minor", postgresql_where=sql_text("reversed_minor > 0")),
    # A page of a payee's shares, the newest first, without sorting all they ever had.
    index("accruals_at_ix", "payee_id", "at"),
    # Shares that pay nothing because of who bought are few, and counted for every payee of a list.
    index("accruals_flagged_ix", "payee_id", postgresql_where=sql_text("flag IS NOT NULL")),
    # What no statement has yet, in the order in which closing walks through it.
    index(
        "accruals_unsettled_ix",
        "payee_id",
        "order_id",
        "line_id",
        "book",
        "role",
        "location_id",
        postgresql_where=sql_text("state = 'matured' AND earned_minor <> settled_minor"),
    ),
)

# What a person's commission came to that became due in a month, and what of it is paid under the cap of that month. The
# cap is a person's: `others` is what of it their other accounts have, as far as this one is paid less for it.
payee_months = table(
    PACKAGE,
    "payee_months",
    PAYEE,
    uid("payee_id"),
    text("month"),
    big("cap_minor"),
    big("earned_minor"),
    big("payable_minor"),
    big("settled_cut_minor", default="0"),
    big("others_minor", default="0"),
    pk("payee_months", "payee_id", "month"),
    fk("payee_months_payee_fk", ["payee_id"], "payees", ["payee_id"]),
    check("payee_months_cap_ck", "cap_minor >= 0"),
    check(
        "payee_months_payable_ck",
        "payable_minor = CASE WHEN cap_minor > 0 THEN least(earned_minor, cap_minor - others_minor)"
        " ELSE earned_minor END",
    ),
    check("payee_months_others_ck", "others_minor BETWEEN 0 AND cap_minor"),
)

# What a payee is told at the end of a month. Closing while its lines are collected, closed, then approved, then paid;
# what stays below nothing is carried. What of `to_pay` was taken back before it was paid is withheld; the next
# statement to begin takes it in, as a part of what is carried in.
statements = table(
    PACKAGE,
    "statements",
    PAYEE,
    uid("payee_id"),
    uid("id"),
    text("kind"),
    text("month"),
    text("way"),
    big("carried_in_minor"),
    big("earned_minor"),
    big("reversed_minor"),
    big("cut_minor"),
    big("to_pay_minor"),
    big("carried_out_minor"),
    big("withheld_minor", default="0"),
    big("withheld_in_minor", default="0"),
    text("state"),
    integer("approvals_needed"),
    text("closed_by"),
    at("closed_at"),
    at("done_at", null=True),
    pk("statements", "payee_id", "id"),
    unique("statements_month_uq", "payee_id", "month"),
    fk("statements_payee_fk", ["payee_id"], "payees", ["payee_id"]),
    check("statements_month_ck", "month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'"),
    check("statements_way_ck", "way IN ('payout', 'internal')"),
    check("statements_state_ck", "state IN ('closing', 'closed', 'approved', 'paying', 'paid', 'carried')"),
    check(
        "statements_sum_ck",
        "carried_in_minor + earned_minor - reversed_minor - cut_minor = to_pay_minor + carried_out_minor",
    ),
    check("statements_parts_ck", "earned_minor >= 0 AND reversed_minor >= 0"),
    check("statements_pay_ck", "to_pay_minor >= 0 OR way = 'internal'"),
    check("statements_carried_ck", "(state = 'carried') <= (to_pay_minor = withheld_minor)"),
    # Only what waits for its money is withheld, and never more than was to be paid.
    check(
        "statements_withheld_ck",
        "withheld_minor = 0"
        " OR (withheld_minor BETWEEN 1 AND to_pay_minor AND way = 'payout' AND state NOT IN ('closing', 'closed'))",
    ),
    check("statements_withheld_in_ck", "withheld_in_minor >= 0"),
    check("statements_needed_ck", "approvals_needed IN (1, 2)"),
    # Until it is closed nothing of it is cut or paid, and the payee's next one cannot begin.
    check("statements_closing_ck", "state <> 'closing' OR (to_pay_minor = 0 AND cut_minor = 0)"),
    index("statements_closing_ux", "payee_id", unique=True, postgresql_where=sql_text("state = 'closing'")),
    index("statements_month_ix", "month", "id"),
    index("statements_id_ix", "id"),
)

# What of a statement came from which line: what it came to now less what earlier statements had.
statement_lines = table(
    PACKAGE,
    "statement_lines",
    PAYEE,
    uid("payee_id"),
    uid("statement_id"),
    uid("order_id"),
    uid("line_id"),
    text("book"),
    text("role"),
    uid("location_id"),
    big("amount_minor"),
    pk("statement_lines", "payee_id", "statement_id", "order_id", "line_id", "book", "role", "location_id"),
    fk("statement_lines_statement_fk", ["payee_id", "statement_id"], "statements", ["payee_id", "id"]),
    check("statement_lines_amount_ck", "amount_minor <> 0"),
    append_only=True,
)

# Who approved a statement: each person once.
statement_approvals = table(
    PACKAGE,
    "statement_approvals",
    PAYEE,
    uid("payee_id"),
    uid("statement_id"),
    uid("staff_id"),
    at("at"),
    pk("statement_approvals", "payee_id", "statement_id", "staff_id"),
    fk("statement_approvals_statement_fk", ["payee_id", "statement_id"], "statements", ["payee_id", "id"]),
    # Nobody approves what they are paid themselves.
    check("statement_approvals_own_ck", "staff_id <> payee_id"),
    append_only=True,
)

# What a payee and headquarters say to each other of a statement.
statement_notes = table(
    PACKAGE,
    "statement_notes",
    PAYEE,
    uid("payee_id"),
    uid("statement_id"),
    uid("id"),
    text("kind"),
    text("note"),
    text("actor"),
    at("at"),
    pk("statement_notes", "payee_id", "statement_id", "id"),
    fk("statement_notes_statement_fk", ["payee_id", "statement_id"], "statements", ["payee_id", "id"]),
    check("statement_notes_kind_ck", "kind IN ('dispute', 'answer')"),
    check("statement_notes_note_ck", "note <> ''"),
    append_only=True,
    erasable=("note",),
)

# Where a payee is paid, in one of two ways: by the payment provider, by what it knows them by there, or by file to a
# bank account, as provider `bank` with the number as `receiver`. `owner`: whether a person's or a company's.
payee_accounts = table(
    PACKAGE,
    "payee_accounts",
    PAYEE,
    uid("payee_id"),
    text("kind"),
    text("provider"),
    text("receiver"),
    text("holder"),
    text("bank", default=""),
    text("branch", default=""),
    text("owner", default=""),
    text("actor"),
    at("at"),
    pk("payee_accounts", "payee_id"),
    check("payee_accounts_kind_ck", "kind IN ('staff', 'member', 'store', 'company')"),
    check("payee_accounts_filled_ck", "provider <> '' AND receiver <> '' AND holder <> ''"),
    check(
        "payee_accounts_bank_ck",
        "CASE WHEN provider = 'bank' THEN bank <> '' AND owner IN ('person', 'company') AND receiver ~ '^[0-9]{12,30}$'"
        " ELSE bank = '' AND branch = '' AND owner = '' END",
    ),
)

# Money asked of the provider, or of the bank by file, for a statement: one that has not failed at a time. `provider`
# and `receiver` are the payee's account when it was asked for; without a provider it goes by file, to the bank account
# that the payee had then (`receiver` is its number), or to none. `account_by` and `account_at` say who set that account
# and when, where it was not the payee alone and no payout had gone there. `due` is what the payee had due at that
# instant: nobody is asked for more (STL-11).
payouts = table(
    PACKAGE,
    "payouts",
    PAYEE,
    uid("payee_id"),
    uid("id"),
    uid("statement_id"),
    uid("run_id"),
    big("amount_minor"),
    big("due_minor"),
    text("currency"),
    text("state"),
    text("provider", default=""),
    text("receiver", default=""),
    text("holder", default=""),
    text("bank", default=""),
    text("branch", default=""),
    text("owner", default=""),
    text("account_by", default=""),
    at("account_at", null=True),
    text("provider_ref", default=""),
    text("problem", default=""),
    text("actor"),
    at("at"),
    at("resolved_at", null=True),
    pk("payouts", "payee_id", "id"),
    fk("payouts_statement_fk", ["payee_id", "statement_id"], "statements", ["payee_id", "id"]),
    check("payouts_amount_ck", "amount_minor > 0"),
    check("payouts_due_ck", "amount_minor <= due_minor"),
    check("payouts_state_ck", "state IN ('requested', 'done', 'failed')"),
    check("payouts_resolved_ck", "(state = 'requested') = (resolved_at IS NULL)"),
    # The account of one that is over may be forgotten with the member.
    check(
        "payouts_provider_ck",
        "CASE WHEN provider = '' THEN provider_ref = '' AND (receiver = '') = (bank = '')"
        " AND (receiver = '') = (holder = '')"
        " ELSE provider <> 'bank' AND bank = '' AND holder = '' AND (receiver <> '' OR state <> 'requested') END",
    ),
    check("payouts_account_ck", "(account_by = '') = (account_at IS NULL)"),
    index("payouts_live_ux", "payee_id", "statement_id", unique=True, postgresql_where=sql_text("state <> 'failed'")),
    index("payouts_run_ix", "run_id", "id"),
    index("payouts_send_ix", "at", postgresql_where=sql_text("state = 'requested' AND provider <> ''")),
)

# A run pays every approved statement of a month that is not paid.
payout_runs = table(
    PACKAGE,
    "payout_runs",
    managed_local(),
    uid("id"),
    text("month"),
    text("actor"),
    at("at"),
    pk("payout_runs", "id"),
    index("payout_runs_at_ix", "at"),
)

# Closing a month: who asked for it and how far it is. One that waits or runs for a month at a time.
closing_runs = table(
    PACKAGE,
    "closing_runs",
    managed_local(),
    uid("id"),
    text("month"),
    text("state", default="queued"),
    integer("payees_total", null=True),
    integer("payees_done", default="0"),
    integer("payees_failed", default="0"),
    big("shares_total", null=True),
    big("shares_done", default="0"),
    doc("problem", null=True),
    text("actor_kind"),
    uid("actor_id", null=True),
    text("actor_name"),
    at("at"),
    at("started_at", null=True),
    at("noted_at"),
    at("finished_at", null=True),
    pk("closing_runs", "id"),
    check("closing_runs_month_ck", "month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'"),
    check("closing_runs_state_ck", "state IN ('queued', 'running', 'done', 'failed')"),
    check("closing_runs_finished_ck", "(state IN ('done', 'failed')) = (finished_at IS NOT NULL)"),
    check("closing_runs_problem_ck", "(state = 'failed') = (problem IS NOT NULL)"),
    check("closing_runs_counts_ck", "payees_done >= 0 AND payees_failed >= 0 AND shares_done >= 0"),
    index("closing_runs_live_ux", "month", unique=True, postgresql_where=sql_text("state IN ('queued', 'running')")),
    index("closing_runs_at_ix", "at", "id"),
)
