"""Who is paid what, as data with versions (see `kernel.policies`): commission to people, margin to organisations,
contracts with those who run shops, and how statements are approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from duoline.kernel.errors import BadInput
from duoline.kernel.policies import Policy, twice, whole
from duoline.settlement import lawful
from duoline.settlement.errors import SignOffMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duoline.kernel.db import Tx

RULES_MAX = 100

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
Side = Literal["company", "chain"]
Mode = Literal["direct", "franchise", "all_franchise"]


def _list(zh: str, en: str) -> msgspec.Meta:
    return msgspec.Meta(max_length=RULES_MAX, min_length=0, title=en, extra={"zh": zh, "en": en})


class ProductTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """This product pays so many percent of the rate; it goes before its category."""

    product: Code
    percent: Percent


class CategoryTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Articles of a category, or of one below it, pay so many percent; of several the nearest counts."""

    category: Code
    percent: Percent


class TierTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Orders of members of a tier pay so many percent of the rate."""

    tier: Code
    percent: Percent


class CommissionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What people are paid for an order: rates in hundredths of a percent of what the buyer keeps and paid in money.

    `guide_bp`: the guide whom the member had chosen; `seller_bp`: the clerk who rang it up or sold it home;
    `referrer_bp`: the staff or member whose touchpoint was met last before the order; `second_bp`: the member who had
    brought that member. The last is paid only with `levels` 2, which needs a recorded sign-off; a third level cannot
    be written down. Without `several_roles` somebody with several is paid for the best one. It is theirs `mature_days`
    after the hand-over, but never before the goods cannot be brought back any more, and no more than `month_cap_minor`
    in a month (0: no cap). `bringing_minor` is what a guide gets once whom a new member chooses first, as the member
    gets points once: staff only, before any purchase. Refuses `kernel.bad-input` with the reason for what the law
    forbids (`lawful.py`).
    """

    guide_bp: Annotated[int, whole(0, 5_000, zh="导购提成(万分之一)", en="Guide (hundredths of a percent)")] = 200
    seller_bp: Annotated[int, whole(0, 5_000, zh="开单店员提成(万分之一)", en="Seller (hundredths of a percent)")] = 100
    referrer_bp: Annotated[int, whole(0, 5_000, zh="分享人提成(万分之一)", en="Sharer (hundredths of a percent)")] = 300
    second_bp: Annotated[int, whole(0, 2_500, zh="第二级提成(万分之一)", en="Second level (hundredths of %)")] = 0
    levels: Annotated[int, whole(1, 2, zh="分享层级", en="Levels of sharing")] = 1
    several_roles: bool = False
    mature_days: Annotated[int, whole(0, 365, zh="交货后几天可结算", en="Days after hand-over until it is due")] = 8
    month_cap_minor: Annotated[
        int, whole(0, 100_000_000, zh="每人每月上限(分,0 不限)", en="At most a month (cents, 0: no cap)")
    ] = 2_000_000
    bringing_minor: Annotated[
        int, whole(0, 100_000, zh="导购拉新奖励(分)", en="For a new member, to staff (cents)")
    ] = 500
    products: Annotated[tuple[ProductTimes, ...], _list("各商品倍率", "Rates of products")] = ()
    categories: Annotated[tuple[CategoryTimes, ...], _list("各类目倍率", "Rates of categories")] = ()
    tiers: Annotated[tuple[TierTimes, ...], _list("各等级倍率", "Rates of tiers")] = ()

    def __post_init__(self) -> None:
        """Refuse what the law forbids, and what is there twice."""
        problems = [
            *twice("products", "product", [one.product for one in self.products]),
            *twice("categories", "category", [one.category for one in self.categories]),
            *twice("tiers", "tier", [one.tier for one in self.tiers]),
            *(
                {"field": f"body.{found.field}", "zh": found.zh, "en": found.en}
                for found in lawful.check(lawful.Shape.of(self))
                if found.refused and found.rule != lawful.TIMES
            ),
        ]
        if problems:
            raise BadInput(problems=problems)


