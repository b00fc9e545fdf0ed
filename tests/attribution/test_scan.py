"""Scans under their locks, and touches in their order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from duoline import attribution
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from tests.attribution.conftest import ZONE, add_member, build

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from tests.attribution.conftest import Place

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)


async def test_one_device_many_times_at_once_is_one_scan_and_two_devices_are_two(db: Database):
    with clock.frozen(NOON):
        async with db.begin() as tx:
            place = await build(tx)
        one, other = new_id(), new_id()

        async def scan(device) -> bool:
            async with db.begin() as tx:
                return await attribution.scan(
                    tx, place.poster, via="qr", device_id=device, member_id=None, timezone=ZONE
                )

        done = await asyncio.gather(*(scan(device) for device in [one, other] * 6))
    assert sum(done) == 2
    assert await db.fetchval("SELECT scans FROM touchpoint_days") == 3
    assert await db.fetchval("SELECT count(*) FROM device_touches") == 2


async def test_a_day_ends_at_midnight_of_the_place(tx: Tx, place: Place):
    late = datetime(2026, 11, 18, 15, 59, tzinfo=UTC)
    for at in (late, late + timedelta(minutes=1)):
        with clock.frozen(at):
            await attribution.scan(tx, place.poster, via="qr", device_id=new_id(), member_id=None, timezone=ZONE)
    rows = await tx.fetch("SELECT on_date FROM touchpoint_days WHERE on_date < '2026-11-21' ORDER BY on_date")
    assert [f"{row['on_date']}" for row in rows][:2] == ["2026-11-18", "2026-11-19"]


async def test_what_was_met_again_within_minutes_is_the_last_touch_though_it_counts_once(tx: Tx, place: Place):
    other = await attribution.make(
        tx,
        attribution.NewTouchpoint(
            "campaign",
            attribution.Owner("store", place.store_id),
            place.poster.name,
            attribution.Target("home"),
        ),
        actor=SYSTEM,
    )
    member, device = await add_member(tx), new_id()
    for minute, point in enumerate((place.poster, other, place.poster, place.poster)):
        with clock.frozen(NOON + timedelta(minutes=minute)):
            counted = await attribution.scan(tx, point, via="link", device_id=device, member_id=member, timezone=ZONE)
            assert counted == (minute < 2)
    at = NOON + timedelta(minutes=5)
    last = await attribution.last_touch(tx, [member], None, at=at)
    assert last is not None
    assert last.touchpoint_id == place.poster.id
    assert await tx.fetchval("SELECT count(*) FROM touches WHERE member_id = $1", member) == 3
    # Before an instant, only what was met before it.
    before = await attribution.last_touch(tx, [member], None, at=NOON + timedelta(seconds=90))
    assert before is not None
    assert before.touchpoint_id == other.id


async def test_what_one_shared_oneself_is_no_touch(tx: Tx, place: Place):
    friend, device = await add_member(tx), new_id()
    await tx.execute(
        "UPDATE touchpoints SET owner_kind = 'member', owner_id = $2 WHERE id = $1", place.poster.id, friend
    )
    await tx.execute("UPDATE touchpoint_codes SET owner_id = $1", friend)
    own = await attribution.coded(tx, place.poster.code)
    assert own is not None
    with clock.frozen(NOON):
        await attribution.scan(tx, own, via="link", device_id=device, member_id=None, timezone=ZONE)
        assert await attribution.last_touch(tx, [friend], device, at=NOON) is None
        found = await attribution.last_touch(tx, [new_id()], device, at=NOON)
    assert found is not None
