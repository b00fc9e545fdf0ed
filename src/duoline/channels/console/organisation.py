"""The organisation: stores and their hours, regions, companies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from litestar import get, patch, post, put
from litestar.params import QueryParameter

from duoline import inventory
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores import directory
from duoline.stores.directory import Chain
from duoline.stores.edit_store import DifferentHours, StoreChange, edit_store, set_exceptions
from duoline.stores.hours import Span, today
from duoline.stores.open_store import (
    NewStore,
    change_region,
    open_company,
    open_region,
    open_store,
    rename_company,
)
from duoline.stores.types import Company, Region, Services, Share, ShareKind, Store

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", description="Never changes.")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Words = Annotated[str, msgspec.Meta(max_length=200)]
Reason = Annotated[str, msgspec.Meta(max_length=200, description="Why, for the audit log.")]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=10_080)]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Week = Annotated[list[list[Span]], msgspec.Meta(min_length=7, max_length=7, description="Monday first.")]
Unit = TypeVar("Unit", Region, Company)
State = Literal["draft", "open", "closed"]
# The framework keeps the parameter name `state` for itself.
StateFilter = Annotated[State | None, QueryParameter(name="state", description="Only these.")]


class NameInput(Input, frozen=True):
    """A name; without the English one the Chinese stands in for it."""

    zh: Name
    en: Annotated[str, msgspec.Meta(max_length=80)] = ""


class AddressInput(Input, frozen=True):
    """An address in words; without the English one the Chinese stands in for it."""

    zh: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    en: Words = ""


class ServicesInput(Input, frozen=True):
    """What a location does for members."""

    pickup: bool
    ship: bool
    returns: bool


class StoreInput(Input, frozen=True, kw_only=True):
    """A new store or distribution centre."""

    code: Code
    kind: Literal["store", "dc"] = "store"
    company_code: Code
    region_code: Code
    name: NameInput
    address: AddressInput
    province: Name
    city: Name
    phone: Annotated[str, msgspec.Meta(max_length=30)] = ""
    lat: Latitude
    lon: Longitude
    timezone: Annotated[str, msgspec.Meta(max_length=60)] = "Asia/Shanghai"
    week: Week
    services: ServicesInput
    pick_capacity_hour: Capacity = 30
    pickup_lead_min: Minutes = 60
    state: State = "open"
    opened_on: date | None = None
    reason: Reason = ""


class ShareInput(Input, frozen=True):
    """What may leave the shop for deliveries and transfers, by contract with its owner, of each SKU."""

    kind: ShareKind
    units: Annotated[int, msgspec.Meta(ge=0, le=1_000_000, description="For up_to and all_but.")] = 0
    fee_minor: Annotated[int, msgspec.Meta(ge=0, le=1_000_000, description="Owed to the owner for each unit.")] = 0


class StoreEdit(Input, frozen=True):
    """What to change; absent fields stay. With `version`, a change on top of somebody else's is refused."""

    company_code: Code | None = None
    region_code: Code | None = None
    name: NameInput | None = None
    address: AddressInput | None = None
    province: Name | None = None
    city: Name | None = None
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    timezone: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    week: Week | None = None
    services: ServicesInput | None = None
    share: ShareInput | None = None
    pick_capacity_hour: Capacity | None = None
    pickup_lead_min: Minutes | None = None
    state: State | None = None
    version: int | None = None
    reason: Reason = ""


class DifferentDayInput(Input, frozen=True):
    """A date with hours of its own; no spans means closed."""

    on: date
    spans: list[Span]
    reason: NameInput | None = None


class ExceptionsInput(Input, frozen=True):
    """Every date from today on that differs; those that are absent are as the week says."""

    items: Annotated[list[DifferentDayInput], msgspec.Meta(max_length=400)]
    reason: Reason = ""


class DifferentDay(msgspec.Struct):
    """A date with hours of its own; no spans means closed."""

    on: date
    spans: list[Span]
    reason: Text


class StoreFacts(msgspec.Struct):
    """A store with everything headquarters keeps of it."""

    id: UUID
    code: str
    kind: str
    company_code: str
    company_name: Text
    region_code: str
    region_name: Text
    name: Text
    address: Text
    province: str
    city: str
    phone: str
    lat: float
    lon: float
    timezone: str
    week: list[list[Span]]
    exceptions: list[DifferentDay]
    services: Services
    share: Share
    pick_capacity_hour: int
    pickup_lead_min: int
    state: str
    opened_on: date | None
    version: int
    open_now: bool


