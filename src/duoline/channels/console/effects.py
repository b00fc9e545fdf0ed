"""What somebody brought, and what they have for it: clicks, new members, orders, and commission, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from litestar import get

from duoline import attribution
from duoline.channels.console.member_scope import reached
from duoline.channels.console.payee_scope import money, reach
from duoline.channels.http import doors
from duoline.channels.http.sessions import Staff
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.members.group import group_of
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from collections.abc import Sequence


class BroughtFor(msgspec.Struct, frozen=True, kw_only=True):
    """Members who were brought, how many of them have bought since, and what they did: orders that were paid or handed
    over, with what stays sold of them, altogether and by member."""

    members: int
    buyers: int
    orders: int
    sales: Money
    per_member: Money


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody's codes and links brought, and what they have for it: not theirs yet, theirs (paid or not), and all
    that was earned and taken back. `new_members` is what those whom they brought have bought since."""

    clicks: int
    sign_ups: int
    orders: int
    sales: Money
    new_members: BroughtFor
    pending: Money
    settled: Money
    reversed: Money


def brought_for(found: attribution.Lifetime) -> BroughtFor:
    """As it is shown; by member to the cent below."""
    return BroughtFor(
        members=found.members,
        buyers=found.buyers,
        orders=found.orders,
        sales=money(found.sales_minor),
        per_member=money(found.sales_minor // found.members if found.members else 0),
    )


@get("/api/console/payees/{payee_id:uuid}/effect", opt=doors.staff("settlement.read", payee_id="payee"))
async def show_effect_of_payee(db: Database, staff: Staff, chain: Chain, payee_id: UUID) -> Effect:
    """What the codes and links of a payee brought: of a person their own, of a shop those that hang there."""
    everything, ids = reach(staff, chain)
    kind = await db.fetchval("SELECT kind FROM payees WHERE payee_id = $1", payee_id)
    if kind is None or not (everything or payee_id in ids):
        raise NotFound(kind="payee")
    whose = await group_of(db, payee_id) if kind == "member" else [payee_id]
    return await _effect(db, whose, in_shop=kind == "store")


@get("/api/console/members/{member_id:uuid}/effect", opt=doors.staff("settlement.approve", member_id="customer"))
async def show_effect_of_member(db: Database, staff: Staff, member_id: UUID) -> Effect:
    """What a member's links brought, and what they earned for it, under any of their ids; for who sees settlement."""
    await reached(db, staff.scope("settlement.approve"), member_id)
    return await _effect(db, await group_of(db, member_id), in_shop=False)


_HAVE = """
SELECT coalesce(sum(p.pending_minor), 0)::bigint AS pending,
       coalesce(sum(p.due_minor + p.paying_minor + p.paid_minor), 0)::bigint AS settled,
       coalesce((SELECT sum(a.reversed_minor) FROM accruals a
                 WHERE a.payee_id = ANY ($1) AND a.reversed_minor > 0), 0)::bigint AS back
FROM payees p WHERE p.payee_id = ANY ($1)
"""


async def _effect(db: Database, whose: Sequence[UUID], *, in_shop: bool) -> Effect:
    column = "store_id" if in_shop else "owner_id"
    points = await db.fetch(f"SELECT id FROM touchpoints WHERE {column} = ANY ($1)", list(whose))  # noqa: S608 - our own names
    ids = [row["id"] for row in points]
    every = await attribution.brought(db, ids)
    have: Any = await db.fetchrow(_HAVE, list(whose))
    return Effect(
        clicks=sum(one.scans for one in every),
        sign_ups=sum(one.sign_ups for one in every),
        orders=sum(one.orders for one in every),
        sales=money(sum(one.sales_minor for one in every)),
        new_members=brought_for(await attribution.lifetime(db, ids)),
        pending=money(have["pending"]),
        settled=money(have["settled"]),
        reversed=money(have["back"]),
    )


ROUTES = [show_effect_of_payee, show_effect_of_member]
