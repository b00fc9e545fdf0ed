"""Find what a pickup code opens at a shop, within the limit of wrong attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from duoline.fulfilment import codes
from duoline.fulfilment.errors import AlreadyDone, TooManyWrongCodes, WrongCode
from duoline.kernel import clock, jobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.errors import Refusal

T = TypeVar("T")

_OVER = ("handed_over", "cancelled", "uncollected", "rejected")


async def find_by_code(tx: Tx, *, location_id: UUID, text: str, actor: Actor) -> UUID | Refusal:
    """The fulfilment that waits at this shop under the code, or the refusal. Locks the clerk's count of attempts.

    The refusal is returned, not raised, so that the caller commits the attempt that was counted. Wrong, foreign and
    unknown codes get the same answer (`fulfilment.wrong-code`); a code that was used at this very shop says so
    (`fulfilment.already-done`). A right code costs no attempt.

    """

    async def look_up(tx: Tx) -> UUID | Refusal:
        return await _look_up(tx, location_id, text)

    return await try_code(tx, location_id, actor, look_up)


async def try_code(
    tx: Tx,
    location_id: UUID,
    actor: Actor,
    look_up: Callable[[Tx], Awaitable[T | Refusal]],
    *,
    wrong: tuple[type[Refusal], ...] = (WrongCode,),
) -> T | Refusal:
    """What a code leads to, within the limit of wrong ones that a clerk may enter at a shop; `wrong` are the refusals
    that say a code is.

    An attempt is counted before the code is looked at: tries sent at the same moment wait for each other at the
    count, so none is judged that the limit does not know of.
    """
    now = clock.now()
    window = now.replace(minute=now.minute - now.minute % 10, second=0, microsecond=0)
    if not await _count(tx, location_id, actor, window):
        return TooManyWrongCodes(retry_at=window + timedelta(minutes=10))
    found = await look_up(tx)
    if not isinstance(found, wrong):
        await _uncount(tx, location_id, actor, window)
    return found


async def _look_up(tx: Tx, location_id: UUID, text: str) -> UUID | Refusal:
    code = codes.read(text)
    if code is None:
        return WrongCode()
    kind, value = code
    if kind == "qr":
        row = await tx.fetchrow(
            "SELECT location_id, fulfilment_id FROM pickup_codes WHERE code_hash = $1", codes.digest(value)
        )
        if row is None or row["location_id"] != location_id:
            return WrongCode()
        state = await tx.fetchval(
            "SELECT state FROM fulfilments WHERE location_id = $1 AND id = $2", location_id, row["fulfilment_id"]
        )
        return AlreadyDone(state=state) if state in _OVER else UUID(str(row["fulfilment_id"]))
    rows = await tx.fetch(
        """SELECT id FROM fulfilments
           WHERE location_id = $1 AND short_code = $2 AND state IN ('waiting', 'to_pick', 'ready') LIMIT 2""",
        location_id,
        value,
    )
    # Two waiting orders with the same eight digits: only the QR tells them apart.
    return UUID(str(rows[0]["id"])) if len(rows) == 1 else WrongCode()


async def _count(tx: Tx, location_id: UUID, actor: Actor, window: datetime) -> bool:
    """Count one attempt. False when there were as many as may be."""
    counted = await tx.fetchval(
        """INSERT INTO code_attempts AS c (location_id, staff_id, window_at, wrong) VALUES ($1, $2, $3, 1)
           ON CONFLICT (location_id, staff_id, window_at) DO UPDATE SET wrong = c.wrong + 1 WHERE c.wrong < $4
           RETURNING true""",
        location_id,
        actor.id,
        window,
        codes.WRONG_MAX,
    )
    return bool(counted)


async def _uncount(tx: Tx, location_id: UUID, actor: Actor, window: datetime) -> None:
    """The attempt was none, because the code was right; its row is still locked by the counting."""
    await tx.execute(
        "UPDATE code_attempts SET wrong = wrong - 1 WHERE location_id = $1 AND staff_id = $2 AND window_at = $3",
        location_id,
        actor.id,
        window,
    )


@jobs.cron("forget counted codes", "41 3 * * *")
async def forget_attempts(db: Database) -> None:
    """Delete counts that no limit looks at any more."""
    await db.execute("DELETE FROM code_attempts WHERE window_at < $1", clock.now() - timedelta(days=1))
