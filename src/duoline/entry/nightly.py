"""The nightly proof of the books: every invariant is checked; a breach is logged, counted and put before a person."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from duoline.entry.findings import findings, keep
from duoline.kernel import audit, jobs, metrics
from duoline.kernel.auth import SYSTEM

if TYPE_CHECKING:
    from duoline.kernel.db import Database

log = logging.getLogger(__name__)


# Three in the morning in the shops' zone: after the day's trade, before the first delivery.
@jobs.cron("check the books", "13 19 * * *")
async def check_books(db: Database) -> int:
    """Check every invariant; returns how many are broken.

    Each breach becomes a line of the audit log with its first rows, which the console's Today leads to. Nothing is put
    right by itself: rows that contradict each other do not say which of them is true.
    """
    found = await findings(db)
    await keep(db, found)
    bad = [finding for finding in found if finding.rows]
    for finding in found:
        metrics.BROKEN.labels(finding.id).set(len(finding.rows))
    for finding in bad:
        metrics.FAULTS.labels(finding.id).inc()
        log.error(
            "invariant %s is broken in %s rows: %s First: %s",
            finding.id,
            finding.count,
            finding.sentence,
            finding.sample[0],
        )
        async with db.begin() as tx:
            await audit.record(
                tx,
                actor=SYSTEM,
                action="invariant.broken",
                subject_kind="invariant",
                subject=finding.id,
                reason=finding.sentence,
                after={"rows": finding.count, "first": finding.sample},
            )
    return len(bad)
