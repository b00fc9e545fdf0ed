"""How an order was paid, part by part, and where what came back of it went."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import get

from duoline.channels.http import doors
from duoline.channels.http.answers import Page
from duoline.channels.http.sessions import Member
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money


class PaidWay(msgspec.Struct, frozen=True, kw_only=True):
    """What an order took by one tender. It goes back the way it came: `back` has arrived, `coming` was sent or is
    looked after by a person of ours."""

    tender: str
    paid: Money
    back: Money
    coming: Money


_WAYS = """
SELECT c.tender, c.currency, sum(c.amount_minor)::bigint AS paid, coalesce(sum(r.back), 0)::bigint AS back,
       coalesce(sum(r.coming), 0)::bigint AS coming
FROM captures c
LEFT JOIN LATERAL (
    SELECT sum(f.amount_minor) FILTER (WHERE f.state = 'done') AS back,
           sum(f.amount_minor) FILTER (WHERE f.state <> 'done') AS coming
    FROM refunds f WHERE f.member_id = c.member_id AND f.order_id = c.order_id AND f.capture_id = c.id
) r ON true
WHERE c.member_id = $1 AND c.order_id = $2 GROUP BY c.tender, c.currency ORDER BY min(c.at), c.tender
"""


@get("/api/mall/orders/{order_id:uuid}/payments", opt=doors.member(order_id="order"))
async def list_paid_ways(db: Database, member: Member, order_id: UUID) -> Page[PaidWay]:
    """By what an order of mine was paid, the first first."""
    owner = await db.fetchval(
        "SELECT member_id FROM orders WHERE member_id = ANY ($1) AND id = $2", member.ids, order_id
    )
    if owner is None:
        raise NotFound
    rows = await db.fetch(_WAYS, owner, order_id)
    ways = [
        PaidWay(
            tender=row["tender"],
            paid=Money(row["paid"], row["currency"]),
            back=Money(row["back"], row["currency"]),
            coming=Money(row["coming"], row["currency"]),
        )
        for row in rows
    ]
    return Page(ways, None)


ROUTES = [list_paid_ways]
