"""What keeping costs: sales that were refused while units were kept for favourites."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from duoline.favourites.kept import REF_KIND
from duoline.kernel import clock
from duoline.kernel.ids import derived_id, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database

log = logging.getLogger(__name__)


class Short(NamedTuple):
    """Units of a SKU that somebody was refused at one of these locations, which are asked in this order."""

    sku_id: UUID
    units: int
    location_ids: Sequence[UUID]


async def note_refused(
    db: Database,
    shorts: Sequence[Short],
    *,
    channel: str,
    who: UUID | None,
    regions: Mapping[UUID, list[UUID]],
) -> int:
    """Write down what was refused for favourites' sake; returns how many units. Afterwards, never inside the refused
    transaction, and nothing depends on it: a database that is in trouble leaves it out.

    Who asks again within the hour is refused the same units, not more. `who` None is somebody unknown at a counter.
    `regions` are those of each location upwards, for its price.
    """
    try:
        return await _note(db, shorts, channel, who, regions)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        log.warning("a refusal for favourites' sake was not written down", exc_info=True)
        return 0


async def _note(
    db: Database, shorts: Sequence[Short], channel: str, who: UUID | None, regions: Mapping[UUID, list[UUID]]
) -> int:
    now, noted = clock.now(), 0
    for short in shorts:
        kept = await db.fetch(
            """SELECT w.location_id, sum(h.quantity)::integer AS units
               FROM unnest($1::uuid[]) WITH ORDINALITY AS w(location_id, n)
               JOIN holds h ON h.location_id = w.location_id AND h.sku_id = $2 AND h.state = 'open' AND h.ref_kind = $3
               GROUP BY w.location_id ORDER BY min(w.n)""",
            list(short.location_ids),
            short.sku_id,
            REF_KIND,
        )
        missing = short.units
        for row in kept:
            units = min(missing, row["units"])
            if units <= 0:
                break
            missing -= units
            await db.execute(
                """INSERT INTO refused_for_holds (location_id, id, sku_id, units, price_minor, currency, channel, at)
                   SELECT $1, $2, $3, $4, p.price_minor, p.currency, $5, $6
                   FROM duo_price($3, $1, $7, CASE WHEN $5 IN ('till', 'counter') THEN 'till' ELSE 'mall' END, $6) p
                   ON CONFLICT (location_id, id) DO NOTHING""",
                row["location_id"],
                _id(who, row["location_id"], short.sku_id, now),
                short.sku_id,
                units,
                channel,
                now,
                regions.get(row["location_id"], []),
            )
            noted += units
    return noted


def _id(who: UUID | None, location_id: UUID, sku_id: UUID, at: datetime) -> UUID:
    if who is None:
        return new_id()
    hour = int(at.timestamp()) // 3600
    return derived_id(hashlib.sha256(who.bytes + location_id.bytes + sku_id.bytes + str(hour).encode()).digest())
