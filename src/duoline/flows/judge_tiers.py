"""Judge members by what they have spent: one as soon as something changes hands, all of them every night.

Spent is what units that were handed over and not brought back cost after offers, of orders that the member, or a guest
they were before, placed within the window of the policy `tiers`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from duoline.kernel import clock, jobs, outbox
from duoline.members import access, stand
from duoline.members.group import head_of
from duoline.members.policy import TIERS
from duoline.members.tiers import Standing, judge

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Database, Tx
    from duoline.kernel.outbox import Event

CHUNK = 500

_SPENT = """
SELECT coalesce(sum(duo_value(l.net_minor, l.quantity, l.handed - l.returned)), 0)::bigint
FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
WHERE o.member_id = ANY (w.ids) AND o.placed_at >= $1 AND l.handed > l.returned
"""
_OF_ONE = f"""
SELECT ({_SPENT}) FROM (SELECT array_agg(g.id) AS ids FROM (
    SELECT $2::uuid AS id UNION ALL SELECT guest_id FROM adopted_guests WHERE member_id = $2) g) w
"""  # noqa: S608 - our own text
_OF_MANY = f"""
SELECT w.member_id, w.tier, w.tier_keeps_until, w.tier_lapses_at, ({_SPENT}) AS spent
FROM (SELECT m.member_id, m.tier, m.tier_keeps_until, m.tier_lapses_at,
             m.member_id || ARRAY(SELECT guest_id FROM adopted_guests a WHERE a.member_id = m.member_id) AS ids
      FROM members m WHERE m.kind = 'member' AND m.member_id > $2 ORDER BY m.member_id LIMIT $3) w
ORDER BY w.member_id
"""  # noqa: S608 - our own text


@outbox.consumer(
    "tiers",
    topics=(
        "orders.sold",
        "orders.returned",
        "fulfilment.handed_over",
        "fulfilment.shipped",
        "fulfilment.delivered",
    ),
)
async def judge_who_bought(tx: Tx, event: Event) -> None:
    """Something of a member's changed hands. Guests have no tier. Of who was merged, it counts for the survivor too."""
    if event.member_id is not None:
        # In order of id, as merging locks them.
        for member_id in sorted({event.member_id, await head_of(tx, event.member_id)}):
            await judge_one(tx, member_id)


async def judge_one(tx: Tx, member_id: UUID) -> str | None:
    """Judge one member as of now. Returns the new tier, or None when it is the same or a guest's.

    Locks the member's row before it reads what was spent, so that of two at once the later sees more.
    """
    await access.lock(tx, member_id)
    return await stand.judge_member(tx, member_id, await spent_of(tx, member_id))


async def spent_of(db: Database | Tx, member_id: UUID) -> int:
    """What a member has spent within the window, in minor units."""
    spent: int = await db.fetchval(_OF_ONE, _since(), member_id)
    return spent


@jobs.cron("judge the tiers of members", "37 3 * * *")
async def judge_all(db: Database) -> int:
    """Judge every member, some at a time: spending leaves the window and time passes without an event.

    Returns how many tiers changed. Who stays as they are is not written. Safe to run again at any point.
    """
    changed, last = 0, UUID(int=0)
    while True:
        rules, now = TIERS.current().body, clock.now()
        rows = await db.fetch(_OF_MANY, _since(), last, CHUNK)
        for row in rows:
            before = Standing(row["tier"], row["tier_keeps_until"], row["tier_lapses_at"])
            if judge(rules, before, row["spent"], now)[0] != before:
                async with db.begin() as tx:
                    changed += await judge_one(tx, row["member_id"]) is not None
        if len(rows) < CHUNK:
            return changed
        last = rows[-1]["member_id"]


def _since() -> datetime:
    return clock.now() - timedelta(days=TIERS.current().body.window_days)
