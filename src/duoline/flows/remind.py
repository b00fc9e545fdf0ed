"""Remind whoever has not collected what stands ready, some hours before it goes back to the shelf.

First the reminder is written down: a row of its own that is there once a fulfilment, the order's story, a job. The job
sends the message with no transaction open. It says first that it will (`claimed_at`), so a message goes out once at
most: killed after that word it is never sent, and the order's page tells the member all the same. Of two workers one
has the row. A gateway that does not answer may have taken the message on, so it is not asked again.

What was collected, extended or let go meanwhile sends nothing: the claim looks at the fulfilment in the same statement.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from duoline import fulfilment, orders
from duoline.kernel import clock, faults, jobs, outbox
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Unavailable, ensure
from duoline.kernel.sweep import Sweep
from duoline.members import phones, sms
from duoline.members.errors import BadPhone, NoSender
from duoline.stores import directory

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Database
    from duoline.stores.types import Store

log = logging.getLogger(__name__)

faults.register("remind.after_commit", "remind.after_claim", "remind.after_send")

BATCH = 200
JOB = "order.remind"
REMINDERS = Sweep("remind of pickups")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Not before half of the time has passed: where little is given, nobody is reminded while walking to the shop.
_DUE = """
SELECT f.location_id, f.id FROM fulfilments f
WHERE f.state = 'ready' AND f.kind = 'pickup' AND f.keep_until > $1 AND f.keep_until <= $2
  AND f.keep_until - $1 <= $1 - f.ready_at
  AND NOT EXISTS (SELECT FROM pickup_reminders r WHERE r.location_id = f.location_id AND r.fulfilment_id = f.id)
  AND NOT f.id = ANY ($4)
ORDER BY f.keep_until LIMIT $3
"""


class SendReminder(msgspec.Struct, frozen=True):
    """The pickup whose buyer is told."""

    location_id: UUID
    fulfilment_id: UUID


@jobs.cron("remind of pickups", "* * * * *")
async def remind_due(db: Database) -> int:
    """Write down a reminder for each pickup whose time runs out within the policy's hours; returns how many."""
    hours, now = fulfilment.PICKUP.current().body.remind_hours, clock.now()
    if not hours:
        return 0
    due = await db.fetch(_DUE, now, now + timedelta(hours=hours), BATCH, REMINDERS.resting())

    async def remind(row: Any) -> None:
        await _remind(db, row["location_id"], row["id"], hours)

    return await REMINDERS.run([(row["id"], row) for row in due], remind)


async def _remind(db: Database, location_id: UUID, fulfilment_id: UUID, hours: int) -> bool:
    """Locks the order and the fulfilment, as letting go does: of the two who comes second finds what the first did."""
    async with db.begin() as tx:
        glance = await fulfilment.peek(tx, location_id, fulfilment_id)
        order, _ = await orders.lock_order(tx, glance.member_id, glance.order_id)
        job, _ = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
        now = clock.now()
        if not _running_out(job, now, hours):
            return False
        ensure(job.keep_until is not None and now < job.keep_until, "FUL-7", f"{order.order_no}: reminded too late")
        written = await tx.fetchval(
            """INSERT INTO pickup_reminders (location_id, fulfilment_id, keep_until, reminded_at)
               VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true""",
            location_id,
            fulfilment_id,
            job.keep_until,
            now,
        )
        if not written:
            return False
        await orders.timeline.write(
            tx,
            member_id=order.member_id,
            order_id=order.id,
            kind="reminded",
            actor=SYSTEM,
            fulfilment_id=str(fulfilment_id),
            keep_until=job.keep_until,
        )
        await outbox.emit(
            tx,
            topic="orders.reminded",
            key=str(order.id),
            payload={"order_id": str(order.id), "order_no": order.order_no},
            family="member",
            owner_id=order.member_id,
            store_ids=[location_id],
            member_id=order.member_id,
        )
        await jobs.enqueue(tx, JOB, SendReminder(location_id, fulfilment_id), key=f"{JOB}:{fulfilment_id}")
    faults.point("remind.after_commit")
    return True


def _running_out(job: fulfilment.Fulfilment, now: datetime, hours: int) -> bool:
    return (
        job.kind == "pickup"
        and job.state == fulfilment.FulfilmentState.READY.value
        and job.keep_until is not None
        and now < job.keep_until <= now + timedelta(hours=hours)
    )


# Whether it is still to be collected by then is asked in the very statement that claims the sending.
_CLAIM = """
UPDATE pickup_reminders r SET claimed_at = $3
FROM fulfilments f
WHERE r.location_id = $1 AND r.fulfilment_id = $2 AND r.claimed_at IS NULL AND r.outcome IS NULL
  AND f.location_id = r.location_id AND f.id = r.fulfilment_id AND f.state = 'ready' AND f.keep_until = r.keep_until
  AND f.keep_until > $3
RETURNING f.member_id, f.order_no, f.contact_phone, r.keep_until
"""


@jobs.handler(JOB, payload=SendReminder)
async def send_reminder(db: Database, what: SendReminder) -> None:
    """Send the message of a reminder that nobody has sent. Safe to run again, and by several at once: it sends once."""
    try:
        sender = sms.sender()
    except NoSender:
        await _end(db, what, "no_gateway")
        return
    row = await db.fetchrow(_CLAIM, what.location_id, what.fulfilment_id, clock.now())
    if row is None:
        await _end(db, what, "over")
        return
    faults.point("remind.after_claim")
    locale = await db.fetchval("SELECT locale FROM members WHERE member_id = $1", row["member_id"])
    store = directory.current().store(what.location_id)
    try:
        await sender.send(_message(what, row, store, english=locale == "en"))
        outcome = "sent"
    except Unavailable as problem:
        log.warning("nobody knows whether the reminder for %s was sent: %s", row["order_no"], problem)
        outcome = "unanswered"
    except (sms.MessageRefused, BadPhone) as problem:
        log.warning("the reminder for %s was not sent: %s", row["order_no"], problem)
        outcome = "refused"
    faults.point("remind.after_send")
    await db.execute(
        "UPDATE pickup_reminders SET outcome = $3 WHERE location_id = $1 AND fulfilment_id = $2",
        what.location_id,
        what.fulfilment_id,
        outcome,
    )


def _message(what: SendReminder, row: Any, store: Store, *, english: bool) -> sms.SmsMessage:
    """Refuses `BadPhone` for a number that somebody wrote as they liked."""
    return sms.SmsMessage(
        id=str(what.fulfilment_id),
        phone=phones.normalise(row["contact_phone"]),
        template=sms.SmsTemplate.PICKUP_REMINDER,
        fields={
            "order": row["order_no"],
            "store": store.name.en if english else store.name.zh,
            "until": day_of(row["keep_until"], store.timezone, english=english),
        },
        locale="en" if english else "zh",
    )


def day_of(at: datetime, timezone: str, *, english: bool) -> str:
    """An instant as a message says it: the day and the time there."""
    here = at.astimezone(ZoneInfo(timezone))
    day = f"{here.day} {_MONTHS[here.month - 1]}" if english else f"{here.month}月{here.day}日"
    return f"{day} {here:%H:%M}"


async def _end(db: Database, what: SendReminder, outcome: str) -> None:
    """Nothing is sent. What somebody has claimed is theirs."""
    await db.execute(
        """UPDATE pickup_reminders SET outcome = $3
           WHERE location_id = $1 AND fulfilment_id = $2 AND claimed_at IS NULL AND outcome IS NULL""",
        what.location_id,
        what.fulfilment_id,
        outcome,
    )
