"""Members as headquarters and shops see them: the list, one member with everything about them, tiers and points by
hand."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import QueryParameter

from duoline import loyalty
from duoline.channels.console.member_scope import (
    IDS,
    OF_SHOPS,
    OWN_ORDER,
    VISIBLE,
    Seen,
    reached,
    shop_of,
    tier_of,
    words_of,
)
from duoline.channels.console.member_shapes import (
    MemberCase,
    MemberConsent,
    MemberCoupon,
    MemberFavourite,
    MemberOrder,
    MemberOrders,
    MemberRow,
    PointsChange,
    PointsMonth,
    PointsSoon,
    PointsStanding,
    TierChange,
    TierChoice,
    TierNext,
    TierStanding,
)
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Answer, Cursor, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import judge_tiers
from duoline.flows.order_view import image_of
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.loyalty.reckon import worth_of
from duoline.members import consents, phones, stand
from duoline.members.group import group_of
from duoline.members.policy import TIERS
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from duoline.stores.rights import Scope

PATH = "/api/console/members"
SHOWN = 5
FAVOURITES_SHOWN = 12
MONTHS = 12
KEPT_MAX = timedelta(days=36_525)

Tier = Annotated[str, msgspec.Meta(max_length=20), QueryParameter(description="Only members of this tier.")]


# --- the list ----------------------------------------------------------------------------------------

# $1 and $2 the scope, $3 a name, $4 the beginning of a code, $5 the end of a phone written backwards, $6 a tier, $7
# whether a franchisee asks: then who did not agree to sharing is found by no word and shown without name and phone.
_SHARED = "(NOT $7 OR duo_consents(m.member_id, 'sharing'))"


def _where(visible: str) -> str:
    return f"""
FROM members m WHERE {visible} AND ($3::text IS NOT NULL OR m.merged_into IS NULL)
  AND ($3::text IS NULL OR (m.display_name ILIKE $3 OR m.external_code ILIKE $4 OR reverse(m.phone) LIKE $5::text)
                           AND {_SHARED})
  AND ($6 = '' OR m.tier = $6)
"""


def _rows(visible: str) -> str:
    """Ids sort as they were made. Few rows are shown, so that what each one bought is looked up for those alone."""
    return f"""
SELECT m.*, {_SHARED} AS shared, p.points, b.orders, b.last_order_at
FROM (SELECT m.* {_where(visible)} AND ($8::uuid IS NULL OR m.member_id < $8) ORDER BY m.member_id DESC LIMIT $9) m
CROSS JOIN LATERAL (
    SELECT greatest(coalesce(sum(a.spendable) - sum(a.owed), 0), 0)::bigint AS points FROM point_accounts a
    WHERE a.member_id = ANY (duo_group(m.member_id))) p
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS orders, max(o.placed_at) AS last_order_at FROM orders o
    WHERE o.member_id = ANY ({IDS}) AND o.state NOT IN ('cancelled', 'expired') AND {OWN_ORDER}) b
