"""The checker's queries about stock, money, orders and fulfilments: silent over a chain that has seen every kind of trade,
and speaking up when one row of it is spoilt. (Kernel, stores, members: tests/kernel; catalogue: tests/catalog;
attribution: tests/attribution.)
"""

from __future__ import annotations

import asyncpg
import pytest

from duoline import fulfilment, insight, inventory, orders
from duoline.entry.check import INVARIANTS, broken
from duoline.flows import basket, drawer_view, expire, sell, ship
from duoline.flows.place import Placing
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from duoline.payments import providers
from duoline.stores import directory
from tests.attribution import test_invariants as attribution
from tests.catalog import test_invariants as catalogue
from tests.flows import (
    test_bring,
    test_credit,
    test_drawers,
    test_merge,
    test_points,
    test_presales,
    test_returns,
    test_till_orders,
    test_top_up_refunds,
    test_transfers,
    test_wallet,
)
from tests.flows.conftest import NOON, SECRET, Books, World, _build
from tests.flows.test_favourites import unit
from tests.flows.test_frozen import rejected
from tests.kernel import test_invariants as platform

# What the database itself would refuse. Dropped, so that the query is the only guard left.
UNGUARDED = """
DROP INDEX drawer_sessions_open_ux;
ALTER TABLE drawer_entries DROP CONSTRAINT drawer_entries_ref_uq;
ALTER TABLE levels DROP CONSTRAINT levels_held_ck;
ALTER TABLE levels DROP CONSTRAINT levels_outward_ck;
ALTER TABLE orders DROP CONSTRAINT orders_money_ck;
ALTER TABLE orders DROP CONSTRAINT orders_total_ck;
ALTER TABLE order_lines DROP CONSTRAINT order_lines_done_ck;
ALTER TABLE order_lines DROP CONSTRAINT order_lines_gift_ck;
ALTER TABLE order_lines DROP CONSTRAINT order_lines_returned_ck;
ALTER TABLE return_lines DROP CONSTRAINT return_lines_line_fk;
ALTER TABLE returns DROP CONSTRAINT returns_order_fk;
ALTER TABLE fulfilments DROP CONSTRAINT fulfilments_paid_ck;
ALTER TABLE fulfilments DROP CONSTRAINT fulfilments_till_ck;
ALTER TABLE orders DROP CONSTRAINT orders_till_ck;
ALTER TABLE orders DROP CONSTRAINT orders_forfeited_ck;
ALTER TABLE orders DROP CONSTRAINT orders_booked_ck;
ALTER TABLE preorders DROP CONSTRAINT preorders_order_fk;
ALTER TABLE promise_days DROP CONSTRAINT promise_days_kept_ck;
ALTER TABLE pickup_reminders DROP CONSTRAINT pickup_reminders_time_ck;
ALTER TABLE captures DROP CONSTRAINT captures_refunded_ck;
ALTER TABLE stock_summaries DROP CONSTRAINT stock_summaries_status_ck;
ALTER TABLE stock_summaries DROP CONSTRAINT stock_summaries_age_ck;
ALTER TABLE stock_summaries DROP CONSTRAINT stock_summaries_numbers_ck;
ALTER TABLE prices DROP CONSTRAINT prices_no_overlap_ex;
ALTER TABLE accruals DROP CONSTRAINT accruals_level_ck;
ALTER TABLE payee_months DROP CONSTRAINT payee_months_payable_ck;
ALTER TABLE payouts DROP CONSTRAINT payouts_due_ck;
ALTER TABLE payouts DROP CONSTRAINT payouts_provider_ck;
ALTER TABLE payee_accounts DROP CONSTRAINT payee_accounts_bank_ck;
ALTER TABLE order_credits DROP CONSTRAINT order_credits_order_fk;
"""
SOME = "(SELECT id FROM {} WHERE {} ORDER BY id LIMIT 1)"


def one(table, where):
    return f"id = {SOME.format(table, where)}"


OFFER = "00000000-0000-0000-0000-00000000000f"

# A coupon and its use by an order, as they are said to stand; and nobody on the way to give back what orders used.
COUPON = "INSERT INTO coupons (id, batch_id, promotion_id, code_tail, issued_at, order_id, buyer_id, taken_at) SELECT id, id, id, 'X', now(), {} FROM orders WHERE {} ORDER BY id LIMIT 1;"  # fmt: skip
USE = "INSERT INTO coupon_uses SELECT id, id, member_id, id, 'whole', 0, now(), {} FROM orders WHERE {} ORDER BY id LIMIT 1;"
UNASKED = ";DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = 'order.undone'"