class RegionFacts(msgspec.Struct):
    """A region, where it belongs, and how many stores are directly in it."""

    id: UUID
    code: str
    name: Text
    parent_code: str | None
    store_count: int


class RegionInput(Input, frozen=True):
    """A new region."""

    code: Code
    name: NameInput
    parent_code: Code | None = None
    reason: Reason = ""


class RegionEdit(Input, frozen=True):
    """Another name or place in the tree; `parent_code` null puts it at the top."""

    name: NameInput
    parent_code: Code | None
    reason: Reason = ""


class CompanyFacts(msgspec.Struct):
    """A legal entity that owns stores."""

    id: UUID
    code: str
    name: Text
    kind: Literal["headquarters", "franchisee"]
    store_count: int


class CompanyInput(Input, frozen=True):
    """A new company."""

    code: Code
    name: NameInput
    kind: Literal["headquarters", "franchisee"] = "franchisee"
    reason: Reason = ""


class CompanyEdit(Input, frozen=True):
    """Another name."""

    name: NameInput
    reason: Reason = ""


# --- stores ---------------------------------------------------------------------------------------


@get("/api/console/stores", opt=doors.staff("stores.read", region=doors.SHARED, company=doors.SHARED))
async def list_stores(
    staff: Staff,
    chain: Chain,
    q: Search = "",
    region: str | None = None,
    company: str | None = None,
    kind: Literal["store", "dc"] | None = None,
    which: StateFilter = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StoreFacts]:
    """The stores I reach, by code. `region` includes the regions below it."""
    scope = staff.scope("stores.read")
    wanted = [
        store
        for store in sorted(chain.stores.values(), key=lambda store: store.code)
        if store.id in scope and (kind is None or store.kind == kind) and (which is None or store.state == which)
    ]
    if region is not None:
        inside = chain.stores_below(_region(chain, region).id)
        wanted = [store for store in wanted if store.id in inside]
    if company is not None:
        owner = _company(chain, company)
        wanted = [store for store in wanted if store.company_id == owner.id]
    wanted = [store for store in wanted if _fits(store, q)]
    after = cursors.unpack(cursor, str)[0] if cursor else ""
    page = [store for store in wanted if store.code > after][: limit + 1]
    shown = page[:limit]
    following = cursors.pack(shown[-1].code) if len(page) > limit else None
    return Page([_facts(chain, store) for store in shown], following, len(wanted))


@post("/api/console/stores", opt=doors.staff("stores.open", company_code=doors.SHARED, region_code=doors.SHARED))
async def create_store(write: Write, db: Database, staff: Staff, chain: Chain, data: StoreInput) -> Answer[StoreFacts]:
    """Open a store or distribution centre."""
    new = NewStore(
        code=data.code,
        kind=data.kind,
        company_id=_company(chain, data.company_code).id,
        region_id=_region(chain, data.region_code).id,
        name=_text(data.name),
        address=_text(data.address),
        province=data.province.strip(),
        city=data.city.strip(),
        phone=data.phone.strip(),
        lat=data.lat,
        lon=data.lon,
        timezone=data.timezone,
        week=data.week,
        services=_services(data.services),
        pick_capacity_hour=data.pick_capacity_hour,
        pickup_lead_min=data.pickup_lead_min,
        state=data.state,
        opened_on=data.opened_on,
    )

    async def work(tx: Tx) -> StoreFacts:
        store_id = await open_store(tx, actor=staff.actor, new=new, reason=data.reason)
        await inventory.open_location(tx, store_id=store_id, kind=new.kind)
        after = await directory.read(tx)
        return _facts(after, after.store(store_id))

    return await write.run(work, status=201, after=lambda: directory.refresh(db))


@get("/api/console/stores/{code:str}", opt=doors.staff("stores.read", code="store"))
async def get_store(staff: Staff, chain: Chain, code: str) -> StoreFacts:
    """One store that I reach."""
    return _facts(chain, staff.store(code, "stores.read"))


