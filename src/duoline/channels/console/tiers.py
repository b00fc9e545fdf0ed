"""The tiers of members, how many would have each before their rules are decided, and everybody's judging afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from litestar import get, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Limit, Page, answer
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import tier_runs
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
    """Every tier of the draft in its order, all members, and those whose present tier the draft has not.

    Of the others, `up` have spent enough for a higher tier than theirs, and `down` too little for the one they have.
    """

    tiers: list[TierCount]
    members: int
    elsewhere: int
    up: int
    down: int


class TierRunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody judged by a version of the rules: how far it is, and what came of it. It begins at `active_from`.

    How many there are is known once it runs. `moved` had a tier that is none any more; `kept` have one above what they
    spent, by its time or its grace; `failed` could not be judged and are looked at again by night. One is `stopped`
    when newer rules hold.
    """

    version: int
    state: Literal["queued", "running", "done", "stopped"]
    active_from: datetime
    members: int | None
    judged: int
    up: int
    down: int
    moved: int
    kept: int
    failed: int
    started_at: datetime | None
    finished_at: datetime | None


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
SELECT width_bucket(coalesce(s.minor, 0), $2::bigint[]) AS n, m.tier, count(*) AS members
FROM members m LEFT JOIN spent s USING (member_id) WHERE m.kind = 'member' AND m.merged_into IS NULL GROUP BY 1, 2
"""
"""By the tier that spending earns, counted from 1, and the one they have. Of persons: who was merged counts as the
survivor alone."""


@post("/api/console/tiers/counts", opt=doors.staff("members.edit"), status_code=200)
async def count_tiers(write: Write, db: Database, data: TierDraft) -> Answer[TierCounts]:
    """How many members each tier of a draft would have by what they spent. Nothing is stored.

    Who has a tier keeps it for its time, so that fewer may change than these say. Refuses `kernel.bad-input` for tiers
    that cannot be judged by, as the policy does.
    """
    del write  # takes part in the rule that every POST names its key
    TierPolicy(tiers=data.tiers)
    since = clock.now() - timedelta(days=data.window_days)
    rows = await db.fetch(_BY_SPENDING, since, [tier.from_minor for tier in data.tiers])
    place = {tier.code: n for n, tier in enumerate(data.tiers, 1)}
    spent, have, up, down = Counter[int](), Counter[str](), 0, 0
    # The lowest starts at nothing, so nobody is below it.
    for earned, tier, members in rows:
        spent[earned] += members
        have[tier] += members
        up += members if earned > place.get(tier, earned) else 0
        down += members if earned < place.get(tier, earned) else 0
    counts = [TierCount(code, have[code], spent[n]) for code, n in place.items()]
    everybody = have.total()
    return answer(TierCounts(counts, everybody, everybody - sum(one.now for one in counts), up, down))


@get("/api/console/tier-runs", opt=doors.staff("policies.read"))
async def list_tier_runs(db: Database, limit: Limit = 5) -> Page[TierRunFacts]:
    """Everybody judged by the rules of tiers, by version, the newest first: how far each judging is."""
    return Page([_run(one) for one in await tier_runs.latest(db, limit=limit)], None)


def _run(found: tier_runs.TierRun) -> TierRunFacts:
    return TierRunFacts(
        version=found.version,
        state=found.state,  # type: ignore[arg-type]  # what `tier_runs` writes
        active_from=found.active_from,
        members=found.members_total,
        judged=found.judged,
        up=found.went_up,
        down=found.went_down,
        moved=found.moved,
        kept=found.kept,
        failed=found.failed,
        started_at=found.started_at,
        finished_at=found.finished_at,
    )


ROUTES = [list_tiers, count_tiers, list_tier_runs]
