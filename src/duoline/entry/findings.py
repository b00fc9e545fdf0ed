"""Every named invariant, and what a database has to say of each: the rows that break it, or none.

The same list runs after stories in the tests, after benchmarks, by `duoline check` and every night. All queries see one
snapshot, so orders that are placed meanwhile cannot make them disagree with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from duoline.attribution.invariants import INVARIANTS as ATTRIBUTION
from duoline.catalog.invariants import INVARIANTS as CATALOG
from duoline.engagement.invariants import INVARIANTS as ENGAGEMENT
from duoline.favourites.invariants import INVARIANTS as FAVOURITES
from duoline.fulfilment.invariants import INVARIANTS as FULFILMENT
from duoline.insight.invariants import INVARIANTS as INSIGHT
from duoline.inventory.invariants import INVARIANTS as INVENTORY
from duoline.kernel import clock
from duoline.kernel.invariants import INVARIANTS as KERNEL
from duoline.ledger.invariants import INVARIANTS as LEDGER
from duoline.loyalty.invariants import INVARIANTS as LOYALTY
from duoline.members.invariants import INVARIANTS as MEMBERS
from duoline.orders.invariants import INVARIANTS as ORDERS
from duoline.payments.invariants import INVARIANTS as PAYMENTS
from duoline.pricing.invariants import INVARIANTS as PRICING
from duoline.settlement.invariants import INVARIANTS as SETTLEMENT
from duoline.stores.invariants import INVARIANTS as STORES
from duoline.wallet.invariants import INVARIANTS as WALLET

if TYPE_CHECKING:
    from duoline.kernel.db import Database

INVARIANTS = [
    *KERNEL,
    *STORES,
    *CATALOG,
    *MEMBERS,
    *LEDGER,
    *PRICING,
    *INVENTORY,
    *FAVOURITES,
    *PAYMENTS,
    *LOYALTY,
    *WALLET,
    *ORDERS,
    *FULFILMENT,
    *ATTRIBUTION,
    *SETTLEMENT,
    *ENGAGEMENT,
    *INSIGHT,
]
ROWS_KEPT = 5
ROWS_COUNTED = 1000


@dataclass(frozen=True)
class Finding:
    """An invariant and the rows that break it, at most `ROWS_COUNTED` of them; none is right."""

    id: str
    sentence: str
    rows: list[dict[str, Any]]

    @property
    def count(self) -> str:
        """How many rows break it, as a person reads it."""
        return f"{ROWS_COUNTED} or more" if len(self.rows) == ROWS_COUNTED else str(len(self.rows))

    @property
    def sample(self) -> list[dict[str, Any]]:
        """The first rows, in values that JSON has."""
        return [
            {
                name: value if isinstance(value, (bool, int, str, type(None))) else str(value)
                for name, value in row.items()
            }
            for row in self.rows[:ROWS_KEPT]
        ]


async def findings(db: Database) -> list[Finding]:
    """Every invariant with the rows that break it."""
    async with db.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        # A check of a large chain takes longer than a request may.
        await connection.execute("SET LOCAL statement_timeout = 0")
        return [
            Finding(name, sentence, [dict(row) for row in await connection.fetch(_limited(sql))])
            for name, sentence, sql in INVARIANTS
        ]


async def broken(db: Database) -> list[Finding]:
    """The invariants that do not hold: an empty list is what every story must end with."""
    return [finding for finding in await findings(db) if finding.rows]


def _limited(sql: str) -> str:
    return f"SELECT * FROM ({sql.rstrip().rstrip(';')}) AS found LIMIT {ROWS_COUNTED}"  # noqa: S608 - our own queries


async def keep(db: Database, found: list[Finding]) -> None:
    """Remember what was found, for those who ask later: the console's Today, `duoline doctor`."""
    await db.execute(
        """INSERT INTO invariant_checks AS c (name, checked_at, rows, sample)
           SELECT f.name, $1, f.rows, f.sample FROM unnest($2::text[], $3::int[], $4::jsonb[]) f(name, rows, sample)
           ON CONFLICT (name) DO UPDATE SET checked_at = excluded.checked_at, rows = excluded.rows,
                                            sample = excluded.sample""",
        clock.now(),
        [finding.id for finding in found],
        [len(finding.rows) for finding in found],
        [msgspec.json.encode(finding.sample).decode() for finding in found],
    )
