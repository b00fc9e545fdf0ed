"""Who gets what of an order: pure arithmetic in minor units, told anew whenever something of the order changes.

Because the whole is told each time and never the difference, a refund takes back exactly its share, in whatever order
things happen: what somebody has earned of a line is always the rate times what its buyer keeps (I10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel.money import Money, Rounding
from duoline.settlement.types import HEADQUARTERS, NOWHERE, ONLINE, Earned, Key, Payee

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from duoline.settlement.policy import AllocationPolicy, CommissionPolicy, Contract
    from duoline.settlement.types import Facts, Flag, Kept, LineFacts, Role

PARTS_BP = 100
"""Hundredths of a percent in a percent."""


def in_money(kept_minor: int, *, total_minor: int, by_gifts_minor: int) -> int:
    """Of what a line's buyer keeps, the part that was paid in money: points, and the bonus of a wallet, are gifts that
    the chain gave up itself. What was paid into a wallet is money."""
    if total_minor <= 0:
        return 0
    return kept_minor * (total_minor - by_gifts_minor) // total_minor


def commission_of(facts: Facts, line: LineFacts, kept_minor: int, plan: CommissionPolicy) -> list[Earned]:
    """What people earn by a line. Each role once; a flagged one is named and earns nothing."""
    times = times_of(plan, line, facts.tier)
    found = []
    for role, payee, rate_bp, level in _people(facts, plan):
        rate = rate_bp * times // 10_000
        flag = facts.flags.get(role)
        key = Key(payee, line.line_id, "commission", role, NOWHERE)
        found.append(flagged(Earned(key, kept_minor, kept_minor, rate, 0, level), flag))
    return found if plan.several_roles else _best(found)


def flagged(one: Earned, flag: Flag | None) -> Earned:
    """A share of commission as it is with this flag, or with none: what is flagged earns nothing."""
    minor = 0 if flag else Money(one.basis_minor).scale(one.rate_bp, rounding=Rounding.HALF_UP).minor
    return one._replace(flag=flag, earned_minor=minor)


def times_of(plan: CommissionPolicy, line: LineFacts, tier: str) -> int:
    """By how much the rates of a line are multiplied, in hundredths of a percent: product or category, and tier."""
    by_product = next((one.percent for one in plan.products if one.product == line.product), None)
    of = {one.category: one.percent for one in plan.categories}
    by_category = next((of[code] for code in line.categories if code in of), 100)
    by_tier = next((one.percent for one in plan.tiers if one.tier == tier), 100)
    return (by_category if by_product is None else by_product) * by_tier


def _people(facts: Facts, plan: CommissionPolicy) -> Iterable[tuple[Role, Payee, int, int]]:
    """The roles somebody has, with their rates. A guide or referrer who is paid nothing is not there."""
    if facts.guide is not None and facts.guide.guide_id is not None and plan.guide_bp:
        yield "guide", Payee("staff", facts.guide.guide_id), plan.guide_bp, 1
    if facts.seller_id is not None and plan.seller_bp:
        yield "seller", Payee("staff", facts.seller_id), plan.seller_bp, 1
    if facts.touch is not None and plan.referrer_bp:
        if facts.touch.owner_kind == "staff":
            yield "referrer", Payee("staff", facts.touch.owner_id), plan.referrer_bp, 1
        elif facts.touch.owner_kind == "member":
            yield "referrer", Payee("member", facts.touch.owner_id), plan.referrer_bp, 1
    if facts.second_id is not None and plan.levels > 1 and plan.second_bp:
        yield "second", Payee("member", facts.second_id), plan.second_bp, 2


def _best(found: Sequence[Earned]) -> list[Earned]:
    """Of several roles of one person the one that pays best, the first of equals; flagged ones stay to be seen."""
    best: dict[Payee, Earned] = {}
    for one in found:
        other = best.get(one.key.payee)
        if one.flag is None and (other is None or one.rate_bp > other.rate_bp):
            best[one.key.payee] = one
    return [one for one in found if one.flag is not None or best.get(one.key.payee) is one]


def allocation_of(
    facts: Facts,
    kept: Kept,
    policy: AllocationPolicy,
    contract: Contract,
    owner: Payee,
    territory: Payee | None = None,
) -> list[Earned]:
    """How what a location handed over of a line is shared among organisations; the parts add up to what was kept.

    The goods' worth by contract goes to their owner; of the margin each gets its percentage by largest remainder, and
    the owner what nobody gets. When the chain pays for offers, the goods are worth the same without them and
    headquarters bears the difference, which may be more than its share.
    """
    funded = kept.gross_minor - kept.net_minor if contract.promo_payer == "chain" else 0
    basis = kept.net_minor + funded
    goods = Money(basis).scale(contract.goods_percent * PARTS_BP, rounding=Rounding.HALF_UP).minor
    roles = list(_organisations(facts, kept, policy, territory))
    rest = 100 - sum(percent for _, _, percent in roles)
    parts = Money(basis - goods).split([*(percent for _, _, percent in roles), rest])
    amounts: dict[tuple[Role, Payee], tuple[int, int]] = {("owner", owner): (goods + parts[-1].minor, rest)}
    for (role, payee, percent), part in zip(roles, parts, strict=False):
        amounts[role, payee] = (part.minor, percent)
    if funded:
        minor, percent = amounts.get(("headquarters", HEADQUARTERS), (0, 0))
        amounts["headquarters", HEADQUARTERS] = (minor - funded, percent)
    return [
        Earned(
            Key(payee, kept.line_id, "allocation", role, kept.location_id),
            kept.net_minor,
            kept.gross_minor,
            percent * PARTS_BP,
            minor,
        )
        for (role, payee), (minor, percent) in amounts.items()
    ]


def _organisations(
    facts: Facts, kept: Kept, policy: AllocationPolicy, territory: Payee | None
) -> Iterable[tuple[Role, Payee, int]]:
    """Who did something for the order, with their percentage of the margin."""
    touched = facts.touch.store_id if facts.touch is not None and facts.touch.store_id else facts.seller_store_id
    shops: list[tuple[Role, UUID | None, int]] = [
        ("bringer_store", facts.brought_store_id, policy.bringer_store),
        ("guide_store", facts.guide.store_id if facts.guide else None, policy.guide_store),
        ("touchpoint_store", touched, policy.touchpoint_store),
        ("ship_store", kept.location_id if kept.method == "delivery" else None, policy.ship_store),
        ("hand_over_store", kept.location_id if kept.method != "delivery" else None, policy.hand_over_store),
    ]
    for role, store_id, percent in shops:
        if store_id is not None and percent:
            yield role, Payee("store", store_id), percent
    if territory is not None and kept.method == "delivery" and facts.online and policy.territory:
        yield "territory", territory, policy.territory
    if facts.online and policy.online:
        yield "online", ONLINE, policy.online
    if policy.headquarters:
        yield "headquarters", HEADQUARTERS, policy.headquarters


def payable(earned_minor: int, cap_minor: int) -> int:
    """What of a month's earnings is paid: no more than the cap (0: no cap)."""
    return min(earned_minor, cap_minor) if cap_minor else earned_minor
