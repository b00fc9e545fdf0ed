"""Timelines: a member to whom ten thousand things happened, of every kind and from every touchpoint."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from bench.settlement_events import START
from duoline.flows import member_history
from duoline.kernel import clock
from duoline.stores.rights import EVERYWHERE

if TYPE_CHECKING:
    from duoline.kernel.db import Database

EVENTS = 10_000

# A member to whom ten thousand things happened, of each kind as many as follow; beside them a thousand to whom twenty
# things of each kind happened, so that plans are those of a table with many members. `who` says how much each of them has.
_WHO = """
CREATE TEMP TABLE who AS
SELECT $1::uuid AS member_id, 1.0 AS part UNION ALL
SELECT md5('other' || n)::uuid, 0.01 FROM generate_series(1, 1000) n
"""
_EACH = "FROM who w CROSS JOIN LATERAL generate_series(1, ceil({n} * w.part)::integer) n"
_KEY = "md5(w.member_id || '{name}' || n)::uuid"
_AT = "$1::timestamptz + n * interval '{minutes} minutes'"
_SHOP, _PRODUCT, _PROMOTION = UUID(int=7001), UUID(int=7002), UUID(int=7003)

_MASTER = (
    "INSERT INTO companies (id, code, name_zh, name_en, kind) VALUES ($1, 'C', 'C', 'C', 'headquarters')",
    "INSERT INTO regions (id, code, name_zh, name_en) VALUES ($1, 'R', 'R', 'R')",
    """INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province, city,
                           phone, lat, lon, hours, pick_capacity_hour, pickup_lead_min, updated_at)
       VALUES ($1, 'S', 'store', $1, $1, 'S', 'S', '', '', '', '', '', 0, 0, '[[],[],[],[],[],[],[]]', 9, 9, now())""",
)

_FILL: dict[str, tuple[int, str, str]] = {
    "orders": (1500, "order", """
        INSERT INTO orders (member_id, id, order_no, channel, state, pay_mode, currency, subtotal_minor,
            delivery_fee_minor, discount_minor, total_minor, paid_minor, contact_name, contact_phone, priced_at, placed_at)
        SELECT w.member_id, {key}, {key}::text, 'mall', 'completed', 'online', 'CNY', 1000, 0, 0, 1000, 1000, '', '',
               {at}, {at} {each}"""),
    "order_events": (1500, "event", """
        INSERT INTO order_events (member_id, order_id, id, at, kind, actor)
        SELECT w.member_id, md5(w.member_id || 'order' || n)::uuid, {key}, {at} + interval '1 hour', 'handed_over',
               'system:x' {each}"""),
    "returns": (200, "return", """
        INSERT INTO returns (member_id, id, order_id, location_id, reason, refund_minor, actor, at)
        SELECT w.member_id, {key}, md5(w.member_id || 'order' || n)::uuid, $2, 'other', 100, 'system:x', {at} {each}"""),
    "points": (1500, "points", """
        WITH j AS (INSERT INTO journals (member_id, id, kind, ref_kind, ref_id, order_id, at, actor)
            SELECT w.member_id, {key}, 'points-order', 'points', {key}, md5(w.member_id || 'order' || n)::uuid, {at},
                   'system:x' {each} RETURNING member_id, id)
        INSERT INTO journal_entries SELECT member_id, id, 1, 'points:given', 'points:open', 10, 'PTS' FROM j"""),
    "wallet": (500, "wallet", """
        WITH j AS (INSERT INTO journals (member_id, id, kind, ref_kind, ref_id, at, actor)
            SELECT w.member_id, {key}, 'wallet-top-up', 'wallet', {key}, {at}, 'system:x' {each} RETURNING member_id, id)
        INSERT INTO journal_entries SELECT member_id, id, 1, 'provider:x', 'stored:principal', 10, 'CNY' FROM j"""),
    "coupons": (800, "coupon", """
        INSERT INTO coupons (id, batch_id, promotion_id, member_id, issued_at, expires_at)
        SELECT {key}, $3, $3, w.member_id, {at},
               CASE n % 4 WHEN 0 THEN {at} + interval '9 days' ELSE now() + interval '9 days' END {each}"""),
    "coupon_uses": (400, "coupon", """
        INSERT INTO coupon_uses (coupon_id, order_id, member_id, promotion_id, returned, grace_days, at)
        SELECT {key}, md5(w.member_id || 'order' || n)::uuid, w.member_id, $3, 'never', 0, {at} + interval '1 day' {each}"""),
    "codes": (1, "code", """
        INSERT INTO touchpoints (owner_id, id, code, kind, owner_kind, name_zh, name_en, target_kind, created_by, created_at)
        VALUES ($2, $2, '00000000', 'poster', 'chain', 'x', 'x', 'home', '', $1)"""),
    "touches": (1600, "touch", """
        INSERT INTO touches (member_id, id, owner_id, touchpoint_id, at, via, device_id, own_device)
        SELECT w.member_id, {key}, $2, $2, {at}, 'qr', $2, false {each}"""),
    "shares": (300, "share", """
        INSERT INTO touchpoints (owner_id, id, code, kind, owner_kind, name_zh, name_en, target_kind, target, created_by,
                                 created_at)
        SELECT w.member_id, {key}, upper(left(md5({key}::text), 8)), 'share', 'member', 'x', 'x', 'product', 'P', '', {at}
        {each}"""),
    "bindings": (100, "bind", """
        INSERT INTO bindings (member_id, id, scope, guide_id, store_id, source, rule_version, from_at, until_at, ended_because)
        SELECT w.member_id, {key}, 'guide', $2, $2, 'scan', 1, {at}, {at} + interval '1 hour', 'member' {each}"""),
    "guide_tasks": (300, "task", """
        INSERT INTO guide_tasks (member_id, kind, ref_id, guide_id, store_id, how, done_at)
        SELECT w.member_id, 'coupon', {key}, $2, $2, 'called', {at} {each}"""),
    "favourites": (300, "like", """
        INSERT INTO favourites (member_id, id, product_id, added_at) SELECT w.member_id, {key}, {key}, {at} {each}"""),
    "consents": (100, "consent", """
        INSERT INTO consents (member_id, id, purpose, granted, text_version, channel, at)
        SELECT w.member_id, {key}, 'profiling', true, 1, 'mall', {at} {each}"""),
    "tiers": (20, "tier", """
        INSERT INTO tier_changes (member_id, id, before, tier, because, rule_version, actor, at)
        SELECT w.member_id, {key}, 'member', 'silver', 'reached', 1, 'system:x', {at} {each}"""),
    "identities": (10, "identity", """
        INSERT INTO identities (value, kind, member_id, leads, source, since)
        SELECT {key}::text, 'wechat_openid', w.member_id, false, 'file', {at} {each}"""),
    "payees": (1, "payee", """
        INSERT INTO payees (payee_id, kind, updated_at) SELECT w.member_id, 'member', $1 FROM who w"""),
    "accruals": (500, "accrual", """
        INSERT INTO accruals (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, rate_bp,
            basis_minor, gross_minor, earned_minor, at, updated_at)
        SELECT w.member_id, {key}, {key}, 'commission', 'referrer', $2, $2, 'member', 100, 100, 100, 1, {at}, {at} {each}"""),
}  # fmt: skip


async def measure_timeline(db: Database, fill: asyncpg.Connection[Any]) -> dict[str, Any]:
    """A page of the history of a member to whom ten thousand things happened, at every depth, and of each kind."""
    member = UUID(int=99)
    for sql in _MASTER:
        await fill.execute(sql, _SHOP)
    await fill.execute(_WHO, member)
    await fill.execute(
        """INSERT INTO members (member_id, kind, tier, created_at) SELECT member_id, 'member', 'member', $1 FROM who""",
        START,
    )
    for name, (n, key, sql) in _FILL.items():
        text = sql.format(
            each=_EACH.format(n=n),
            key=_KEY.format(name=key),
            # Each kind is spread over the same year.
            at=_AT.format(minutes=525_600 // n),
        )
        used = [value for place, value in enumerate((START, _SHOP, _PROMOTION), 1) if f"${place}" in text]
        for place, at in enumerate([p for p in (1, 2, 3) if f"${p}" in text], 1):
            text = text.replace(f"${at}", f"${place}")
        try:
            await fill.execute(text, *used)
        except asyncpg.PostgresError as error:
            raise SystemExit(f"{name}: {error}") from error
    await fill.execute("ANALYZE")
    took, seen, kinds, before = [], 0, dict.fromkeys(member_history.KINDS, 0), None
    with clock.frozen(START + timedelta(days=400)):
        while True:
            began = time.perf_counter()
            page = await member_history.history_of(db, member, [member], EVERYWHERE, before=before)
            took.append((time.perf_counter() - began) * 1000)
            for row in page.rows:
                kinds[row["kind"]] += 1
            seen, before = seen + len(page.rows), page.following
            if before is None:
                break
        for kind in member_history.KINDS:
            began = time.perf_counter()
            await member_history.history_of(db, member, [member], EVERYWHERE, kind=kind)
            took.append((time.perf_counter() - began) * 1000)
    if seen < EVENTS or seen != sum(kinds.values()):
        raise SystemExit(f"of {EVENTS} events {seen} were read: {kinds}")
    return {
        "timeline_events": seen,
        "timeline_kinds": kinds,
        "timeline_pages": len(took),
        "timeline_p50_ms": round(statistics.median(took), 2),
        "timeline_p99_ms": round(statistics.quantiles(took, n=100)[98], 2),
        "timeline_slowest_ms": round(max(took), 2),
    }
