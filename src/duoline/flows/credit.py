"""Who an order is put down to, and what it earns them: told anew whenever something of it changes.

The facts are frozen when the order is first told of as paid: neither a later touch nor binding, move of staff or rule
moves them. What each payee earns then follows from the facts, the versions that held when the order was placed, and
what the buyer keeps.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import attribution, orders, settlement
from duoline.flows import payers, returnable
from duoline.kernel import clock, outbox, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure
from duoline.members.group import group_of, same_person
from duoline.settlement.types import Facts, Flag, Guided, Kept, LineFacts, Touched
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from duoline.kernel.db import Tx
    from duoline.kernel.outbox import Event
    from duoline.settlement.types import Earned, Role

DEPTH_MAX = 50
"""So many steps of categories are looked up; CAT-2 keeps rings away, and no tree is deeper."""

CIRCLE_MAX = 10
"""So many people are followed to find a circle of referrals; a longer one has been flagged before it closes."""


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


TOPICS = (
    "orders.*",
    "fulfilment.*",
    "attribution.bound",
    "attribution.moved",
    "attribution.signed-up",
    "attribution.unbound",
)


@outbox.batch_consumer(CONSUMER, topics=TOPICS)
async def credit_by(tx: Tx, events: list[Event]) -> None:
    """Something of members' orders changed, or members are new, chose their first guide, or are no more with them. An
    order is told of once a batch."""
    changed: dict[UUID, UUID] = {}
    for event in events:
        if event.member_id is None or event.topic.startswith("attribution."):
            continue
        if "order_id" in event.payload and event.payload.get("kind") != "transfer":
            changed[UUID(event.payload["order_id"])] = event.member_id
    await credit_all(tx, changed)
    for event in events:
        if event.topic == "attribution.bound":
            await credit_bringing(tx, event)
        elif event.topic == "attribution.signed-up":
            await credit_bringing_store(tx, event)
        elif event.topic in ("attribution.moved", "attribution.unbound"):
            await take_back_bringing(tx, event)


async def credit(tx: Tx, member_id: UUID, order_id: UUID) -> int:
    """As `credit_all`, for one order."""
    return await credit_all(tx, {order_id: member_id})


async def credit_all(tx: Tx, those: Mapping[UUID, UUID]) -> int:
    """Bring what payees have earned by orders, with their buyers, up to what is kept; returns how many shares changed.

    Nothing before an order is paid or handed over. Locks the payees, once all is known.
    """
    told = [one for order_id, member_id in those.items() if (one := await _told(tx, member_id, order_id))]
    if not told:
        return 0
    return await settlement.tell_all(tx, told, sign_off_id=await settlement.live_sign_off(tx), actor=SYSTEM)


async def _told(tx: Tx, member_id: UUID, order_id: UUID) -> settlement.Told | None:
    """What an order comes to by now; None while nobody has paid it or been given anything."""
    order, lines = await orders.read_order(tx, member_id, order_id)
    found = await _credit_of(tx, order)
    if found is None:
        if not any(_stays(order, line) for line in lines):
            return None
        found = await _freeze(tx, order)
    left = await returnable.left_of(tx, order, lines)
    earned = await _earned(tx, order, lines, found, left)
    return settlement.Told(member_id, order_id, earned, _done_at(order, lines, found, left))


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
    days, chain = orders.RETURNS.current().body.days, directory.current()
    due: dict[UUID, datetime] = {}
    for one in left:
        safe = returnable.closed_at(one.at, chain.store(one.location_id), days=days)
        at = max(one.at + timedelta(days=mature_days), safe)
        due[one.line_id] = max(at, due.get(one.line_id, at))
    never = order.placed_at + timedelta(days=max(mature_days, days + 1))
    over = order.state in ("completed", "cancelled", "expired")
    return {line.id: due.get(line.id, never) for line in lines if over or not line.due}


# What of an order was paid by what the chain had given: points, and the bonus on what was paid into a wallet.
_BY_GIFTS = """
SELECT ((SELECT coalesce(sum(worth_minor), 0) FROM point_uses WHERE member_id = $1 AND order_id = $2)
        + (SELECT coalesce(sum(bonus_minor), 0) FROM wallet_uses WHERE member_id = $1 AND order_id = $2))::bigint