BREAK = [
    ("LED-1", "DELETE FROM journal_entries WHERE journal_id = " + SOME.format("journals", "kind = 'capture'")),
    ("LED-2", "UPDATE journal_entries SET amount_minor = amount_minor + 1 WHERE credit LIKE 'sales:%'"),
    ("LED-3", "DELETE FROM journal_entries WHERE credit LIKE 'sales:%'"),
    ("LED-3", "UPDATE refunds SET state = 'requested' WHERE state = 'done'"),
    ("LED-3", "UPDATE refunds SET state = 'done' WHERE state = 'requested'"),
    ("PRC-1", "INSERT INTO prices SELECT gen_random_uuid(), sku_id, scope, scope_id, channel, 1, currency, valid, '', actor_id, now() FROM prices LIMIT 1"),
    ("PRC-2", """INSERT INTO promotions SELECT id, 2, json_build_object('id', id, 'version', 2, 'effect', json_build_object('type', 'percent_off')), '', '', 'percent_off', now(), NULL, id, '', now() FROM (SELECT gen_random_uuid() AS id) k"""),
    ("INV-1", "UPDATE levels SET on_hand = on_hand + 1"),
    ("INV-1", "DELETE FROM movements WHERE reason = 'opening'"),
    ("INV-1b", "DELETE FROM movements WHERE reason = 'sale' AND quantity > 0"),
    ("INV-1b", "UPDATE movements SET quantity = quantity + 1 WHERE reason = 'sale' AND quantity > 0"),
    ("INV-2", "UPDATE levels SET held = held + 1"),
    ("INV-2", "UPDATE levels SET held = -1 WHERE held = 0"),
    ("INV-2", "UPDATE holds SET quantity = quantity + 1 WHERE state = 'open' AND ref_kind = 'clerk'"),
    ("INV-4", "UPDATE levels SET outward = outward + 1"),
    ("INV-4", "UPDATE levels SET outward_reserve = 1"),
    ("INV-4", "UPDATE holds SET outward = NOT outward WHERE state = 'open' AND ref_kind = 'clerk'"),
    ("INV-3", "UPDATE holds SET state = 'released' WHERE state = 'taken'"),
    ("INV-3", "UPDATE holds SET state = 'taken' WHERE state = 'released'"),
    ("INV-3", "UPDATE holds SET quantity = quantity + 1 WHERE state = 'taken'"),
    ("CNT-1", "UPDATE count_lines SET variance = variance - 1, applied = applied - 1 WHERE applied <> 0"),
    ("CNT-1", "UPDATE count_lines SET variance = NULL WHERE short > 0"),
    ("CNT-1", "UPDATE shortages SET units = units + 1"),
    ("CNT-2", "DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = 'stock.shortage'"),
    ("PAY-1", "UPDATE captures SET refunded_minor = refunded_minor + 1"),
    ("PAY-1", "UPDATE captures SET refunded_minor = amount_minor + 1; UPDATE refunds SET amount_minor = (SELECT c.refunded_minor FROM captures c WHERE c.id = capture_id)"),
    ("PAY-2", "UPDATE orders SET paid_minor = paid_minor + 1"),
    ("PAY-2", "UPDATE orders SET refunded_minor = refunded_minor + 1"),
    ("PAY-2", "UPDATE captures SET amount_minor = amount_minor + 1"),
    ("PAY-3", "UPDATE payment_intents SET state = 'closed' WHERE state = 'captured'"),
    ("PAY-3", "UPDATE payment_intents SET state = 'captured' WHERE state = 'closed'"),
    ("PAY-3", "UPDATE payment_intents SET amount_minor = amount_minor + 1 WHERE state = 'captured'"),
    ("PAY-4", "UPDATE orders SET refunded_minor = 0 WHERE state = 'cancelled'"),
    ("PAY-8", "UPDATE refunds SET amount_minor = amount_minor + 19901 WHERE order_id IN (SELECT order_id FROM order_lines WHERE handed > 0)"),
    ("PAY-8", "UPDATE order_lines SET handed = handed + 1 WHERE order_id IN (SELECT order_id FROM refunds WHERE state = 'requested')"),
    ("PAY-5", "UPDATE orders SET paid_minor = 5 WHERE state = 'completed' AND channel = 'mall'"),
    ("PAY-5", "UPDATE orders SET refunded_minor = paid_minor"),
    ("PAY-6", "DELETE FROM order_lines; DELETE FROM orders WHERE state = 'completed'"),
    ("PAY-6", "UPDATE captures SET refunded_minor = 0 WHERE order_id IN (SELECT id FROM orders WHERE state = 'cancelled')"),
    ("PAY-7", "UPDATE payment_intents SET state = 'open' WHERE state = 'closed'"),
    ("PAY-7", "UPDATE payment_intents SET state = 'closed' WHERE state = 'open'"),
    ("ORD-1", "UPDATE orders SET total_minor = total_minor - 1"),
    ("ORD-1", "DELETE FROM order_lines WHERE " + one("order_lines", "true")),
    ("ORD-2", "DELETE FROM order_lines WHERE " + one("order_lines", "handed = 0")),
    ("ORD-2", "UPDATE orders SET state = 'completed' WHERE state = 'confirmed'"),
    ("ORD-2", "UPDATE orders SET state = 'confirmed' WHERE state = 'completed'"),
    ("ORD-2", "UPDATE order_lines SET handed = 0"),
    ("ORD-3", "DELETE FROM order_numbers WHERE order_no = (SELECT min(order_no) FROM order_numbers)"),
    ("ORD-3", "UPDATE order_numbers SET order_id = gen_random_uuid()"),
    ("ORD-1", "UPDATE order_lines SET net_minor = net_minor - 1 WHERE net_minor > 0"),
    ("ORD-4", "UPDATE order_lines SET net_minor = net_minor - 1 WHERE net_minor > 0"),
    ("ORD-4", "INSERT INTO order_discounts SELECT member_id, order_id, id, gen_random_uuid(), 1, 1 FROM order_lines"),
    ("ORD-6", "UPDATE order_lines SET gift = true"),
    ("ORD-6", "INSERT INTO order_gifts SELECT member_id, order_id, id, order_id, 1, ARRAY[gen_random_uuid()], 1, 1 FROM order_lines LIMIT 1"),
    ("OFR-1", "INSERT INTO promotion_counters VALUES (gen_random_uuid(), 1, 1)"),
    ("OFR-2", "INSERT INTO coupons (id, batch_id, promotion_id, code_tail, issued_at, order_id, buyer_id, taken_at) VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'X', now(), gen_random_uuid(), gen_random_uuid(), now())"),
    ("OFR-2", "INSERT INTO coupons (id, batch_id, promotion_id, code_tail, issued_at, order_id, buyer_id, taken_at) SELECT gen_random_uuid(), o.id, o.id, 'X', now(), o.id, o.member_id, now() FROM orders o, generate_series(1, 2)"),
    ("OFR-3", f"INSERT INTO promotion_counters VALUES ('{OFFER}', 2, 1); INSERT INTO promotions (id, version, body, name_zh, name_en, kind, from_at, actor_id, created_at) VALUES ('{OFFER}', 1, jsonb_build_object('id', '{OFFER}', 'version', 1, 'budget_minor', 1, 'effect', jsonb_build_object('type', 'amount_off')), '', '', 'amount_off', now(), gen_random_uuid(), now())"),
    ("OFR-4", "INSERT INTO coupons (id, batch_id, promotion_id, code_tail, issued_at, order_id, buyer_id, taken_at) SELECT id, id, id, 'X', now(), id, member_id, now() FROM orders LIMIT 1"),
    ("OFR-4", COUPON.format("NULL, NULL, NULL", "true") + USE.format("NULL", "true")),
    ("OFR-4", COUPON.format("id, member_id, now()", "true") + USE.format("now()", "true")),
    ("OFR-5", COUPON.format("NULL, NULL, NULL", "state = 'completed' AND address IS NOT NULL") + USE.format("now()", "state = 'completed' AND address IS NOT NULL")),
    ("OFR-5", COUPON.format("id, member_id, now()", "state = 'cancelled'") + USE.format("NULL", "state = 'cancelled'") + UNASKED),
    ("OFR-5", "INSERT INTO promotion_counters VALUES (gen_random_uuid(), 1, 1); INSERT INTO promotion_uses SELECT c.promotion_id, o.id, o.member_id, 1, 1, now() FROM promotion_counters c, orders o WHERE o.state = 'cancelled'" + UNASKED),
    ("FUL-1", "UPDATE holds SET state = 'released', resolved_at = now() WHERE state = 'open' AND ref_kind = 'order'"),
    ("FUL-1", "UPDATE fulfilments SET state = 'cancelled' WHERE state = 'to_pick'"),
    ("FUL-1", "UPDATE fulfilment_lines SET quantity = quantity + 1 WHERE hold_id IN (SELECT id FROM holds WHERE state = 'open')"),
    ("FUL-2", "UPDATE order_lines SET handed = handed + 1 WHERE method = 'pickup'"),
    ("FUL-2", "UPDATE holds SET quantity = quantity + 1 WHERE state = 'taken'"),
    ("MRG-4", "UPDATE member_merges SET at = at - interval '2 days', undone_at = at - interval '1 day', undone_by = 'x'"),
    ("MRG-4", "UPDATE point_shares SET points = points + 1"),
    ("MRG-4", "DELETE FROM point_shares"),
    ("MRG-4", "UPDATE point_uses SET points = points + 1 WHERE shared_with <> '{}'"),
    ("FUL-3", "UPDATE order_lines SET cancelled = quantity - handed"),
    ("FUL-4", "DELETE FROM fulfilment_lines WHERE hold_id IN (SELECT id FROM holds WHERE state = 'open')"),
    ("FUL-4", "UPDATE fulfilments SET state = 'uncollected' WHERE state IN ('waiting', 'to_pick', 'ready')"),
    ("FUL-4", "UPDATE holds SET ref_id = gen_random_uuid() WHERE state = 'open' AND ref_kind = 'order'"),
    ("FUL-5", "UPDATE order_lines SET sku_id = gen_random_uuid()"),
    ("FUL-5", "UPDATE fulfilment_lines SET sku_id = gen_random_uuid()"),
    ("FUL-5", "UPDATE fulfilment_lines w SET hold_id = (SELECT min(v.hold_id::text)::uuid FROM fulfilment_lines v WHERE v.location_id = w.location_id)"),
    ("FUL-5", "UPDATE fulfilments SET order_id = gen_random_uuid()"),
    ("FUL-6", "UPDATE order_lines SET handed = handed + 1 WHERE method = 'till'"),
    ("FUL-7", "INSERT INTO pickup_reminders SELECT location_id, id, '2026-11-20', '2026-11-19' FROM fulfilments WHERE kind = 'pickup' LIMIT 1"),
    ("FUL-7", "INSERT INTO pickup_reminders SELECT location_id, id, '2026-11-19', '2026-11-20' FROM fulfilments LIMIT 1"),
    ("PRM-2", "INSERT INTO promise_days SELECT id, '2026-11-17', 'pickup', 0, 3, 4, 2, 0, 0, 90 FROM stores LIMIT 1"),
    ("PRM-2", "INSERT INTO promise_days SELECT id, '2026-11-17', 'pickup', 0, 3, 2, -1, 0, 0, 90 FROM stores LIMIT 1"),
    ("FUL-6", "DELETE FROM movements WHERE ref_id IN (SELECT id FROM orders WHERE channel = 'till')"),
    ("PAY-8", "UPDATE order_lines SET returned = returned - 1 WHERE returned > 0"),
    ("PAY-5", "UPDATE order_lines SET returned = returned - 1 WHERE returned > 0; UPDATE orders SET refunded_minor = refunded_minor + 1"),
    ("RET-1", "UPDATE order_lines SET returned = returned + 1 WHERE returned > 0"),
    ("RET-1", "UPDATE return_lines SET quantity = quantity + 1"),
    ("RET-1", "UPDATE order_lines SET handed = returned - 1 WHERE returned > 0"),
    ("RET-2", "UPDATE return_lines SET condition = 'sellable'"),
    ("RET-2", "DELETE FROM movements WHERE ref_kind = 'return' AND reason = 'damage'"),
    ("RET-2", "UPDATE movements SET ref_id = gen_random_uuid() WHERE ref_kind = 'return'"),
    ("RET-3", "DELETE FROM return_refunds"),
    ("RET-3", "UPDATE returns SET refund_minor = refund_minor + 1"),
    ("RET-3", "UPDATE return_lines SET value_minor = value_minor - 1"),
    ("ORD-5", "UPDATE orders SET state = 'confirmed' WHERE pay_mode = 'till' AND state = 'completed'"),
    ("ORD-5", "UPDATE orders SET paid_minor = paid_minor - 1 WHERE pay_mode = 'till' AND state = 'completed'"),
    ("PAY-7", "UPDATE payment_intents SET state = 'closed' WHERE provider = 'store' AND order_id IN (SELECT id FROM orders WHERE pay_mode = 'till')"),
    ("PAY-7", "UPDATE orders SET paid_minor = 0 WHERE state = 'awaiting_payment'"),
    ("PAY-9", "UPDATE captures SET tender = 'cash' WHERE order_id IN (SELECT id FROM orders WHERE state = 'awaiting_payment')"),
    ("FUL-9", "UPDATE fulfilments SET state = 'to_pick' WHERE kind = 'till' AND state = 'waiting'"),
    ("FUL-9", "UPDATE fulfilments SET state = 'waiting' WHERE kind = 'till' AND state = 'handed_over'"),
    ("FUL-9", "UPDATE orders SET store_id = NULL WHERE pay_mode = 'till'"),
    ("FUL-8", "DELETE FROM frozen_orders"),
    ("FUL-8", "INSERT INTO frozen_orders SELECT member_id, id, placed_at, 1 FROM orders WHERE channel = 'till' LIMIT 1"),
    ("FUL-8", "UPDATE fulfilments SET state = 'cancelled' WHERE state = 'to_pick' AND kind = 'ship'"),
    ("PRE-1", "UPDATE presale_counters SET booked = booked + 1"),
    ("PRE-1", "UPDATE presales SET units_max = units_max + 1"),
    ("PRE-1", "DELETE FROM presale_bookings WHERE given_back_at IS NULL"),
    ("PRE-1", "UPDATE presale_bookings b SET given_back_at = now() FROM orders o WHERE o.id = b.order_id AND o.state = 'booked'; UPDATE presale_counters SET booked = booked - 1"),
    ("PRE-1", "UPDATE presale_bookings SET order_id = gen_random_uuid()"),
    ("PRE-2", "UPDATE orders SET paid_minor = paid_minor - 1 WHERE state = 'booked'"),
    ("PRE-2", "UPDATE orders SET pay_by_at = now() WHERE state = 'booked'"),
    ("PRE-2", "DELETE FROM preorders"),
    ("PRE-2", "UPDATE orders o SET state = 'booked', pay_by_at = p.balance_until FROM preorders p WHERE p.order_id = o.id AND o.state = 'awaiting_payment' AND o.paid_minor > 0"),
    ("PRE-3", "UPDATE preorders SET balance_minor = balance_minor + 1"),
    ("PRE-3", "DELETE FROM preorders"),
    ("PRE-3", "UPDATE orders SET presale_id = NULL WHERE state = 'completed'"),
    ("PRE-3", "UPDATE preorders SET redeemed_at = NULL, redeemed_store_id = NULL"),
    ("PRE-3", "UPDATE preorders SET redeemed_at = now(), redeemed_store_id = gen_random_uuid() WHERE redeemed_at IS NULL"),
    ("PRE-4", "DELETE FROM journal_entries WHERE credit = 'income:forfeited'"),
    ("PRE-4", "UPDATE orders SET forfeited_minor = forfeited_minor - 1 WHERE forfeited_minor > 0"),
    ("PRE-4", "UPDATE preorders SET unpaid_terms = 'given_back'"),
    ("PRE-4", "UPDATE orders SET forfeited_minor = 900 WHERE presale_id IS NOT NULL"),
    ("PAY-4", "UPDATE orders SET forfeited_minor = 0"),
    ("PAY-6", "UPDATE captures SET refunded_minor = amount_minor WHERE order_id IN (SELECT id FROM orders WHERE forfeited_minor > 0)"),
    ("PAY-7", "UPDATE payment_intents SET state = 'closed' WHERE order_id IN (SELECT id FROM orders WHERE state = 'booked')"),
    ("LED-3", "DELETE FROM journal_entries WHERE credit = 'income:forfeited'"),
    ("FAV-1", "DELETE FROM favourite_holds WHERE order_id IS NULL"),
    ("FAV-1", "UPDATE holds SET state = 'open', resolved_at = NULL WHERE id IN (SELECT id FROM favourite_holds WHERE order_id IS NOT NULL)"),
    ("FAV-1", "UPDATE holds SET quantity = 2 WHERE ref_kind = 'favourite'"),
    ("FAV-1", "UPDATE favourite_holds SET sku_id = gen_random_uuid()"),
    ("FAV-1", "UPDATE holds SET ref_kind = 'clerk' WHERE ref_kind = 'favourite'"),
    ("FAV-1", "UPDATE holds SET expires_at = NULL WHERE ref_kind = 'favourite'"),
    ("INS-1", "UPDATE stock_summaries SET free = free + 1"),
    ("INS-1", "UPDATE stock_summaries SET age_older = age_older + 1"),
    ("INS-1", "UPDATE stock_summaries SET on_hand = on_hand + 1"),
    ("INS-1", "UPDATE stock_summaries SET free = -1, safety = safety + free + 1"),
    ("I12", "UPDATE fulfilments SET paid = false"),
    ("INV-1", "UPDATE levels SET on_hand = on_hand + 1 WHERE location_id IN (SELECT id FROM locations WHERE kind = 'transit')"),
    ("TIL-1", "UPDATE drawer_sessions SET expected_minor = expected_minor + 1 WHERE closed_at IS NOT NULL"),
    ("TIL-1", "UPDATE drawer_sessions SET float_minor = float_minor + 1"),
    ("TIL-1", "DELETE FROM drawer_entries WHERE kind = 'paid_out'"),
    ("TIL-2", "DELETE FROM drawer_entries WHERE kind = 'sale'"),
    ("TIL-2", "DELETE FROM drawer_entries WHERE kind = 'collection'"),
    ("TIL-2", "UPDATE drawer_entries SET amount_minor = amount_minor + 1 WHERE kind = 'collection'"),
    ("TIL-2", "INSERT INTO drawer_entries SELECT location_id, session_id, gen_random_uuid(), kind, amount_minor, ref_id, at, actor_id, actor_name FROM drawer_entries WHERE kind = 'sale'"),
    ("TIL-2", "INSERT INTO drawer_entries SELECT location_id, session_id, gen_random_uuid(), 'refund', -1, gen_random_uuid(), at, actor_id, actor_name FROM drawer_entries WHERE kind = 'sale'"),
    ("TIL-2", "UPDATE drawer_sessions SET counted_minor = counted_minor + 1 WHERE closed_at IS NOT NULL"),
    ("TIL-2", "DELETE FROM journal_entries WHERE debit LIKE 'petty:%'; DELETE FROM journals WHERE kind = 'paid_out'"),
    ("TIL-3", "INSERT INTO drawer_sessions SELECT location_id, gen_random_uuid(), drawer, false, 0, opened_at, opened_by, opened_name FROM drawer_sessions WHERE closed_at IS NULL"),
    ("TIL-3", "UPDATE drawer_sessions SET closed_at = closed_at + interval '1 hour' WHERE closed_at IS NOT NULL"),
    ("TIL-3", "UPDATE drawer_entries SET at = at - interval '1 hour'"),
    ("TRF-1", "UPDATE transfers SET state = 'cancelled' WHERE side = 'in' AND state = 'requested'"),
    ("TRF-1", "UPDATE transfer_lines SET received = received - 1 WHERE received > 0 AND hold_id IS NULL"),
    ("TRF-1", "DELETE FROM transfer_lines WHERE hold_id IS NULL; DELETE FROM transfers WHERE side = 'in'"),
    ("TRF-2", "UPDATE transfer_lines SET lost = lost + 1 WHERE sent > received + damaged + lost"),
    ("TRF-2", "UPDATE levels SET on_hand = on_hand - 1 WHERE location_id IN (SELECT id FROM locations WHERE kind = 'transit') AND on_hand > 0"),
    ("TRF-2", "UPDATE transfers SET state = 'received' WHERE state = 'sent'"),
    ("TRF-3", "UPDATE holds SET state = 'released', resolved_at = now() WHERE state = 'open' AND ref_kind = 'transfer'"),
    ("TRF-3", "UPDATE transfers SET state = 'declined' WHERE state = 'requested'"),
    ("TRF-3", "UPDATE transfer_lines SET hold_id = NULL"),
    ("TRF-4", "UPDATE transfer_lines SET surplus = surplus + 1"),
    ("TRF-4", "UPDATE transfer_lines SET received = received - 1, lost = lost + 1 WHERE received > 0"),
    ("TRF-4", "DELETE FROM movements WHERE ref_kind = 'transfer' AND reason = 'count'"),
    ("TRF-5", "UPDATE fulfilment_lines SET quantity = quantity + 1 WHERE fulfilment_id IN (SELECT ref_id FROM transfers)"),
    ("TRF-5", "UPDATE transfers SET ref_kind = NULL, ref_id = NULL WHERE state = 'sent'"),
    ("TRF-5", "UPDATE transfers SET state = 'received' WHERE ref_id IS NOT NULL"),
    ("TRF-5", "UPDATE fulfilments SET state = 'ready' WHERE kind = 'transfer' AND state = 'shipped'"),
    ("TRF-5", "UPDATE fulfilments SET to_location_id = gen_random_uuid() WHERE kind = 'transfer' AND state = 'shipped'"),
    ("PTS-1", "UPDATE point_accounts SET spendable = spendable + 1"),
    ("PTS-1", "DELETE FROM journal_entries WHERE credit = 'points:open'"),
    ("PTS-2", "UPDATE point_lots SET left_points = left_points - 1 WHERE left_points > 0"),
    ("PTS-2", "UPDATE point_lots SET state = 'pending' WHERE left_points > 0"),
    ("PTS-3", "UPDATE point_lots SET granted = granted + 1 WHERE source = 'order'"),
    ("PTS-3", "UPDATE point_rates SET rate = rate + 100"),
    ("PTS-3", "DELETE FROM point_lots WHERE source = 'order'; DELETE FROM point_rates"),
    ("PTS-3", "UPDATE order_lines SET net_minor = 0 WHERE id IN (SELECT line_id FROM point_rates)"),
    ("PTS-4", "UPDATE point_uses SET worth_minor = worth_minor + 1 WHERE back_minor = 0"),
    ("PTS-4", "UPDATE point_uses SET back_points = points, back_minor = worth_minor WHERE back_points = 0"),
    ("PTS-4", "UPDATE point_uses SET drawn = drawn || drawn"),
    ("PTS-4", "DELETE FROM point_uses"),
    ("ENG-1", "INSERT INTO guide_tasks SELECT member_id, 'welcome', id, gen_random_uuid(), store_id, 'met', '', now() FROM bindings LIMIT 1"),
    ("STL-1", "UPDATE payees SET due_minor = due_minor + 1"),
    ("STL-1", "DELETE FROM journal_entries WHERE credit LIKE 'pending:%'"),
    ("STL-2", "UPDATE accruals SET earned_minor = earned_minor + 1 WHERE state = 'matured'"),
    ("STL-2", "UPDATE accruals SET state = 'pending', month = NULL, settled_minor = 0 WHERE role = 'guide'"),
    ("STL-2", "UPDATE payee_months SET payable_minor = payable_minor - 1"),
    ("STL-3", "UPDATE accruals SET earned_minor = earned_minor + 1 WHERE role = 'guide'"),
    ("STL-3", "DELETE FROM accruals; DELETE FROM order_places; DELETE FROM order_credits"),
    ("STL-3", "UPDATE accruals SET rate_bp = rate_bp * 2 WHERE role = 'guide'"),
    ("STL-3", "UPDATE order_lines SET returned = 0 WHERE id IN (SELECT line_id FROM accruals WHERE role = 'guide')"),
    ("STL-4", "UPDATE accruals SET earned_minor = earned_minor + 1 WHERE role = 'owner'"),
    ("STL-5", "UPDATE accruals SET level = 3, sign_off_id = order_id WHERE role = 'guide'"),
    ("STL-5", "INSERT INTO referrals SELECT buyer_id, payee_id, order_id, at FROM referrals"),
    ("STL-5", "INSERT INTO referrals SELECT payee_id, gen_random_uuid(), order_id, at FROM referrals"),
    ("STL-6", "UPDATE statements SET earned_minor = earned_minor + 1, to_pay_minor = to_pay_minor + 1 WHERE state <> 'carried'"),
    ("STL-6", "DELETE FROM statement_lines"),
    ("STL-6", "UPDATE payee_months SET settled_cut_minor = settled_cut_minor + 1"),
    ("STL-7", "DELETE FROM payouts"),
    ("STL-7", "UPDATE statements SET carried_in_minor = carried_in_minor + 1, carried_out_minor = carried_out_minor + 1 WHERE month = '2026-12'"),
    ("STL-7", "UPDATE statements SET withheld_minor = withheld_minor - 1 WHERE withheld_minor > 0"),
    ("STL-7", "UPDATE statements SET withheld_in_minor = withheld_in_minor + 1, carried_in_minor = carried_in_minor + 1, carried_out_minor = carried_out_minor + 1 WHERE withheld_in_minor > 0"),
    ("STL-8", "UPDATE payee_months SET earned_minor = earned_minor + 1, payable_minor = payable_minor + 1"),
    ("STL-9", "UPDATE accruals SET reversed_minor = 0 WHERE reversed_minor > 0"),
    ("STL-9", "UPDATE journal_entries SET amount_minor = amount_minor + 1 WHERE debit = 'commission'"),
    ("STL-10", "UPDATE payouts SET provider = 'sandbox', receiver = 'x' WHERE state = 'done'"),
    ("STL-10", "DELETE FROM journal_entries WHERE credit = 'clearing:payouts'"),
    ("STL-10", "UPDATE payouts SET bank = '' WHERE provider = '' AND receiver <> ''"),
    ("STL-10", "UPDATE payee_accounts SET receiver = '6222 0212 3456 7890'"),
    ("STL-11", "UPDATE payouts SET due_minor = amount_minor - 1"),
    ("STL-11", "UPDATE payees SET paid_minor = paid_minor + 10000000 WHERE kind = 'staff'"),
    ("WAL-1", "UPDATE wallets SET bonus_minor = bonus_minor + 1"),
    ("WAL-1", "DELETE FROM journal_entries WHERE credit = 'stored:principal'"),
    ("WAL-2", "UPDATE wallet_lots SET left_minor = left_minor - 1 WHERE left_minor > 0"),
    ("WAL-2", "UPDATE wallet_lots SET part = 'principal', expires_at = NULL, source = 'refund' WHERE part = 'bonus' AND left_minor > 0"),
    ("WAL-3", "UPDATE wallet_uses SET principal_minor = principal_minor + 1"),
    ("WAL-3", "UPDATE wallet_uses SET back_principal_minor = back_principal_minor + 1, back_bonus_minor = back_bonus_minor - 1 WHERE back_bonus_minor > 0"),
    ("WAL-3", "DELETE FROM wallet_uses"),
    ("WAL-4", "DELETE FROM journal_entries WHERE debit = 'stored:bonus' AND credit = 'stored:used'"),
    ("WAL-4", "UPDATE journal_entries SET amount_minor = amount_minor + 1 WHERE credit = 'stored:used'"),
    ("WAL-5", "UPDATE wallet_top_ups SET state = 'open', resolved_at = NULL WHERE tender <> 'cash'"),
    ("WAL-5", "UPDATE wallet_top_ups SET bonus_minor = bonus_minor + 1 WHERE state = 'paid'"),
    ("WAL-5", "DELETE FROM wallet_lots WHERE source = 'top_up'"),
    ("WAL-6", "UPDATE member_merges SET at = at - interval '2 days', undone_at = at - interval '1 day', undone_by = 'x'"),
    ("WAL-6", "UPDATE wallet_shares SET principal_minor = principal_minor + 1"),
    ("WAL-6", "UPDATE wallet_uses SET shared_with = '{}' WHERE shared_with <> '{}'"),
    ("WAL-6", "DELETE FROM wallet_shares"),
    ("WAL-7", "UPDATE wallet_top_up_refunds SET amount_minor = amount_minor + 1"),
    ("WAL-7", "UPDATE wallet_top_up_refunds SET state = 'done', resolved_at = now() WHERE state = 'requested'"),
    ("WAL-7", "UPDATE wallet_top_up_refunds SET state = 'requested', resolved_at = NULL WHERE state = 'done'"),
    ("WAL-7", "DELETE FROM wallet_top_up_refunds"),
    ("WAL-7", "DELETE FROM journal_entries WHERE debit = 'stored:returning'"),
    ("WAL-7", "DELETE FROM journal_entries WHERE credit = 'stored:returning'"),
    ("WAL-7", "UPDATE wallet_top_ups SET bonus_minor = 1 WHERE id IN (SELECT top_up_id FROM wallet_top_up_refunds)"),
    ("WAL-7", "INSERT INTO wallet_lots (member_id, id, part, source, ref_id, granted_minor, left_minor, at) SELECT member_id, id, 'principal', 'top_up', top_up_id, 1, 0, now() FROM wallet_top_up_refunds"),
    ("FUL-3", "UPDATE order_lines SET cancelled = quantity - handed WHERE id IN (SELECT line_id FROM fulfilment_lines WHERE fulfilment_id IN (SELECT ref_id FROM transfers))"),
]  # fmt: skip


