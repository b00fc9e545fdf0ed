"""What of a promotion is lost when units are given back and what stays does not reach its threshold any more.

Only promotions that say so (`clawback`), and only thresholds: they are asked again of what stays, at the prices that
were frozen on the order. What they would take off that less than their share of it is lost, and kept from what goes
back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing.promotions.effects import Goods, Scope, due, reached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.promotions.types import Threshold


class Stays(NamedTuple):
    """What stays of a line that the promotion counted for: its units, what they cost before any offer and when the
    promotion came to be worked out, and the promotion's share of them. Amounts in minor units."""

    units: int
    gross_minor: int
    seen_minor: int
    share_minor: int


def lost(effect: Threshold, lines: Sequence[Stays]) -> int:
    """How much less it takes off what stays than its share of it, in minor units."""
    goods = Goods([line.gross_minor for line in lines], [line.units for line in lines])
    total = sum(line.seen_minor for line in lines)
    amount = reached(effect, Scope(tuple(range(len(lines)))), goods, total)
    return max(0, sum(line.share_minor for line in lines) - min(due(effect, amount, total), total))
