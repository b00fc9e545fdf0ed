"""What a month would have come to under other rules, payee by payee: the facts of its orders are frozen, so only the
rules change. Nothing is stored.

What people have of the month's orders and new members is taken together under the cap of a month, on both sides, as if
all of it became due within the month. Naive: when it becomes due (`mature_days`) changes no sum and is left out; a plan
that pays more people would also have closed circles between them that nobody has now; orders first credited before
their members' second level was kept have none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import attribution
from duoline.settlement.contracts import place_of, terms_at
from duoline.settlement.policy import COMMISSION
from duoline.settlement.reckon import allocation_of, commission_of, payable
from duoline.settlement.types import HEADQUARTERS, Facts, Kept, LineFacts, Payee, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from duoline.kernel.db import Database
    from duoline.settlement.policy import AllocationPolicy, CommissionPolicy, ContractPolicy
    from duoline.settlement.types import Book, Earned

BATCH = 2_000


class Draft(NamedTuple):
    """Rules that are thought of."""

    commission: CommissionPolicy
    allocation: AllocationPolicy
    contracts: ContractPolicy


class Sum(NamedTuple):
    """What a payee had of a month and would have had, in minor units."""

    payee: Payee
    book: Book
    before_minor: int
    after_minor: int


class Simulated(NamedTuple):
    """The orders of the period, and every payee of either side."""

    orders: int
    sums: list[Sum]


# The shares tell what was kept of each line, and where it was handed over; the facts tell whose it would be.
_ORDERS = """
SELECT c.member_id, c.order_id, c.facts, c.lines, c.at,
       (SELECT jsonb_agg(DISTINCT jsonb_build_object('line', l.id, 'method', l.method)) FROM order_lines l
        WHERE l.member_id = c.member_id AND l.order_id = c.order_id) AS methods,
       (SELECT jsonb_object_agg(p.location_id, jsonb_build_array(p.company_id, p.franchised)) FROM order_places p
        WHERE p.member_id = c.member_id AND p.order_id = c.order_id) AS belonged,
       (SELECT jsonb_agg(jsonb_build_object('payee', a.payee_id, 'kind', a.payee_kind, 'line', a.line_id,
                                            'book', a.book, 'role', a.role, 'place', a.location_id,
                                            'basis', a.basis_minor, 'gross', a.gross_minor, 'earned', a.earned_minor))
        FROM accruals a WHERE a.order_id = c.order_id) AS shares
FROM order_credits c
WHERE c.at >= $1 AND c.at < $2 AND (c.at, c.order_id) > ($3, $4::uuid)
ORDER BY c.at, c.order_id LIMIT $5
"""


async def simulate(db: Database, draft: Draft, *, since: datetime, until: datetime) -> Simulated:
    """The orders that were first credited within a period, and the members who were brought in it, under the draft;
    read in batches, so that a month of any length takes the same memory."""
    before: dict[tuple[Payee, Book], int] = {}
    after: dict[tuple[Payee, Book], int] = {}
    for guide_id, had, brought in await db.fetch(_BROUGHT, since, until):
        to: tuple[Payee, Book] = Payee("staff", guide_id), "commission"
        before[to] = had
        after[to] = brought * draft.commission.bringing_minor
    for store_id, had, brought in await db.fetch(_BROUGHT_TO_SHOPS, since, until):
        would = brought * draft.allocation.bringing_minor
        for payee, sign in ((Payee("store", store_id), 1), (HEADQUARTERS, -1)):
            to = payee, "allocation"
            before[to] = before.get(to, 0) + sign * had
            after[to] = after.get(to, 0) + sign * would
    orders, place = 0, (since, UUID(int=0))
    while rows := await db.fetch(_ORDERS, since, until, *place, BATCH):
        place = (rows[-1]["at"], rows[-1]["order_id"])
        orders += len(rows)
        for row in rows:
            for share in row["shares"] or []:
                key = Payee(share["kind"], UUID(share["payee"])), share["book"]
                before[key] = before.get(key, 0) + share["earned"]
            for one in _anew(row, draft):
                to = one.key.payee, one.key.book
                after[to] = after.get(to, 0) + one.earned_minor
    # The rules at the end of the period, in which it is settled.
    people = await _people(db, {payee.id for payee, _ in {**before, **after} if payee.kind == "member"})
    _cap(before, COMMISSION.current(until - timedelta(seconds=1)).body, people)
    _cap(after, draft.commission, people)
    return Simulated(
        orders,
        [
            Sum(payee, book, before.get((payee, book), 0), after.get((payee, book), 0))
            for payee, book in {**before, **after}
        ],
    )


# Whom new members chose first, without anything odd, as `credit_bringing` is told, and not where it was taken back;
# what the guide had for them.
_BROUGHT = """
SELECT b.guide_id, coalesce(sum(a.earned_minor), 0)::bigint AS had, count(*)::integer AS brought
FROM bindings b
LEFT JOIN accruals a ON a.payee_id = b.guide_id AND a.order_id = b.id AND a.role = 'bringing'
WHERE b.from_at >= $1 AND b.from_at < $2 AND b.guide_id IS NOT NULL AND b.flags = '[]'
  AND b.source NOT IN ('transfer', 'dispute') AND a.earned_minor IS DISTINCT FROM 0
  AND NOT EXISTS (SELECT FROM bindings e WHERE e.member_id = ANY (duo_group_at(b.member_id, b.from_at))
                  AND e.from_at < b.from_at)
