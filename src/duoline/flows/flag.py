"""Which roles of an order pay nothing, and why: nobody is paid for what they buy themselves, under whatever name.

Judged when the order is first told of, and frozen with it: a number, a browser or an address that is another one later
moves nothing. Two things are asked anew whenever the order is told of, of shares that are not their payee's yet. Who is
one person: who logs in after they bought as a guest, or is merged with the buyer, is paid nothing, and is paid again
when that was a mistake. And whether the account that paid has paid for the payee since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from duoline import attribution
from duoline.flows import payers
from duoline.members import addresses, phones
from duoline.members.group import group_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline import orders
    from duoline.kernel.db import Tx
    from duoline.settlement.types import Facts, Flag, Role


class Odd(NamedTuple):
    """What is odd about the browser: the sharer's own, and the one that showed the guide's code."""

    own_device: bool
    guides_device: bool


# Every number of a buyer, as whoever they are or were.
_NUMBERS = "SELECT phone FROM members WHERE member_id = ANY (duo_person(duo_now($1))) AND phone IS NOT NULL"
# Staff, and as whom they are members themselves: who has their number, with everybody who is one person with those.
_STAFF = """
SELECT s.id, s.phone, duo_group(p.member_id) AS ids FROM staff s LEFT JOIN phone_index p ON p.phone = s.phone
WHERE s.id = ANY ($1)
"""
# Whose role is the buyer's own, or of a second level the sharer's; and what their shares said before: those that wait,
# else those that do not.
_NOW = """
SELECT r.role, a.state, a.flag,
       duo_payee(r.id) = duo_now($2) OR (r.role = 'second' AND duo_payee(r.id) = duo_now($5)) IS TRUE AS own
FROM unnest($3::text[], $4::uuid[]) AS r(role, id)
LEFT JOIN LATERAL (
    SELECT state, flag FROM accruals
    WHERE payee_id = r.id AND order_id = $1 AND book = 'commission' AND role = r.role
    ORDER BY state DESC LIMIT 1) a ON true