ORDER BY m.member_id DESC
"""  # noqa: S608 - our own text


# By whether everybody is in reach.
_ROWS = {True: _rows(VISIBLE), False: _rows(OF_SHOPS)}
_TOTAL = {every: f"SELECT count(*) {_where(visible)}" for every, visible in ((True, VISIBLE), (False, OF_SHOPS))}


@get(PATH, opt=doors.staff("members.read"))
async def list_members(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    tier: Tier = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MemberRow]:
    """Members, the newest first: all of them for headquarters, those at home in one's shops or who bought there else.

    `q` is a part of a name, the beginning of a member's code, or a phone or its end. A franchisee sees names of those
    who agreed to sharing; the others are `shared: false` and nameless. Who was merged into another is listed only where
    one looks for them.
    """
    scope = staff.scope("members.read")
    asked = *scope.sql, *words_of(q), tier, partners.of_a_partner(chain, staff)
    after = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch_filtered(_ROWS[scope.everything], *asked, after, limit + 1)
    shown = rows[:limit]
    if hidden := sum(not row["shared"] for row in shown):
        consents.count_refused("sharing", door="console.members", times=hidden)
    total = (await db.fetch_filtered(_TOTAL[scope.everything], *asked))[0]["count"]
    following = cursors.pack(shown[-1]["member_id"]) if len(rows) > limit else None
    return Page([_row(row, chain) for row in shown], following, total)


def _row(row: Any, chain: Chain) -> MemberRow:
    return MemberRow(
        id=row["member_id"],
        name=row["display_name"] if row["shared"] else "",
        phone_masked=phones.masked(row["phone"]) if row["shared"] else None,
        code=row["external_code"] if row["shared"] else None,
        shared=row["shared"],
        tier=tier_of(row["tier"]),
        lapses_at=row["tier_lapses_at"],
        home_store=shop_of(chain, row["home_store_id"]),
        since=row["created_at"],
        points=row["points"],
        orders=row["orders"],
        last_order_at=row["last_order_at"],
        merged_into=row["merged_into"],
    )


# --- one member ----------------------------------------------------------------------------------------


@get(f"{PATH}/{{member_id:uuid}}", opt=doors.staff("members.read", member_id="customer"))
async def show_member(db: Database, staff: Staff, chain: Chain, member_id: UUID) -> MemberCase:
    """Who a member is, what they have, and what they bought in the shops one may see.

    Refuses a franchisee `members.no-consent` unless the member agreed to sharing. Favourites are shown of those who
    agreed to profiling.
    """
    scope = staff.scope("members.read")
    seen = await reached(db, scope, member_id)
    if partners.of_a_partner(chain, staff):
        await consents.ensure_allowed(db, member_id, "sharing", door="console.member")
    return await _case(db, seen, scope, chain)


async def _case(db: Database | Tx, seen: Seen, scope: Scope, chain: Chain) -> MemberCase:
    row = seen.row
    likes = await consents.allowed(db, row["member_id"], "profiling")
    if not likes:
        consents.count_refused("profiling", door="console.member")
    return MemberCase(
        id=row["member_id"],
        whole=scope.everything,
        name=row["display_name"],
        phone_masked=phones.masked(row["phone"]),
        code=row["external_code"],
        locale=row["locale"],
        since=row["created_at"],
        home_store=shop_of(chain, row["home_store_id"]),
        tier=await _tier(db, seen, whole=scope.everything),
        points=await _points(db, row["member_id"], whole=scope.everything),
        orders=await _orders(db, seen, scope, chain),
        coupons=await _coupons(db, seen),
        favourites=await _favourites(db, seen, scope, chain) if likes else [],
        profiling=likes,
        consents=[
            MemberConsent(one.text.purpose, one.text.title, one.granted, one.since, one.text_version, one.asks_again)
            for one in await consents.standings(db, row["member_id"])
        ],
        merged_into=await _now(db, scope, row["merged_into"]),
    )


async def _now(db: Database | Tx, scope: Scope, into: UUID | None) -> UUID | None:
    """Who a merged member is now, unless that one is out of reach: a shop sees whom it sold to."""
    try:
        return None if into is None else (await reached(db, scope, into)).row["member_id"]
    except NotFound:
        return None


_CHANGES = """
SELECT c.*, CASE WHEN c.actor LIKE 'staff:%' THEN (SELECT s.name FROM staff s WHERE s.id = substr(c.actor, 7)::uuid) END
       AS by
FROM tier_changes c WHERE c.member_id = $1 ORDER BY c.at DESC, c.id DESC LIMIT 50
"""


async def _tier(db: Database | Tx, seen: Seen, *, whole: bool) -> TierStanding:
    rules, row = TIERS.current().body, seen.row
    spent = await judge_tiers.spent_of(db, row["member_id"])
    rank = rules.rank(row["tier"])
    above = next((tier for tier in rules.tiers[rank + 1 :] if tier.from_minor > spent), None)
    return TierStanding(
        tier=tier_of(row["tier"]),
        from_amount=Money(rules.tiers[rank].from_minor if rank >= 0 else 0),
        spent=Money(spent) if whole else None,
        earned=tier_of(rules.earned(spent)) if whole else None,
        next=TierNext(tier_of(above.code), Money(above.from_minor), Money(above.from_minor - spent))
        if above is not None and whole
        else None,
        window_days=rules.window_days,
        keeps_until=row["tier_keeps_until"],
        lapses_at=row["tier_lapses_at"],
        changes=[
            TierChange(
                id=one["id"],
                at=one["at"],
                before=tier_of(one["before"]) if one["before"] else None,
                tier=tier_of(one["tier"]),
                because=one["because"],
                spent=Money(one["spent_minor"]) if whole and one["spent_minor"] is not None else None,
                by=one["by"],
                reason=one["reason"],
            )
            for one in await db.fetch(_CHANGES, row["member_id"])
        ],
    )


_SOON = """
SELECT sum(left_points)::bigint AS points, {at} AS at FROM point_lots
WHERE member_id = ANY ($1) AND state = '{state}' AND left_points > 0 AND {at} IS NOT NULL
GROUP BY {at} ORDER BY {at} LIMIT 1
"""
_MONTHS = """
SELECT month::date AS month, coalesce(sum(e.amount_minor) FILTER (WHERE e.debit = 'points:given'), 0)::bigint AS earned,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'points:used'), 0)::bigint AS used,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'points:expired'), 0)::bigint AS expired,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'points:given'
                                            AND e.debit NOT IN ('points:used', 'points:expired')), 0)::bigint AS taken