"""


async def _earned(
    tx: Tx, order: orders.Order, lines: Sequence[orders.Line], found: Credit, left: Sequence[returnable.Left]
) -> list[Earned]:
    by_gifts: int = await tx.fetchval(_BY_GIFTS, order.member_id, order.id)

    def in_money(minor: int) -> int:
        return settlement.in_money(minor, total_minor=order.total_minor, by_gifts_minor=by_gifts)

    plan = settlement.COMMISSION.version(found.commission_version).body
    of = {line.line_id: line for line in found.lines}
    earned = [
        one
        for line in lines
        for one in settlement.commission_of(found.facts, of[line.id], in_money(line.value(_stays(order, line))), plan)
    ]
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


async def _freeze(tx: Tx, order: orders.Order) -> Credit:
    """Write down what the order's shares follow from."""
    facts = await _facts(tx, order)
    lines = [LineFacts(**row) for row in await tx.fetch(_LINES, order.member_id, order.id, DEPTH_MAX)]
    made = Credit(
        facts,
        lines,
        settlement.COMMISSION.current(order.placed_at).version,
        settlement.ALLOCATION.current(order.placed_at).version,
        settlement.CONTRACTS.current(order.placed_at).version,
    )
    await tx.execute(
        """INSERT INTO order_credits (member_id, order_id, facts, lines, commission_version, allocation_version,
                                      contracts_version, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        order.member_id,
        order.id,
        facts,
        lines,
        made.commission_version,
        made.allocation_version,
        made.contracts_version,
        clock.now(),
    )
    return made


_LINES = """
SELECT l.id AS line_id, l.product_code AS product, ARRAY(
           WITH RECURSIVE up(code, parent_id, n) AS (
               SELECT c.code, c.parent_id, 1 FROM categories c WHERE c.id = p.category_id
               UNION ALL
               SELECT c.code, c.parent_id, up.n + 1 FROM up JOIN categories c ON c.id = up.parent_id WHERE up.n < $3)
           SELECT code FROM up ORDER BY n) AS categories
FROM order_lines l JOIN skus s ON s.id = l.sku_id JOIN products p ON p.id = s.product_id
WHERE l.member_id = $1 AND l.order_id = $2 ORDER BY l.n
"""
_TOUCH = """
SELECT x.touchpoint_id, t.owner_kind, x.owner_id, t.store_id, x.own_device
FROM order_touches x JOIN touchpoints t ON t.owner_id = x.owner_id AND t.id = x.touchpoint_id
WHERE x.member_id = $1 AND x.order_id = $2
"""
# Who had brought a member, and to which shop their touchpoint belonged. Of a person who was several members: who
# brought that one, else who they are now, else whichever was first.
_BROUGHT = """
SELECT t.owner_kind, s.owner_id, t.store_id, s.touchpoint_id
FROM sign_ups s JOIN touchpoints t ON t.owner_id = s.owner_id AND t.id = s.touchpoint_id
WHERE s.member_id = ANY (duo_group($1))
ORDER BY s.member_id = $1 DESC, s.member_id = (duo_group($1))[1] DESC, s.at, s.member_id LIMIT 1
"""
# Every number of a buyer, as whoever they are or were.
_NUMBERS = "SELECT phone FROM members WHERE member_id = ANY (duo_person(duo_now($1))) AND phone IS NOT NULL"
# Staff, and as whom they are members themselves: who has their number, with everybody who is one person with those.
_STAFF = """
SELECT s.id, s.phone, duo_group(p.member_id) AS ids FROM staff s LEFT JOIN phone_index p ON p.phone = s.phone
WHERE s.id = ANY ($1)
"""
# Whether an order has a number of those members, or went to where one of them lives.
_THEIRS = """
SELECT CASE WHEN EXISTS (SELECT FROM members WHERE member_id = ANY ($1) AND phone = ANY ($2)) THEN 'phone'
            WHEN EXISTS (SELECT FROM addresses WHERE member_id = ANY ($1) AND line = $3 AND city = $4) THEN 'address'
       END
"""


async def _facts(tx: Tx, order: orders.Order) -> Facts:
    member = await tx.fetchrow("SELECT tier, home_store_id FROM members WHERE member_id = $1", order.member_id)
    bound = await attribution.binding_as_of(tx, order.member_id, attribution.SCOPE, order.placed_at)
    touch = await tx.fetchrow(_TOUCH, order.member_id, order.id)
    brought = await tx.fetchrow(_BROUGHT, order.member_id)
    seller_id, seller_store_id = await _seller(tx, order)
    touched = (
        Touched(
            touchpoint_id=touch["touchpoint_id"],
            owner_kind=touch["owner_kind"],
            owner_id=touch["owner_id"],
            store_id=touch["store_id"],
        )
        if touch
        else None
    )
    online = order.channel != "till" and order.sold_store_id is None
    upline = await tx.fetchrow(_BROUGHT, touch["owner_id"]) if touch and touch["owner_kind"] == "member" else None
    upline_id = upline["owner_id"] if upline and upline["owner_kind"] == "member" else None
    facts = Facts(
        member_id=order.member_id,
        order_id=order.id,
        placed_at=order.placed_at,
        tier=member["tier"] if member else "",
        online=online,
        seller_id=seller_id,
        seller_store_id=seller_store_id,
        guide=Guided(binding_id=bound.id, guide_id=bound.guide_id, store_id=bound.store_id) if bound else None,
        touch=touched,
        second_id=upline_id if upline_id and await settlement.live_sign_off(tx) else None,
        upline_id=upline_id,
        regions=_regions(order) if online else [],
        brought_store_id=(brought["store_id"] if brought else None) or (member["home_store_id"] if member else None),
    )
    flags = await _flags(
        tx,
        order,
        facts,
        own_device=bool(touch and touch["own_device"]),
        bound_flags=bound.flags if bound else [],
    )
    return msgspec.structs.replace(facts, flags=flags)


def _regions(order: orders.Order) -> list[str]:
    """The regions that an order is delivered into, the nearest first; none where no shop of ours is near, or where it
    is collected."""
    if order.address is None:
        return []
    chain = directory.current()
    region_id = chain.region_of(str(order.address["province"]), str(order.address["city"]))
    return [chain.regions[each].code for each in chain.regions_above(region_id)] if region_id else []


async def _seller(tx: Tx, order: orders.Order) -> tuple[UUID | None, UUID | None]:
    """Who sold it across the counter, and where; nobody for what was ordered online."""
    if order.sold_store_id is not None:
        sold_by: UUID | None = await tx.fetchval(
            "SELECT sold_by FROM orders WHERE member_id = $1 AND id = $2", order.member_id, order.id
        )
        return sold_by, order.sold_store_id
    if order.channel != "till":
        return None, None
    actor: str | None = await tx.fetchval(
        """SELECT actor FROM order_events WHERE member_id = $1 AND order_id = $2 AND kind = 'sold'
           ORDER BY id LIMIT 1""",
        order.member_id,
        order.id,
    )
    kind, _, name = (actor or "").partition(":")
    return UUID(name) if kind == "staff" else None, order.store_id


async def _flags(
    tx: Tx,
    order: orders.Order,
    facts: Facts,
    *,
    own_device: bool,
    bound_flags: Sequence[str],
) -> dict[str, Flag]:
    """Which roles pay nothing, and why: nobody is paid for what they buy themselves, under whatever name. Of roles that
    the plan does not pay too, so that another plan can be judged by the same facts."""
    flags: dict[str, Flag] = {}
    numbers = {row["phone"] for row in await tx.fetch(_NUMBERS, facts.member_id)}
    if order.contact_phone:
        numbers.add(order.contact_phone)
    staff: dict[Role, UUID] = {}
    if facts.guide is not None and facts.guide.guide_id is not None:
        staff["guide"] = facts.guide.guide_id
    if facts.seller_id is not None:
        staff["seller"] = facts.seller_id
    if facts.touch is not None and facts.touch.owner_kind == "staff":
        staff["referrer"] = facts.touch.owner_id
    known = {row["id"]: row for row in await tx.fetch(_STAFF, list(staff.values()))}
    for role, staff_id in staff.items():
        who = known.get(staff_id)
        if who is not None and who["phone"] in numbers:
            flags[role] = "phone"
        elif who is not None and who["ids"] and (flag := await _theirs(tx, order, who["ids"], numbers)):
            flags[role] = flag
    if "guides_device" in bound_flags:
        flags.setdefault("guide", "device")
    if own_device:
        flags.setdefault("referrer", "device")
    paid_by = await payers.paid_by(tx, order.member_id, order.id)
    for role, staff_id in staff.items():
        ids = known[staff_id]["ids"] if staff_id in known else None
        if role not in flags and ids and await payers.pays_for(tx, paid_by, ids[0]):
            flags[role] = "payer"
    # Who is paid nothing by the plan is written down as nobody's referrer either.
    plan = settlement.COMMISSION.current(order.placed_at).body
    members: dict[Role, UUID] = {}
    paid: set[Role] = {"referrer"} if plan.referrer_bp else set()
    if facts.second_id is not None and plan.levels > 1 and plan.second_bp:
        paid.add("second")
    if facts.touch is not None and facts.touch.owner_kind == "member":
        members["referrer"] = facts.touch.owner_id
    if facts.upline_id is not None:
        members["second"] = facts.upline_id
    for role, payee_id in members.items():
        if role == "second" and "referrer" in flags:
            continue
        if role not in flags and (
            flag := await _of_member(tx, order, facts, payee_id, numbers, paid_by, paid=role in paid)
        ):
            flags[role] = flag
    # Who brought somebody who is paid nothing for this order is paid nothing for it either.
    if facts.upline_id is not None and "referrer" in flags:
        flags.setdefault("second", flags["referrer"])
    return flags


async def _theirs(tx: Tx, order: orders.Order, ids: Sequence[UUID], numbers: set[str]) -> Flag | None:
    """Whether an order carries a number of one of these members, or went to where one of them lives."""
    to = order.address or {}
    found: Flag | None = await tx.fetchval(_THEIRS, list(ids), sorted(numbers), to.get("line"), to.get("city"))
    return found


async def _of_member(
    tx: Tx,
    order: orders.Order,
    facts: Facts,
    payee_id: UUID,
    numbers: set[str],
    paid_by: Sequence[bytes],
    *,
    paid: bool,
) -> Flag | None:
    """Why a member is not paid for an order; None when they are, and then the pair is written down if the plan has."""
    if await same_person(tx, payee_id, facts.member_id):
        return "self"
    # Nobody is their own second level under another name.
    sharer = facts.touch.owner_id if facts.touch is not None else payee_id
    if payee_id != sharer and await same_person(tx, payee_id, sharer):
        return "self"
    if flag := await _theirs(tx, order, await group_of(tx, payee_id), numbers):
        return flag
    if await payers.pays_for(tx, paid_by, payee_id):
        return "payer"
    pair = {"payee_id": payee_id, "buyer_id": facts.member_id}
    fits = (
        await settlement.refer(tx, **pair, order_id=order.id)
        if paid
        else not await settlement.closes_circle(tx, **pair)
    )
    return None if fits else "circle"


async def credit_bringing(tx: Tx, event: Event) -> None:
    """Whom a new member chose as their first guide is credited once, before any purchase; not where something is odd.

    Staff only: members are never paid by head.
    """
    minor = settlement.COMMISSION.current(event.at).body.bringing_minor
    if not (minor and event.payload.get("first") and not event.payload.get("flags") and event.member_id):
        return
    bound = await attribution.binding_as_of(tx, event.member_id, attribution.SCOPE, event.at)
    if bound is None or bound.guide_id is None:
        return
    await settlement.tell_bringing(
        tx,
        member_id=event.member_id,
        guide_id=bound.guide_id,
        binding_id=bound.id,
        minor=minor,
        due_at=event.at + timedelta(days=settlement.COMMISSION.current(event.at).body.mature_days),
        actor=SYSTEM,
    )


# What guides have pending for a person by a binding that headquarters found to be wrong, or that the person ended
# themselves before it was the guide's.
_WRONG = """
SELECT b.id FROM bindings b
WHERE b.member_id = ANY (duo_group($1)) AND b.ended_because IN ('dispute', 'member')
  AND EXISTS (SELECT FROM accruals a WHERE a.order_id = b.id AND a.role = 'bringing' AND a.state = 'pending'
              AND a.earned_minor > 0)
ORDER BY b.id
"""


async def take_back_bringing(tx: Tx, event: Event) -> None:
    """A member went to another guide by headquarters' word, or left theirs again while the credit for bringing them was
    still pending: then it was not earned. What is due by then stays, and so does that of a guide who left, passed the
    member on or lost them to a later touch: they had brought them."""
    if event.member_id is None:
        return
    for row in await tx.fetch(_WRONG, event.member_id):
        await settlement.take_back_bringing(tx, row["id"], actor=SYSTEM)


async def credit_bringing_store(tx: Tx, event: Event) -> None:
    """The shop whose touchpoint brought a new member is credited once, before any purchase; not where something is odd.

    Nobody for what hangs in no shop: members' links and the chain's own campaigns.
    """
    minor = settlement.ALLOCATION.current(event.at).body.bringing_minor
    if not minor or event.member_id is None:
        return
    row = await tx.fetchrow(
        f"SELECT touch_id, store_id, odd FROM ({attribution.NEWCOMERS}) n WHERE member_id = $1",  # noqa: S608 - our own text
        event.member_id,
    )
    if row is None or row["store_id"] is None or row["odd"]:
        return
    await settlement.tell_bringing_store(
        tx,
        member_id=event.member_id,
        store_id=row["store_id"],
        sign_up_id=row["touch_id"],
        minor=minor,
        due_at=event.at + timedelta(days=settlement.COMMISSION.current(event.at).body.mature_days),
        actor=SYSTEM,
    )
