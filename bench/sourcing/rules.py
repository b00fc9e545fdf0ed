"""How other shop systems choose where units come from, re-stated from what they publish. No code of theirs is here.

* `in_order`: item by item, the first location in a fixed order that has it. That is Saleor's
  `PRIORITIZE_SORTING_ORDER` (docs.saleor.io/developer/stock/stock-allocation: each line by the strategy of its
  channel), Solidus' `SimpleCoordinator` (rubydoc.info/gems/solidus_core, `Spree::Stock::SimpleCoordinator`: for each
  location as much as possible, remove it, repeat; locations unsorted unless a sorter is set) and Magento's
  `priority` algorithm (github.com/magento/inventory/wiki/Source-Selection-Algorithms). For single units and the same
  order all three choose the same. The order here: warehouses, then shops by number.
* `most_stock`: item by item, the location with the most units of it. Saleor's `PRIORITIZE_HIGH_STOCK`
  (docs.saleor.io/api-reference/products/enums/allocation-strategy-enum).
* `by_distance`: item by item, the nearest location that has it. Magento's `distance` algorithm (the same wiki page).
* `fewest_parcels`: the location that has the most of the items, of equal ones the first in order, then the same for
  the rest. Spree 5's order routing with the rule that minimises splits, then the default location
  (spreecommerce.org/docs/developer/how-to/custom-order-routing); packages are not broken up any further.

None of these looks at what a parcel costs, at refusals, or at what walk-ins will want.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID


def in_order(
    skus: Sequence[UUID], allowed: Sequence[int], stock: Sequence[Mapping[UUID, int]]
) -> dict[int, list[UUID]]:
    """`allowed` in the fixed order."""
    return _item_by_item(skus, lambda sku: next((n for n in allowed if stock[n].get(sku, 0) > 0), None))


def most_stock(
    skus: Sequence[UUID], allowed: Sequence[int], stock: Sequence[Mapping[UUID, int]]
) -> dict[int, list[UUID]]:
    """Of equal stocks the first in order."""

    def choose(sku: UUID) -> int | None:
        best = max(allowed, key=lambda n: stock[n].get(sku, 0), default=None)
        return best if best is not None and stock[best].get(sku, 0) > 0 else None

    return _item_by_item(skus, choose)


def fewest_parcels(
    skus: Sequence[UUID], allowed: Sequence[int], stock: Sequence[Mapping[UUID, int]]
) -> dict[int, list[UUID]]:
    """Greedy, as ranking locations one order at a time is."""
    left = list(skus)
    sent: dict[int, list[UUID]] = {}
    while left:
        best = max(allowed, key=lambda n: sum(stock[n].get(sku, 0) > 0 for sku in left), default=None)
        items = [] if best is None else [sku for sku in left if stock[best].get(sku, 0) > 0]
        if best is None or not items:
            break
        sent[best] = items
        left = [sku for sku in left if sku not in items]
    return sent


def _item_by_item(skus: Sequence[UUID], choose: Callable[[UUID], int | None]) -> dict[int, list[UUID]]:
    sent: dict[int, list[UUID]] = {}
    for sku in skus:
        n = choose(sku)
        if n is not None:
            sent.setdefault(n, []).append(sku)
    return sent
