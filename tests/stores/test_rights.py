"""Who may do what, and where."""

from __future__ import annotations

from uuid import UUID

import pytest

from duoline.kernel.text import Text
from duoline.stores import access, rights
from duoline.stores.directory import Chain
from duoline.stores.hours import ALWAYS, Hours
from duoline.stores.types import CHAIN_ID, Company, Grant, Region, Role, Services, Share, Store, UnitKind

T = Text("", "")
CHINA, NORTH, EAST, SOUTH = (UUID(int=n) for n in range(10, 14))
HQ, FA = UUID(int=20), UUID(int=21)
S1, S2, S3 = (UUID(int=n) for n in range(30, 33))


def store(store_id: UUID, company: UUID, region: UUID) -> Store:
    return Store(
        id=store_id, code=str(store_id.int), kind="store", company_id=company, region_id=region, name=T, address=T,
        province="", city="", phone="", lat=0, lon=0, timezone="UTC", hours=Hours("UTC", ALWAYS),
        services=Services(True, True, True), share=Share(), pick_capacity_hour=1, pickup_lead_min=0, state="open", opened_on=None,
        version=1,
    )  # fmt: skip


CHAIN = Chain(
    companies={HQ: Company(HQ, "HQ", T, False), FA: Company(FA, "FA", T, True)},
    regions={
        CHINA: Region(CHINA, "CHINA", None, T),
        NORTH: Region(NORTH, "NORTH", CHINA, T),
        EAST: Region(EAST, "EAST", NORTH, T),
        SOUTH: Region(SOUTH, "SOUTH", CHINA, T),
    },
    stores={S1: store(S1, HQ, EAST), S2: store(S2, HQ, SOUTH), S3: store(S3, FA, EAST)},
)

HEADQUARTERS = Grant(Role.HEADQUARTERS, UnitKind.CHAIN, CHAIN_ID)
REGION = Grant(Role.REGION, UnitKind.REGION, NORTH)
FRANCHISEE = Grant(Role.FRANCHISEE, UnitKind.COMPANY, FA)
MANAGER = Grant(Role.STORE, UnitKind.STORE, S1)
CLERK = Grant(Role.CLERK, UnitKind.STORE, S1)


@pytest.mark.parametrize(
    ("grant", "reached"),
    [
        (REGION, {S1, S3}),
        (FRANCHISEE, {S3}),
        (MANAGER, {S1}),
        (CLERK, {S1}),
        (Grant(Role.REGION, UnitKind.REGION, CHINA), {S1, S2, S3}),
        (Grant(Role.CLERK, UnitKind.STORE, UUID(int=99)), set()),
    ],
)
def test_a_permission_holds_for_the_stores_of_the_unit(grant: Grant, reached: set[UUID]) -> None:
    scope = rights.scope([grant], "fulfil", CHAIN)
    assert scope.store_ids == reached
    assert not scope.everything
    assert (S2 in scope) == (S2 in reached)


def test_headquarters_reaches_everything_and_scopes_add_up() -> None:
    assert rights.scope([HEADQUARTERS], "orders.read", CHAIN).everything
    assert rights.scope([HEADQUARTERS, CLERK], "orders.read", CHAIN).everything
    two = rights.scope([MANAGER, Grant(Role.CLERK, UnitKind.STORE, S2)], "fulfil", CHAIN)
    assert two.store_ids == {S1, S2}
    # A clerk's store does not widen a manager's rights.
    assert rights.scope([MANAGER, Grant(Role.CLERK, UnitKind.STORE, S2)], "stock.adjust", CHAIN).store_ids == {S1}


@pytest.mark.parametrize(
    ("role", "never"),
    [
        (Role.CLERK, {"orders.cancel", "stock.adjust", "stock.safety", "staff.edit", "audit.read", "members.read"}),
        (Role.STORE, {"stores.edit", "prices.edit", "policies.edit", "catalogue.edit", "imports.run", "stores.open"}),
        (Role.FRANCHISEE, {"prices.edit", "policies.edit", "catalogue.edit", "imports.run", "stores.open"}),
        (Role.REGION, {"members.edit", "prices.edit", "policies.edit", "catalogue.edit", "imports.run", "stores.open"}),
    ],
)
def test_what_a_role_may_never_do(role: Role, never: set[str]) -> None:
    assert never <= rights.ALL_PERMISSIONS
    assert not rights.PERMISSIONS[role] & never


def test_nobody_gives_more_than_they_have() -> None:
    def may(giver: Grant, role: Role, kind: UnitKind, unit: UUID) -> bool:
        return rights.may_give([giver], Grant(role, kind, unit), CHAIN)

    assert may(HEADQUARTERS, Role.HEADQUARTERS, UnitKind.CHAIN, CHAIN_ID)
    assert may(REGION, Role.STORE, UnitKind.STORE, S3)
    assert not may(REGION, Role.STORE, UnitKind.STORE, S2)
    assert not may(REGION, Role.REGION, UnitKind.REGION, EAST)
    assert not may(REGION, Role.HEADQUARTERS, UnitKind.CHAIN, CHAIN_ID)
    assert may(FRANCHISEE, Role.CLERK, UnitKind.STORE, S3)
    assert not may(FRANCHISEE, Role.CLERK, UnitKind.STORE, S1)
    assert may(MANAGER, Role.CLERK, UnitKind.STORE, S1)
    assert not may(MANAGER, Role.STORE, UnitKind.STORE, S1)
    assert not may(CLERK, Role.CLERK, UnitKind.STORE, S1)


def test_a_person_is_overseen_only_by_who_may_give_all_their_rights() -> None:
    assert access.oversees([HEADQUARTERS], [], CHAIN)
    assert access.oversees([MANAGER], [CLERK], CHAIN)
    assert not access.oversees([MANAGER], [], CHAIN)
    assert not access.oversees([MANAGER], [CLERK, Grant(Role.CLERK, UnitKind.STORE, S2)], CHAIN)
    assert not access.oversees([MANAGER], [MANAGER], CHAIN)


def test_a_grant_fits_its_unit() -> None:
    assert rights.unit_exists(CLERK, CHAIN)
    assert not rights.unit_exists(Grant(Role.CLERK, UnitKind.REGION, NORTH), CHAIN)
    assert not rights.unit_exists(Grant(Role.HEADQUARTERS, UnitKind.CHAIN, S1), CHAIN)
    assert not rights.unit_exists(Grant(Role.FRANCHISEE, UnitKind.COMPANY, S1), CHAIN)
