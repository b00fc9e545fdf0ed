"""Whose the prices of a shop are, and within what. Pure; the contract with whoever runs the shop says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

Side = Literal["company", "chain"]


class PriceRight(NamedTuple):
    """Who sets the prices of a shop: the company that runs it, or the chain.

    A company's price is at least `floor_percent` and at most `ceiling_percent` of what the chain asks for the SKU at
    the same time (0: no limit).
    """

    holder: Side = "chain"
    floor_percent: int = 0
    ceiling_percent: int = 0


class Limits(NamedTuple):
    """Between which prices one may choose, in minor units; None for no limit on that side."""

    least_minor: int | None
    most_minor: int | None

    def __contains__(self, price_minor: object) -> bool:
        if not isinstance(price_minor, int):
            return False
        return (self.least_minor is None or price_minor >= self.least_minor) and (
            self.most_minor is None or price_minor <= self.most_minor
        )


CHAINS = PriceRight()
FREE = Limits(None, None)


def limits_of(right: PriceRight, chain_minor: Collection[int]) -> Limits:
    """What a company may ask while the chain asks these prices: within the percentages of each of them.

    What the chain has no price for has nothing to be measured by.
    """
    if right.holder == "chain" or not chain_minor:
        return FREE
    least = -(-max(chain_minor) * right.floor_percent // 100) if right.floor_percent else None
    most = min(chain_minor) * right.ceiling_percent // 100 if right.ceiling_percent else None
    return Limits(least, most)
