"""What points are earned and what they pay: pure arithmetic in whole points and minor units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.loyalty.policy import PointsPolicy

RATE_UNIT = 10_000
"""A rate is in hundredths of a point for 100 minor units, so this many make a point of a minor unit."""


def rate_of(policy: PointsPolicy, *, tier: str, categories: Sequence[str], at: datetime) -> int:
    """The rate of an article for a member: `categories` are its own code and those above it, the nearest first.

    The percentages of tier, category and campaign multiply; the result is rounded down once.
    """
    by_tier = next((one.percent for one in policy.tiers if one.tier == tier), 100)
    of = {one.category: one.percent for one in policy.categories}
    by_category = next((of[code] for code in categories if code in of), 100)
    running = [one.percent for one in policy.campaigns if one.from_at <= at < one.until_at]
    return policy.rate * by_tier * by_category * max(running, default=100) // 1_000_000


def points_for(kept_minor: int, *, rate: int, total_minor: int, by_points_minor: int) -> int:
    """What a line earns: `kept_minor` is what of it the buyer keeps; of what the order cost in all, `by_points_minor`
    was paid in points, which earns none. Rounded down, so that lines taken apart never earn more than together."""
    if total_minor <= 0:
        return 0
    return kept_minor * (total_minor - by_points_minor) * rate // (total_minor * RATE_UNIT)


def worth_of(policy: PointsPolicy, points: int) -> int:
    """What points pay, in minor units, rounded down."""
    return points * policy.worth_minor // 100


def points_needed(policy: PointsPolicy, minor: int) -> int:
    """The fewest points that pay an amount; the policy's points must be worth something."""
    return -(-minor * 100 // policy.worth_minor)


def most_points(policy: PointsPolicy, *, total_minor: int, open_minor: int, spendable: int) -> int:
    """How many points an order may take: within the cap on its total, what is still open and what the member has.

    0 when that is fewer than the policy asks for at a time, or pays nothing. Never more than pay to the cent.
    """
    if not policy.spendable:
        return 0
    most_minor = min(total_minor * policy.cap_percent // 100, open_minor)
    points = min(points_needed(policy, most_minor), spendable)
    while points > 0 and worth_of(policy, points) > most_minor:
        points -= 1
    return points if points >= policy.least and worth_of(policy, points) > 0 else 0


class Part(NamedTuple):
    """So many points of a lot."""

    lot_id: UUID
    points: int


def first_in_first_out(lots: Sequence[Part], points: int) -> list[Part]:
    """Take points from lots in their order, each as far as it goes. What is missing is missing from the result."""
    taken = []
    for lot in lots:
        if points <= 0:
            break
        if part := min(lot.points, points):
            taken.append(Part(lot.lot_id, part))
            points -= part
    return taken


class Back(NamedTuple):
    """Points that come back, and until when they would have lasted: `expires_at`, None for ever, as far as it is
    `known`."""

    points: int
    expires_at: datetime | None
    known: bool = True


def come_back(drawn: Sequence[Back], *, already: int, more: int) -> list[Back]:
    """Which of the points that were `drawn`, in their order, come back now, `already` having come back before.

    From the back: those that last longest first, so that all parts together are what was drawn. What is not among them
    comes back as not known: payments before it was written down.
    """
    found = []
    for one in reversed(drawn):
        passed = min(already, one.points)
        already -= passed
        if part := min(one.points - passed, more):
            found.append(one._replace(points=part))
            more -= part
    return [*found, Back(more, None, known=False)] if more else found


def fill(room: Sequence[int], amount: int) -> list[int]:
    """Pour an amount into places in their order, each as far as it has room. What is too much is in none of them."""
    parts = []
    for one in room:
        parts.append(min(one, amount))
        amount -= parts[-1]
    return parts