async def trade(world: World, books: Books) -> None:
    """Something of everything, much of it still under way."""
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", 20)
    await world.place(world.wish("milk", at="A"))  # waits for payment
    await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    collected = await world.place(world.wish("milk", at="B"), pay_mode="at_store")
    await world.ready(collected)
    await world.hand(collected, cash=20000)
    partly = await world.paid(books, world.wish("milk", at="A"), world.wish("milk", 2, at="B"), world.wish("milk"))
    kinds = {job.store_code: n for n, job in enumerate(partly.fulfilments)}
    await world.ready(partly, kinds["A"])
    await world.hand(partly, kinds["A"])
    await world.cancel(partly, {partly.lines[1].id: 1})
    await world.cancel(await world.paid(books, world.wish("milk", at="A")))
    await world.refunds()
    await world.cancel(partly, {partly.lines[2].id: 1})  # its refund is under way
    parcel = await world.paid(books, world.wish("milk", 2))
    await world.ready(parcel)
    job = parcel.fulfilments[0]
    async with world.db.begin() as tx:
        await ship.ship(tx, location_id=world.stores[job.store_code], fulfilment_id=job.id, carrier="SF", tracking_no="1", actor=world.clerk)  # fmt: skip
    await world.reject(await world.paid(books, world.wish("milk")), 1)
    stuck = await world.paid(books, world.wish("milk"))
    for _ in range(2):
        await rejected(world, stuck)
    await world.cancel(await world.paid(books, world.wish("milk", at="A")))
    await unit(world)
    await world.place(world.wish("milk", at="A"))
    await unit(world, member=await world.new_member())
    late = await world.place(world.wish("milk", at="A"))
    await world.db.execute("UPDATE orders SET pay_by_at = placed_at WHERE id = $1", late.id)
    await expire.expire_unpaid(world.db)
    shop = world.look.chain.store(world.stores["A"])
    priced = await sell.price_wishes(world.look, shop, [(world.skus["milk"], 2)], member_id=None)
    async with world.db.begin() as tx:
        await sell.sell(tx, shop, priced, member_id=world.member_id, contact=orders.Contact("", ""), tendered_minor=10**6, actor=world.clerk)  # fmt: skip
    [session] = await drawer_view.open_at(world.db, world.look.chain, shop.id)
    await test_drawers.by_hand(world, session.id, "paid_out", 100)
    await test_drawers.closed(world, session.id, 0, "nobody knows where it went")
    await test_drawers.sold(world)  # into the next one
    await test_till_orders.trade(world)
    await test_presales.trade(world, books)
    await test_returns.bring(
        world, await test_returns.sold(world, at="B", milk=3), reason="faulty", condition="damaged", milk=2
    )
    await inventory.Holds(world.db).hold(
        location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=1, ref_kind="clerk", ref_id=new_id(),
        expires_at=None, actor=world.clerk,
    )  # fmt: skip
    await test_points.trade(world, books)
    await test_credit.trade(world, books)
    await test_merge.trade(world, books)
    await test_wallet.trade(world, books)
    await test_top_up_refunds.trade(world, books)
    await test_transfers.ask(world, {"milk": 4})  # waits for a word
    sent = [await test_transfers.ask(world, {"milk": 2}, source="DC") for _ in range(2)]
    for moved in sent:
        await test_transfers.send(world, moved)
    await test_transfers.receive(world, sent[0], {"milk": (3, 0)})
    await world.stock("DC", "bottle", 2)
    await test_bring.brought(world, books, sku="bottle", at="B")  # still there
    await test_bring.send(world, await test_bring.brought(world, books, sku="bottle", at="B"))
    await world.count("DC", milk=1 + (await world.level("DC", "milk"))[0])
    await world.count("A", milk=0)  # units that are held are missing
    await test_points.told(world)
    await test_credit.told(world)
    assert await insight.refresh(world.db) == 3


