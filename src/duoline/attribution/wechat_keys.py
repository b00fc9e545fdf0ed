"""The token and the ticket of the Official Account: kept for all processes, fetched by one at a time, renewed in time.

Who needs a ticket is answered from the row. Where there is none the asker fetches it under a lease, outside of any
transaction, and whoever comes meanwhile waits a moment for what is coming. WeChat is asked again a minute after it
failed, an hour after it had enough of us for the day; in between the answer is "try again" at once, so that a WeChat
that is down costs no page anything. Regular work renews ahead of the end.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from duoline.attribution import wechat
from duoline.attribution.wechat import Key, QuotaUsedUp, TokenRefused
from duoline.kernel import clock, jobs, leases
from duoline.kernel.errors import Unavailable
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.attribution.wechat import WechatSharing
    from duoline.kernel.db import Database

log = logging.getLogger("duoline.wechat")

AHEAD = timedelta(minutes=10)
"""So long before its end a ticket is fetched anew."""
SPARE = timedelta(minutes=1)
"""What ends within it is not used any more: the clocks of two companies differ."""
AGAIN = timedelta(minutes=1)
AGAIN_QUOTA = timedelta(hours=1)
TERM = timedelta(seconds=45)
"""Longer than four questions to WeChat, each of which ends within eight seconds."""
LOOK_S = 0.2
LOOKS = 20


class Kept(NamedTuple):
    """What is kept for an application. Of who it is for only its number is told."""

    app_id: str
    token: str
    token_until: datetime | None
    ticket: str
    ticket_until: datetime | None
    again_at: datetime | None

    def __repr__(self) -> str:
        """Without the values: values end up in logs and tracebacks."""
        return f"Kept({self.app_id})"

    def signs(self, at: datetime) -> bool:
        """Whether its ticket is good."""
        return self.ticket_until is not None and at < self.ticket_until - SPARE

    def is_due(self, at: datetime) -> bool:
        """Whether its ticket is to be fetched anew."""
        return self.ticket_until is None or at >= self.ticket_until - AHEAD

    def waits(self, at: datetime) -> bool:
        """Whether WeChat failed so lately that it is not asked."""
        return self.again_at is not None and at < self.again_at


async def ticket(db: Database) -> str:
    """The ticket to sign pages by.

    Raises `Unavailable` when there is none and WeChat gives none. Only where WeChat is connected.
    """
    sharing = _sharing()
    now = clock.now()
    kept = await _kept(db, sharing)
    if kept.signs(now):
        return kept.ticket
    if kept.again_at is not None and kept.waits(now):
        raise Unavailable("WeChat gave no ticket", retry_after_s=ceil((kept.again_at - now).total_seconds()))
    if not await _renew(db, sharing):
        for _ in range(LOOKS):  # somebody else is asking
            await asyncio.sleep(LOOK_S)
            kept = await _kept(db, sharing)
            if kept.signs(clock.now()) or kept.waits(clock.now()):
                break
    kept = await _kept(db, sharing)
    if not kept.signs(clock.now()):
        raise Unavailable("WeChat gives no ticket")
    return kept.ticket


@jobs.cron("renew what pages are signed by for WeChat", "* * * * *")
async def renew_ahead(db: Database) -> None:
    """Fetch the ticket anew some minutes before it ends. Nothing where WeChat is off or failed a moment ago."""
    sharing = wechat.sharing()
    if sharing is None:
        return
    kept = await _kept(db, sharing)
    # Nobody has asked for one yet: a chain whose members are never inside WeChat asks nothing of it.
    if kept.ticket and kept.is_due(clock.now()) and not kept.waits(clock.now()):
        await _renew(db, sharing)


async def _renew(db: Database, sharing: WechatSharing) -> bool:
    """Fetch what is due, unless another process does: False then. Raises `Unavailable` when WeChat gives nothing."""
    lease = await leases.take(db, f"wechat keys {sharing.app_id}", holder_id=new_id(), term=TERM)
    if lease is None:
        return False
    try:
        kept = await _kept(db, sharing)  # who held the lease before may have fetched it
        now = clock.now()
        if kept.is_due(now) and not kept.waits(now):
            await _fetch(db, sharing, lease, kept)
    except leases.Lost:
        log.warning("asking WeChat for a ticket took longer than its lease; another process asks")
        return False
    finally:
        await leases.give_back(db, lease)
    return True


async def _fetch(db: Database, sharing: WechatSharing, lease: leases.Lease, kept: Kept) -> None:
    try:
        token, lasts_s = kept.token, None
        if kept.token_until is None or clock.now() >= kept.token_until - SPARE:
            token, lasts_s = await sharing.token(renew=False)
        try:
            got = await sharing.ticket(token)
        except TokenRefused:
            token, lasts_s = await _another(sharing, token)
            got = await sharing.ticket(token)
    except (QuotaUsedUp, TokenRefused, Unavailable) as problem:
        pause = AGAIN_QUOTA if isinstance(problem, QuotaUsedUp) else AGAIN
        log.warning("WeChat gives no ticket to sign pages by (%s); asked again in %s", type(problem).__name__, pause)
        await _fail(db, sharing, lease, until=clock.now() + pause)
        if isinstance(problem, Unavailable):
            raise
        raise Unavailable("WeChat gives no ticket", retry_after_s=int(pause.total_seconds())) from None
    now = clock.now()
    token_until = kept.token_until if lasts_s is None else now + timedelta(seconds=lasts_s)
    async with db.begin() as tx:
        await leases.renew(tx, lease, term=TERM)
        await tx.execute(
            """INSERT INTO wechat_keys (app_id, token, token_until, ticket, ticket_until) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (app_id) DO UPDATE SET token = excluded.token, token_until = excluded.token_until,
                   ticket = excluded.ticket, ticket_until = excluded.ticket_until, again_at = NULL""",
            sharing.app_id,
            token,
            token_until,
            got.value,
            now + timedelta(seconds=got.lasts_s),
        )


async def _another(sharing: WechatSharing, refused: str) -> Key:
    """A token instead of one that was refused. What somebody else renewed is the account's token now; only when WeChat
    names the very one that it refuses a new one is wanted, twenty of which it gives a day."""
    key = await sharing.token(renew=False)
    return await sharing.token(renew=True) if key.value == refused else key


async def _fail(db: Database, sharing: WechatSharing, lease: leases.Lease, *, until: datetime) -> None:
    """Remember until when WeChat is not asked. A ticket that is still good stays."""
    async with db.begin() as tx:
        await leases.renew(tx, lease, term=TERM)
        await tx.execute(
            """INSERT INTO wechat_keys (app_id, again_at) VALUES ($1, $2)
               ON CONFLICT (app_id) DO UPDATE SET again_at = excluded.again_at""",
            sharing.app_id,
            until,
        )


async def _kept(db: Database, sharing: WechatSharing) -> Kept:
    row = await db.fetchrow(
        "SELECT app_id, token, token_until, ticket, ticket_until, again_at FROM wechat_keys WHERE app_id = $1",
        sharing.app_id,
    )
    return Kept(sharing.app_id, "", None, "", None, None) if row is None else Kept(*row)


def _sharing() -> WechatSharing:
    found = wechat.sharing()
    if found is None:
        raise LookupError("no WeChat is connected")
    return found
