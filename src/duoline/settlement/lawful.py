"""Which plans of commission the law allows. Pure; every finding says why, and what it rests on.

Sources: Regulation on the Prohibition of Pyramid Selling (禁止传销条例, State Council Order 444), art. 7: pay for
recruiting (1), a fee or a purchase for taking part (2), pay by the sales of those below (3). Criminal Law, art. 224-1.
Public Security Administration Punishments Law (治安管理处罚法, in force from 2026), art. 34, which has no threshold of
heads or levels. Consumer Rights Protection Law (消费者权益保护法), art. 25: seven days to send goods back.
A lawyer's word comes before this file's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from duoline.settlement.policy import CommissionPolicy

LEVELS_MAX = 2
TOTAL_BP_MAX = 5_000
TIMES = "times"
"""The rule that only a new version is held to: one that was decided before still has to be read, for the orders of its
time are told by it."""
RETURN_DAYS = 7


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan of commission in whatever shape somebody thinks of; the lawful ones can be saved.

    `line_percent_max` and `tier_percent_max` are what the rates are multiplied by at the most, for an article and for a
    buyer's tier; 100 where nothing is above it, since there always is a line that no rule names.
    """

    levels: int = 1
    referrer_bp: int = 0
    second_bp: int = 0
    others_bp: int = 0
    mature_days: int = RETURN_DAYS + 1
    month_cap_minor: int = 0
    entry_fee_minor: int = 0
    purchase_to_join_minor: int = 0
    per_recruit_minor: int = 0
    team_bp: int = 0
    staff_bringing_minor: int = 0
    line_percent_max: int = 100
    tier_percent_max: int = 100

    @property
    def base_bp(self) -> int:
        """All rates together, every level included, in hundredths of a percent: they may all be of different people."""
        return self.referrer_bp + self.second_bp + self.others_bp + self.team_bp

    @property
    def most_bp(self) -> int:
        """The most that one line can pay in all, in hundredths of a percent; each part is rounded to the cent."""
        return self.base_bp * self.line_percent_max * self.tier_percent_max // 10_000

    @classmethod
    def of(cls, plan: CommissionPolicy) -> Shape:
        """What of a plan the law looks at."""
        return cls(
            levels=plan.levels,
            referrer_bp=plan.referrer_bp,
            second_bp=plan.second_bp,
            others_bp=plan.guide_bp + plan.seller_bp,
            mature_days=plan.mature_days,
            month_cap_minor=plan.month_cap_minor,
            staff_bringing_minor=plan.bringing_minor,
            line_percent_max=_most([one.percent for one in plan.products] + [one.percent for one in plan.categories]),
            tier_percent_max=_most([one.percent for one in plan.tiers]),
        )