@patch(
    "/api/console/stores/{code:str}",
    opt=doors.staff("stores.edit", code="store", company_code=doors.SHARED, region_code=doors.SHARED),
)
async def change_store(
    write: Write, db: Database, staff: Staff, chain: Chain, code: str, data: StoreEdit
) -> Answer[StoreFacts]:
    """Change a store that I reach. Its company, region and terms of sharing stock take the right to open stores."""
    store = staff.store(code, "stores.edit")
    if data.company_code is not None or data.region_code is not None or data.share is not None:
        staff.require("stores.open")
    change = StoreChange(
        company_id=None if data.company_code is None else _company(chain, data.company_code).id,
        region_id=None if data.region_code is None else _region(chain, data.region_code).id,
        name=None if data.name is None else _text(data.name),
        address=None if data.address is None else _text(data.address),
        province=data.province,
        city=data.city,
        phone=data.phone,
        lat=data.lat,
        lon=data.lon,
        timezone=data.timezone,
        week=data.week,
        services=None if data.services is None else _services(data.services),
        share=None if data.share is None else Share(data.share.kind, data.share.units, data.share.fee_minor),
        pick_capacity_hour=data.pick_capacity_hour,
        pickup_lead_min=data.pickup_lead_min,
        state=data.state,
    )

    async def work(tx: Tx) -> StoreFacts:
        await edit_store(
            tx, actor=staff.actor, store_id=store.id, change=change, version=data.version, reason=data.reason
        )
        if change.share is not None:
            await inventory.set_terms(tx, location_id=store.id, cap=change.share.cap, reserve=change.share.reserve)
        after = await directory.read(tx)
        return _facts(after, after.store(store.id))

    return await write.run(work, after=lambda: directory.refresh(db))


@put("/api/console/stores/{code:str}/exceptions", opt=doors.staff("stores.hours", code="store"))
async def replace_exceptions(
    write: Write, db: Database, staff: Staff, code: str, data: ExceptionsInput
) -> Answer[StoreFacts]:
    """Say on which dates a store's hours differ."""
    store = staff.store(code, "stores.hours")
    wanted = [
        DifferentHours(each.on, each.spans, Text("", "") if each.reason is None else _text(each.reason))
        for each in data.items
    ]

    async def work(tx: Tx) -> StoreFacts:
        await set_exceptions(tx, actor=staff.actor, store_id=store.id, wanted=wanted, reason=data.reason)
        after = await directory.read(tx)
        return _facts(after, after.store(store.id))

    return await write.run(work, after=lambda: directory.refresh(db))


# --- regions and companies ------------------------------------------------------------------------


@get("/api/console/regions", opt=doors.staff("stores.read"))
async def list_regions(chain: Chain) -> Page[RegionFacts]:
    """The region tree, by code."""
    return Page([_region_facts(chain, region) for region in _by_code(chain.regions.values())])


@post("/api/console/regions", opt=doors.staff("organisation.edit", parent_code=doors.SHARED))
async def create_region(
    write: Write, db: Database, staff: Staff, chain: Chain, data: RegionInput
) -> Answer[RegionFacts]:
    """Add a region."""
    parent = None if data.parent_code is None else _region(chain, data.parent_code).id

    async def work(tx: Tx) -> RegionFacts:
        region_id = await open_region(
            tx, actor=staff.actor, code=data.code, parent_id=parent, name=_text(data.name), reason=data.reason
        )
        after = await directory.read(tx)
        return _region_facts(after, after.regions[region_id])

    return await write.run(work, status=201, after=lambda: directory.refresh(db))


@patch(
    "/api/console/regions/{code:str}",
    opt=doors.staff("organisation.edit", code=doors.SHARED, parent_code=doors.SHARED),
)
async def edit_region(
    write: Write, db: Database, staff: Staff, chain: Chain, code: str, data: RegionEdit
) -> Answer[RegionFacts]:
    """Rename or move a region."""
    region = _region(chain, code)
    parent = None if data.parent_code is None else _region(chain, data.parent_code).id

    async def work(tx: Tx) -> RegionFacts:
        await change_region(
            tx, actor=staff.actor, region_id=region.id, parent_id=parent, name=_text(data.name), reason=data.reason
        )
        after = await directory.read(tx)
        return _region_facts(after, after.regions[region.id])

    return await write.run(work, after=lambda: directory.refresh(db))


