"""Tell every open page that prices have changed: at once when somebody changes them, and when one begins or ends.

Pages ask anew for what they show; no price travels with the event, since each page has its own store and channel. What
a promotion takes off may be of any article, so that of promotions it is only said that prices have changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from duoline.kernel import clock, jobs, outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

TOPIC = "price.changed"
JOB = "pricing.announce"
ONE_BY_ONE = 50
"""Of more articles that change together it is only said that prices have changed."""


class Instant(msgspec.Struct, frozen=True):
    """When prices or promotions begin or end."""

    at: datetime


async def tell(tx: Tx, sku_ids: Collection[UUID]) -> None:
    """Prices of these articles have changed."""
    if len(sku_ids) > ONE_BY_ONE:
        await tell_all(tx)
        return
    for sku_id in sorted(sku_ids):
        await outbox.emit(tx, topic=TOPIC, key=str(sku_id), payload={"sku_id": str(sku_id)}, family="local")


async def tell_all(tx: Tx) -> None:
    """Prices have changed, of whatever articles: every page asks anew."""
    await outbox.emit(tx, topic=TOPIC, key="*", payload={"sku_id": None}, family="local")


async def tell_later(tx: Tx, instants: Iterable[datetime | None]) -> None:
    """Prices or promotions begin or end at these instants; those that have passed need no word, and None is never."""
    now = clock.now()
    for at in sorted({at for at in instants if at is not None and at > now}):
        await jobs.enqueue(tx, JOB, Instant(at), run_at=at, key=f"{JOB}:{at.isoformat()}")


@jobs.handler(JOB, payload=Instant)
async def announce(db: Database, instant: Instant) -> None:
    """Tell of the prices and promotions that begin or end at an instant, as they are stored by now."""
    everything = await db.fetchval(_PROMOTIONS, instant.at)
    rows = await db.fetch(
        """SELECT DISTINCT sku_id FROM prices WHERE lower(valid) = $1 OR upper(valid) = $1 LIMIT $2""",
        instant.at,
        ONE_BY_ONE + 1,
    )
    async with db.begin() as tx:
        if everything:
            await tell_all(tx)
        else:
            await tell(tx, [row["sku_id"] for row in rows])


_PROMOTIONS = """
SELECT EXISTS (SELECT FROM promotions p WHERE $1 IN (p.from_at, p.until_at)
                  AND NOT EXISTS (SELECT FROM promotions n WHERE n.id = p.id AND n.version > p.version))
"""