"""


# Whether an order has a number of those members, and where they live.
_THEIRS = "SELECT EXISTS (SELECT FROM members WHERE member_id = ANY ($1) AND phone = ANY ($2))"
_HOMES = "SELECT line, city FROM addresses WHERE member_id = ANY ($1)"


async def at_first(tx: Tx, order: orders.Order, facts: Facts, odd: Odd) -> Facts:
    """The facts of an order with the roles that pay nothing. Of roles that the plan does not pay too, so that another
    plan can be judged by the same facts."""
    payees = payees_of(facts)
    found: dict[Role, Flag] = {row["role"]: "self" for row in await _now(tx, facts, payees) if row["own"]}
    found |= await _gone(tx, facts)
    await _look(tx, order, facts, found, whole=set(payees) - set(found), odd=odd)
    return _with(facts, found)


async def anew(tx: Tx, order: orders.Order, facts: Facts) -> Facts:
    """The same as of now, for an order that was told of before. What its payee has already stays as it was."""
    payees = payees_of(facts)
    rows = await _now(tx, facts, payees)
    was: dict[Role, Flag | None] = {role: facts.flags.get(role) for role in payees}
    was |= {row["role"]: row["flag"] for row in rows if row["state"] is not None}
    settled = {row["role"] for row in rows if row["state"] == "matured"}
    own = {row["role"] for row in rows if row["own"]} - settled
    found: dict[Role, Flag] = {
        role: flag for role, flag in was.items() if flag is not None and (flag != "self" or role in settled)
    }
    found |= dict.fromkeys(own, "self")
    open_roles = set(payees) - set(found) - settled
    whole = {role for role in open_roles if was[role] == "self"}
    await _look(
        tx, order, facts, found, whole=whole, payer=open_roles - whole, odd=await _odd(tx, order) if whole else None
    )
    return _with(facts, found)


def payees_of(facts: Facts) -> dict[Role, UUID]:
    """Who has which role of an order, those too that a plan may not pay; a second level after the first."""
    found: dict[Role, UUID] = {}
    if facts.guide is not None and facts.guide.guide_id is not None:
        found["guide"] = facts.guide.guide_id
    if facts.seller_id is not None:
        found["seller"] = facts.seller_id
    if facts.touch is not None and facts.touch.owner_kind in ("staff", "member"):
        found["referrer"] = facts.touch.owner_id
    if facts.upline_id is not None:
        found["second"] = facts.upline_id
    return found


def with_flag(facts: Facts, role: Role, flag: Flag) -> Facts:
    """The facts with one more role that pays nothing."""
    return _with(facts, {**facts.flags, role: flag})


def _with(facts: Facts, flags: Mapping[Any, Flag]) -> Facts:
    """Who brought somebody who is paid nothing for an order is paid nothing for it either."""
    found = dict(flags)
    if facts.upline_id is not None and "referrer" in found:
        found.setdefault("second", found["referrer"])
    return msgspec.structs.replace(facts, flags=found)


async def _now(tx: Tx, facts: Facts, payees: Mapping[Role, UUID]) -> Sequence[Any]:
    if not payees:
        return []
    return await tx.fetch(
        _NOW,
        facts.order_id,
        facts.member_id,
        list(payees),
        list(payees.values()),
        facts.touch.owner_id if facts.touch is not None and facts.touch.owner_kind == "member" else None,
    )


async def _gone(tx: Tx, facts: Facts) -> dict[Role, Flag]:
    """Members who would be paid for an order and were forgotten since: nobody could have it any more.

    Their rows stay shared until the end: an erasure waits for what is told here, and then is refused because of it.
    """
    sharers: dict[Role, UUID] = {}
    if facts.touch is not None and facts.touch.owner_kind == "member":
        sharers["referrer"] = facts.touch.owner_id
    if facts.upline_id is not None:
        sharers["second"] = facts.upline_id
    if not sharers:
        return {}
    rows = await tx.fetch(
        "SELECT member_id, erased_at FROM members WHERE member_id = ANY ($1) ORDER BY member_id FOR SHARE",
        list(sharers.values()),
    )
    here = {row["member_id"] for row in rows if row["erased_at"] is None}
    return {role: "gone" for role, owner_id in sharers.items() if owner_id not in here}


async def _odd(tx: Tx, order: orders.Order) -> Odd:
    """As it was when the order was first told of."""
    bound = await attribution.binding_as_of(tx, order.member_id, attribution.SCOPE, order.placed_at)
    own_device = await tx.fetchval(
        "SELECT own_device FROM order_touches WHERE member_id = $1 AND order_id = $2", order.member_id, order.id
    )
    return Odd(own_device=bool(own_device), guides_device=bound is not None and "guides_device" in bound.flags)


async def _look(
    tx: Tx,
    order: orders.Order,
    facts: Facts,
    found: dict[Role, Flag],
    *,
    whole: set[Role],
    payer: set[Role] = frozenset(),  # type: ignore[assignment]
    odd: Odd | None,
) -> None:
    """Add to `found` why more roles pay nothing: of some by all there is, of others by who paid alone."""
    payees = {role: payee_id for role, payee_id in payees_of(facts).items() if role in whole | payer}
    if not payees:
        return
    paid_by = await payers.paid_by(tx, order.member_id, order.id)
    if not whole and not paid_by:
        return
    numbers = await _numbers_of(tx, order, facts) if whole else set()
    staff = {row["id"]: row for row in await tx.fetch(_STAFF, list(payees.values()))}
    for role, payee_id in payees.items():
        if role == "second" and "referrer" in found:
            continue
        who = staff.get(payee_id)
        ids: list[UUID] = (who["ids"] or []) if who is not None else await group_of(tx, payee_id)
        flag: Flag | None = None
        if role in whole:
            flag = "phone" if who is not None and who["phone"] in numbers else await _theirs(tx, order, ids, numbers)
            flag = flag or _by_device(role, odd)
        if flag is None and ids and await payers.pays_for(tx, paid_by, ids[0]):
            flag = "payer"
        if flag is not None:
            found[role] = flag


def _by_device(role: Role, odd: Odd | None) -> Flag | None:
    if odd is not None and ((role == "referrer" and odd.own_device) or (role == "guide" and odd.guides_device)):
        return "device"
    return None


async def _numbers_of(tx: Tx, order: orders.Order, facts: Facts) -> set[str]:
    numbers = {row["phone"] for row in await tx.fetch(_NUMBERS, facts.member_id)}
    if order.contact_phone:
        numbers.add(phones.as_kept(order.contact_phone))  # orders of long ago have it as it was typed
    return numbers


async def _theirs(tx: Tx, order: orders.Order, ids: Sequence[UUID], numbers: set[str]) -> Flag | None:
    """Whether an order carries a number of one of these members, or went to where one of them lives."""
    if await tx.fetchval(_THEIRS, list(ids), sorted(numbers)):
        return "phone"
    if order.address is None:
        return None
    to = [addresses.spelt(str(order.address[part])) for part in ("line", "city")]
    homes = await tx.fetch(_HOMES, list(ids))
    return "address" if any([addresses.spelt(part) for part in home] == to for home in homes) else None
