"""Rights: which role may do what, and where. Pure; the directory gives the tree of units.

A role gives permissions; its unit gives the stores they hold for. Headquarters holds everywhere; a region for the
stores below it in the tree; a franchisee for its company's stores; store managers and clerks for their store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duoline.stores.types import CHAIN_ID, Grant, Role, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.stores.directory import Chain

CLERK = frozenset(
    {
        "fulfil",
        "sell",
        "return",
        "hold",
        "transfers",
        "stock.read",
        "stock.count",
        "stores.read",
        "catalogue.read",
        "prices.read",
        "guide",
    }
)
STORE = CLERK | {
    "orders.read",
    "orders.cancel",
    "members.read",
    "stock.adjust",
    "stock.approve",
    "stock.safety",
    "staff.read",
    "staff.edit",
    "stores.hours",
    "audit.read",
    "today.read",
    "drawers.read",
    "transfers.decide",
    "touchpoints.read",
    "touchpoints.edit",
    "bindings.read",
    "bindings.edit",
    "settlement.read",
}
# Of `prices.set` the contract with a company says whose it is, shop by shop (`settlement.price_right`).
# A franchisee says to which account its own company and shops are paid.
FRANCHISEE = STORE | {"stores.edit", "prices.set", "settlement.account"}
REGION = STORE | {"stores.edit", "policies.read", "transfers.call", "orders.dispatch"}
HEADQUARTERS = REGION | {
    "catalogue.edit",
    "prices.edit",
    "prices.set",
    "stores.open",
    "organisation.edit",
    "policies.edit",
    "imports.run",
    "money.settle",
    "bindings.decide",
    "members.edit",
    "settlement.close",
    "settlement.approve",
    "settlement.pay",
    "settlement.account",
}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.CLERK: CLERK,
    Role.STORE: STORE,
    Role.FRANCHISEE: FRANCHISEE,
    Role.REGION: REGION,
    Role.HEADQUARTERS: HEADQUARTERS,
}
ALL_PERMISSIONS = HEADQUARTERS

UNIT_OF_ROLE = {
    Role.HEADQUARTERS: UnitKind.CHAIN,
    Role.REGION: UnitKind.REGION,
    Role.FRANCHISEE: UnitKind.COMPANY,
    Role.STORE: UnitKind.STORE,
    Role.CLERK: UnitKind.STORE,
}

# A role may hand out these, inside its own unit. Nobody but headquarters makes an equal.
_MAY_GRANT: dict[Role, frozenset[Role]] = {
    Role.HEADQUARTERS: frozenset(Role),
    Role.REGION: frozenset({Role.STORE, Role.CLERK}),
    Role.FRANCHISEE: frozenset({Role.STORE, Role.CLERK}),
    Role.STORE: frozenset({Role.CLERK}),
    Role.CLERK: frozenset(),
}


@dataclass(frozen=True)
class Scope:
    """The stores a permission holds for. As SQL: `WHERE ($1 OR store_id = ANY($2))`."""

    everything: bool
    store_ids: frozenset[UUID]

    def __contains__(self, store_id: UUID) -> bool:
        return self.everything or store_id in self.store_ids

    def __bool__(self) -> bool:
        return self.everything or bool(self.store_ids)

    @property
    def sql(self) -> tuple[bool, list[UUID]]:
        """The two arguments of the SQL form."""
        return self.everything, sorted(self.store_ids)


NOWHERE = Scope(everything=False, store_ids=frozenset())
EVERYWHERE = Scope(everything=True, store_ids=frozenset())


def permissions(grants: Iterable[Grant]) -> frozenset[str]:
    """Everything somebody with these grants may do somewhere."""
    return frozenset().union(*(PERMISSIONS[grant.role] for grant in grants))


def scope(grants: Iterable[Grant], permission: str, chain: Chain) -> Scope:
    """Where somebody with these grants may do it; `NOWHERE` when nowhere."""
    reached: set[UUID] = set()
    for grant in grants:
        if permission not in PERMISSIONS[grant.role]:
            continue
        if grant.unit_kind is UnitKind.CHAIN:
            return EVERYWHERE
        reached |= stores_of(grant.unit_kind, grant.unit_id, chain)
    return Scope(everything=False, store_ids=frozenset(reached))


def stores_of(kind: UnitKind, unit_id: UUID, chain: Chain) -> frozenset[UUID]:
    """The stores inside a unit."""
    if kind is UnitKind.CHAIN:
        return frozenset(chain.stores)
    if kind is UnitKind.STORE:
        return frozenset({unit_id} & chain.stores.keys())
    if kind is UnitKind.COMPANY:
        return frozenset(s.id for s in chain.stores.values() if s.company_id == unit_id)
    below = regions_below(unit_id, chain)
    return frozenset(s.id for s in chain.stores.values() if s.region_id in below)


def regions_below(region_id: UUID, chain: Chain) -> frozenset[UUID]:
    """The region and every region under it."""
    found, frontier = {region_id}, [region_id]
    while frontier:
        parent = frontier.pop()
        for region in chain.regions.values():
            if region.parent_id == parent and region.id not in found:
                found.add(region.id)
                frontier.append(region.id)
    return frozenset(found)


def unit_exists(grant: Grant, chain: Chain) -> bool:
    """Whether the grant's unit is there and is of the kind its role takes."""
    if UNIT_OF_ROLE[grant.role] is not grant.unit_kind:
        return False
    match grant.unit_kind:
        case UnitKind.CHAIN:
            return grant.unit_id == CHAIN_ID
        case UnitKind.REGION:
            return grant.unit_id in chain.regions
        case UnitKind.COMPANY:
            return grant.unit_id in chain.companies
        case UnitKind.STORE:
            return grant.unit_id in chain.stores


def may_give(giver: Iterable[Grant], given: Grant, chain: Chain) -> bool:
    """Whether somebody with the grants `giver` may give (or take away) `given`: a lower role, inside their unit."""
    for own in giver:
        if given.role not in _MAY_GRANT[own.role]:
            continue
        if own.unit_kind is UnitKind.CHAIN:
            return True
        if stores_of(given.unit_kind, given.unit_id, chain) & stores_of(own.unit_kind, own.unit_id, chain):
            return True
    return False
