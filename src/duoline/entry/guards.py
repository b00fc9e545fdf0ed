"""How each invariant is guarded besides its query: by constraints, and by `ensure` at the write.

Constraints are listed here. Writes are found in the sources, where they name the invariant they hold up: `ensure(...)`
and `Fault(...)` in Python, `duo_fault(...)` in SQL. A test holds that each invariant has both, or says here why not.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from duoline.entry.schema import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSTRAINTS: dict[str, tuple[str, ...]] = {
    "ATT-1": ("bindings_live_ux", "bindings_no_overlap_ex", "bindings_time_ck", "bindings_ended_ck"),
    "ATT-2": ("order_touches_pk", "order_touches_order_fk", "order_touches_window_ck"),
    "ATT-3": ("sign_ups_pk", "sign_ups_touch_fk", "sign_ups_time_ck"),
    "ATT-4": (
        "touchpoint_days_pk",
        "touchpoint_days_scans_ck",
        "touchpoint_totals_pk",
        "touchpoint_totals_scans_ck",
        "scans_pk",
    ),
    "ATT-5": ("touchpoint_codes_pk", "touchpoint_codes_code_ck", "touchpoints_pk", "touchpoints_label_ux"),
    "ATT-6": ("outfit_pieces_pk", "outfit_pieces_n_ck", "outfit_pieces_product_uq"),
    "ATT-7": ("touchpoints_standing_ux", "touchpoints_standing_ck"),
    "CAT-2": ("categories_parent_ck",),
    "CAT-6": ("barcodes_gtin_ck",),
    "CAT-9": ("unlisted_pk", "unlisted_product_fk", "unlisted_stores_ck"),
    "CNT-1": ("count_lines_applied_ck", "count_lines_book_ck", "count_scans_pk"),
    "CNT-2": ("shortages_units_ck", "shortages_state_ck", "shortages_broken_ck"),
    "ENG-1": ("guide_tasks_pk", "guide_tasks_member_fk"),
    "EVT-1": ("event_log_source_uq",),
    "FAV-1": ("favourite_holds_hold_fk", "favourite_holds_minutes_ck"),
    "FUL-1": ("fulfilment_lines_hold_fk", "fulfilment_lines_quantity_ck"),
    "FUL-2": ("order_lines_done_ck",),
    "FUL-3": ("order_lines_done_ck",),
    "FUL-5": ("fulfilment_lines_hold_fk", "fulfilment_lines_fulfilment_fk"),
    "FUL-7": ("pickup_reminders_pk", "pickup_reminders_time_ck"),
    "FUL-8": ("frozen_orders_pk", "frozen_orders_order_fk"),
    "FUL-9": ("fulfilments_kind_ck", "fulfilments_till_ck"),
    "I12": ("fulfilments_paid_ck",),
    "IDE-1": ("idempotency_pk",),
    "INS-1": ("stock_summaries_status_ck", "stock_summaries_age_ck", "stock_summaries_numbers_ck"),
    "INV-1b": ("movements_pk", "movements_ends_ck", "movements_quantity_ck"),
    "INV-2": ("levels_held_ck", "holds_level_fk", "holds_quantity_ck"),
    "INV-4": ("levels_outward_ck", "levels_terms_ck"),
    "INV-3": ("holds_state_ck", "holds_resolved_ck", "movements_pk"),
    "LED-1": ("journal_entries_amount_ck", "journal_entries_accounts_ck", "journals_ref_uq"),
    "MEM-1": ("phone_index_pk",),
    "IDN-1": ("identities_leads_ux", "identities_pk", "identities_kind_ck"),
    "MRG-1": ("members_merged_ck", "member_merges_live_ux", "member_merges_undone_ck"),
    "MRG-2": ("members_merged_ck", "member_merges_ends_ck"),
    "MRG-3": ("adopted_guests_pk", "adopted_guests_merge_fk"),
    "MRG-4": ("point_shares_pk", "point_shares_points_ck", "point_shares_account_fk"),
    "MEM-4": ("member_cards_pk",),
    "MEM-3": ("members_tier_ck", "tier_changes_ends_ck"),
    "MEM-5": ("members_erased_ck", "erasures_swept_ck", "erasures_pk"),
    "MEM-6": ("consents_version_ck", "consents_purpose_ck", "consent_texts_pk"),
    "MEM-7": ("home_stores_open_ux", "home_stores_pk"),
    "PTS-1": ("point_accounts_pending_ck", "point_accounts_spendable_ck", "point_accounts_owed_ck"),
    "PTS-2": ("point_lots_left_ck", "point_lots_state_ck"),
    "PTS-3": ("point_lots_ref_uq", "point_rates_pk"),
    "PTS-4": ("point_uses_minor_ck", "point_uses_back_ck", "captures_intent_uq"),
    "STL-1": ("payees_pk", "payees_paying_ck", "accruals_payee_fk"),
    "STL-2": ("payees_pending_ck", "accruals_state_ck", "payee_months_payable_ck"),
    "STL-3": ("accruals_pk", "accruals_flagged_ck", "accruals_earned_ck"),
    "STL-4": ("accruals_pk", "accruals_people_ck"),
    "STL-5": ("accruals_level_ck", "accruals_sign_off_ck", "accruals_self_ck", "referrals_self_ck", "referrals_pk"),
    "STL-6": (
        "statements_month_uq",
        "statements_closing_ux",
        "statement_lines_pk",
        "statement_lines_amount_ck",
        "accruals_settled_ck",
    ),
    "STL-7": (
        "payouts_live_ux",
        "payouts_amount_ck",
        "statements_sum_ck",
        "statements_carried_ck",
        "statements_closing_ck",
        "statements_withheld_ck",
    ),
    "STL-8": ("payee_months_pk", "payee_months_payable_ck", "payee_months_others_ck"),
    "STL-9": ("accruals_pk", "accruals_reversed_ck", "journals_ref_uq"),
    "STL-10": ("payouts_provider_ck", "payouts_account_ck", "payee_accounts_filled_ck", "payee_accounts_bank_ck"),
    "STL-11": ("payouts_due_ck", "payees_paying_ck"),
    "WAL-1": ("wallets_principal_ck", "wallets_bonus_ck"),
    "WAL-2": ("wallet_lots_left_ck", "wallet_lots_expires_ck"),
    "WAL-3": ("wallet_uses_back_ck", "wallet_uses_amount_ck", "captures_intent_uq"),
    "WAL-4": ("journals_ref_uq",),
    "WAL-6": ("wallet_shares_pk", "wallet_shares_amount_ck", "wallet_shares_back_ck", "wallet_shares_wallet_fk"),
    "WAL-7": (
        "wallet_top_up_refunds_top_up_uq",
        "wallet_top_up_refunds_top_up_fk",
        "wallet_top_up_refunds_resolved_ck",
        "journals_ref_uq",
    ),
    "WAL-5": ("wallet_lots_ref_uq", "wallet_top_ups_resolved_ck", "journals_ref_uq"),
    "OFR-1": ("promotion_counters_used_ck", "promotion_uses_pk", "promotion_uses_counter_fk"),
    "OFR-2": ("coupons_taken_ck", "coupons_pk"),
    "OFR-4": ("coupon_uses_pk", "coupon_uses_open_ux", "coupon_uses_coupon_fk"),
    "OFR-5": ("promotion_uses_back_ck", "coupon_uses_returned_ck"),
    "ORD-1": ("orders_total_ck", "order_lines_amount_ck", "order_lines_net_ck"),
    "ORD-2": ("order_lines_done_ck", "orders_state_ck"),
    "ORD-3": ("order_numbers_pk",),
    "ORD-4": ("order_discounts_amount_ck", "order_discounts_line_fk", "order_discounts_pk"),
    "ORD-5": ("orders_till_ck",),
    "ORD-6": ("order_lines_gift_ck", "order_gifts_line_fk", "order_gifts_units_ck"),
    "PAY-1": ("captures_refunded_ck", "refunds_capture_fk"),
    "PAY-2": ("orders_money_ck",),
    "PAY-3": ("captures_intent_uq", "captures_intent_fk"),
    "PAY-4": ("orders_money_ck",),
    "PAY-5": ("orders_money_ck",),
    "PAY-6": ("captures_refunded_ck",),
    "PAY-8": ("captures_refunded_ck",),
    "POL-1": ("policies_pk",),
    "POL-2": ("policies_pilot_ck",),
    "PRE-1": ("presale_counters_booked_ck", "presale_bookings_pk", "presale_bookings_counter_fk"),
    "PRE-2": ("orders_booked_ck",),
    "PRE-3": ("preorders_pk", "preorders_order_fk", "preorders_money_ck", "preorders_redeemed_ck"),
    "PRE-4": ("orders_forfeited_ck", "presales_kept_ck", "preorders_kept_ck"),
    "PRM-2": ("promise_days_kept_ck", "promise_days_loss_ck"),
    "PRC-1": ("prices_no_overlap_ex",),
    "PRC-2": ("promotions_pk", "promotions_version_ck"),
    "RET-1": ("order_lines_returned_ck", "return_lines_line_fk", "return_lines_quantity_ck"),
    "RET-2": ("return_lines_return_fk", "return_lines_condition_ck"),
    "RET-3": ("returns_refund_ck", "return_refunds_refund_fk", "journals_ref_uq"),
    "STO-1": ("regions_parent_ck",),
    "STO-2": ("staff_grants_unit_ck",),
    "TIL-1": ("drawer_sessions_closed_ck", "drawer_entries_session_fk"),
    "TIL-2": ("drawer_entries_ref_uq", "drawer_entries_amount_ck", "journals_ref_uq"),
    "TIL-3": ("drawer_sessions_open_ux", "drawer_sessions_time_ck"),
    "TRF-1": ("transfers_pk", "transfers_side_ck", "transfer_lines_pk"),
    "TRF-2": ("transfer_lines_came_ck", "levels_held_ck"),
    "TRF-3": ("transfer_lines_hold_fk",),
    "TRF-4": ("transfer_lines_sent_ck", "transfer_lines_came_ck", "transfers_sent_ck"),
    "TRF-5": ("fulfilments_to_ck", "transfers_ref_ck"),
}

NO_CONSTRAINT: dict[str, str] = {
    "CAT-1": "spans two tables",
    "CAT-3": "two SKUs of a product may exchange their choices in one edit",
    "CAT-4": "compares two documents",
    "CAT-5": "spans two tables",
    "CAT-7": "spans two tables",
    "CAT-8": "told from the state a product comes from",
    "FUL-4": "spans tables of two packages",
    "FUL-6": "a sum over two families of tables",
    "INV-1": "a sum over many rows",
    "LED-2": "a sum over many rows",
    "LED-3": "a sum over many rows",
    "OFR-3": "compares a counter with a document",
    "MEM-2": "that there is one at all spans rows",
    "PAY-7": "spans two tables",
    "PAY-9": "spans two tables",
    "STO-3": "there must be one row of many",
    "STO-4": "spans two tables",
}

NO_ENSURE: dict[str, str] = {
    "CAT-1": "`catalog/docs.py` alone writes pages, from their products in the transaction of the change",
    "CAT-2": "refused before the write under the lock of the tree: `catalog.category-cycle`",
    "CAT-3": "refused before the write under the product's lock: `catalog.bad-product`",
    "CAT-4": "refused before the write under the product's lock: `catalog.bad-product`",
    "CAT-5": "as CAT-1",
    "CAT-6": "refused where digits are read: `catalog.bad-gtin`",
    "CAT-7": "as CAT-1",
    "CAT-8": "the statement that publishes sets the day",
    "EVT-1": "the relay moves rows in one transaction, and the unique key refuses a second time",
    "FUL-4": "holds of orders are made with the lines they serve (FUL-1 is ensured there) and resolved with them",
    "FUL-5": "a hold is made for one line, with that line's SKU, in the same function",
    "FUL-6": "a till's lines and movements are made from one list in one transaction; INV-1 is ensured there",
    "INS-1": "the statement that writes tells both from one reading, and the constraints judge every row of it",
    "LED-3": "follows from LED-2, PAY-4 and PAY-5, which are ensured, and from the unique keys of journals",
    "MEM-1": "both rows are written by one function in one transaction",
    "MEM-2": "written under the member's lock, which clears the old default first",
    "PAY-6": "as PAY-4, which is ensured for the whole order",
    "PAY-8": "as PAY-5, which is ensured, told from the refunds instead of the order's counters",
    "POL-1": "the number is the newest one plus one, and the key refuses a second one",
    "POL-2": "refused before the write, under a lock of the table: `kernel.pilot-overlaps`",
    "PRC-1": "the constraint is the check: no statement can get past it",
    "PRC-2": "the number is the one that was read plus one, and the key refuses a second one",
    "OFR-3": "refused by `duo_offer_gone` under the lock of the counter, which the very statement then raises",
    "STO-1": "refused before the write under the lock of the tree: `stores.region-cycle`",
    "STO-2": "refused before the write: `stores.no-such-unit`; units are never deleted",
    "STO-3": "refused under the lock of all who hold the right: `stores.last-headquarters`",
    "STO-4": "the statement that lets somebody go ends their sessions in the same transaction",
}

_NAME = re.compile(r"[A-Z][A-Z0-9]*(-\d+[a-z]?)?")
_IN_SQL = re.compile(r"duo_fault\('([^']+)'")


def ensured() -> dict[str, list[str]]:
    """The files that hold up each invariant at the write, by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCES.rglob("*.py")):
        for name in _named(path.read_text(encoding="utf-8")):
            found[name].add(path.relative_to(SOURCES).as_posix())
    for path in sorted(SOURCES.rglob("*.sql")):
        for name in _IN_SQL.findall(path.read_text(encoding="utf-8")):
            found[name].add(path.relative_to(SOURCES).as_posix())
    return {name: sorted(files) for name, files in found.items()}


def _named(source: str) -> Iterator[str]:
    if "ensure(" not in source and "Fault(" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        place = {"ensure": 1, "Fault": 0}.get(node.func.id)
        if place is None or len(node.args) <= place:
            continue
        argument = node.args[place]
        if isinstance(argument, ast.Constant) and _NAME.fullmatch(str(argument.value)):
            yield str(argument.value)
