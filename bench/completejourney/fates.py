"""What becomes of each basket. Drawn once from a seed for a whole week, so a replay can be repeated exactly.

Shares are fixed, not expected: the baskets are shuffled and dealt out in turn.

* Four of five are sales over the counter; one sale in fifty is sent twice, as by a till that lost its reply.
* One of five is an order from home: three of those five are collected, two are delivered.
* Of those collected, every third is paid at the shop; everything else is paid online.
* Of sixteen orders one is cancelled after it was paid, one is left before it is paid, one loses a line before the shop
  picks it, and of one the shop cannot find an article. The other twelve are served as they were wished.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

ONLINE_EVERY = 5
REPEATED_EVERY = 50


class Fate(NamedTuple):
    """How a basket is bought and what comes in between."""

    way: Literal["sale", "pickup", "delivery"]
    pay: Literal["cash", "online", "at_store"]
    turn: Literal["served", "repeated", "cancelled", "left", "trimmed", "rejected"]


def fates(baskets: Iterable[int], seed: int) -> dict[int, Fate]:
    """A fate for every basket number, whatever order they come in."""
    drawn = sorted(baskets)
    random.Random(seed).shuffle(drawn)
    found = {}
    for n, number in enumerate(drawn):
        turn, place = divmod(n, ONLINE_EVERY)
        found[number] = _online(turn) if place == 0 else _sale(n)
    return found


def _sale(n: int) -> Fate:
    return Fate("sale", "cash", "repeated" if n % REPEATED_EVERY == 1 else "served")


_TURNS: tuple[Literal["cancelled", "left", "trimmed", "rejected"], ...] = ("cancelled", "left", "trimmed", "rejected")


def _online(n: int) -> Fate:
    # 5 and 16 have no common divisor, so every turn meets every way to buy.
    turn = _TURNS[n % 16] if n % 16 < len(_TURNS) else "served"
    if n % 5 < 2:
        return Fate("delivery", "online", turn)
    return Fate("pickup", "at_store" if n % 5 == 2 else "online", turn)