GROUP BY b.guide_id
"""


# The same for the shops whose touchpoints brought new members; headquarters bears it.
_BROUGHT_TO_SHOPS = f"""
SELECT n.store_id, coalesce(sum(a.earned_minor), 0)::bigint AS had, count(*)::integer AS brought
FROM ({attribution.NEWCOMERS}) n
LEFT JOIN accruals a ON a.payee_id = n.store_id AND a.order_id = n.touch_id AND a.role = 'bringing_store'
WHERE n.at >= $1 AND n.at < $2 AND n.store_id IS NOT NULL AND (NOT n.odd OR a.order_id IS NOT NULL)
GROUP BY n.store_id
"""  # noqa: S608 - our own text


async def _people(db: Database, member_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Who members are now."""
    rows = await db.fetch("SELECT id, (duo_group(id))[1] AS head FROM unnest($1::uuid[]) AS i(id)", list(member_ids))
    return {row["id"]: row["head"] for row in rows}


def _cap(sums: dict[tuple[Payee, Book], int], plan: CommissionPolicy, people: Mapping[UUID, UUID]) -> None:
    """What people have of the month, under all their accounts, is no more than its cap."""
    had: dict[UUID, int] = {}
    for (payee, book), minor in sums.items():
        if book == "commission":
            who = people.get(payee.id, payee.id)
            whole = had.get(who, 0)
            had[who] = whole + minor
            sums[payee, book] = payable(whole + minor, plan.month_cap_minor) - payable(whole, plan.month_cap_minor)


def _anew(row: Any, draft: Draft) -> list[Earned]:
    """The shares of one order under the draft."""
    facts = msgspec.convert(row["facts"], Facts)
    if facts.second_id is None:
        facts = msgspec.structs.replace(facts, second_id=facts.upline_id)
    methods = {one["line"]: one["method"] for one in row["methods"] or []}
    belonged = msgspec.convert(row["belonged"] or {}, dict[UUID, Place])
    found: list[Earned] = []
    kept: dict[str, int] = {}
    places: dict[tuple[str, str], Kept] = {}
    for share in row["shares"] or []:
        if share["book"] == "commission":
            kept[share["line"]] = share["basis"]
        else:
            places[share["line"], share["place"]] = Kept(
                UUID(share["line"]),
                UUID(share["place"]),
                methods.get(share["line"], ""),
                share["basis"],
                share["gross"],
            )
    handed: dict[str, int] = {}
    for (line, _), what in places.items():
        handed[line] = handed.get(line, 0) + what.net_minor
        place = belonged.get(what.location_id) or place_of(what.location_id)
        terms = terms_at(place, draft.contracts, regions=facts.regions)
        found += allocation_of(facts, what, draft.allocation, *terms)
    for each in msgspec.convert(row["lines"], list[LineFacts]):
        name = str(each.line_id)
        # Who had no commission before may have some now: what was handed over tells as much of the line.
        found += commission_of(facts, each, kept.get(name, handed.get(name, 0)), draft.commission)
    return found
