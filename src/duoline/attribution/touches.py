"""Touches: whose they are, and which of them comes last before something happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.attribution import guides
from duoline.attribution.policy import SAME_DEVICE_DAYS, TOUCH
from duoline.attribution.types import OrderTouch, Touch
from duoline.kernel import clock, jobs, outbox
from duoline.kernel.errors import ensure
from duoline.members.group import person_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

NEWCOMERS = f"""
SELECT s.member_id, s.touch_id, s.at, p.store_id,
       t.own_device
       OR EXISTS (SELECT FROM device_touches d WHERE d.device_id = t.device_id AND d.member_id <> s.member_id
                  AND d.at > s.at - interval '{SAME_DEVICE_DAYS} days' AND d.at <= s.at)
       OR EXISTS (SELECT FROM members m JOIN staff f ON f.phone = m.phone WHERE m.member_id = s.member_id) AS odd
FROM sign_ups s
JOIN touches t ON t.member_id = s.member_id AND t.id = s.touch_id
JOIN touchpoints p ON p.owner_id = s.owner_id AND p.id = s.touchpoint_id
"""  # noqa: S608 - our own number
"""New members with the shop whose touchpoint brought them, and whether something is `odd`: a touch in the browser that
the touchpoint was made or shown in, a browser in which somebody else logged in lately, the number of somebody on the
staff. What pays for them looks at it first."""

KEPT = timedelta(days=366)
"""A day more than the longest window that the policy takes."""

LAST = """
SELECT id, owner_id, touchpoint_id, at, own_device FROM (
    SELECT id, owner_id, touchpoint_id, at, own_device FROM touches
    WHERE member_id = ANY ($1::uuid[]) AND at <= $3 AND at > $4
    UNION ALL
    SELECT id, owner_id, touchpoint_id, at, own_device FROM device_touches
    WHERE device_id = $2 AND member_id IS NULL AND at <= $3 AND at > $4) t
WHERE NOT owner_id = ANY ($1::uuid[])
  AND NOT EXISTS (SELECT FROM members m WHERE m.member_id = t.owner_id AND m.erased_at IS NOT NULL)
ORDER BY at DESC, id DESC LIMIT 1
"""


async def last_touch(
    db: Database | Tx, member_ids: Sequence[UUID], device_id: UUID | None, *, at: datetime
) -> Touch | None:
    """The last touch before an instant, within the window of the policy that held then.

    Of a member under all their ids, and of the device as far as nobody was known on it. What a member shared
    themselves is no touch of theirs, and what somebody shared who is forgotten since is nobody's.
    """
    rule = TOUCH.current(at)
    row = await db.fetchrow(LAST, list(member_ids), device_id, at, at - rule.body.window)
    return None if row is None else Touch(*row)


async def touch_before(
    db: Database | Tx, member_ids: Sequence[UUID], device_id: UUID | None = None, *, at: datetime
) -> OrderTouch | None:
    """The last touch with the rule it is judged by, to be written with an order that is placed at this instant."""
    touch = await last_touch(db, member_ids, device_id, at=at)
    if touch is None:
        return None
    rule = TOUCH.current(at)
    return OrderTouch(touch, rule.body.window_days, rule.version)


def counts(found: OrderTouch, *, at: datetime) -> bool:
    """Whether it lies before that instant, within its window."""
    return found.touch.at <= at and at - found.touch.at < timedelta(days=found.window_days)


def row_of(found: OrderTouch, *, at: datetime) -> dict[str, Any]:
    """What is written beside an order that is placed at `at`, but for its keys."""
    touch = found.touch
    ensure(counts(found, at=at), "ATT-2", f"a touch at {touch.at} for an order at {at}, of {found.window_days} days")
    return {
        "touch_id": touch.id,
        "owner_id": touch.owner_id,
        "touchpoint_id": touch.touchpoint_id,
        "touched_at": touch.at,
        "placed_at": at,
        "window_days": found.window_days,
        "rule_version": found.rule_version,
        "own_device": touch.own_device,
    }


async def note(tx: Tx, *, member_id: UUID, order_id: UUID, at: datetime) -> None:
    """Write the touch of an order that was made in this transaction, if its member met anything within the window, also
    as a guest they were or as somebody who was merged into them."""
    found = await touch_before(tx, await person_of(tx, member_id), at=at)
    if found is not None:
        await tx.execute(_NOTE, member_id, order_id, *row_of(found, at=at).values())


_NOTE = """
INSERT INTO order_touches (member_id, order_id, touch_id, owner_id, touchpoint_id, touched_at, placed_at, window_days,
                           rule_version, own_device)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def touch_of(db: Database | Tx, member_id: UUID, order_id: UUID) -> OrderTouch | None:
    """Which touch an order is put down to, as it was when it was placed. None: nothing was met in time."""
    row = await db.fetchrow(
        """SELECT touch_id, owner_id, touchpoint_id, touched_at, own_device, window_days, rule_version
           FROM order_touches WHERE member_id = $1 AND order_id = $2""",
        member_id,
        order_id,
    )
    if row is None:
        return None
    touch_id, owner_id, touchpoint_id, touched_at, own, window_days, version = row
    return OrderTouch(Touch(touch_id, owner_id, touchpoint_id, touched_at, own), window_days, version)


