"""What became of the demo chain's promises: reports as the nights before would have written them, all invented.

Some shops are late by the plain rule and some at certain hours, so that there is something to see; the promises that
were learned keep what they aim at, more or less. The nights to come count real orders and replace the last days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.entry.demo.shops import shops
from duoline.fulfilment import lags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from random import Random

    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database

DAYS_MAX = 60
OPEN_BANDS = range(lags.band_of(9), lags.band_of(20) + 1)
AIM = 90

Row = tuple[str, "date", str, int, int, int, int, int, int]


def report_rows(size: Size) -> Iterator[Row]:
    """Store code, day, kind, band, promises, kept, kept by the plain rule, and both losses."""
    chance = size.chance("promises")
    for shop in shops(size):
        slow = chance.choice((0.55, 0.7, 0.8, 0.88))
        for ago in range(min(size.days, DAYS_MAX), 0, -1):
            day = size.today - timedelta(days=ago)
            if not shop.dc:
                for band in OPEN_BANDS:
                    promises = max(1, round(chance.gauss(4 * shop.scale, 1.2)))
                    plain = slow - (0.15 if band == OPEN_BANDS[-1] else 0)
                    yield (shop.code, day, "pickup", band, *_became(chance, promises, plain, late_milli=24_000))
            if shop.dc or chance.random() < 0.2:
                reach = chance.randrange(lags.REACHES)
                promises = chance.randrange(5, 20) if shop.dc else 1
                yield (shop.code, day, "ship", reach, *_became(chance, promises, 0.8, late_milli=700))


def _became(chance: Random, promises: int, plain: float, *, late_milli: int) -> tuple[int, int, int, int, int]:
    """Promises, those kept, those the plain rule would have kept with this chance each, and the losses of both."""
    kept = sum(chance.random() < AIM / 100 for _ in range(promises))
    plain_kept = sum(chance.random() < plain for _ in range(promises))
    loss = (promises - kept) * late_milli + kept * late_milli // 20
    plain_loss = (promises - plain_kept) * late_milli + plain_kept * late_milli // 30
    return promises, kept, plain_kept, loss, plain_loss


async def add_reports(db: Database, size: Size) -> None:
    """Write the reports of the days before today. What is there stays as it is."""
    rows = list(report_rows(size))
    if not rows:
        return
    async with db.begin() as tx:
        await tx.execute(
            """INSERT INTO promise_days (location_id, day, kind, band, promises, kept, plain_kept, loss_milli,
                                         plain_loss_milli, aim)
               SELECT s.id, r.day, r.kind, r.band, r.promises, r.kept, r.plain_kept, r.loss, r.plain_loss, $10
               FROM unnest($1::text[], $2::date[], $3::text[], $4::integer[], $5::integer[], $6::integer[],
                           $7::integer[], $8::bigint[], $9::bigint[])
                    AS r(code, day, kind, band, promises, kept, plain_kept, loss, plain_loss)
               JOIN stores s ON s.code = r.code
               ON CONFLICT DO NOTHING""",
            *(list(column) for column in zip(*rows, strict=True)),
            AIM,
        )
