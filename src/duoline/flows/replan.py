"""Plan again, together, the parcels that nobody can have begun to pick: regular work.

Orders were planned one by one, each with the stock and the work of its moment (`fulfilment.reoptimise`). What is looked
at: paid parcels that are to be picked and that nobody has begun (`fulfilment.nobody_began`). Orders that wait for their
payment are left alone, since most that are not paid at once are let go; so are units that a shop keeps for this very
buyer, and parcels of an order that others have begun.

What is read is read without locks, and no transaction is open while anything is computed, which is done beside the
loop. Then each order is moved in a transaction of its own if it still is as it was, else it is passed over. Orders that
wait for one another's units move together (at most `TOGETHER_MAX`), in one transaction. In it all levels, old and new,
are locked before a unit is given back, so no unit can be had by others in between.

Never worse: a plan costs no more than the one in hand at today's costs (SRC-2), every parcel arrives by what the buyer
was promised, and an order moves only for `replan_min_minor` or more, so that shops are not bothered for cents. A
location whose share of an order changes gets a new card instead of the old one: simple, and nobody has begun the old.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment
from duoline.flows.basket import Look
from duoline.flows.replan_choice import choose
from duoline.flows.replan_facts import read_shelves, read_tasks, read_today
from duoline.flows.replan_moves import carry_out_if_unchanged
from duoline.kernel import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.flows.replan_facts import Task
    from duoline.kernel.db import Database
    from duoline.kernel.policies import InForce

BATCH = 150
"""So many orders are planned together."""
SOLVE_MS = 8_000
ROUND_S = 90.0
"""A round begins no further batch after so long; the next round goes on where it ended."""


class Round(NamedTuple):
    """What a round came to: orders looked at, moved, passed over because they had changed, and minor units saved."""

    looked: int = 0
    moved: int = 0
    passed_over: int = 0
    saved_minor: int = 0


class _Place:
    """Where the next round goes on, when this one ran out of time. Known to this process only."""

    after: tuple[datetime, UUID] | None = None


@jobs.cron("plan unpicked parcels again", "*/10 * * * *")
async def replan(db: Database) -> Round:
    """One round over everything that may be planned again."""
    return await replan_all(Look(db, fulfilment.OpenWork(db)))


async def replan_all(look: Look, *, round_s: float = ROUND_S, batch: int = BATCH, solve_ms: int = SOLVE_MS) -> Round:
    """Plan again in batches, the oldest first, for as long as a round may take. Safe to repeat, and by several."""
    policy, began, total = fulfilment.SOURCING.current(), time.monotonic(), Round()
    if not policy.body.replan_minutes:
        return total
    found = await read_tasks(look)
    keys = [(min(job.to_pick_at for job in task.jobs), task.order_id) for task in found]
    begin = next((n for n, key in enumerate(keys) if _Place.after is not None and key > _Place.after), 0)
    turned = [*found[begin:], *found[:begin]]
    _Place.after = None
    for first in range(0, len(turned), batch):
        if time.monotonic() - began > round_s:
            _Place.after = keys[(begin + first - 1) % len(keys)]
            break
        total = _plus(total, await _replan_batch(look, turned[first : first + batch], policy, solve_ms))
    return total


def _plus(one: Round, other: Round) -> Round:
    return Round(*(a + b for a, b in zip(one, other, strict=True)))


async def _replan_batch(
    look: Look, tasks: Sequence[Task], policy: InForce[fulfilment.SourcingPolicy], solve_ms: int
) -> Round:
    shelves, today = await read_shelves(look, tasks), await read_today(look, tasks)
    groups = await asyncio.to_thread(choose, look, tasks, shelves, policy, today, solve_ms)
    round_ = Round(looked=len(tasks))
    for group in groups:
        moved = await carry_out_if_unchanged(look, group)
        saved = sum(move.saved_minor for move in group) if moved else 0
        round_ = _plus(round_, Round(0, len(group) * moved, len(group) * (not moved), saved))
    return round_
