"""What a guide could do next for the members they look after: suggested from what happened, done once, and measured.

A suggestion is no more than a query: it goes when its reason goes, or when somebody has taken it up. Those about an
order are part of serving it; those that would sell something are made only for members who agreed to marketing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duoline import orders
from duoline.engagement.errors import TaskGone, TooLate
from duoline.kernel import clock
from duoline.kernel.errors import NotFound, ensure

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

Kind = Literal["pickup", "balance", "welcome", "after_sale", "coupon", "points", "quiet"]
How = Literal["called", "written", "met", "skipped"]

COUNTS_FOR = timedelta(days=14)
"""An order counts for a task that was done so long before it, at most."""


UNDO = timedelta(minutes=2)
"""So long a guide may take back what they noted; a page offers it for some seconds, and networks are slow."""


class Task(NamedTuple):
    """A suggestion: for whom, why, about what, since when and until when."""

    member_id: UUID
    kind: Kind
    ref_id: UUID
    since: datetime
    until: datetime | None
    name: str
    phone: str | None
    shared: bool


class Result(NamedTuple):
    """What tasks of a kind led to: how many were taken up and put aside, after how many the member ordered, and
    what was kept of those orders, in minor units."""

    kind: Kind
    done: int
    skipped: int
    orders: int
    sales_minor: int


# $1 guide, $2 shop, $3 now, $4 whether the shop is a franchisee's (then names need consent). The most urgent first:
# what waits in the shop, money that is due, then what ends soonest. Of a person who was several members, what any of
# them did or has counts, and who they are now is shown.
_OPEN = """
WITH mine AS (
    SELECT b.member_id, b.id, b.from_at, b.head_id, duo_group(b.head_id) AS ids, duo_person(b.head_id) AS every
    FROM duo_bound_to($1, $2, $3) b WHERE b.expires_at IS NULL OR b.expires_at > $3
), open AS (
    SELECT 1 AS n, m.member_id, 'pickup' AS kind, o.id AS ref_id, f.work_at AS since, f.keep_until AS until
    FROM mine m JOIN orders o ON o.member_id = ANY (m.every) AND o.state = 'confirmed'
    JOIN fulfilments f ON f.location_id = $2 AND f.order_id = o.id AND f.state = 'ready' AND f.keep_until > $3
    WHERE f.location_id = ANY (o.location_ids)
    UNION ALL
    SELECT 2, m.member_id, 'balance', o.id, p.balance_from, p.balance_until
    FROM mine m JOIN orders o ON o.member_id = ANY (m.every) AND o.state = 'booked'
    JOIN preorders p ON p.member_id = o.member_id AND p.order_id = o.id
    WHERE p.balance_from <= $3 AND p.balance_until > $3
    UNION ALL
    SELECT 3, m.member_id, 'welcome', m.id, m.from_at, m.from_at + interval '14 days'
    FROM mine m WHERE m.from_at > $3 - interval '14 days' AND NOT EXISTS (
        SELECT FROM orders o WHERE o.member_id = ANY (m.every) AND o.placed_at >= m.from_at)
    UNION ALL
    SELECT 4, m.member_id, 'after_sale', o.id, o.closed_at, o.closed_at + interval '14 days'
    FROM mine m JOIN orders o ON o.member_id = ANY (m.every) AND o.state = 'completed'
    WHERE o.closed_at BETWEEN $3 - interval '14 days' AND $3 - interval '2 days'
    UNION ALL
    SELECT 5, m.member_id, 'coupon', c.id, c.issued_at, c.expires_at
    FROM mine m JOIN coupons c ON c.member_id = ANY (m.ids) AND c.order_id IS NULL AND c.void_at IS NULL
    WHERE c.expires_at BETWEEN $3 AND $3 + interval '7 days' AND duo_consents(m.member_id, 'marketing')
    UNION ALL
    SELECT 6, m.member_id, 'points', l.id, l.at, l.expires_at
    FROM mine m JOIN point_lots l ON l.member_id = ANY (m.ids) AND l.state = 'open' AND l.left_points > 0
    WHERE l.expires_at BETWEEN $3 AND $3 + interval '30 days' AND duo_consents(m.member_id, 'marketing')
    UNION ALL
    SELECT 7, m.member_id, 'quiet', last.id, last.placed_at, NULL
    FROM mine m CROSS JOIN LATERAL (
        SELECT o.id, o.placed_at FROM orders o WHERE o.member_id = ANY (m.every) AND o.state = 'completed'
        ORDER BY o.placed_at DESC LIMIT 1) last
    WHERE last.placed_at BETWEEN $3 - interval '365 days' AND $3 - interval '60 days'
      AND duo_consents(m.member_id, 'marketing')
)
SELECT x.member_id, x.kind, x.ref_id, x.since, x.until, s.shared,
       CASE WHEN s.shared THEN p.display_name ELSE '' END AS name, CASE WHEN s.shared THEN p.phone END AS phone
FROM open x JOIN members p ON p.member_id = (duo_group(x.member_id))[1]
CROSS JOIN LATERAL (SELECT NOT $4 OR duo_consents(x.member_id, 'sharing') AS shared) s
WHERE NOT EXISTS (SELECT FROM guide_tasks d
                  WHERE d.member_id = ANY (duo_group(x.member_id)) AND d.kind = x.kind AND d.ref_id = x.ref_id)
