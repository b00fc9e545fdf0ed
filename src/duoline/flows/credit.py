"""Who an order is put down to, and what it earns them: told anew whenever something of it changes.

The facts are frozen when the order is first told of as paid: neither a later touch nor binding, move of staff or rule
moves them. What each payee earns then follows from the facts, the versions that held when the order was placed, and
what the buyer keeps.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import orders, settlement
from duoline.flows import credit_bringing, credit_facts, flag, returnable
from duoline.kernel import clock, jobs, outbox, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure
from duoline.kernel.sweep import Sweep
from duoline.settlement.types import Facts, Kept, LineFacts
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from duoline.kernel.db import Database, Tx
    from duoline.kernel.outbox import Event
    from duoline.settlement.types import Earned

READS = 3
"""So often an order is read while it changes under the reader's eyes."""


class Credit(NamedTuple):
    """What was frozen with an order, the versions of the rules it is judged by, and whose the locations were that have
    had a part in it so far."""

    facts: Facts
    lines: list[LineFacts]
    commission_version: int
    allocation_version: int
    contracts_version: int
    places: Mapping[UUID, settlement.Place] = {}


CONSUMER = "settlement"
RULES = ("commission", "allocation", "contracts", "returns")
"""Kinds of rules that are frozen with an order, or say when its shares are due."""


PERSONS = ("members.adopted", "members.merged", "members.separated")
TOPICS = (
    "orders.*",
    "fulfilment.*",
    "attribution.bound",
    "attribution.moved",
    "attribution.signed-up",
    "attribution.unbound",
    *PERSONS,
)


@outbox.batch_consumer(CONSUMER, topics=TOPICS)
async def credit_by(tx: Tx, events: list[Event]) -> None:
    """Something of members' orders changed, or who somebody is, or members are new, chose their first guide, or are no
    more with them. An order is told of once a batch."""
    changed: dict[UUID, UUID] = {}
    for event in events:
        if event.member_id is None or event.topic.startswith("attribution."):
            continue
        if "order_id" in event.payload and event.payload.get("kind") != "transfer":
            changed[UUID(event.payload["order_id"])] = event.member_id
    if met := [event for event in events if event.topic in PERSONS]:
        changed |= await _between(tx, met)
    attributed = [event for event in events if event.topic.startswith("attribution.")]
    here = await credit_bringing.still_here(tx, attributed)
    await credit_all(tx, changed)
    if attributed and not changed:
        await policies.catch_up(tx, *RULES)
    await credit_bringing.tell(tx, [event for event in attributed if event.member_id in here])


async def credit(tx: Tx, member_id: UUID, order_id: UUID) -> int:
    """As `credit_all`, for one order."""
    return await credit_all(tx, {order_id: member_id})


async def credit_all(tx: Tx, those: Mapping[UUID, UUID]) -> int:
    """Bring what payees have earned by orders, with their buyers, up to what is kept; returns how many shares changed.

    Nothing before an order is paid or handed over. Locks the payees, once all is known.
    """
    if those:
        await policies.catch_up(tx, *RULES)
    read = [await _read(tx, member_id, order_id) for order_id, member_id in those.items()]
    # What came to nothing lets go of whom it was put down to before others are asked whether they close a circle.
    read.sort(key=lambda one: any(_stays(one.order, line) for line in one.lines))
    told = [what for one in read if (what := await _told(tx, one))]
    if not told:
        return 0
    return await settlement.tell_all(tx, told, sign_off_id=await settlement.live_sign_off(tx), actor=SYSTEM)


# Shares that wait of which payee and buyer, or both payees, are among these people.
_BETWEEN = """
WITH theirs AS (
    SELECT unnest($1::uuid[]) AS id
    UNION SELECT s.id FROM phone_index p JOIN staff s ON s.phone = p.phone WHERE p.member_id = ANY ($1))
SELECT DISTINCT a.order_id, a.member_id FROM theirs t JOIN accruals a ON a.payee_id = t.id
WHERE a.state = 'pending' AND a.book = 'commission' AND a.role <> 'bringing'
  AND (a.member_id = ANY ($1)
       OR (a.role = 'second' AND EXISTS (SELECT FROM accruals b WHERE b.order_id = a.order_id AND b.role = 'referrer'
                                                                  AND b.payee_id = ANY ($1))))
"""


async def _between(tx: Tx, events: Sequence[Event]) -> dict[UUID, UUID]:
    """Orders, with their buyers, of which shares wait that may be their buyer's own by now, or no more."""
    found: dict[UUID, UUID] = {}
    groups: set[tuple[str, ...]] = {
        (event.payload["survivor"], event.payload["other"]) for event in events if "merge" in event.payload
    }
    groups |= {(event.payload["member"],) for event in events if event.topic == "members.adopted"}
    for ids in sorted(groups):
        people = await tx.fetchval(
            "SELECT array_agg(DISTINCT i) FROM unnest($1::uuid[]) AS m(id), unnest(duo_person(duo_now(m.id))) AS i",
            [UUID(each) for each in ids],
        )
        found |= {row["order_id"]: row["member_id"] for row in await tx.fetch(_BETWEEN, people)}
    return found


