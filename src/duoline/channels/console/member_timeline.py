"""One timeline of a member: what became of their orders, how they came to their tiers, what moved their points."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter

from duoline.channels.console.member_scope import OWN_ORDER, reached, shop_of, tier_of
from duoline.channels.console.member_shapes import TimelineItem
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.members import consents
from duoline.stores.directory import Chain

# $1, $2 the scope, $3 the member, $4 the ids their orders stand under. Points that become spendable are no news beside
# those that were earned, and points that an order gives back come as a gift of their own.
_ROWS = f"""
SELECT x.*, CASE WHEN x.actor LIKE 'staff:%' THEN (SELECT a.name FROM staff a WHERE a.id = substr(x.actor, 7)::uuid) END
       AS by
FROM (
    SELECT o.id, o.placed_at AS at, 'order' AS kind, CASE o.channel WHEN 'till' THEN 'sold' ELSE 'placed' END AS event,
           o.id AS order_id, o.order_no,
           CASE WHEN $1 OR o.location_ids <@ $2 THEN o.total_minor END AS amount_minor,
           coalesce(o.sold_store_id, o.store_id) AS place, '' AS before, '' AS tier, NULL::bigint AS points,
           '' AS actor, '' AS reason
    FROM orders o WHERE o.member_id = ANY ($4) AND {OWN_ORDER}
    UNION ALL
    SELECT e.id, e.at, 'order', e.kind, o.id, o.order_no, NULL, NULL, '', '', NULL, e.actor, ''
    FROM orders o JOIN order_events e ON e.member_id = o.member_id AND e.order_id = o.id
    WHERE o.member_id = ANY ($4) AND ($1 OR o.location_ids <@ $2)
      AND e.kind IN ('handed_over', 'shipped', 'delivered', 'cancelled', 'expired', 'uncollected')
    UNION ALL
    SELECT r.id, r.at, 'order', 'returned', o.id, o.order_no, r.refund_minor, r.location_id, '', '', NULL, r.actor, ''
    FROM orders o JOIN returns r ON r.member_id = o.member_id AND r.order_id = o.id
    WHERE o.member_id = ANY ($4) AND ($1 OR o.location_ids <@ $2 OR r.location_id = ANY ($2))
    UNION ALL
    SELECT c.id, c.at, 'tier', c.because, NULL, NULL, CASE WHEN $1 THEN c.spent_minor END, NULL, c.before, c.tier, NULL,
           c.actor, c.reason
    FROM tier_changes c WHERE c.member_id = $3
    UNION ALL
    SELECT j.id, j.at, 'points', substr(j.kind, 8), o.id, o.order_no, NULL, NULL, '', '',
           (SELECT sum(CASE WHEN e.debit IN ('points:given') THEN e.amount_minor ELSE -e.amount_minor END)::bigint
            FROM journal_entries e WHERE e.member_id = j.member_id AND e.journal_id = j.id), j.actor, j.reason
    FROM journals j LEFT JOIN orders o ON o.member_id = ANY (duo_group($3)) AND o.id = j.order_id
    WHERE j.member_id = ANY (duo_group($3)) AND j.ref_kind = 'points'
      AND j.kind NOT IN ('points-ripe', 'points-used-back')
      AND (j.order_id IS NULL OR {OWN_ORDER})
) x
WHERE ($5 = '' OR x.kind = $5) AND ($6::timestamptz IS NULL OR (x.at, x.id) < ($6, $7::uuid))
ORDER BY x.at DESC, x.id DESC LIMIT $8
"""  # noqa: S608 - our own text


@get("/api/console/members/{member_id:uuid}/timeline", opt=doors.staff("members.read", member_id="customer"))
async def show_timeline(
    db: Database,
    staff: Staff,
    chain: Chain,
    member_id: UUID,
    kind: Annotated[
        Literal["", "order", "tier", "points"], QueryParameter(description="Only what happened to these.")
    ] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[TimelineItem]:
    """Everything that happened, the last first; of orders, those one may see."""
    scope = staff.scope("members.read")
    seen = await reached(db, scope, member_id)
    if partners.of_a_partner(chain, staff):
        await consents.ensure_allowed(db, member_id, "sharing", door="console.member-timeline")
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(_ROWS, *scope.sql, member_id, seen.ids, kind, *before, limit + 1)
    shown = rows[:limit]
    return Page(
        [
            TimelineItem(
                id=row["id"],
                at=row["at"],
                kind=row["kind"],
                event=row["event"],
                order_id=row["order_id"],
                order_no=row["order_no"],
                amount=None if row["amount_minor"] is None else Money(row["amount_minor"]),
                store=shop_of(chain, row["place"]) if row["place"] in scope else None,
                before=tier_of(row["before"]) if row["before"] else None,
                tier=tier_of(row["tier"]) if row["tier"] else None,
                points=row["points"],
                by=row["by"],
                reason=row["reason"],
            )
            for row in shown
        ],
        cursors.pack(shown[-1]["at"], shown[-1]["id"]) if len(rows) > limit else None,
    )


ROUTES = [show_timeline]
