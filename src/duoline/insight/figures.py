"""The figures of a sum of stock."""

from __future__ import annotations

import msgspec


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Units of some shelves, by status and by age. Each of the two adds up to `on_hand`; see the package's README.

    A shelf is one SKU at one location with units on hand. `in_transit` comes on top of what is on hand. `value_minor`
    is at the chain's prices over the counter. Ages in days, both ends included: 0-30, 31-90, 91-180, more, unknown.
    """

    shelves: int = 0
    on_hand: int = 0
    value_minor: int = 0
    free: int = 0
    held_orders: int = 0
    held_transfers: int = 0
    held_favourites: int = 0
    held_by_hand: int = 0
    safety: int = 0
    in_transit: int = 0
    age_30: int = 0
    age_90: int = 0
    age_180: int = 0
    age_older: int = 0
    age_unknown: int = 0

    @property
    def held(self) -> int:
        """Units that somebody was promised."""
        return self.held_orders + self.held_transfers + self.held_favourites + self.held_by_hand

    def __add__(self, other: Figures) -> Figures:
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})


NAMES: tuple[str, ...] = Figures.__struct_fields__
