"""Round half up, and share an amount so that the shares add up to it exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence


def half_up(amount: int, rate_bp: int) -> int:
    """So many basis points of an amount that is not negative; half a minor unit counts as one."""
    return (amount * rate_bp + 5_000) // 10_000


def share(amount: int, weights: Sequence[int], keys: Sequence[Any]) -> list[int]:
    """An amount in proportion to weights, by largest remainder; of equal remainders the lower key has the unit.

    The shares add up to the amount. None is larger than its weight while the amount is not larger than all of them.
    """
    ensure(amount >= 0 and min(weights, default=0) >= 0, "MONEY", "amounts and weights must be >= 0")
    if amount == 0:
        return [0] * len(weights)
    ensure(sum(weights) > 0, "MONEY", "there must be something to share by")
    order = sorted(range(len(weights)), key=lambda n: keys[n])
    shares = [0] * len(weights)
    for n, one in zip(order, spread(amount, [weights[n] for n in order], sum(weights)), strict=True):
        shares[n] = one
    return shares


def spread(amount: int, weights: Sequence[int], total: int) -> list[int]:
    """The same for weights in the order of their keys, whose sum is known and not 0."""
    shares = [amount * weight // total for weight in weights]
    missing = amount - sum(shares)
    if missing:
        count = len(weights)
        # The remainder and the position in one number each: the largest first, of equals the first.
        order = [n - amount * weight % total * count for n, weight in enumerate(weights)]
        order.sort()
        for one in order[:missing]:
            shares[one % count] += 1
    return shares
