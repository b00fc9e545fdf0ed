"""One-time codes for log-in, and to delete one's account: kept here as a keyed digest only, sent by a job.

The job is enqueued in the transaction that makes the code, so a code exists exactly if it is going to be sent. The
code itself stands nowhere, not even in the job: it is computed from the code's id with our secret, as pickup codes
are. A gateway that does not answer is asked again a few times; when it stays silent or refuses, the code ends, and
its owner may ask for another at once.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec

from duoline.kernel import clock, jobs
from duoline.kernel.errors import Refusal, Unavailable
from duoline.kernel.ids import derived_id
from duoline.members import phones, sms
from duoline.members.errors import TooManyCodes

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Database, Tx

log = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
A_DAY_MAX = 10
LASTS = timedelta(minutes=5)
CODE_DIGITS = 6
Purpose = Literal["login", "erasure"]
TEMPLATES: dict[Purpose, sms.SmsTemplate] = {
    "login": sms.SmsTemplate.LOGIN_CODE,
    "erasure": sms.SmsTemplate.ERASURE_CODE,
}
SENDS_MAX = 4
FIRST_PAUSE_S = 1.0
JOB = "members.send-code"


@dataclass(frozen=True)
class MadeCode:
    """A code that is on its way, and until when it counts. `retry_at` is when another may be asked for."""

    expires_at: datetime
    retry_at: datetime


class SendCode(msgspec.Struct, frozen=True):
    """Which code to send, in which language, and for the how-manieth time."""

    phone: str
    id: UUID
    locale: Literal["zh", "en"]
    time: int = 1
    purpose: Purpose = "login"


async def send_code(
    tx: Tx, *, phone: str, locale: Literal["zh", "en"], secret: str, purpose: Purpose = "login"
) -> MadeCode:
    """Make a code for a normalised number and have it sent. Whether the number is a member's makes no difference.

    Refuses with `NoSender` when this installation cannot send, with `TooManyCodes`: one a minute for each purpose, ten
    a day for all; a code that could not be sent counts for neither. The row's id is computed from number, purpose and
    minute, so of two requests in the same instant one meets the other's row and is refused, without a lock.
    """
    sms.sender()
    now = clock.now()
    rows = await tx.fetch(
        "SELECT created_at, purpose FROM login_codes WHERE phone = $1 AND created_at > $2 AND expires_at > created_at"
        " ORDER BY created_at DESC",
        phone,
        now - timedelta(days=1),
    )
    last = next((row["created_at"] for row in rows if row["purpose"] == purpose), None)
    if last is not None and last > now - PAUSE:
        raise _too_many(last + PAUSE, now)
    if len(rows) >= A_DAY_MAX:
        raise _too_many(rows[A_DAY_MAX - 1]["created_at"] + timedelta(days=1), now)
    code_id = _id_of_minute(phone, now, secret, purpose)
    # A row that is there already counts, unless it is of a code that could not be sent: then it is sent again.
    made = await tx.fetchval(
        "INSERT INTO login_codes AS c (phone, id, code_hash, created_at, expires_at, purpose)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (phone, id) DO UPDATE SET created_at = excluded.created_at, expires_at = excluded.expires_at"
        " WHERE c.expires_at <= c.created_at RETURNING true",
        phone,
        code_id,
        code_hash(phone, code_of(phone, code_id, secret), code_id, secret),
        now,
        now + LASTS,
        purpose,
    )
    if not made:
        raise _too_many(now + PAUSE, now)
    await _enqueue(tx, SendCode(phone, code_id, locale, purpose=purpose))
    return MadeCode(now + LASTS, now + PAUSE)


def _too_many(retry_at: datetime, now: datetime) -> TooManyCodes:
    return TooManyCodes(retry_at=retry_at, seconds=max(1, math.ceil((retry_at - now).total_seconds())))


def code_of(phone: str, code_id: UUID, secret: str) -> str:
    """The digits of a code: only who has the secret can tell them."""
    raw = hmac.digest(secret.encode(), b"login code digits\0" + code_id.bytes + phone.encode(), "sha256")
    return f"{int.from_bytes(raw[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def code_hash(phone: str, code: str, code_id: UUID, secret: str) -> bytes:
    """What is stored. A code has few possibilities, so the digest is keyed: the table alone does not tell the code."""
    return hmac.digest(
        secret.encode(), b"login code\0" + code_id.bytes + phone.encode() + b"\0" + code.encode(), "sha256"
    )


def _id_of_minute(phone: str, now: datetime, secret: str, purpose: Purpose) -> UUID:
    minute = int(now.timestamp() // PAUSE.total_seconds())
    material = f"{purpose} code id\0{secret}\0{phone}\0{minute}".encode()
    return derived_id(hashlib.sha256(material).digest())


_secrets: list[str] = []


def connect(secret: str) -> None:
    """Give the job the secret that codes are computed with. Called once in every process that runs jobs."""
    _secrets[:] = [secret]


async def _enqueue(tx: Tx, what: SendCode, *, run_at: datetime | None = None) -> None:
    await jobs.enqueue(tx, JOB, what, run_at=run_at, key=f"{JOB}:{what.phone}:{what.id}:{what.time}")


@jobs.handler(JOB, payload=SendCode)
async def deliver(db: Database, what: SendCode) -> None:
    """Send a code that still counts. Safe to run again: the message has the id of the code.

    Tries again are jobs of their own, so that waiting for the next holds nobody up. After the last one the code ends.
    """
    waits = await db.fetchval(
        "SELECT true FROM login_codes WHERE phone = $1 AND id = $2 AND used_at IS NULL AND expires_at > $3",
        what.phone,
        what.id,
        clock.now(),
    )
    if not waits:
        return
    fields = {
        "code": code_of(what.phone, what.id, _secrets[0]),
        "minutes": str(int(LASTS.total_seconds()) // 60),
    }
    message = sms.SmsMessage(
        id=str(what.id), phone=what.phone, template=TEMPLATES[what.purpose], fields=fields, locale=what.locale
    )
    try:
        await sms.sender().send(message)
    except Unavailable as problem:
        if what.time < SENDS_MAX:
            log.warning("a code for %s was not sent (%s); trying again", phones.masked(what.phone), problem)
            async with db.begin() as tx:
                pause = timedelta(seconds=FIRST_PAUSE_S * 2 ** (what.time - 1))
                again = msgspec.structs.replace(what, time=what.time + 1)
                await _enqueue(tx, again, run_at=clock.now() + pause)
            return
        await _give_up(db, what, problem)
    except (sms.MessageRefused, Refusal) as problem:
        await _give_up(db, what, problem)


async def _give_up(db: Database, what: SendCode, problem: Exception) -> None:
    """The code ends at once: nobody has it, and its owner need not wait to ask for another."""
    log.error("a code for %s could not be sent: %s", phones.masked(what.phone), problem)
    await db.execute(
        "UPDATE login_codes SET expires_at = created_at WHERE phone = $1 AND id = $2 AND used_at IS NULL",
        what.phone,
        what.id,
    )


@jobs.cron("forget log-in codes", "23 * * * *")
async def forget(db: Database) -> None:
    """Delete codes that no longer count for any limit."""
    await db.execute("DELETE FROM login_codes WHERE created_at < $1", clock.now() - timedelta(days=2))
