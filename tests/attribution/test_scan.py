"""Scans under their locks, and touches in their order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from duoline import attribution
from duoline.attribution.invariants import INVARIANTS
from duoline.attribution.scan import PARTS
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from tests.attribution.conftest import ZONE, add_member, build

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from tests.attribution.conftest import Place

WAIT_S = 20
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
    assert await db.fetchval("SELECT sum(scans) FROM touchpoint_days") == 3
    assert await db.fetchval("SELECT sum(scans) FROM touchpoint_totals") == 3
    assert await db.fetchval("SELECT count(*) FROM device_touches") == 2


async def test_who_scans_what_others_are_scanning_waits_for_none_of_them(db: Database):
    with clock.frozen(NOON):
        async with db.begin() as tx:
            place = await build(tx)
        # The first takes the part that is there, the others begin one of their own each.
        first = await db.fetchval("SELECT part FROM touchpoint_totals")
        devices = [UUID(int=PARTS + n) for n in range(PARTS) if n != first]

        async def scan(tx: Tx, device: UUID) -> None:
            assert await attribution.scan(tx, place.poster, via="qr", device_id=device, member_id=None, timezone=ZONE)

        async with asyncio.timeout(WAIT_S), AsyncExitStack() as open_until_the_end:
            for device in devices:
                await scan(await open_until_the_end.enter_async_context(db.begin()), device)
    for table in ("touchpoint_days", "touchpoint_totals"):
        assert await db.fetchval(f"SELECT sum(scans) FROM {table}") == 1 + len(devices) == PARTS
    assert [row for name, _, sql in INVARIANTS if name == "ATT-4" for row in await db.fetch(sql)] == []


async def test_a_code_that_is_scanned_by_one_after_the_other_keeps_one_count(tx: Tx, place: Place):
    with clock.frozen(NOON):
        for n in range(20):
            await attribution.scan(tx, place.poster, via="qr", device_id=UUID(int=n), member_id=None, timezone=ZONE)
    rows = await tx.fetch("SELECT scans FROM touchpoint_totals WHERE touchpoint_id = $1", place.poster.id)
    assert [row["scans"] for row in rows] == [21]


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
