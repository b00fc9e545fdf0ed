"""How large the demo chain is, and the source of chance that makes it the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random

from duoline.kernel.clock import trading_day
from duoline.stores.types import CHAIN_ZONE

LEVELS_MAX = 1_200_000
"""Rows of stock of the largest chain: a real shop stocks a selection, not everything."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """The demo chain to make. `now` fixes what is dated, so that the same size and instant give the same chain."""

    stores: int = 24
    regions: int = 3
    dcs: int = 1
    skus: int = 2000
    members: int = 2000
    seed: int = 1
    days: int = 14
    promotions: bool = False
    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    @property
    def today(self) -> date:
        """The day in the chain's zone."""
        return trading_day(self.now, CHAIN_ZONE)

    def chance(self, purpose: str) -> Random:
        """A source of chance of its own for each purpose, so that changing one does not change the others."""
        return Random(f"{self.seed}:{purpose}")  # noqa: S311 - the same chain every time is what is wanted

    @property
    def per_store(self) -> int:
        """SKUs a shop stocks on average."""
        return max(1, min(int(self.skus * 0.72), (LEVELS_MAX - self.dcs * self.skus) // max(self.stores, 1)))
