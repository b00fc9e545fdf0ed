"""A touchpoint is opened: count it once a device and while, and remember the touch."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.attribution.guides import showed_in
from duoline.attribution.policy import TOUCH
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import derived_id, new_id

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.attribution.types import Touchpoint, Via
    from duoline.kernel.db import Tx

PARTS = 16
"""A count is kept in so many parts at most. A code that is scanned now and then has one."""


def _count(table: str, day: str = "") -> str:
    """Count one scan in a part of a count that nobody else is counting in; in the device's own when all others are.

    Whoever opens a code that hundreds open at the same moment waits for few of them and not for all: a row is locked
    until the page's transaction ends. The sum of the parts is the count. $1 the touchpoint, $2 the device's part,
    $3 the day if there is one.
    """
    here, column, value = (f"AND d.{day} = $3", f"{day}, ", "$3, ") if day else ("", "", "")
    return f"""
WITH free AS (
    SELECT d.part FROM {table} d WHERE d.touchpoint_id = $1 {here}
    ORDER BY d.part LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), counted AS (
    UPDATE {table} d SET scans = d.scans + 1 FROM free WHERE d.touchpoint_id = $1 {here} AND d.part = free.part
    RETURNING d.part
)
INSERT INTO {table} AS d (touchpoint_id, {column}part, scans)
SELECT $1, {value}$2::integer, 1 WHERE NOT EXISTS (SELECT FROM counted)
ON CONFLICT (touchpoint_id, {column}part) DO UPDATE SET scans = d.scans + 1
"""  # noqa: S608 - our own tables


_COUNT_DAY = _count("touchpoint_days", "on_date")
_COUNT_ALL = _count("touchpoint_totals")


def device_key(device_id: UUID, *, secret: str) -> UUID:
    """Under what a browser is kept. Who has the tables and not the secret cannot tell which cookie it was."""
    return derived_id(hmac.digest(secret.encode(), b"touch device\0" + device_id.bytes, "sha256"))


async def scan(tx: Tx, found: Touchpoint, *, via: Via, device_id: UUID, member_id: UUID | None, timezone: str) -> bool:
    """Count a scan and remember the touch, of the member if one is known, else of the device; whether it counted.

    `device_id` is a `device_key`, `timezone` that of the place, by which days are told. Again within the policy's
    minutes, the scan does not count; as a touch it does when something else was met in between. Locks the row of the
    device at the touchpoint, then a part of the day's count, then a part of the whole.
    """
    now = clock.now()
    ensure(found.ended_at is None, "ATT-4", f"{found.code} has ended and is counted")
    again = timedelta(minutes=TOUCH.current(now).body.repeat_minutes)
    counted = await tx.fetchval(
        """INSERT INTO touchpoint_devices AS d (touchpoint_id, device_id, first_at, last_at) VALUES ($1, $2, $3, $3)
           ON CONFLICT (touchpoint_id, device_id) DO UPDATE SET last_at = excluded.last_at
           WHERE d.last_at <= excluded.last_at - $4::interval RETURNING true""",
        found.id,
        device_id,
        now,
        again,
    )
    if counted:
        on_date = now.astimezone(ZoneInfo(timezone)).date()
        await tx.execute(
            """INSERT INTO scans (touchpoint_id, id, at, on_date, via, device_id, member_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            found.id,
            new_id(),
            now,
            on_date,
            via,
            device_id,
            member_id,
        )
        part = device_id.int % PARTS
        await tx.execute(_COUNT_DAY, found.id, part, on_date)
        await tx.execute(_COUNT_ALL, found.id, part)
    await _remember(tx, found, via=via, device_id=device_id, member_id=member_id, counted=bool(counted))
    return bool(counted)


async def _remember(
    tx: Tx, found: Touchpoint, *, via: Via, device_id: UUID, member_id: UUID | None, counted: bool
) -> None:
    table, key = ("device_touches", device_id) if member_id is None else ("touches", member_id)
    column = "device_id" if member_id is None else "member_id"
    if not counted:
        latest = await tx.fetchval(
            f"SELECT touchpoint_id FROM {table} WHERE {column} = $1 ORDER BY at DESC, id DESC LIMIT 1",  # noqa: S608 - our own table
            key,
        )
        if latest == found.id:
            return
    own = found.device_id == device_id or (
        found.owner.kind == "staff" and await showed_in(tx, found.owner.id, device_id)
    )
    values = (new_id(), found.owner.id, found.id, clock.now(), via, device_id, own)
    if member_id is None:
        await tx.execute(
            """INSERT INTO device_touches (id, owner_id, touchpoint_id, at, via, device_id, own_device)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            *values,
        )
    else:
        await tx.execute(
            """INSERT INTO touches (id, owner_id, touchpoint_id, at, via, device_id, own_device, member_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            *values,
            member_id,
        )