FROM generate_series(date_trunc('month', $2::timestamptz AT TIME ZONE $3) - ($4 - 1) * interval '1 month',
                     date_trunc('month', $2::timestamptz AT TIME ZONE $3), interval '1 month') month
LEFT JOIN journals j ON j.member_id = ANY ($1) AND j.at >= month AT TIME ZONE $3
    AND j.at < (month + interval '1 month') AT TIME ZONE $3 AND j.kind LIKE 'points-%'
LEFT JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id AND e.currency = 'PTS'
GROUP BY month ORDER BY month
"""


async def _points(db: Database | Tx, member_id: UUID, *, whole: bool) -> PointsStanding:
    ids, rules = await group_of(db, member_id), loyalty.POINTS.current().body
    have = await loyalty.balance_of_group(db, ids)

    async def soon(at: str, state: str) -> PointsSoon | None:
        row = await db.fetchrow(_SOON.format(at=at, state=state), ids)
        return None if row is None else PointsSoon(*row)

    months = await db.fetch(_MONTHS, ids, clock.now(), CHAIN_ZONE, MONTHS) if whole else []
    return PointsStanding(
        pending=have.pending,
        spendable=have.spendable,
        owed=have.owed,
        worth=Money(worth_of(rules, have.spendable)),
        ripens_next=await soon("ripens_at", "pending"),
        ends_next=await soon("expires_at", "open"),
        months=[PointsMonth(**dict(row)) for row in months],
    )


# $1, $2 the scope, $3 the ids. Of an order that other shops serve too, no sums: they would tell what was bought there.
_LAST = f"""
SELECT o.*, (SELECT sum(l.quantity)::integer FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id)
       AS units, $1 OR o.location_ids <@ $2 AS all_of_it
FROM orders o WHERE o.member_id = ANY ($3) AND {OWN_ORDER} ORDER BY o.placed_at DESC, o.id DESC LIMIT $4
"""  # noqa: S608 - our own text
_SUMS = f"""
SELECT count(DISTINCT o.id)::integer AS count,
       coalesce(sum(duo_value(l.net_minor, l.quantity, l.handed - l.returned))
                FILTER (WHERE l.handed > l.returned AND ($1 OR o.location_ids <@ $2)), 0)::bigint AS spent
FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
WHERE o.member_id = ANY ($3) AND o.state NOT IN ('cancelled', 'expired') AND {OWN_ORDER}
"""  # noqa: S608 - our own text


async def _orders(db: Database | Tx, seen: Seen, scope: Scope, chain: Chain) -> MemberOrders:
    sums = await db.fetchrow(_SUMS, *scope.sql, seen.ids)
    rows = await db.fetch(_LAST, *scope.sql, seen.ids, SHOWN)
    return MemberOrders(
        count=sums["count"],  # type: ignore[index]
        spent=Money(sums["spent"]),  # type: ignore[index]
        last=[
            MemberOrder(
                id=row["id"],
                order_no=row["order_no"],
                placed_at=row["placed_at"],
                channel=row["channel"],
                state=row["state"],
                total=Money(row["total_minor"], row["currency"]) if row["all_of_it"] else None,
                units=row["units"] if row["all_of_it"] else None,
                stores=[
                    shop
                    for place in row["location_ids"] or [row["store_id"]]
                    if place in scope and (shop := shop_of(chain, place))
                ],
            )
            for row in rows
        ],
    )


_COUPONS = """
SELECT c.id, c.batch_id, p.name_zh, p.name_en, c.expires_at
FROM coupons c JOIN LATERAL (
    SELECT p.name_zh, p.name_en FROM promotions p WHERE p.id = c.promotion_id ORDER BY p.version DESC LIMIT 1) p ON true
WHERE c.member_id = ANY (duo_group($1)) AND c.order_id IS NULL AND c.void_at IS NULL
  AND (c.expires_at IS NULL OR c.expires_at > $2)
