"""Can the suite catch a bug? Each of these is planted into a copy of the program, and the stories must fail on it.

Each time the worst of them (`EACH_TIME`), all with `make prove`: every one runs the tests anew, on a database of its own.

Nothing of this is in the program itself: a bug is an edit of a copy. An edit that no longer fits the text fails the
test too, so none is lost when the program changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


class Bug(NamedTuple):
    """A planted bug: edits of files under src/duoline, and the tests that must catch it."""

    edits: tuple[tuple[str, str, str], ...]
    caught_by: str


BUGS = {
    "no guard on the level": Bug(
        (("flows/place.sql", "IF could < p_need_quantity[k] THEN", "IF false THEN"),),
        "tests/flows/test_place.py::test_400_buyers_for_100_units",
    ),
    "a refund gives the bonus back as principal": Bug(
        (
            (
                "wallet/reckon.py",
                "    return Shares(back_minor - bonus, bonus)",
                "    return Shares(back_minor, bonus - bonus)",
            ),
        ),
        "tests/flows/test_wallet.py::test_parts_of_a_return_give_the_shares_back_to_the_cent",
    ),
    "a wallet is looked at before it is locked": Bug(
        (
            (
                "wallet/account.py",
                "WHERE member_id = ANY ($1) ORDER BY member_id FOR UPDATE",
                "WHERE member_id = ANY ($1) ORDER BY member_id",
            ),
        ),
        "tests/flows/test_wallet.py::test_twenty_spend_60_of_100_at_once",
    ),
    "no order of locks": Bug(
        (
            (
                "flows/place.sql",
                "        ORDER BY v.location_id, v.sku_id FOR UPDATE OF v",
                "        ORDER BY random() FOR UPDATE OF v",
            ),
        ),
        "tests/flows/test_lock_order.py",
    ),
    "units on the way are on offer": Bug(
        (("inventory/terms.sql", "WHEN 'transit' THEN 1000000", "WHEN 'transit' THEN 0"),),
        "tests/flows/test_transfers.py::test_what_is_on_the_way_is_promised_to_nobody",
    ),
    "a reminder that nobody claims": Bug(
        (("flows/remind.py", "AND r.claimed_at IS NULL AND r.outcome IS NULL", ""),),
        "tests/flows/test_reminders.py::test_two_workers_find_it_and_two_send_it_and_it_is_sent_once",
    ),
    "a reminder of what was collected": Bug(
        (("flows/remind.py", " AND f.state = 'ready' AND f.keep_until = r.keep_until", ""),),
        "tests/flows/test_reminders.py::test_what_is_collected_between_finding_and_sending_sends_nothing",
    ),
    "late payers make shops late": Bug(
        (
            (
                "fulfilment/became.py",
                "week, past.work_at, past.ready_at or now",
                "week, past.placed_at, past.ready_at or now",
            ),
        ),
        "tests/flows/test_promises.py::test_whoever_pays_later_makes_the_shop_no_later",
    ),
    "the cart promises by the plain rule": Bug(
        (
            (
                "flows/basket.py",
                "open_work=counts.get(store.id, 0), lags=lags",
                "open_work=counts.get(store.id, 0), lags=fulfilment.NOTHING_LEARNED",
            ),
        ),
        "tests/flows/test_promises.py::test_what_was_learned_is_promised_everywhere_alike",
    ),
    "goods for the cash part alone": Bug(
        (
            ("flows/complete.py", "    if by_code:\n", "    if False:\n"),
            (
                "flows/complete.py",
                'if intent.state == "open"]',
                'if intent.state == "open" and intent.provider == STORE]',
            ),
        ),
        "tests/flows/test_till_orders.py::test_cash_and_two_codes_come_to_the_total",
    ),
    "one box received twice": Bug(
        (("inventory/transfers/rows.py", "if version is not None and version != now_version:", "if False:"),),
        "tests/flows/test_transfers.py::test_one_box_opened_by_two_clerks",
    ),
    "units on their way to the shop are nobody's": Bug(
        (("fulfilment/states.py", 'return state in LIVE or (kind == "transfer"', "return state in LIVE or (False"),),
        "tests/flows/test_bring.py::test_collected_at_a_shop_that_had_none",
    ),
    "each line checked alone": Bug(
        (
            (
                "flows/draft.py",
                "before = needs.get(level, LevelNeed(0, 0))",
                "before = LevelNeed(0, 0)",
            ),
            ("flows/basket.py", "demand[key] = demand.get(key, 0) + wish.quantity", "demand[key] = wish.quantity"),
        ),
        "tests/flows/test_place.py::test_two_lines_of_one_sku_are_added_up",
    ),
    "price taken from the client": Bug(
        (
            (
                "flows/draft.py",
                "self.total_minor = basket.totals.total_minor\n",
                "self.total_minor = request.expected_minor or basket.totals.total_minor\n",
            ),
            (
                "flows/place.py",
                "request.expected_minor is not None and request.expected_minor != basket.totals.total_minor",
                "request.expected_minor is not None and request.expected_minor < 0",
            ),
        ),
        "tests/flows/test_place.py::test_seen_price_is_confirmed_never_silently_changed",
    ),
    "pickup code reusable": Bug(
        (
            ("fulfilment/verify_code.py", '_OVER = ("handed_over", ', "_OVER = ("),
            (
                "flows/hand_over.py",
                "if job.state == fulfilment.FulfilmentState.HANDED_OVER.value:",
                "if not job.state:",
            ),
            ("flows/hand_over.py", "job.state != fulfilment.FulfilmentState.READY.value", "not job.state"),
            ("fulfilment/states.py", "_S.HANDED_OVER: frozenset(),", "_S.HANDED_OVER: frozenset({_S.HANDED_OVER}),"),
            ("inventory/resolve.py", "if len(rows) != len(set(hold_ids)):", "if len(rows) > len(set(hold_ids)):"),
        ),
        "tests/flows/test_story.py::test_code_opens_once_and_only_at_the_right_shop",
    ),
    "retry under a new key": Bug(
        (
            ("flows/refund.py", "refund_ref=refund.ref,", "refund_ref=str(new_id()),"),
            (
                "flows/refund.py",
                "from duoline.kernel.errors import",
                "from duoline.kernel.ids import new_id\nfrom duoline.kernel.errors import",
            ),
        ),
        "tests/flows/test_crashes.py::test_refund_is_sent_once_wherever_the_worker_stops",
    ),
    "answer before the commit": Bug(
        (
            (
                "flows/place.py",
                "answer = await self._batcher.submit(order.first_location, order)",
                "asyncio.get_running_loop().create_task(self._batcher.submit(order.first_location, order)); answer = {'result': 'placed'}",
            ),
            (
                "flows/place.py",
                "from typing import TYPE_CHECKING",
                "import asyncio\nfrom typing import TYPE_CHECKING",
            ),
        ),
        "tests/flows/test_place.py::test_400_buyers_for_100_units",
    ),
    "a hold resolved twice": Bug(
        (("inventory/resolve.sql", " AND h.state = 'open'\n", "\n"),),
        "tests/flows/test_races.py::test_holds_expire_once_while_they_are_given_back",
    ),
    "late money kept": Bug(
        (
            (
                "flows/pay.py",
                'tx, order, amount_minor, reason="paid too late"',
                'tx, order, 0, reason="paid too late"',
            ),
        ),
        "tests/flows/test_story.py::test_unpaid_orders_expire_and_late_money_goes_back",
    ),
    "delivery fee kept": Bug(
        (
            (
                "orders/refundable.py",
                'if any(line.quantity > line.cancelled + cancelled.get(line.id, 0) for line in lines if line.method == "delivery"):',
                "if order.delivery_fee_minor:",
            ),
        ),
        "tests/flows/test_story.py::test_cancel_by_line_refunds_its_price_and_the_fee_with_the_last",
    ),
    "the next unit costs as if none had come back": Bug(
        (("flows/hand_over.py", "after=line.kept", "after=line.handed"),),
        "tests/flows/test_returns.py::test_the_odd_cent_of_a_line_that_two_places_send_is_nobodys_to_lose",
    ),
    "what is faulty costs a discount": Bug(
        (("flows/clawback.py", "units + ours.get(line, 0)", "units + 0 * len(ours)"),),
        "tests/flows/test_returns.py::test_what_is_faulty_never_costs_a_discount_not_even_later",
    ),
    "a cent more than the order costs": Bug(
        (("flows/return_goods.py", "if _overcharges(", "if False and _overcharges("),),
        "tests/flows/test_returns.py::test_what_is_paid_at_the_next_counter_counts_from_what_was_kept",
    ),
    "what is damaged stays on the shelf": Bug(
        (("flows/return_goods.py", "if damaged[sku_id]:", "if False:"),),
        "tests/flows/test_returns.py::test_what_is_damaged_comes_in_and_goes_out_again",
    ),
    "units kept by hand for ever": Bug(
        (("inventory/resolve.py", "AND ref_kind <> 'order'", "AND ref_kind = 'order'"),),
        "tests/simulation/test_machine.py::test_trade_at_random",
    ),
    "guests counted without a lock": Bug(
        (
            (
                "flows/place.sql",
                "ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at;",
                "ON CONFLICT (key_id) DO NOTHING;",
            ),
        ),
        "tests/flows/test_guest_limits.py::test_an_order_waits_while_another_of_the_same_address_is_counted",
    ),
    "a false notice believed": Bug(
        (
            (
                "flows/pay.py",
                "if (event.amount_minor, event.currency) != (intent.amount_minor, intent.currency):",
                "if not event.currency:",
            ),
        ),
        "tests/flows/test_money_back.py::test_a_false_notice_under_the_id_of_the_true_one_does_not_keep_it_out",
    ),
    "wrong codes not counted": Bug(
        (("fulfilment/verify_code.py", "DO UPDATE SET wrong = c.wrong + 1", "DO UPDATE SET wrong = c.wrong"),),
        "tests/flows/test_story.py::test_wrong_codes_are_limited",
    ),
    "wrong codes counted after the look": Bug(
        (
            (
                "fulfilment/verify_code.py",
                "    if not await _count(tx, location_id, actor, window):\n",
                '    if (await tx.fetchval("SELECT wrong FROM code_attempts") or 0) >= codes.WRONG_MAX:\n',
            ),
            (
                "fulfilment/verify_code.py",
                "    if not isinstance(found, wrong):\n        await _uncount(tx, location_id, actor, window)\n",
                "    if isinstance(found, WrongCode):\n        await _count(tx, location_id, actor, window)\n",
            ),
        ),
        "tests/flows/test_races.py::test_wrong_codes_sent_at_once_are_counted_one_by_one",
    ),
    "money in floats": Bug(
        (
            (
                "pricing/promotions/share.py",
                "return (amount * rate_bp + 5_000) // 10_000",
                "return round(amount * (rate_bp / 10_000))",
            ),
        ),
        "tests/pricing/test_cases.py",
    ),
    "an offer rounded line by line": Bug(
        (
            (
                "pricing/promotions/effects.py",
                "return _shared(half_up(total, effect.off_bp), scope.items, weights, total)",
                "return _listed([(i, half_up(nets[i], effect.off_bp)) for i in scope.items])",
            ),
        ),
        "tests/pricing/test_plainly.py",
    ),
    "offers in the order in which they came": Bug(
        (
            (
                "pricing/promotions/index.py",
                "sorted(promotions, key=lambda one: (one.priority, one.id))",
                "list(promotions)",
            ),
        ),
        "tests/pricing/test_plainly.py",
    ),
    "a threshold asked again as it is today": Bug(
        (
            (
                "flows/clawback.py",
                "p.version = d.version",
                "p.version = (SELECT max(n.version) FROM promotions n WHERE n.id = d.promotion_id)",
            ),
        ),
        "tests/flows/test_offers.py::test_a_threshold_is_asked_again_as_it_was_when_the_order_was_made",
    ),
    "a member whom two guides have": Bug(
        (
            (
                "attribution/bind.py",
                "    await access.lock(tx, member_id)\n    if await is_own",
                "    if await is_own",
            ),
        ),
        "tests/attribution/test_bind.py::test_two_guides_at_the_same_instant_are_one_binding",
    ),
    "who leaves while somebody is bound to them": Bug(
        (("attribution/guides.py", "FROM staff WHERE id = $1 FOR SHARE", "FROM staff WHERE id = $1"),),
        "tests/attribution/test_bind.py::test_bound_while_the_guide_leaves_they_are_seen_or_refused",
    ),
    "protected a moment too long": Bug(
        (("attribution/rules.py", "if at >= protected_until:", "if at > protected_until:"),),
        "tests/attribution/test_rules.py",
    ),
    "a scan that counts each time": Bug(
        (
            (
                "attribution/scan.py",
                "WHERE d.last_at <= excluded.last_at - $4::interval",
                "WHERE $4::interval IS NOT NULL",
            ),
        ),
        "tests/attribution/test_scan.py",
    ),
    "one's own share is a touch": Bug(
        (("attribution/touches.py", "WHERE NOT owner_id = ANY ($1::uuid[])", "WHERE true"),),
        "tests/attribution/test_scan.py",
    ),
    "a coupon that two may use": Bug(
        (
            (
                "pricing/use_offers.sql",
                "WHERE c.id = r.id AND c.order_id IS NULL AND c.void_at",
                "WHERE c.id = r.id AND c.void_at",
            ),
            ("pricing/use_offers.sql", "AND c.id = r.id AND c.order_id IS NULL;", "AND c.id = r.id;"),
        ),
        "tests/flows/test_offers.py::test_fifty_racers_on_one_coupon",
    ),
    "a coupon comes back with the first unit": Bug(
        (
            (
                "pricing/use_offers.sql",
                "bool_or(d.line_id IS NOT NULL AND l.quantity > l.cancelled + l.returned)",
                "bool_or(d.line_id IS NOT NULL AND l.cancelled + l.returned = 0)",
            ),
        ),
        "tests/flows/test_coupons_back.py::test_a_coupon_comes_back_with_the_last_of_what_it_took_off",
    ),
    "one gift given twice": Bug(
        (("flows/gifts.py", "left[place, sku_id] -= quantity", "left[place, sku_id] -= 0"),),
        "tests/flows/test_gifts.py::test_two_offers_that_give_the_last_one_give_it_once",
    ),
    "a drawer counted under a sale": Bug(
        (("payments/drawers.py", "opened_at, id LIMIT 1 FOR SHARE)", "opened_at, id LIMIT 1)"),),
        "tests/flows/test_drawers.py::test_sales_while_a_drawer_is_closed_are_in_its_sum_or_in_the_next_one",
    ),
    "more paid out than there is": Bug(
        (("payments/drawers.py", "AND id = $2 FOR UPDATE", "AND id = $2"),),
        "tests/flows/test_drawers.py::test_no_more_is_paid_out_than_lies_in_the_drawer",
    ),
    "a count that is not blind": Bug(
        (("flows/drawer_view.py", "hidden = is_open and payments.TILL.current().body.blind", "hidden = False"),),
        "tests/flows/test_drawers.py::test_a_day_of_a_drawer_from_its_float_to_its_count",
    ),
    "a pre-sale that is counted without its lock": Bug(
        (("pricing/presales/count.py", "WHERE presale_id = $1 FOR UPDATE", "WHERE presale_id = $1"),),
        "tests/flows/test_presales.py::test_fifty_want_the_last_unit_and_one_gets_it",
    ),
    "a deposit kept of whoever cancels in time": Bug(
        (("orders/preorders.py", '(at >= balance_from and unpaid == "kept")', 'unpaid == "kept"'),),
        "tests/flows/test_presales.py::test_cancelled_by_its_buyer",
    ),
    "a deposit given back for a part of the balance": Bug(
        (
            (
                "flows/preorders.py",
                "[intent.id for intent in intents if intent.id != preorder.deposit_intent_id]",
                "[intent.id for intent in intents]",
            ),
        ),
        "tests/flows/test_presales.py::test_cancelled_while_it_lies_on_the_counter",
    ),
    "a basket taken up twice": Bug(
        (("orders/park.py", "AND id = $2 AND taken_at IS NULL AND", "AND id = $2 AND"),),
        "tests/flows/test_parked.py::test_of_many_at_once_one_gets_it_and_the_others_read_who",
    ),
    "points taken back up to the balance": Bug(
        (
            (
                "loyalty/earn.py",
                "ledger.Entry(OWED, GIVEN, less - own - ended - others),",
                "ledger.Entry(OWED, GIVEN, 0),",
            ),
        ),
        "tests/flows/test_points.py::test_what_was_spent_and_has_to_go_back_is_owed_and_paid_first",
    ),
    "points for what points paid": Bug(
        (("loyalty/reckon.py", "(total_minor - by_points_minor) * rate", "total_minor * rate"),),
        "tests/flows/test_points.py::test_points_pay_a_part_and_earn_nothing_themselves",
    ),
    "points for the price before offers": Bug(
        (
            (
                "flows/earn_points.py",
                "duo_value(l.net_minor, l.quantity, l.handed - l.returned)",
                "duo_value(l.amount_minor, l.quantity, l.handed - l.returned)",
            ),
        ),
        "tests/flows/test_points.py::test_a_free_article_earns_nothing",
    ),
    "commission taken back up to what is due": Bug(
        (
            (
                "settlement/accrue.py",
                "            if not more:\n",
                "            if share.state == 'matured':\n                more = max(more, 0)\n            if not more:\n",
            ),
        ),
        "tests/flows/test_credit.py::test_a_return_after_the_payout_is_carried_against_the_next",
    ),
    "a second level without anybody's word": Bug(
        (
            ("settlement/policy.py", "if plan.levels > 1 and not await", "if plan.levels > 2 and not await"),
            ("settlement/accrue.py", "one.level == 1 or sign_off_id is not None", "True"),
            (
                "flows/credit_facts.py",
                "upline_id if upline_id and await settlement.live_sign_off(tx) else None",
                "upline_id",
            ),
        ),
        "tests/flows/test_credit.py::test_who_shares_is_paid_and_the_second_level_only_behind_a_sign_off",
    ),
    "the shop that hands over gets the guide's part": Bug(
        (
            (
                "settlement/reckon.py",
                '("guide_store", facts.guide.store_id if facts.guide else None',
                '("guide_store", kept.location_id if facts.guide else None',
            ),
        ),
        "tests/settlement/test_reckon.py::test_online_collected_in_another_shop_of_the_chain",
    ),
    "the price right unchecked": Bug(
        (("pricing/prices.py", "    if by != right.holder:\n", "    if False:\n"),),
        "tests/flows/test_shop_prices.py::test_only_whose_the_prices_are_sets_and_ends_them",
    ),
    "a circle of members that pays": Bug(
        (
            (
                "settlement/refer.py",
                "    if await closes_circle(tx, payee_id=payee_id, buyer_id=buyer_id):\n        return False\n",
                "",
            ),
        ),
        "tests/flows/test_credit.py::test_a_circle_of_members_pays_one_way_only_also_when_both_close_it_at_once",
    ),
    "whoever paid is paid": Bug(
        (("flows/flag.py", '            flag = "payer"\n', "            flag = None\n"),),
        "tests/flows/test_same_payer.py::test_who_paid_for_the_order_is_not_paid_for_it",
    ),
    "the account itself is kept": Bug(
        (("payments/payers.py", "return msgspec.structs.replace(event, payer=None)", "return event"),),
        "tests/flows/test_same_payer.py::test_an_account_is_kept_as_a_keyed_digest_only",
    ),
    "two runs that both pay": Bug(
        (
            (
                "settlement/payouts.py",
                'if statement.state != "approved" or statement.way != "payout":',
                'if statement.way != "payout":',
            ),
        ),
        "tests/flows/test_credit.py::test_two_payout_runs_at_once_pay_each_statement_once",
    ),
    "paid though it came back after the approval": Bug(
        (
            ("settlement/payouts.py", "    if asked_minor <= due_minor:\n", "    if True:\n"),
            ("settlement/payouts.py", "        ensure(minor <= due,", "        ensure(minor > 0,"),
            (
                "settlement/payouts.py",
                "            minor,\n            due,\n",
                "            minor,\n            minor,\n",
            ),
        ),
        "tests/flows/test_credit.py::test_what_comes_back_between_approval_and_payout_is_not_paid_and_not_lost",
    ),
    "a shop that is sold takes earlier margins along": Bug(
        (
            (
                "flows/credit.py",
                "    return {**found.places, **new}\n",
                "    return {one: settlement.place_of(one) for one in location_ids}\n",
            ),
        ),
        "tests/flows/test_credit.py::test_a_shop_that_is_sold_takes_nothing_of_earlier_orders_along",
    ),
    "two accounts with two caps": Bug(
        (("settlement/months.py", "others_minor=self._others(key)", "others_minor=0"),),
        "tests/flows/test_credit.py::test_the_cap_of_a_month_is_a_person_s_whichever_accounts_they_have",
    ),
    "a new number at the provider at each try": Bug(
        (
            (
                "flows/pay_out.py",
                "from typing import TYPE_CHECKING\n",
                "from typing import TYPE_CHECKING\nfrom uuid import uuid4\n",
            ),
            ("flows/pay_out.py", 'str(payout.id), ""', 'str(uuid4()), ""'),
        ),
        "tests/flows/test_pay_out.py::test_a_worker_that_dies_pays_once",
    ),
    "paid again while the first number is open": Bug(
        (
            ("flows/pay_out.py", "await provider.close_transfer(number)", "await provider.query_transfer(number)"),
            (
                "flows/pay_out.py",
                "if state.status is TransferStatus.FAILED:",
                "if state.status in (TransferStatus.FAILED, TransferStatus.ABSENT):",
            ),
        ),
        "tests/flows/test_pay_out.py::test_a_straggler_finds_the_number_closed",
    ),
    "merge adds the points without journal": Bug(
        (
            (
                "members/merge.py",
                "    await _whole(tx, survivor_id)\n    return Joined(",
                "    await tx.execute('UPDATE point_accounts a SET spendable = a.spendable + o.spendable FROM point_accounts o"
                " WHERE a.member_id = $1 AND o.member_id = $2', survivor_id, other_id)\n    return Joined(",
            ),
        ),
        "tests/flows/test_merge.py::test_points_are_spent_across_both_and_come_back_where_they_came_from",
    ),
    "unmerge forgets what was spent": Bug(
        (
            (
                "members/merge.py",
                "    await _whole(tx, survivor_id)\n    return found",
                "    await tx.execute('UPDATE point_lots SET left_points = granted WHERE member_id = $1', found.other_id)\n"
                "    await tx.execute('UPDATE point_accounts SET spendable = (SELECT sum(left_points) FROM point_lots"
                " WHERE member_id = $1) WHERE member_id = $1', found.other_id)\n    return found",
            ),
        ),
        "tests/flows/test_merge.py::test_points_are_spent_across_both_and_come_back_where_they_came_from",
    ),
    "a spender who does not hold the group": Bug(
        (("members/group.py", "WHERE member_id = $1 FOR SHARE", "WHERE member_id = $1"),),
        "tests/flows/test_merge.py::test_merging_and_undoing_wait_for_whoever_spends",
    ),
    "money goes back before points": Bug(
        (("payments/share.py", "one.tender == IN_SHARE and", "one.tender == None and"),),
        "tests/flows/test_points_at_till.py::test_a_return_does_not_leave_the_rest_paid_in_points_alone",
    ),
    "points come back to whoever bought": Bug(
        (("loyalty/spend.py", "    if not shared:\n", "    if True:\n"),),
        "tests/flows/test_merge.py::test_a_part_that_comes_back_goes_to_the_buyers_own_account_first",
    ),
    "a log-in that stays the survivor's": Bug(
        (
            (
                "members/log_in.py",
                "await sessions.start(tx, member_id=member_id,",
                "await sessions.start(tx, member_id=await head_of(tx, member_id),",
            ),
        ),
        "tests/flows/test_merge.py::test_log_in_card_and_phone_of_the_other_lead_to_the_survivor_and_back",
    ),
    "a way through WeChat that any browser may end": Bug(
        (("members/wechat_signs.py", 'b"wechat state", nonce, place', 'b"wechat state", "", place'),),
        "tests/members/test_wechat_signs.py::test_a_state_is_nothing_elsewhere",
    ),
    "a family is one person": Bug(
        (("members/match.py", "and names_differ(said.name, known.name):", "and False:"),),
        "tests/imports/test_signups.py::test_a_family_phone_is_two_members_in_doubt",
    ),
    "a file read twice is decided twice": Bug(
        (("channels/imports/load_signups.py", "if digest in plan.seen:", "if False:"),),
        "tests/imports/test_signups.py::test_what_was_decided_stays_whatever_is_known_later",
    ),
    "a tier that costs more": Bug(
        (
            (
                "pricing/price.sql",
                "(p.channel = '*'), p.price_minor,",
                "(p.channel = '*'), (p.tier = ''), p.price_minor,",
            ),
        ),
        "tests/flows/test_tiers.py::test_a_tier_never_makes_anything_dearer",
    ),
}


EACH_TIME = frozenset(
    {
        "no guard on the level",
        "no order of locks",
        "price taken from the client",
        "pickup code reusable",
        "retry under a new key",
        "answer before the commit",
        "a hold resolved twice",
        "one box received twice",
    }
)


def run(copy: Path, tests: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", tests],
        cwd=copy, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"DUOLINE_SHRINK": "0"},
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    """The program and the stories, to be spoilt."""
    for part in (
        "src",
        "migrations",
        *(
            f"tests/{each}"
            for each in (
                "adapters",
                "attribution",
                "flows",
                "imports",
                "members",
                "pricing",
                "settlement",
                "simulation",
            )
        ),
    ):
        shutil.copytree(CHECKOUT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "alembic.ini", "tests/conftest.py"):
        shutil.copy(CHECKOUT / part, tmp_path / part)
    return tmp_path


@pytest.mark.parametrize(
    "name", [name if name in EACH_TIME else pytest.param(name, marks=pytest.mark.proof) for name in BUGS]
)
def test_planted_bug_is_caught(name, copy):
    for file, right, wrong in BUGS[name].edits:
        path = copy / "src" / "duoline" / file
        text = path.read_text(encoding="utf-8")
        assert right in text, f"the bug {name!r} no longer fits {file}"
        path.write_text(text.replace(right, wrong), encoding="utf-8")
    done = run(copy, BUGS[name].caught_by)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILURES" in done.stdout or "ERRORS" in done.stdout


def test_the_unspoilt_copy_passes(copy):
    """Otherwise the bugs above would be "caught" by a copy that cannot run at all."""
    done = run(copy, "tests/flows/test_place.py::test_400_buyers_for_100_units")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_fits_the_program_and_its_test_is_there(name):
    """Each time, of all of them: what `make prove` plants has not been lost to a change of names."""
    for file, right, _ in BUGS[name].edits:
        assert right in (CHECKOUT / "src" / "duoline" / file).read_text(encoding="utf-8"), (
            f"{name!r} does not fit {file}"
        )
    path, _, test = BUGS[name].caught_by.partition("::")
    assert not test or f"def {test.partition('[')[0]}(" in (CHECKOUT / path).read_text(encoding="utf-8")
