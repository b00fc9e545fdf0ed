"""What units lose in price if they stay where they are. Pure.

A shop sells an article for less than an order pays, or will before long: a clearance there, the end of a season in its
region. Its unit is the one to send, for the same order then brings in more altogether. The order's own price does not
depend on who sends, so only the shelf's price is compared.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline.fulfilment.opportunity import with_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from duoline.fulfilment.policy import SourcingPolicy
    from duoline.pricing import ShelfPrice


class _Span(NamedTuple):
    any_channel: bool
    price_minor: int
    starts: datetime
    ends: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.starts <= at and (self.ends is None or at < self.ends)


class Markdowns:
    """Prices on shelves, of the articles for which some shop or region has one of its own. Empty is false."""

    def __init__(self, prices: Iterable[ShelfPrice] = ()) -> None:
        self._by_sku: dict[UUID, dict[UUID, list[_Span]]] = {}
        for sku_id, scope_id, channel, minor, starts, ends in prices:
            spans = self._by_sku.setdefault(sku_id, {}).setdefault(scope_id, [])
            spans.append(_Span(channel == "*", minor, starts, ends))
        # What was worked out for one instant and horizon; the shelves of a chain share few paths.
        self._lowest: dict[tuple[UUID, tuple[UUID, ...]], int | None] = {}
        self._lowest_of: tuple[datetime, int] | None = None

    def __bool__(self) -> bool:
        return bool(self._by_sku)

    def __contains__(self, sku_id: UUID) -> bool:
        return sku_id in self._by_sku

    def lowest(self, sku_id: UUID, path: Sequence[UUID], at: datetime, days: int) -> int | None:
        """The lowest price on a shelf from `at` until before so many days later; None when it is not sold there.

        `path` are the shelf's scopes, the nearest first, as `duo_price` goes through them: store, regions, chain.
        """
        prices = self._by_sku.get(sku_id, {})
        scopes = tuple(scope for scope in path if scope in prices)
        if self._lowest_of != (at, days):
            self._lowest_of, self._lowest = (at, days), {}
        key = sku_id, scopes
        if key not in self._lowest:
            spans = [prices[scope] for scope in scopes]
            until = at + timedelta(days=days)
            # A price begins to hold where its own span begins, or where that of a nearer scope ends.
            ends = {edge for there in spans for span in there for edge in (span.starts, span.ends) if edge is not None}
            turns = (at, *(edge for edge in ends if at < edge < until))
            found = [price for turn in turns if (price := _price(spans, turn)) is not None]
            self._lowest[key] = min(found, default=None)
        return self._lowest[key]

    def saved(
        self,
        worth_minor: int,
        sku_id: UUID,
        path: Sequence[UUID],
        at: datetime,
        price_minor: int,
        policy: SourcingPolicy,
    ) -> int:
        """How much less a unit costs because of what it loses if it stays; `worth_minor` is what it costs otherwise.

        `markdown` percent of the difference to what the order pays, but one unit saves no more than a parcel costs
        beyond what it is worth: else a deep markdown would send goods across the country for their own sake.
        """
        lowest = self.lowest(sku_id, path, at, policy.horizon_days) if policy.markdown else None
        if lowest is None or lowest >= price_minor:
            return 0
        loss = (price_minor - lowest) * policy.markdown // 100
        return worth_minor - round(with_markdown(worth_minor, loss_minor=loss, floor_minor=-policy.parcel))


def _price(spans: Sequence[Sequence[_Span]], at: datetime) -> int | None:
    """The price at an instant: of the nearest scope that has one, for the very channel before one for all."""
    for there in spans:
        holding = [span for span in there if span.holds(at)]
        if holding:
            return min(holding, key=lambda span: span.any_channel).price_minor
    return None


NO_MARKDOWNS = Markdowns()
