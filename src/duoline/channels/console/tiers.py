"""The tiers of members, and how many would have each before their rules are decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import get, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page, answer
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members.policy import TIERS, TIERS_MAX, Tier, TierPolicy

Days = Annotated[int, msgspec.Meta(ge=1, le=3_650)]


class TierRow(msgspec.Struct, frozen=True):
    """A tier, and from how much spent within the window it is earned."""

    code: str
    name: Text
    from_amount: Money


class TierDraft(Input, frozen=True):
    """Tiers that are thought of, and the window in which spending counts."""

    tiers: Annotated[tuple[Tier, ...], msgspec.Meta(min_length=1, max_length=TIERS_MAX)]
    window_days: Days


class TierCount(msgspec.Struct, frozen=True):
    """A tier: how many have it now, and how many have spent enough for it and for none above."""

    code: str
    now: int
    by_spending: int


class TierCounts(msgspec.Struct, frozen=True):
    """Every tier of the draft in its order, all members, and those whose present tier the draft has not."""

    tiers: list[TierCount]
    members: int
    elsewhere: int


@get("/api/console/tiers", opt=doors.staff("prices.read"))
async def list_tiers() -> Page[TierRow]:
    """The tiers that hold now, from the lowest upwards."""
    tiers = TIERS.current().body.tiers
    return Page([TierRow(tier.code, tier.name.filled, Money(tier.from_minor)) for tier in tiers], None, len(tiers))


_BY_SPENDING = """
WITH whose AS (
    SELECT member_id AS id, member_id FROM members WHERE kind = 'member'
    UNION ALL SELECT guest_id, member_id FROM adopted_guests
), spent AS (
    SELECT w.member_id, sum(duo_value(l.net_minor, l.quantity, l.handed - l.returned))::bigint AS minor
    FROM orders o JOIN whose w ON w.id = o.member_id
    JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id AND l.handed > l.returned
    WHERE o.placed_at >= $1 GROUP BY 1
)
SELECT width_bucket(coalesce(s.minor, 0), $2::bigint[]) AS n, count(*) AS members
FROM members m LEFT JOIN spent s USING (member_id) WHERE m.kind = 'member' AND m.merged_into IS NULL GROUP BY 1
"""


_HAVE = """
SELECT tier, count(*) AS members FROM members WHERE kind = 'member' AND merged_into IS NULL GROUP BY 1
"""
"""Persons, as above: who was merged counts as the survivor alone."""


@post("/api/console/tiers/counts", opt=doors.staff("members.edit"), status_code=200)
async def count_tiers(write: Write, db: Database, data: TierDraft) -> Answer[TierCounts]:
    """How many members each tier of a draft would have by what they spent. Nothing is stored.

    Who has a tier keeps it for its time, so that fewer may change than these say. Refuses `kernel.bad-input` for tiers
    that cannot be judged by, as the policy does.
    """
    del write  # takes part in the rule that every POST names its key
    TierPolicy(tiers=data.tiers)
    since = clock.now() - timedelta(days=data.window_days)
    spent = {
        row["n"]: row["members"]
        for row in await db.fetch(_BY_SPENDING, since, [tier.from_minor for tier in data.tiers])
    }
    have = {row["tier"]: row["members"] for row in await db.fetch(_HAVE)}
    # The lowest starts at nothing, so nobody is below it.
    counts = [TierCount(tier.code, have.get(tier.code, 0), spent.get(n, 0)) for n, tier in enumerate(data.tiers, 1)]
    members = sum(have.values())
    return answer(TierCounts(counts, members, members - sum(one.now for one in counts)))


ROUTES = [list_tiers, count_tiers]