ORDER BY c.expires_at NULLS LAST, c.id LIMIT 50
"""


async def _coupons(db: Database | Tx, seen: Seen) -> list[MemberCoupon]:
    return [
        MemberCoupon(
            id=row["id"],
            batch_id=row["batch_id"],
            name=Text(row["name_zh"], row["name_en"]).filled,
            expires_at=row["expires_at"],
        )
        for row in await db.fetch(_COUPONS, seen.row["member_id"], clock.now())
    ]


_FAVOURITES = """
SELECT f.added_at, p.code, p.name_zh, p.name_en, k.location_id, k.expires_at,
       (SELECT i.sha FROM product_media i WHERE i.product_id = p.id ORDER BY i.position LIMIT 1) AS image_sha
FROM favourites f JOIN products p ON p.id = f.product_id
LEFT JOIN LATERAL (
    SELECT k.location_id, k.expires_at FROM favourite_holds k
    JOIN holds h ON h.location_id = k.location_id AND h.id = k.id AND h.state = 'open'
    WHERE k.member_id = f.member_id AND k.favourite_id = f.id AND k.expires_at > $2
    ORDER BY k.expires_at LIMIT 1) k ON true
WHERE f.member_id = ANY (duo_group($1)) ORDER BY k.expires_at NULLS LAST, f.added_at DESC, f.id LIMIT $3
"""


async def _favourites(db: Database | Tx, seen: Seen, scope: Scope, chain: Chain) -> list[MemberFavourite]:
    return [
        MemberFavourite(
            product_code=row["code"],
            name=Text(row["name_zh"], row["name_en"]).filled,
            image=image_of(row["image_sha"]),
            added_at=row["added_at"],
            kept=shop_of(chain, row["location_id"]) if row["location_id"] in scope else None,
            kept_until=row["expires_at"] if row["location_id"] in scope else None,
        )
        for row in await db.fetch(_FAVOURITES, seen.row["member_id"], clock.now(), FAVOURITES_SHOWN)
    ]


# --- tiers and points by hand ----------------------------------------------------------------------------


@put(f"{PATH}/{{member_id:uuid}}/tier", opt=doors.staff("members.edit", member_id="customer"))
async def set_member_tier(
    write: Write, staff: Staff, chain: Chain, member_id: UUID, data: TierChoice
) -> Answer[MemberCase]:
    """Give a member a tier, kept until an instant at least, within a hundred years. Refuses `kernel.bad-input` for a
    tier that is none."""
    scope = staff.scope("members.edit")
    if data.keeps_until is not None and not clock.now() < data.keeps_until <= clock.now() + KEPT_MAX:
        problem = {
            "field": "keeps_until",
            "zh": "保留到的时间要晚于现在,最多一百年。",
            "en": "It is kept until a time to come, within a hundred years.",
        }
        raise BadInput(problems=[problem])

    async def work(tx: Tx) -> MemberCase:
        await stand.set_tier(
            tx,
            member_id,
            data.tier,
            keeps_until=None if data.keeps_until is None else data.keeps_until.astimezone(UTC),
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return await _case(tx, await reached(tx, scope, member_id), scope, chain)

    return await write.run(work)


@post(f"{PATH}/{{member_id:uuid}}/points", opt=doors.staff("members.edit", member_id="customer"), status_code=200)
async def change_member_points(
    write: Write, staff: Staff, chain: Chain, member_id: UUID, data: PointsChange
) -> Answer[MemberCase]:
    """Give a member points that can be spent at once, or take spendable ones away.

    Refuses `kernel.bad-input` for no points, `loyalty.nothing-to-take` for more than there are.
    """
    scope = staff.scope("members.edit")
    if data.points == 0:
        raise BadInput(problems=[{"field": "points", "zh": "请填要加或要扣的积分。", "en": "Say how many points."}])

    async def work(tx: Tx) -> MemberCase:
        await reached(tx, scope, member_id)
        reason = data.reason.strip()
        if data.points > 0:
            await loyalty.give(
                tx,
                member_id=member_id,
                source="given",
                ref_id=new_id(),
                points=data.points,
                actor=staff.actor,
                reason=reason,
            )
        else:
            await loyalty.take_away(tx, member_id=member_id, points=-data.points, actor=staff.actor, reason=reason)
        return await _case(tx, await reached(tx, scope, member_id), scope, chain)

    return await write.run(work)


ROUTES = [list_members, show_member, set_member_tier, change_member_points]
