"""Judge members by what they have spent: one as soon as something changes hands, all of them every night.

Spent is what units that were handed over and not brought back cost after offers, of orders that the member, or a guest
they were before, placed within the window of the policy `tiers`. New rules judge everybody at once
(`judge_by_new_rules`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from duoline.kernel import clock, jobs, outbox, policies
from duoline.members import stand
from duoline.members.group import head_of
from duoline.members.policy import TIERS
from duoline.members.tiers import Standing, judge

if TYPE_CHECKING:
    from collections.abc import Collection
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
_OF_SOME = f"""
SELECT w.member_id, ({_SPENT}) AS spent
FROM (SELECT i.id AS member_id, i.id || ARRAY(SELECT guest_id FROM adopted_guests a WHERE a.member_id = i.id) AS ids
      FROM unnest($2::uuid[]) AS i (id)) w
"""  # noqa: S608 - our own text
_OF_MANY = f"""
SELECT w.member_id, w.tier, w.tier_keeps_until, w.tier_lapses_at, ({_SPENT}) AS spent
FROM (SELECT m.member_id, m.tier, m.tier_keeps_until, m.tier_lapses_at,
             m.member_id || ARRAY(SELECT guest_id FROM adopted_guests a WHERE a.member_id = m.member_id) AS ids
      FROM members m WHERE m.kind = 'member' AND m.member_id > $2 ORDER BY m.member_id LIMIT $3) w
ORDER BY w.member_id
"""  # noqa: S608 - our own text


class Judged(NamedTuple):
    """Some members in the order of their ids: the last of them, how many there were, and what came of it.

    `moved` had a tier that is none any more; `kept` have one above what they spent, by its time or its grace.
    """

    last_id: UUID | None
    looked: int = 0
    up: int = 0
    down: int = 0
    moved: int = 0
    kept: int = 0


@outbox.batch_consumer(
    "tiers",
    topics=(
        "orders.sold",
        "orders.returned",
        "fulfilment.handed_over",
        "fulfilment.shipped",
        "fulfilment.delivered",
    ),
)
async def judge_who_bought(tx: Tx, events: list[Event]) -> None:
    """Something of these members changed hands. Guests have no tier. Of who was merged, it counts for the survivor too.

    What was spent is read as it is by now, so that it comes to the same however the log is cut.
    """
    buyers = {event.member_id for event in events if event.member_id is not None}
    await judge_these(tx, buyers | {await head_of(tx, buyer) for buyer in buyers})


async def judge_one(tx: Tx, member_id: UUID) -> str | None:
    """Judge one member as of now. Returns the new tier, or None when it is the same or a guest's. Locks as below."""
    found = (await judge_these(tx, [member_id])).get(member_id)
    return None if found is None or found.because is None else found.standing.tier


async def judge_these(tx: Tx, member_ids: Collection[UUID]) -> dict[UUID, stand.Judgement]:
    """Judge some members as of now, by the newest rules; guests are left out.

    Locks the members' rows, in order of id, before it reads what was spent and what the rules are, so that of two at
    once the later sees more: who judged by older rules has done so before newer ones judge everybody.
    """
    standings = await stand.lock(tx, member_ids)
    await policies.catch_up(tx, TIERS.kind)
    spent = {row["member_id"]: row["spent"] for row in await tx.fetch(_OF_SOME, _since(), list(standings))}
    return await stand.judge_locked(tx, TIERS.current(), standings, spent)


async def judge_after(tx: Tx, after: UUID | None, limit: int) -> Judged:
    """Judge so many members after an id, in the order of ids. Who stays as they are is neither locked nor written."""
    # Planned for the tables as they are by now: a plan that a connection kept from when the history was empty reads all
    # of it for each member.
    await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    rules, now = TIERS.current().body, clock.now()
    rows = await tx.fetch(_OF_MANY, _since(), after or UUID(int=0), limit)
    if not rows:
        return Judged(None)
    standings = {
        row["member_id"]: Standing(row["tier"], row["tier_keeps_until"], row["tier_lapses_at"]) for row in rows
    }
    moving = [one for one, *_, spent in rows if judge(rules, standings[one], spent, now)[0] != standings[one]]
    judged = await judge_these(tx, moving) if moving else {}
    because = [each.because for each in judged.values()]
    after_it = standings | {one: each.standing for one, each in judged.items()}
    return Judged(
        rows[-1]["member_id"],
        looked=len(rows),
        up=because.count("reached"),
        down=because.count("lapsed"),
        moved=because.count("rules"),
        # What is not earned any more lapses some day, and nothing else does.
        kept=sum(each.lapses_at is not None for each in after_it.values()),
    )


async def spent_of(db: Database | Tx, member_id: UUID) -> int:
    """What a member has spent within the window, in minor units."""
    spent: int = await db.fetchval(_OF_ONE, _since(), member_id)
    return spent


@jobs.cron("judge the tiers of members", "37 3 * * *")
async def judge_all(db: Database) -> int:
    """Judge every member, some at a time: spending leaves the window and time passes without an event.

    Returns how many tiers changed. Safe to run again at any point.
    """
    changed, after = 0, None
    while True:
        async with db.begin() as tx:
            found = await judge_after(tx, after, CHUNK)
        changed += found.up + found.down + found.moved
        if found.looked < CHUNK:
            return changed
        after = found.last_id


def _since() -> datetime:
    return clock.now() - timedelta(days=TIERS.current().body.window_days)
