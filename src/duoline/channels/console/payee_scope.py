"""Which payees somebody may see, and what they are called: all of them with the whole chain in reach, else the shops in
reach and the companies that run no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.settlement.types import ONLINE_ID, PayeeKind

if TYPE_CHECKING:
    from duoline.channels.http.sessions import Staff
    from duoline.stores.directory import Chain

HEADQUARTERS_NAME, ONLINE_NAME = Text("总部", "Headquarters"), Text("电商部门", "Online department")

# $1 everything, $2 payees in reach; of a payee `p`, with the columns of `NAMES`.
VISIBLE = "($1 OR p.payee_id = ANY ($2))"
NAMES = """
LEFT JOIN LATERAL (SELECT s.name AS staff_name FROM staff s WHERE p.kind = 'staff' AND s.id = p.payee_id) st ON true
LEFT JOIN LATERAL (SELECT m.display_name AS member_name, m.phone AS member_phone FROM members m
                   WHERE p.kind = 'member' AND m.member_id = p.payee_id) me ON true
"""
NAMED = "st.staff_name, me.member_name, me.member_phone"


class PayeeOf(msgspec.Struct, frozen=True, kw_only=True):
    """Who is paid: staff and members by name, shops and companies by code too. `note` tells two of one name apart."""

    id: UUID
    kind: PayeeKind
    name: Text
    note: str


def reach(staff: Staff, chain: Chain, permission: str = "settlement.read") -> tuple[bool, list[UUID]]:
    """The two arguments of `VISIBLE`."""
    scope = staff.scope(permission)
    if scope.everything:
        return True, []
    companies: dict[UUID, bool] = {}
    for store in chain.stores.values():
        companies[store.company_id] = companies.get(store.company_id, True) and store.id in scope
    return False, [*scope.store_ids, *(company for company, whole in companies.items() if whole)]


def payee_of(row: Any, chain: Chain) -> PayeeOf:
    """From a row with `payee_id`, `kind` and the columns of `NAMED`."""
    payee_id, kind = row["payee_id"], row["kind"]
    if kind == "staff":
        name, note = Text(row["staff_name"] or "", row["staff_name"] or ""), ""
    elif kind == "member":
        shown = row["member_name"] or ""
        name, note = Text(shown, shown), phones.masked(row["member_phone"]) or ""
    elif kind == "chain":
        name, note = (ONLINE_NAME if payee_id == ONLINE_ID else HEADQUARTERS_NAME), ""
    else:
        unit: Any = (chain.stores if kind == "store" else chain.companies).get(payee_id)
        name, note = (unit.name.filled, unit.code) if unit else (Text("", ""), "")
    return PayeeOf(id=payee_id, kind=kind, name=name, note=note)


def money(minor: int | None) -> Money:
    """An amount in the chain's currency."""
    return Money(minor or 0, CURRENCY)
