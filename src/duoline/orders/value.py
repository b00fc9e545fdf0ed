"""What units of a line cost after offers. Pure; `duo_value` says the same in SQL.

A line has one net amount, which need not divide by its units. The first `k` of them cost that share of it, rounded up:
units leave from the front and are cancelled from the back, and whatever happens in whatever order, the parts make up
the net amount to the cent.
"""

from __future__ import annotations


def value_of(net_minor: int, quantity: int, units: int) -> int:
    """What the first `units` of a line's `quantity` cost together, in minor units."""
    return -(-net_minor * units // quantity)
