"""Tell whoever has booked something that the balance can be paid, once, when it can.

As with pickups (`remind`): the reminder is written down first, in the order's story and with a job; the job says that
it will send the message, sends it with no transaction open, and notes what came of it. Killed in between, it is not
sent again: a message goes out once at most, and the order's page tells the member all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline import orders
from duoline.flows.remind import day_of
from duoline.kernel import clock, faults, jobs, outbox
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Unavailable
from duoline.kernel.money import Money
from duoline.kernel.sweep import Sweep
from duoline.members import phones, sms
from duoline.members.errors import BadPhone, NoSender
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from duoline.kernel.db import Database

log = logging.getLogger(__name__)

faults.register("remind_balance.after_commit", "remind_balance.after_claim", "remind_balance.after_send")

BATCH = 200
JOB = "order.remind-balance"
REMINDERS = Sweep("remind of balances")

_DUE = """
SELECT p.member_id, p.order_id FROM preorders p
WHERE p.balance_from <= $1 AND p.reminded_at IS NULL AND NOT p.order_id = ANY ($3)
ORDER BY p.balance_from LIMIT $2
"""


class SendReminder(msgspec.Struct, frozen=True):
    """The pre-order whose buyer is told."""

    member_id: UUID
    order_id: UUID


@jobs.cron("remind of balances", "* * * * *")
async def remind_due(db: Database) -> int:
    """Write down a reminder for each pre-order whose balance can be paid by now; returns how many were looked at."""
    due = await db.fetch(_DUE, clock.now(), BATCH, REMINDERS.resting())

    async def remind(row: Any) -> None:
        await _remind(db, row["member_id"], row["order_id"])

    return await REMINDERS.run([(row["order_id"], row) for row in due], remind)


async def _remind(db: Database, member_id: UUID, order_id: UUID) -> bool:
    """Under the order's lock. One that is not booked any more is told nothing, and is not looked at again."""
    async with db.begin() as tx:
        order, _ = await orders.lock_order(tx, member_id, order_id)
        waits = order.state == orders.OrderState.BOOKED.value
        noted = await tx.execute(
            """UPDATE preorders SET reminded_at = $3, outcome = CASE WHEN $4 THEN outcome ELSE 'over' END
               WHERE member_id = $1 AND order_id = $2 AND reminded_at IS NULL""",
            member_id,
            order_id,
            clock.now(),
            waits,
        )
        if noted != "UPDATE 1" or not waits:
            return False
        await orders.timeline.write(tx, member_id=member_id, order_id=order_id, kind="balance_open", actor=SYSTEM)
        await outbox.emit(
            tx,
            topic="orders.balance-open",
            key=str(order_id),
            payload={"order_id": str(order_id), "order_no": order.order_no},
            family="member",
            owner_id=member_id,
            member_id=member_id,
        )
        await jobs.enqueue(tx, JOB, SendReminder(member_id, order_id), key=f"{JOB}:{order_id}")
    faults.point("remind_balance.after_commit")
    return True


# Whether it still waits is asked in the very statement that claims the sending.
_CLAIM = """
UPDATE preorders p SET claimed_at = $3
FROM orders o
WHERE p.member_id = $1 AND p.order_id = $2 AND p.claimed_at IS NULL AND p.outcome IS NULL
  AND o.member_id = p.member_id AND o.id = p.order_id AND o.state = 'booked' AND p.balance_until > $3
RETURNING o.order_no, o.contact_phone, o.currency, p.balance_minor, p.balance_until
"""


@jobs.handler(JOB, payload=SendReminder)
async def send_reminder(db: Database, what: SendReminder) -> None:
    """Send the message of a reminder that nobody has sent. Safe to run again, and by several at once: it sends once."""
    try:
        sender = sms.sender()
    except NoSender:
        await _end(db, what, "no_gateway")
        return
    row = await db.fetchrow(_CLAIM, what.member_id, what.order_id, clock.now())
    if row is None:
        await _end(db, what, "over")
        return
    faults.point("remind_balance.after_claim")
    locale = await db.fetchval("SELECT locale FROM members WHERE member_id = $1", what.member_id)
    try:
        await sender.send(_message(what, row, english=locale == "en"))
        outcome = "sent"
    except Unavailable as problem:
        log.warning("nobody knows whether the reminder for %s was sent: %s", row["order_no"], problem)
        outcome = "unanswered"
    except (sms.MessageRefused, BadPhone) as problem:
        log.warning("the reminder for %s was not sent: %s", row["order_no"], problem)
        outcome = "refused"
    faults.point("remind_balance.after_send")
    await db.execute(
        "UPDATE preorders SET outcome = $3 WHERE member_id = $1 AND order_id = $2",
        what.member_id,
        what.order_id,
        outcome,
    )


def _message(what: SendReminder, row: Any, *, english: bool) -> sms.SmsMessage:
    """Refuses `BadPhone` for a number that somebody wrote as they liked."""
    return sms.SmsMessage(
        id=str(what.order_id),
        phone=phones.normalise(row["contact_phone"]),
        template=sms.SmsTemplate.BALANCE_REMINDER,
        fields={
            "order": row["order_no"],
            "amount": str(Money(row["balance_minor"], row["currency"])).partition(" ")[0],
            "until": day_of(row["balance_until"], CHAIN_ZONE, english=english),
        },
        locale="en" if english else "zh",
    )


async def _end(db: Database, what: SendReminder, outcome: str) -> None:
    """Nothing is sent. What somebody has claimed is theirs."""
    await db.execute(
        """UPDATE preorders SET outcome = $3
           WHERE member_id = $1 AND order_id = $2 AND claimed_at IS NULL AND outcome IS NULL""",
        what.member_id,
        what.order_id,
        outcome,
    )