async def _may_be_decided(tx: Tx, plan: CommissionPolicy) -> None:
    """Refuses `kernel.bad-input` for a plan whose multipliers make a line pay too much, then
    `settlement.sign-off-missing` for two levels that nobody answers for."""
    problems = [
        {"field": f"body.{found.field}", "zh": found.zh, "en": found.en}
        for found in lawful.check(lawful.Shape.of(plan))
        if found.refused
    ]
    if problems:
        raise BadInput(problems=problems)
    if plan.levels > 1 and not await tx.fetchval("SELECT true FROM plan_sign_offs WHERE revoked_at IS NULL"):
        raise SignOffMissing


COMMISSION = Policy("commission", CommissionPolicy, CommissionPolicy(), allow=_may_be_decided)


class AllocationPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How the margin of an order is shared: percentages of it by what an organisation did for the order.

    The margin is what the buyer keeps and paid for, less what the goods themselves are worth by contract. Whatever is
    not given to somebody stays with the owner of the goods, so that the parts are always the whole. `bringing_minor`
    is apart from orders: what the shop gets once whose touchpoint a new member met last, before any purchase, at the
    cost of headquarters.
    """

    bringer_store: Annotated[int, whole(0, 100, zh="拉新门店 %", en="Shop that brought the member, %")] = 10
    guide_store: Annotated[int, whole(0, 100, zh="导购所在门店 %", en="Shop of the member's guide, %")] = 10
    touchpoint_store: Annotated[int, whole(0, 100, zh="成交触点门店 %", en="Shop of the touchpoint, %")] = 5
    territory: Annotated[int, whole(0, 100, zh="区域所属公司 %", en="Company whose territory it is, %")] = 0
    ship_store: Annotated[int, whole(0, 100, zh="发货门店 %", en="Shop that sends, %")] = 15
    hand_over_store: Annotated[int, whole(0, 100, zh="交货门店 %", en="Shop that hands over, %")] = 20
    online: Annotated[int, whole(0, 100, zh="电商部门 %", en="Online department, %")] = 15
    headquarters: Annotated[int, whole(0, 100, zh="总部 %", en="Headquarters, %")] = 10
    bringing_minor: Annotated[
        int, whole(0, 100_000, zh="门店拉新奖励(分)", en="For a new member, to the shop (cents)")
    ] = 500

    def __post_init__(self) -> None:
        """Refuse to give away more than there is: an order is sent or handed over, a member brought and guided."""
        always = self.bringer_store + self.guide_store + self.touchpoint_store + self.online + self.headquarters
        most = always + max(self.ship_store + self.territory, self.hand_over_store)
        if most > 100:
            raise BadInput(
                problems=[
                    {
                        "field": "body.headquarters",
                        "zh": f"一笔订单最多会分出 {most}%,不能超过 100%。",
                        "en": f"One order would give away {most} %; it cannot be more than 100 %.",
                    }
                ]
            )


ALLOCATION = Policy("allocation", AllocationPolicy, AllocationPolicy())


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was agreed with a company that runs shops, or holds for the chain's own.

    `stock_owner` owns the goods on the shelf and gets `goods_percent` of the price for them. `price_right` sets the
    prices of the company's shops, and the other side cannot; a company's are at least `price_floor_percent` and at most
    `price_ceiling_percent` of the chain's (0: no limit). `promo_payer` bears what offers take off: the chain's part is
    taken from headquarters' share, and the goods are worth the same as without the offer. `regions` is the territory,
    as codes: what is ordered online and delivered into it earns the company the share `territory` of the allocation.
    """

    company: Code
    mode: Mode
    stock_owner: Side
    price_right: Side
    promo_payer: Side
    goods_percent: Annotated[int, msgspec.Meta(ge=0, le=100)]
    price_floor_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    price_ceiling_percent: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    regions: Annotated[tuple[Code, ...], msgspec.Meta(max_length=50)] = ()


class ContractPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The contracts in force. A company without one has that of its mode: direct for the chain, else franchise."""

    contracts: Annotated[tuple[Contract, ...], _list("合同", "Contracts")] = ()

    def __post_init__(self) -> None:
        """Refuse two contracts of one company, and a mode that its terms contradict."""
        problems = [
            *twice("contracts", "company", [one.company for one in self.contracts]),
            *(problem for n, one in enumerate(self.contracts) for problem in _limits(n, one)),
        ]
        problems += [
            {
                "field": f"body.contracts.{n}.stock_owner",
                "zh": "直营门店的货和定价都归总部。",
                "en": "Of a direct shop, goods and prices are the chain's.",
            }
            for n, one in enumerate(self.contracts)
            if one.mode == "direct" and (one.stock_owner, one.price_right) != ("chain", "chain")
        ]
        problems += [
            {
                "field": f"body.contracts.{n}.stock_owner",
                "zh": "全加盟由加盟商拥有商品并定价。",
                "en": "With a full franchise goods and prices are the company's.",
            }
            for n, one in enumerate(self.contracts)
            if one.mode == "all_franchise" and (one.stock_owner, one.price_right) != ("company", "company")
        ]
        if problems:
            raise BadInput(problems=problems)

    def of(self, company: str, *, franchised: bool) -> Contract:
        """What holds with a company."""
        own = next((one for one in self.contracts if one.company == company), None)
        return own or (FRANCHISE if franchised else DIRECT)

    def territory_of(self, regions: Sequence[str]) -> str | None:
        """The company whose territory a place is in, by the codes of its regions from the nearest upwards."""
        of = {code: one.company for one in reversed(self.contracts) for code in one.regions}
        return next((of[code] for code in regions if code in of), None)


def _limits(n: int, one: Contract) -> Iterable[dict[str, str]]:
    """What is wrong with the limits of a company's prices."""
    floor, ceiling = one.price_floor_percent, one.price_ceiling_percent
    if one.price_right == "chain" and (floor or ceiling):
        yield {
            "field": f"body.contracts.{n}.price_floor_percent",
            "zh": "总部定价时没有公司定价的范围。",
            "en": "Where the chain sets prices, there are no limits for the company's.",
        }
    if ceiling and ceiling <= floor:
        yield {
            "field": f"body.contracts.{n}.price_ceiling_percent",
            "zh": "上限要高于下限,否则公司没有价格可定。",
            "en": "The ceiling is above the floor, or else the company has no price to choose.",
        }


async def _in_the_world(tx: Tx, policy: ContractPolicy) -> None:
    """Refuses companies and regions that are not there, and a territory that two companies would have."""
    companies = {row["code"] for row in await tx.fetch("SELECT code FROM companies")}
    regions = {row["code"] for row in await tx.fetch("SELECT code FROM regions")}
    given: dict[str, str] = {}
    problems = []
    for n, one in enumerate(policy.contracts):
        if one.company not in companies:
            problems.append(
                {
                    "field": f"body.contracts.{n}.company",
                    "zh": f"没有编号为 {one.company} 的公司。",
                    "en": f"There is no company {one.company}.",
                }
            )
        for code in one.regions:
            if code not in regions:
                zh, en = f"没有编号为 {code} 的区域。", f"There is no region {code}."
            elif given.setdefault(code, one.company) != one.company:
                zh, en = f"区域 {code} 已经是 {given[code]} 的。", f"The region {code} is {given[code]}'s already."
            else:
                continue
            problems.append({"field": f"body.contracts.{n}.regions", "zh": zh, "en": en})
    if problems:
        raise BadInput(problems=problems)


DIRECT = Contract(
    company="-", mode="direct", stock_owner="chain", price_right="chain", promo_payer="chain", goods_percent=60
)
FRANCHISE = Contract(
    company="-", mode="franchise", stock_owner="company", price_right="chain", promo_payer="chain", goods_percent=60
)
CONTRACTS = Policy("contracts", ContractPolicy, ContractPolicy(), allow=_in_the_world)


class StatementPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Statements above `two_above_minor` need the word of two people; less than `least_minor` waits for the next."""

    two_above_minor: Annotated[
        int, whole(0, 100_000_000, zh="超过多少要两人审批(分)", en="Two people approve above (cents)")
    ] = 500_000
    least_minor: Annotated[int, whole(1, 1_000_000, zh="最低打款额(分)", en="Least to pay out (cents)")] = 100


STATEMENTS = Policy("statements", StatementPolicy, StatementPolicy())