RIPE = Sweep("tell of buyers who are their own payees")
AT_ONCE = 500


@jobs.cron("tell of buyers who are their own payees", "*/10 * * * *")
async def tell_own(db: Database) -> int:
    """Tell again of shares that are ripe and wait because payee and buyer are one person by now, should no event have
    said so: returns of how many orders."""
    rows = await db.fetch(
        """SELECT DISTINCT order_id, member_id FROM accruals
           WHERE state = 'pending' AND matures_at <= $1 AND book = 'commission' AND role <> 'bringing' AND flag IS NULL
             AND NOT order_id = ANY ($3) AND duo_payee(payee_id) = duo_now(member_id) LIMIT $2""",
        clock.now(),
        AT_ONCE,
        RIPE.resting(),
    )

    async def one(whose: tuple[UUID, UUID]) -> None:
        async with db.begin() as tx:
            await credit(tx, *whose)

    return await RIPE.run([(row["order_id"], (row["member_id"], row["order_id"])) for row in rows], one)


async def _told(tx: Tx, read: _Read) -> settlement.Told | None:
    """What an order comes to by now; None while nobody has paid it or been given anything."""
    order, lines, left = read
    by_gifts: int = await tx.fetchval(_BY_GIFTS, order.member_id, order.id)

    def in_money(minor: int) -> int:
        return settlement.in_money(minor, total_minor=order.total_minor, by_gifts_minor=by_gifts)

    worth = {line.id: in_money(line.value(_stays(order, line))) for line in lines}
    found = await _credit_of(tx, order)
    if found is None:
        if not any(_stays(order, line) for line in lines):
            return None
        found = await _freeze(tx, order, worth)
    else:
        found = found._replace(facts=await flag.anew(tx, order, found.facts))
        found = await _paired(tx, found, worth, again=True)
    earned = await _earned(tx, read, found, worth, in_money)
    return settlement.Told(order.member_id, order.id, earned, _done_at(order, lines, found, left))


class _Read(NamedTuple):
    """An order, its lines, and what is left of it with its buyer."""

    order: orders.Order
    lines: list[orders.Line]
    left: list[returnable.Left]


async def _read(tx: Tx, member_id: UUID, order_id: UUID) -> _Read:
    """An order as of one instant: nothing is locked, and what is handed over or brought back between the two looks is
    looked at again."""
    for _ in range(READS):
        order, lines = await orders.read_order(tx, member_id, order_id)
        left = await returnable.left_of(tx, order, lines)
        units: Counter[UUID] = Counter()
        for one in left:
            units[one.line_id] += one.units
        if all(units[line.id] == line.kept for line in lines):
            break
    return _Read(order, lines, left)


async def _paired(tx: Tx, found: Credit, worth: Mapping[UUID, int], *, again: bool) -> Credit:
    """Who is paid for whom by a link is written down, and forgotten when nothing is paid for any more; what would close
    a circle pays nothing. Takes the lock of referrals."""
    for role, payee_id in flag.payees_of(found.facts).items():
        if role not in ("referrer", "second"):
            continue
        pair = {"payee_id": payee_id, "buyer_id": found.facts.member_id}
        if any(one.key.role == role and one.earned_minor for one in _commission(found, worth)):
            fits = await settlement.refer(tx, **pair, order_id=found.facts.order_id, again=again)
        elif again:
            still = [line_id for line_id, minor in worth.items() if minor]
            await settlement.release(tx, **pair, order_id=found.facts.order_id, still=still)
            continue
        else:
            fits = role in found.facts.flags or not await settlement.closes_circle(tx, **pair)
        if not fits:
            found = found._replace(facts=flag.with_flag(found.facts, role, "circle"))
    return found


def _commission(found: Credit, worth: Mapping[UUID, int]) -> list[Earned]:
    """What people earn by what is kept of each line and paid in money."""
    plan = settlement.COMMISSION.version(found.commission_version).body
    return [
        one for line in found.lines for one in settlement.commission_of(found.facts, line, worth[line.line_id], plan)
    ]


def _stays(order: orders.Order, line: orders.Line) -> int:
    """Units that count: what was paid for and is not called off, or what was handed over, less what came back."""
    if order.state in ("confirmed", "completed") and order.pay_mode == "online":
        return line.stays
    return line.kept


def _done_at(
    order: orders.Order, lines: Sequence[orders.Line], found: Credit, left: Iterable[returnable.Left]
) -> dict[UUID, datetime]:
    """When the shares of each line become due, of those of which nothing is still to come: so many days after its last
    unit was handed over, arrived or was promised to, and not before the day after the last one on which it may come
    back. Of what nobody was given, nothing is earned."""
    mature_days = settlement.COMMISSION.version(found.commission_version).body.mature_days
    days = orders.RETURNS.current().body.days
    due = returnable.closed_by_line(left, directory.current(), days=days, least_days=mature_days)
    never = order.placed_at + timedelta(days=max(mature_days, days + 1))
    over = order.state in ("completed", "cancelled", "expired")
    return {line.id: due.get(line.id, never) for line in lines if over or not line.due}