def _most(percents: list[int]) -> int:
    """The highest of them; of what none of them names it is the whole rate."""
    return max([100, *percents])


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with a plan (`refused`) or worth a second look, at which field, on what ground."""

    rule: str
    field: str
    refused: bool
    zh: str
    en: str
    source: str


def check(shape: Shape) -> list[Finding]:
    """Everything there is to say of a plan; empty when nothing is."""
    return [finding for rule in _RULES if (finding := rule(shape)) is not None]


def _depth(shape: Shape) -> Finding | None:
    if shape.levels <= LEVELS_MAX:
        return None
    return Finding(
        "depth",
        "levels",
        True,
        f"最多两级;{shape.levels} 级分佣属于传销特征。",
        f"Two levels at the most; {shape.levels} are a mark of pyramid selling.",
        "禁止传销条例 art. 7(1), (3); 刑法 art. 224-1",
    )


def _entry(shape: Shape) -> Finding | None:
    if not (shape.entry_fee_minor or shape.purchase_to_join_minor):
        return None
    field = "entry_fee_minor" if shape.entry_fee_minor else "purchase_to_join_minor"
    return Finding(
        "entry",
        field,
        True,
        "不能要求缴费或买货才能参加(入门费)。",
        "Nobody may have to pay or buy something to take part (entry fee).",
        "禁止传销条例 art. 7(2)",
    )


def _recruit(shape: Shape) -> Finding | None:
    if not shape.per_recruit_minor:
        return None
    return Finding(
        "recruit",
        "per_recruit_minor",
        True,
        "不能按会员拉来的人数付钱(拉人头);拉新奖励只给员工和门店。",
        "Members are not paid by head for whom they bring; that credit is for staff and shops only.",
        "禁止传销条例 art. 7(1)",
    )


def _team(shape: Shape) -> Finding | None:
    if not shape.team_bp:
        return None
    return Finding(
        "team",
        "team_bp",
        True,
        "不能按下线团队的销售额计酬(团队计酬);只能按有来历的订单行付。",
        "Nobody is paid by the sales of those below them; only by order lines they brought.",
        "禁止传销条例 art. 7(3)",
    )


def _second(shape: Shape) -> Finding | None:
    if shape.levels < LEVELS_MAX and shape.second_bp:
        return Finding(
            "second",
            "second_bp",
            True,
            "只有一级时,第二级不能有提成;改为两级需要先登记批准文件。",
            "With one level the second is paid nothing; two levels need a recorded sign-off first.",
            "Duoline: levels",
        )
    if shape.second_bp > shape.referrer_bp:
        return Finding(
            "second",
            "second_bp",
            True,
            "第二级不能比直接分享的人多。",
            "The second level cannot be paid more than who shared it.",
            "禁止传销条例 art. 7(3)",
        )
    return None


def _total(shape: Shape) -> Finding | None:
    total = shape.base_bp
    if total <= TOTAL_BP_MAX:
        return None
    return Finding(
        "total",
        "referrer_bp",
        True,
        f"各项提成合计 {total / 100:g}%,不能超过 {TOTAL_BP_MAX // 100}%。",
        f"All rates together are {total / 100:g} %; they cannot be more than {TOTAL_BP_MAX // 100} %.",
        "Duoline: commission comes out of the margin",
    )


def _times(shape: Shape) -> Finding | None:
    most = shape.most_bp
    if shape.base_bp > TOTAL_BP_MAX or most <= TOTAL_BP_MAX:
        return None
    total, line, tier, limit = shape.base_bp / 100, shape.line_percent_max, shape.tier_percent_max, TOTAL_BP_MAX // 100
    return Finding(
        TIMES,
        "products" if line > 100 else "tiers",
        True,
        f"加上倍率,一行商品最多会付 {most / 100:g}%(各项提成合计 {total:g}%,商品或类目最高 {line}%,等级最高 {tier}%),"
        f"不能超过 {limit}%。",
        f"With its multipliers one line could pay {most / 100:g} % in all (rates together {total:g} %, times {line} %"
        f" for an article, times {tier} % for a tier); it cannot be more than {limit} %.",
        "Duoline: commission comes out of the margin",
    )


def _early(shape: Shape) -> Finding | None:
    if shape.mature_days > RETURN_DAYS:
        return None
    return Finding(
        "early",
        "mature_days",
        False,
        "七天无理由退货期内就到期的提成,会等到退货期结束再结算。",
        "Commission that would be due within seven days of the hand-over waits until the goods cannot be sent back.",
        "消费者权益保护法 art. 25",
    )


def _uncapped(shape: Shape) -> Finding | None:
    if shape.month_cap_minor or not (shape.referrer_bp or shape.second_bp):
        return None
    return Finding(
        "uncapped",
        "month_cap_minor",
        False,
        "会员分享没有月上限,建议设一个。",
        "What members earn by sharing has no cap a month; one is advisable.",
        "Duoline: caps",
    )


_RULES = (_depth, _entry, _recruit, _team, _second, _total, _times, _early, _uncapped)