async def met_by(
    db: Database | Tx, member_ids: Sequence[UUID], device_id: UUID | None, touchpoint_id: UUID
) -> str | None:
    """How a member, or an unknown device, met a touchpoint last: `qr` or `link`; None for never."""
    via: str | None = await db.fetchval(
        """SELECT via FROM (
               SELECT via, at FROM touches WHERE member_id = ANY ($1::uuid[]) AND touchpoint_id = $3
               UNION ALL
               SELECT via, at FROM device_touches WHERE device_id = $2 AND member_id IS NULL AND touchpoint_id = $3) t
           ORDER BY at DESC LIMIT 1""",
        list(member_ids),
        device_id,
        touchpoint_id,
    )
    return via


async def carry(tx: Tx, *, device_id: UUID, member_id: UUID) -> None:
    """Who logs in has met what was met on this device before: it becomes theirs, once, and nobody else's after.

    Locks the device's touches that are nobody's. Repeating it changes nothing.
    """
    await tx.execute(
        """WITH mine AS (
               UPDATE device_touches SET member_id = $2 WHERE device_id = $1 AND member_id IS NULL
               RETURNING id, owner_id, touchpoint_id, at, via, own_device)
           INSERT INTO touches (member_id, id, owner_id, touchpoint_id, at, via, own_device, device_id)
           SELECT $2, id, owner_id, touchpoint_id, at, via, own_device, $1 FROM mine
           ON CONFLICT (member_id, id) DO NOTHING""",
        device_id,
        member_id,
    )


async def signed_up(tx: Tx, *, member_id: UUID) -> None:
    """A member is new: put it down to the touchpoint they met last, and tell of it. Repeating it changes nothing."""
    now = clock.now()
    rule = TOUCH.current(now)
    touch = await last_touch(tx, [member_id], None, at=now)
    if touch is None:
        return
    ensure(touch.at <= now, "ATT-3", f"a sign-up at {now} after a touch at {touch.at}")
    fresh = await tx.fetchval(
        """INSERT INTO sign_ups (member_id, touch_id, owner_id, touchpoint_id, touched_at, at, rule_version)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (member_id) DO NOTHING RETURNING true""",
        member_id,
        touch.id,
        touch.owner_id,
        touch.touchpoint_id,
        touch.at,
        now,
        rule.version,
    )
    if fresh:
        await outbox.emit(
            tx,
            topic="attribution.signed-up",
            key=str(touch.id),
            payload={"touchpoint_id": str(touch.touchpoint_id), "rule_version": rule.version},
            family="member",
            owner_id=member_id,
            store_ids=[],
            member_id=member_id,
        )


@jobs.cron("forget touches of unknown devices", "23 4 * * *")
async def forget_old(db: Database) -> None:
    """Delete what devices met longer ago than any window reaches, and which ones guides showed their codes in."""
    await db.execute("DELETE FROM device_touches WHERE at < $1", clock.now() - KEPT)
    await db.execute("DELETE FROM guide_devices WHERE last_at < $1", clock.now() - guides.DEVICES_KEPT)