# What of an order was paid by what the chain had given: points, and the bonus on what was paid into a wallet.
_BY_GIFTS = """
SELECT ((SELECT coalesce(sum(worth_minor), 0) FROM point_uses WHERE member_id = $1 AND order_id = $2)
        + (SELECT coalesce(sum(bonus_minor), 0) FROM wallet_uses WHERE member_id = $1 AND order_id = $2))::bigint
"""


async def _earned(
    tx: Tx, read: _Read, found: Credit, worth: Mapping[UUID, int], in_money: Callable[[int], int]
) -> list[Earned]:
    order, lines, left = read
    earned = _commission(found, worth)
    kept = _kept(lines, left, in_money)
    places = await _places(tx, order, found, {one.location_id for one in kept})
    for line in lines:
        parts = sum(one.net_minor for one in kept if one.line_id == line.id)
        ensure(parts <= in_money(line.value(line.kept)), "STL-4", f"{order.order_no}: {parts} of line {line.n} is kept")
    return earned + [
        one
        for each in kept
        for one in settlement.allocation_of(
            found.facts,
            each,
            settlement.ALLOCATION.version(found.allocation_version).body,
            *settlement.terms_at(
                places[each.location_id],
                settlement.CONTRACTS.version(found.contracts_version).body,
                regions=found.facts.regions,
            ),
        )
    ]


def _kept(lines: Sequence[orders.Line], left: Iterable[returnable.Left], in_money: Any) -> list[Kept]:
    """What of each line stays where it was handed over from; together what the buyer keeps of it, to the cent."""
    by_place: dict[tuple[UUID, UUID], int] = {}
    for one in left:
        by_place[one.line_id, one.location_id] = by_place.get((one.line_id, one.location_id), 0) + one.units
    found = []
    for line in lines:
        units = 0
        for (line_id, location_id), more in sorted(by_place.items()):
            if line_id != line.id:
                continue
            net = in_money(line.value(units + more)) - in_money(line.value(units))
            gross = in_money(line.unit_price_minor * (units + more)) - in_money(line.unit_price_minor * units)
            found.append(Kept(line_id, location_id, line.method, net, max(net, gross)))
            units += more
    return found


async def _places(
    tx: Tx, order: orders.Order, found: Credit, location_ids: Iterable[UUID]
) -> dict[UUID, settlement.Place]:
    """Whose the locations were when the order was first told of with them; those that are new are written down."""
    new = {each: settlement.place_of(each) for each in sorted(location_ids) if each not in found.places}
    if new:
        await tx.execute(
            """INSERT INTO order_places (member_id, order_id, location_id, company_id, franchised, at)
               SELECT $1, $2, p.*, $6 FROM unnest($3::uuid[], $4::uuid[], $5::boolean[]) AS p""",
            order.member_id,
            order.id,
            list(new),
            [place.company_id for place in new.values()],
            [place.franchised for place in new.values()],
            clock.now(),
        )
    return {**found.places, **new}


async def _credit_of(tx: Tx, order: orders.Order) -> Credit | None:
    row = await tx.fetchrow(
        """SELECT facts, lines,
                  (SELECT jsonb_object_agg(p.location_id, jsonb_build_array(p.company_id, p.franchised))
                   FROM order_places p WHERE p.member_id = $1 AND p.order_id = $2) AS places,
                  commission_version, allocation_version, contracts_version
           FROM order_credits WHERE member_id = $1 AND order_id = $2""",
        order.member_id,
        order.id,
    )
    if row is None:
        return None
    facts, lines, belonged, *versions = row
    kinds = ("commission", "allocation", "contracts")
    if any(number > policies.versions(kind)[0].version for kind, number in zip(kinds, versions, strict=True)):
        await policies.refresh(tx)  # decided a moment ago in another process
    places = msgspec.convert(belonged or {}, dict[UUID, settlement.Place])
    credit_of = Credit(msgspec.convert(facts, Facts), msgspec.convert(lines, list[LineFacts]), *versions)
    return credit_of._replace(places=places)


async def _freeze(tx: Tx, order: orders.Order, worth: Mapping[UUID, int]) -> Credit:
    """Write down what the order's shares follow from. Takes the lock of referrals where somebody is paid by a link."""
    facts, lines = await credit_facts.facts_of(tx, order), await credit_facts.lines_of(tx, order)
    made = Credit(
        facts,
        lines,
        settlement.COMMISSION.current(order.placed_at).version,
        settlement.ALLOCATION.current(order.placed_at).version,
        settlement.CONTRACTS.current(order.placed_at).version,
    )
    made = await _paired(tx, made, worth, again=False)
    await tx.execute(
        """INSERT INTO order_credits (member_id, order_id, facts, lines, commission_version, allocation_version,
                                      contracts_version, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        order.member_id,
        order.id,
        made.facts,
        lines,
        made.commission_version,
        made.allocation_version,
        made.contracts_version,
        clock.now(),
    )
    return made