@get("/api/console/companies", opt=doors.staff("stores.read"))
async def list_companies(chain: Chain) -> Page[CompanyFacts]:
    """Headquarters' own companies and franchisees, by code."""
    return Page([_company_facts(chain, company) for company in _by_code(chain.companies.values())])


@post("/api/console/companies", opt=doors.staff("organisation.edit"))
async def create_company(write: Write, db: Database, staff: Staff, data: CompanyInput) -> Answer[CompanyFacts]:
    """Add a company."""

    async def work(tx: Tx) -> CompanyFacts:
        company_id = await open_company(
            tx, actor=staff.actor, code=data.code, kind=data.kind, name=_text(data.name), reason=data.reason
        )
        after = await directory.read(tx)
        return _company_facts(after, after.companies[company_id])

    return await write.run(work, status=201, after=lambda: directory.refresh(db))


@patch("/api/console/companies/{code:str}", opt=doors.staff("organisation.edit", code=doors.SHARED))
async def edit_company(
    write: Write, db: Database, staff: Staff, chain: Chain, code: str, data: CompanyEdit
) -> Answer[CompanyFacts]:
    """Rename a company."""
    company = _company(chain, code)

    async def work(tx: Tx) -> CompanyFacts:
        await rename_company(tx, actor=staff.actor, company_id=company.id, name=_text(data.name), reason=data.reason)
        after = await directory.read(tx)
        return _company_facts(after, after.companies[company.id])

    return await write.run(work, after=lambda: directory.refresh(db))


# --- shapes ---------------------------------------------------------------------------------------


def _facts(chain: Chain, store: Store) -> StoreFacts:
    company, region = chain.companies[store.company_id], chain.regions[store.region_id]
    first = today(store.hours, clock.now())
    return StoreFacts(
        id=store.id,
        code=store.code,
        kind=store.kind,
        company_code=company.code,
        company_name=company.name,
        region_code=region.code,
        region_name=region.name,
        name=store.name,
        address=store.address,
        province=store.province,
        city=store.city,
        phone=store.phone,
        lat=store.lat,
        lon=store.lon,
        timezone=store.timezone,
        week=[list(day) for day in store.hours.week],
        exceptions=[
            DifferentDay(each.on, list(each.spans), each.reason)
            for each in chain.exceptions.get(store.id, ())
            if each.on >= first
        ],
        services=store.services,
        share=store.share,
        pick_capacity_hour=store.pick_capacity_hour,
        pickup_lead_min=store.pickup_lead_min,
        state=store.state,
        opened_on=store.opened_on,
        version=store.version,
        open_now=chain.card(store).open_now,
    )


def _region_facts(chain: Chain, region: Region) -> RegionFacts:
    parent = None if region.parent_id is None else chain.regions[region.parent_id].code
    count = sum(store.region_id == region.id for store in chain.stores.values())
    return RegionFacts(region.id, region.code, region.name, parent, count)


def _company_facts(chain: Chain, company: Company) -> CompanyFacts:
    count = sum(store.company_id == company.id for store in chain.stores.values())
    kind: Literal["headquarters", "franchisee"] = "franchisee" if company.franchised else "headquarters"
    return CompanyFacts(company.id, company.code, company.name, kind, count)


def _by_code(units: Iterable[Unit]) -> list[Unit]:
    return sorted(units, key=lambda unit: unit.code)


def _region(chain: Chain, code: str) -> Region:
    region = chain.region_by_code.get(code)
    if region is None:
        raise NotFound(kind="region")
    return region


def _company(chain: Chain, code: str) -> Company:
    company = chain.company_by_code.get(code)
    if company is None:
        raise NotFound(kind="company")
    return company


def _text(given: NameInput | AddressInput) -> Text:
    zh = given.zh.strip()
    return Text(zh, given.en.strip() or zh)


def _services(given: ServicesInput) -> Services:
    return Services(given.pickup, given.ship, given.returns)


def _fits(store: Store, q: str) -> bool:
    text = " ".join((store.code, store.name.zh, store.name.en, store.address.zh, store.city, store.province)).lower()
    return all(word in text for word in q.lower().split())


ROUTES = [
    list_stores,
    create_store,
    get_store,
    change_store,
    replace_exceptions,
    list_regions,
    create_region,
    edit_region,
    list_companies,
    create_company,
    edit_company,
]