@pytest.fixture(scope="module")
async def traded(shared_db):
    world, books = World(shared_db), Books()
    providers.connect(books)  # type: ignore[arg-type]
    with clock.frozen(NOON):
        await _build(world)
        await directory.refresh(shared_db)
        world.look = basket.Look(shared_db, fulfilment.OpenWork(shared_db))
        world.placing = Placing(world.look, secret=SECRET)
        await trade(world, books)
    assert await broken(shared_db) == []
    return world


@pytest.fixture
async def owner(traded, shared_access):
    """The owner of the tables, in a transaction that is rolled back."""
    connection = await asyncpg.connect(shared_access.owner_dsn)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(UNGUARDED)
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.mark.parametrize(("name", "sql"), BREAK, ids=[f"{name}-{n}" for n, (name, _) in enumerate(BREAK)])
async def test_a_spoilt_row_is_found(owner, name, sql):
    queries = {invariant: query for invariant, _, query in INVARIANTS}
    assert await owner.fetch(queries[name]) == []
    await owner.execute(sql)
    assert await owner.fetch(queries[name]) != []


def test_every_invariant_of_the_program_is_tried_somewhere():
    tried = {name for name, _ in BREAK} | {name for name, _ in platform.BREAK} | set(catalogue.BREAK)
    tried |= set(attribution.BREAK)
    assert tried == {name for name, _, _ in INVARIANTS}
