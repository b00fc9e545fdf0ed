"""The directory: cards, distances, and a snapshot that follows the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores import directory
from duoline.stores.directory import Chain, distance_m
from duoline.stores.hours import Hours, Span
from tests.stores.test_rights import CHAIN, S1, S2, S3

if TYPE_CHECKING:
    from duoline.kernel.db import Database

DAY = (Span("09:00", "21:00"),)
LAT = st.floats(-90, 90)
LON = st.floats(-180, 180)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00").astimezone(UTC)


def chain(**changes: object) -> Chain:
    store = msgspec.structs.replace(CHAIN.stores[S1], hours=Hours("Asia/Shanghai", (DAY,) * 7), **changes)
    return replace(CHAIN, stores={S1: store}, _days={})


def test_known_distances() -> None:
    assert distance_m(39.9042, 116.4074, 31.2304, 121.4737) == pytest.approx(1_067_000, rel=0.002)  # Beijing-Shanghai
    assert distance_m(0, 179.9, 0, -179.9) == pytest.approx(22_239, rel=0.001)  # over the date line
    assert distance_m(30, 120, 30, 120) == 0


@given(LAT, LON, LAT, LON)
def test_distances_are_symmetric_and_no_longer_than_half_the_earth(a: float, b: float, c: float, d: float) -> None:
    there = distance_m(a, b, c, d)
    assert abs(there - distance_m(c, d, a, b)) <= 1
    assert 0 <= there <= 20_016_000


def test_a_card_follows_the_clock() -> None:
    now = chain()
    store = now.stores[S1]
    morning = now.card(store, at=at("2026-11-18 08:59:59"))
    assert (morning.open_now, morning.next_change_at) == (False, at("2026-11-18 09:00"))
    noon = now.card(store, at=at("2026-11-18 12:00"), distance=850)
    assert (noon.open_now, noon.next_change_at, noon.distance_m) == (True, at("2026-11-18 21:00"), 850)
    assert noon.hours_today == [Span("09:00", "21:00")]
    night = now.card(store, at=at("2026-11-18 21:00"))
    assert (night.open_now, night.next_change_at) == (False, at("2026-11-19 09:00"))
    # Back in time, as tests and replays go.
    assert now.card(store, at=at("2026-11-18 12:00")).open_now


@given(st.lists(st.integers(0, 10 * 24 * 60), min_size=1, max_size=30))
def test_a_remembered_card_equals_a_fresh_one(minutes: list[int]) -> None:
    kept = chain()
    for minute in minutes:
        instant = at("2026-11-18 00:00") + timedelta(minutes=minute)
        assert kept.card(kept.stores[S1], at=instant) == chain().card(kept.stores[S1], at=instant)


def test_only_open_shops_are_offered_and_the_nearest_first() -> None:
    stores = {
        S1: msgspec.structs.replace(CHAIN.stores[S1], code="A", lat=30.0, lon=120.0),
        S2: msgspec.structs.replace(CHAIN.stores[S2], code="B", lat=30.1, lon=120.0, state="closed"),
        S3: msgspec.structs.replace(CHAIN.stores[S3], code="C", lat=31.0, lon=120.0),
    }
    found = replace(CHAIN, stores=stores, _days={})
    assert [store.code for store in found.shops()] == ["A", "C"]
    assert [store.code for _, store in found.nearest(31.0, 120.0)] == ["C", "A"]
    assert [store.code for _, store in found.nearest(31.0, 120.0, among=stores.values(), limit=2)] == ["C", "B"]
    assert found.coded("B").id == S2
    with pytest.raises(NotFound):
        found.coded("Z")
    with pytest.raises(NotFound):
        found.store(UUID(int=5))


async def test_the_snapshot_follows_the_database(db: Database) -> None:
    before = await directory.refresh(db)
    assert await directory.refresh(db) is before  # nothing changed: the same snapshot, remembered cards and all
    company, region, store = (UUID(int=n) for n in (1, 2, 3))
    await db.execute("INSERT INTO companies VALUES ($1, 'HQ', '总部', 'HQ', 'headquarters')", company)
    await db.execute("INSERT INTO regions (id, code, name_zh, name_en) VALUES ($1, 'R', '区', 'R')", region)
    await db.execute(
        "INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province,"
        " city, phone, lat, lon, hours, pickup, ship, returns, pick_capacity_hour, pickup_lead_min, updated_at)"
        " VALUES ($1, 'S', 'store', $2, $3, '店', 'Shop', '', '', '', '', '', 30, 120, $4, true, false, true, 9, 45,"
        " now())",
        store, company, region, [[["09:00", "21:00"]]] * 7,
    )  # fmt: skip
    after = await directory.refresh(db)
    assert after is directory.current()
    assert after.store(store).name == Text("店", "Shop")
    assert after.store(store).services.ship is False
    await db.execute(
        "INSERT INTO store_hour_exceptions (store_id, on_date, spans) VALUES ($1, '2030-01-01', '[]')", store
    )
    again = await directory.refresh(db)
    assert [each.on.year for each in again.exceptions[store]] == [2030]
    assert again.store(store).hours.on(again.exceptions[store][0].on) == ()
