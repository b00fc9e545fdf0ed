"""Over which captures of an order an amount goes back. Pure.

Points and money go back in the share in which they paid, in whatever order they came: else who returns a part is given
the money back first and pays what they keep in points alone, past the cap on them. Of money, what came first goes back
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

IN_SHARE = "points"
"""The tender that stays, and goes back, in the share of the order that it paid."""


class Left(NamedTuple):
    """A capture: what it was, and what of it has not gone back yet."""

    tender: str
    amount_minor: int
    left_minor: int


def shared(captures: Sequence[Left], amount_minor: int, *, total_minor: int | None) -> list[int]:
    """What of an amount goes back to each capture, in the order in which they came.

    Of an order that cost `total_minor` as much stays paid in points as their share of what stays comes to, rounded
    down. That depends on what stays alone, so that parts given back one after the other are the same as all at once.
    None for captures that go back on their own account, whatever paid the rest.
    """
    apart = [one.tender == IN_SHARE and total_minor is not None for one in captures]
    points = sum(one.left_minor for one, its in zip(captures, apart, strict=True) if its)
    money = sum(one.left_minor for one in captures) - points
    paid = sum(one.amount_minor for one, its in zip(captures, apart, strict=True) if its)
    stays = paid * max(points + money - amount_minor, 0) // total_minor if total_minor else 0
    back = min(max(points - stays, amount_minor - money, 0), points, amount_minor)
    wanted = {True: back, False: amount_minor - back}
    parts = []
    for one, its in zip(captures, apart, strict=True):
        part = min(wanted[its], one.left_minor)
        wanted[its] -= part
        parts.append(part)
    return parts