"""
_PAGE = f"{_OPEN} ORDER BY x.n, x.until NULLS LAST, x.ref_id LIMIT $5"
_OF_ONE = f"SELECT * FROM ({_OPEN}) t WHERE t.member_id = $5 ORDER BY t.until NULLS LAST, t.ref_id"  # noqa: S608 - our own text
_ONE = f"SELECT 1 FROM ({_OPEN}) t WHERE t.member_id = $5 AND t.kind = $6 AND t.ref_id = $7"  # noqa: S608 - our own text


async def open_tasks(db: Database | Tx, *, guide_id: UUID, store_id: UUID, partner: bool, limit: int) -> list[Task]:
    """What a guide could do next in a shop, the most urgent first. `partner`: the shop is a franchisee's."""
    return _tasks(await db.fetch(_PAGE, guide_id, store_id, clock.now(), partner, limit))


async def open_tasks_for(db: Database, *, guide_id: UUID, store_id: UUID, partner: bool, member_id: UUID) -> list[Task]:
    """Those for one member, by the id that is bound to the guide."""
    return _tasks(await db.fetch(_OF_ONE, guide_id, store_id, clock.now(), partner, member_id))


def _tasks(rows: list[Any]) -> list[Task]:
    return [
        Task(
            row["member_id"], row["kind"], row["ref_id"], row["since"], row["until"], row["name"], row["phone"],
            row["shared"],
        )
        for row in rows
    ]  # fmt: skip


async def take_up(
    tx: Tx,
    *,
    guide_id: UUID,
    store_id: UUID,
    member_id: UUID,
    kind: Kind,
    ref_id: UUID,
    how: How,
    note: str,
    partner: bool,
) -> None:
    """A guide has done what was suggested, or put it aside; it is suggested to nobody any more.

    Locks the binding. Refuses `kernel.not-found` for who is none of this guide's, `engagement.task-gone` for what is
    not suggested to this guide now: it was taken up, or its reason is gone.
    """
    await ensure_open(
        tx, guide_id=guide_id, store_id=store_id, member_id=member_id, kind=kind, ref_id=ref_id, partner=partner
    )
    made = await tx.execute(
        """INSERT INTO guide_tasks (member_id, kind, ref_id, guide_id, store_id, how, note, done_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING""",
        member_id,
        kind,
        ref_id,
        guide_id,
        store_id,
        how,
        note,
        clock.now(),
    )
    ensure(made == "INSERT 0 1", "ENG-1", f"{kind} of {ref_id} was taken up under the lock of its binding")


async def take_back(tx: Tx, *, guide_id: UUID, member_id: UUID, kind: Kind, ref_id: UUID) -> None:
    """What a guide has just noted was a slip: the task is suggested again. Locks the binding.

    Refuses `kernel.not-found` for who is none of this guide's, `engagement.too-late` for what they did not note, or
    longer than `UNDO` ago.
    """
    await _lock_binding(tx, member_id, guide_id)
    gone = await tx.execute(
        """DELETE FROM guide_tasks
           WHERE member_id = $1 AND kind = $2 AND ref_id = $3 AND guide_id = $4 AND done_at > $5""",
        member_id,
        kind,
        ref_id,
        guide_id,
        clock.now() - UNDO,
    )
    if gone != "DELETE 1":
        raise TooLate


async def ensure_open(
    tx: Tx, *, guide_id: UUID, store_id: UUID, member_id: UUID, kind: Kind, ref_id: UUID, partner: bool
) -> None:
    """See that this is suggested to this guide now, and lock the binding so that it stays so. Refuses as `take_up`."""
    await _lock_binding(tx, member_id, guide_id)
    found = await tx.fetchval(_ONE, guide_id, store_id, clock.now(), partner, member_id, kind, ref_id)
    if not found:
        raise TaskGone


async def _lock_binding(tx: Tx, member_id: UUID, guide_id: UUID) -> None:
    bound = await tx.fetchval(
        "SELECT true FROM bindings WHERE member_id = $1 AND guide_id = $2 AND until_at IS NULL FOR UPDATE",
        member_id,
        guide_id,
    )
    if bound is None:
        raise NotFound(kind="member")


# The first order after a task counts for it, within the days that it counts for, and for the latest task before it.
_RESULTS = f"""
SELECT t.kind, count(*) FILTER (WHERE t.how <> 'skipped')::integer AS done,
       count(*) FILTER (WHERE t.how = 'skipped')::integer AS skipped, count(o.id)::integer AS orders,
       coalesce(sum(o.minor), 0)::bigint AS sales_minor
FROM guide_tasks t
LEFT JOIN LATERAL (
    SELECT o.id, k.minor FROM orders o CROSS JOIN {orders.sales_of("o")} k
    WHERE t.how <> 'skipped' AND o.member_id = ANY (duo_person(t.member_id)) AND o.placed_at > t.done_at
      AND o.placed_at <= t.done_at + $4::interval AND k.units > 0
      AND NOT EXISTS (SELECT FROM guide_tasks l WHERE l.member_id = ANY (duo_group(t.member_id)) AND l.how <> 'skipped'
                      AND l.done_at > t.done_at AND l.done_at < o.placed_at)
    ORDER BY o.placed_at LIMIT 1) o ON true
WHERE t.guide_id = $1 AND t.store_id = $2 AND t.done_at >= $3
GROUP BY t.kind ORDER BY done DESC, t.kind
"""  # noqa: S608 - our own text


async def results(db: Database, *, guide_id: UUID, store_id: UUID, since: datetime) -> list[Result]:
    """What a guide's tasks in a shop led to."""
    rows = await db.fetch(_RESULTS, guide_id, store_id, since, COUNTS_FOR)
    return [Result(*row) for row in rows]
