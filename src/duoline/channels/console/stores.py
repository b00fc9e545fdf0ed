"""Stores and their hours."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, patch, post, put
from litestar.params import QueryParameter

from duoline import inventory
from duoline.channels.console.units import Code, Name, NameInput, Reason, company_at, in_both, region_at
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text
from duoline.stores import directory
from duoline.stores.directory import Chain
from duoline.stores.edit_store import DifferentHours, StoreChange, edit_store, set_exceptions
from duoline.stores.hours import Span, today
from duoline.stores.open_store import NewStore, open_store
from duoline.stores.types import Services, Share, ShareKind, Store

Words = Annotated[str, msgspec.Meta(max_length=200)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=10_080)]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Week = Annotated[list[list[Span]], msgspec.Meta(min_length=7, max_length=7, description="Monday first.")]
State = Literal["draft", "open", "closed"]
# The framework keeps the parameter name `state` for itself.
StateFilter = Annotated[State | None, QueryParameter(name="state", description="Only these.")]


class AddressInput(Input, frozen=True):
    """An address in words; without the English one the Chinese stands in for it."""

    zh: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    en: Words = ""

    def text(self) -> Text:
        """The address as it is kept."""
        return in_both(self.zh, self.en)


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
        inside = chain.stores_below(region_at(chain, region).id)
        wanted = [store for store in wanted if store.id in inside]
    if company is not None:
        owner = company_at(chain, company)
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
        company_id=company_at(chain, data.company_code).id,
        region_id=region_at(chain, data.region_code).id,
        name=data.name.text(),
        address=data.address.text(),
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
        company_id=None if data.company_code is None else company_at(chain, data.company_code).id,
        region_id=None if data.region_code is None else region_at(chain, data.region_code).id,
        name=None if data.name is None else data.name.text(),
        address=None if data.address is None else data.address.text(),
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
        DifferentHours(each.on, each.spans, Text("", "") if each.reason is None else each.reason.text())
        for each in data.items
    ]

    async def work(tx: Tx) -> StoreFacts:
        await set_exceptions(tx, actor=staff.actor, store_id=store.id, wanted=wanted, reason=data.reason)
        after = await directory.read(tx)
        return _facts(after, after.store(store.id))

    return await write.run(work, after=lambda: directory.refresh(db))


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


def _services(given: ServicesInput) -> Services:
    return Services(given.pickup, given.ship, given.returns)


def _fits(store: Store, q: str) -> bool:
    text = " ".join((store.code, store.name.zh, store.name.en, store.address.zh, store.city, store.province)).lower()
    return all(word in text for word in q.lower().split())


ROUTES = [list_stores, create_store, get_store, change_store, replace_exceptions]
