"""The organisation in memory: companies, regions, stores and their hours, as of a moment ago.

Every process keeps one `Chain`, an immutable snapshot that `refresh` swaps whole: at the start, at every event
`stores.*` in the log, and every thirty seconds in any case, so another process's change is seen within half a
minute at worst. Nothing that must be exact is decided on it: stock, money
and rights to an object are read in the transaction; a store that has just closed may take orders for a few seconds.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from functools import cached_property
from sys import intern
from typing import TYPE_CHECKING

from duoline.kernel import clock, follow
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores import hours, rights
from duoline.stores.types import Company, CompanyCard, Region, Services, Share, Store, StoreCard, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    import asyncpg

    from duoline.kernel.db import Database, Tx

EARTH_M = 6_371_008.8


@dataclass(frozen=True)
class HourException:
    """One date on which a store's hours differ."""

    on: date
    spans: tuple[hours.Span, ...]
    reason: Text


@dataclass(frozen=True)
class Chain:
    """The organisation at one moment."""

    companies: Mapping[UUID, Company] = field(default_factory=dict)
    regions: Mapping[UUID, Region] = field(default_factory=dict)
    stores: Mapping[UUID, Store] = field(default_factory=dict)
    exceptions: Mapping[UUID, tuple[HourException, ...]] = field(default_factory=dict)
    fingerprint: str = ""
    _days: dict[UUID, _Day] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_code(self) -> Mapping[str, Store]:
        """Stores by their code."""
        return {store.code: store for store in self.stores.values()}

    @cached_property
    def company_by_code(self) -> Mapping[str, Company]:
        """Companies by their code."""
        return {company.code: company for company in self.companies.values()}

    @cached_property
    def region_by_code(self) -> Mapping[str, Region]:
        """Regions by their code."""
        return {region.code: region for region in self.regions.values()}

    @cached_property
    def _region_by_place(self) -> Mapping[tuple[str, str], UUID]:
        """The region of our locations in each city and, under an empty city, in each province: shops first, by code."""
        found: dict[tuple[str, str], UUID] = {}
        for store in sorted(self.stores.values(), key=lambda store: (store.kind != "store", store.code)):
            found.setdefault((store.province, store.city), store.region_id)
            found.setdefault((store.province, ""), store.region_id)
        return found

    def region_of(self, province: str, city: str) -> UUID | None:
        """The region that a place belongs to: that of our locations in its city, else in its province, else none."""
        return self._region_by_place.get((province, city)) or self._region_by_place.get((province, ""))

    def store(self, store_id: UUID) -> Store:
        """A store by id. Refuses with `NotFound`."""
        store = self.stores.get(store_id)
        if store is None:
            raise NotFound(kind="store")
        return store

    def coded(self, code: str) -> Store:
        """A store by code. Refuses with `NotFound`."""
        store = self.by_code.get(code)
        if store is None:
            raise NotFound(kind="store", code=code)
        return store

    def stores_below(self, region_id: UUID) -> frozenset[UUID]:
        """The stores in a region and in those below it."""
        return rights.stores_of(UnitKind.REGION, region_id, self)

    def regions_below(self, region_id: UUID) -> frozenset[UUID]:
        """The region itself and those below it that have stores."""
        return frozenset({region_id, *(self.stores[store_id].region_id for store_id in self.stores_below(region_id))})

    def regions_above(self, region_id: UUID) -> list[UUID]:
        """The region itself and those above it, the nearest first."""
        path: list[UUID] = []
        above: UUID | None = region_id
        while above is not None and above not in path:
            path.append(above)
            region = self.regions.get(above)
            above = region.parent_id if region else None
        return path

    def shops(self, *, service: str | None = None) -> list[Store]:
        """Open stores (not distribution centres) that offer a service: pickup, ship or returns; by code."""
        return sorted(
            (
                store
                for store in self.stores.values()
                if store.active and store.kind == "store" and (service is None or getattr(store.services, service))
            ),
            key=lambda store: store.code,
        )

    def matching(self, q: str) -> list[Store]:
        """Locations of which every word is somewhere in code, name or city."""
        words = q.casefold().split()
        return [
            store
            for store in self.stores.values()
            if all(word in f"{store.code} {store.name.zh} {store.name.en} {store.city}".casefold() for word in words)
        ]

    def nearest(
        self, lat: float, lon: float, *, among: Iterable[Store] | None = None, limit: int | None = None
    ) -> list[tuple[int, Store]]:
        """Stores (all open shops unless `among` is given) with their distance in metres, nearest first."""
        found = sorted(
            ((distance_m(lat, lon, store.lat, store.lon), store) for store in (among or self.shops())),
            key=lambda pair: (pair[0], pair[1].code),
        )
        return found if limit is None else found[:limit]

    def card(self, store: Store, *, at: datetime | None = None, distance: int | None = None) -> StoreCard:
        """The store as every face shows it, at the instant (now by default)."""
        at = at or clock.now()
        company = self.companies[store.company_id]
        day = self._days.get(store.id)
        if day is None or not day.from_at <= at < day.until_at:
            day = self._days[store.id] = _day_of(store, at)
        return StoreCard(
            id=store.id,
            code=store.code,
            name=store.name,
            kind=store.kind,
            address=store.address,
            phone=store.phone,
            lat=store.lat,
            lon=store.lon,
            distance_m=distance,
            timezone=store.timezone,
            hours_today=day.spans,
            open_now=day.open_now,
            next_change_at=day.next_change_at,
            services=store.services,
            pickup_lead_min=store.pickup_lead_min,
            company=CompanyCard(company.name, company.franchised),
        )


