"""Tell open pages when a promotion begins or ends by the hour or the weekday, in whichever zone its shops are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.kernel import clock, jobs
from duoline.pricing import announce
from duoline.pricing.promotions import book
from duoline.stores import directory
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Database
    from duoline.pricing.promotions.types import When


@jobs.cron("tell of promotions of the hour", "* * * * *")
async def tell_of_hours(db: Database) -> None:
    """Say that prices have changed, if in this minute a promotion begins or ends for today anywhere."""
    now = clock.now()
    zones = {CHAIN_ZONE, *(store.timezone for store in directory.current().stores.values())}
    times = [now.astimezone(ZoneInfo(zone)) for zone in zones]
    held = await book.read(db, at=now)
    if any(turns(promotion.when, local) for promotion in held if promotion.from_at <= now for local in times):
        async with db.begin() as tx:
            await announce.tell_all(tx)


def turns(when: When, local: datetime) -> bool:
    """Whether the answer to "is it now?" becomes another one in this minute of the shop's clock."""
    return _now(when, local) != _now(when, local - timedelta(minutes=1))


def _now(when: When, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return (not when.weekdays or local.weekday() in when.weekdays) and when.from_minute <= minute < when.until_minute
