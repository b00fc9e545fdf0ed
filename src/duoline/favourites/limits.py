"""How many units may be kept: counted in the database under locks, so that requests at once cannot pass together."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.favourites.errors import TooManyKept
from duoline.favourites.kept import REF_KIND
from duoline.kernel import clock, jobs

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.favourites.keys import Keeper
    from duoline.favourites.policy import FavouriteHoldPolicy
    from duoline.kernel.db import Database, Tx

DAY = timedelta(days=1)


async def lock_keys(tx: Tx, keeper: Keeper) -> None:
    """Lock the keys in order until the transaction ends. Comes before every level."""
    await tx.execute(
        """INSERT INTO favourite_keys AS k (key_id, used_at)
           SELECT w.key_id, $2 FROM unnest($1::uuid[]) AS w(key_id) ORDER BY w.key_id
           ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at""",
        sorted(set(keeper)),
        clock.now(),
    )


async def check_limits(tx: Tx, keeper: Keeper, policy: FavouriteHoldPolicy) -> TooManyKept | None:
    """What speaks against keeping one unit more, if anything. Needs the keys' locks."""
    now = clock.now()
    row = await tx.fetchrow(
        """SELECT count(*)::integer AS units, min(f.expires_at) AS first FROM favourite_holds f
           JOIN holds h ON h.location_id = f.location_id AND h.id = f.id AND h.state = 'open' AND h.ref_kind = $3
           WHERE f.member_id = $1 AND f.expires_at > $2""",
        keeper.member_id,
        now,
        REF_KIND,
    )
    if row is not None and row["units"] >= policy.member_open:
        return TooManyKept(limit="member_open", maximum=policy.member_open, retry_at=row["first"])
    for column, key_id, maximum in (
        ("member", keeper.member_id, policy.member_day),
        ("device", keeper.device_id, policy.device_day),
        ("address", keeper.address_id, policy.address_day),
    ):
        # The one that has to be a day old before one more may be given; none while there are fewer.
        nth: datetime | None = await tx.fetchval(
            f"""SELECT given_at FROM favourite_holds WHERE {column}_id = $1 AND given_at > $2
                ORDER BY given_at DESC OFFSET $3 LIMIT 1""",  # noqa: S608 - one of the three names above
            key_id,
            now - DAY,
            maximum - 1,
        )
        if nth is not None:
            return TooManyKept(limit=f"{column}_day", maximum=maximum, retry_at=nth + DAY)
    return None


@jobs.cron("forget favourites' keys", "41 * * * *")
async def forget(db: Database) -> None:
    """Delete keys that no limit looks at any more."""
    await db.execute("DELETE FROM favourite_keys WHERE used_at < $1", clock.now() - 2 * DAY)