@dataclass(frozen=True)
class _Day:
    """The part of a card that follows the clock, good from one instant until the next at which it changes."""

    from_at: datetime
    until_at: datetime
    spans: list[hours.Span]
    open_now: bool
    next_change_at: datetime | None


def _day_of(store: Store, at: datetime) -> _Day:
    change_at = hours.next_change(store.hours, at)
    midnight = hours.midnight_after(store.hours, at)
    return _Day(
        from_at=at,
        until_at=midnight if change_at is None else min(change_at, midnight),
        spans=list(store.hours.on(hours.today(store.hours, at))),
        open_now=hours.open_at(store.hours, at),
        next_change_at=change_at,
    )


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> int:
    """Metres between two points on the sphere (haversine)."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_phi, half_lambda = (phi_b - phi_a) / 2, math.radians(lon_b - lon_a) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lambda) ** 2
    return round(2 * EARTH_M * math.asin(math.sqrt(min(1.0, h))))


# --- the snapshot of this process ---------------------------------------------------------------

_current = Chain()
_refreshing = asyncio.Lock()


def current() -> Chain:
    """The organisation as this process last saw it."""
    return _current


@follow.watch("stores.*")
async def refresh(db: Database | Tx) -> Chain:
    """Look whether anything changed and, if so, read it all anew; gives the snapshot in force."""
    global _current
    async with _refreshing:
        fingerprint = await db.fetchval(_FINGERPRINT)
        if fingerprint != _current.fingerprint:
            _current = await read(db, fingerprint)
    return _current


_FINGERPRINT = """
SELECT concat_ws(' ',
  (SELECT md5(COALESCE(string_agg(c::text, '|' ORDER BY c.id), '')) FROM companies c),
  (SELECT md5(COALESCE(string_agg(r::text, '|' ORDER BY r.id), '')) FROM regions r),
  (SELECT md5(COALESCE(string_agg(s.id::text || s.version || s.updated_at, '|' ORDER BY s.id), '')) FROM stores s),
  (SELECT md5(COALESCE(string_agg(e::text, '|' ORDER BY e.store_id, e.on_date), '')) FROM store_hour_exceptions e))
"""


async def read(db: Database | Tx, fingerprint: str = "") -> Chain:
    """The organisation as the database has it, or as this transaction sees it, without touching the snapshot in use."""
    companies = {
        r["id"]: Company(r["id"], r["code"], Text(r["name_zh"], r["name_en"]), r["kind"] == "franchisee")
        for r in await db.fetch("SELECT id, code, name_zh, name_en, kind FROM companies")
    }
    regions = {
        r["id"]: Region(r["id"], r["code"], r["parent_id"], Text(r["name_zh"], r["name_en"]))
        for r in await db.fetch("SELECT id, code, parent_id, name_zh, name_en FROM regions")
    }
    exceptions: dict[UUID, list[HourException]] = {}
    days: dict[HourException, HourException] = {}  # a holiday is one of every location
    for r in await db.fetch("SELECT * FROM store_hour_exceptions ORDER BY store_id, on_date"):
        one = HourException(r["on_date"], hours.spans_of(r["spans"]), Text(r["reason_zh"], r["reason_en"]))
        exceptions.setdefault(r["store_id"], []).append(days.setdefault(one, one))
    known: Known = {}
    stores = {
        r["id"]: _store(r, exceptions.get(r["id"], []), known)
        for r in await db.fetch("SELECT * FROM stores ORDER BY code")
    }
    return Chain(companies, regions, stores, {k: tuple(v) for k, v in exceptions.items()}, fingerprint)


Known = dict[tuple[str, hours.Week, tuple[HourException, ...]], hours.Hours]
"""Hours by what they are made of."""


def _hours(r: asyncpg.Record, exceptions: Sequence[HourException], known: Known) -> hours.Hours:
    """The hours of a location. Most locations of a chain keep the same ones: these share one object, and the sixty days
    that it works out."""
    week, differ = tuple(hours.spans_of(day) for day in r["hours"]), tuple(exceptions)
    found = known.get((r["timezone"], week, differ))
    if found is None:
        found = hours.Hours(r["timezone"], week, {e.on: e.spans for e in differ})
        known[r["timezone"], week, differ] = found
    return found


def _store(r: asyncpg.Record, exceptions: Sequence[HourException], known: Known) -> Store:
    return Store(
        id=r["id"],
        code=r["code"],
        kind=intern(r["kind"]),
        company_id=r["company_id"],
        region_id=r["region_id"],
        name=Text(r["name_zh"], r["name_en"]),
        address=Text(r["address_zh"], r["address_en"]),
        province=intern(r["province"]),
        city=intern(r["city"]),
        phone=r["phone"],
        lat=r["lat"],
        lon=r["lon"],
        timezone=intern(r["timezone"]),
        hours=_hours(r, exceptions, known),
        services=Services(r["pickup"], r["ship"], r["returns"]),
        share=Share(r["share_kind"], r["share_units"], r["share_fee_minor"]),
        pick_capacity_hour=r["pick_capacity_hour"],
        pickup_lead_min=r["pickup_lead_min"],
        state=intern(r["state"]),
        opened_on=r["opened_on"],
        version=r["version"],
    )
