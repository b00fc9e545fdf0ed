"""The rules of points, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from duoline.kernel.errors import BadInput
from duoline.kernel.policies import Policy, twice, whole
from duoline.kernel.text import Text

RULES_MAX = 50

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
# With its zone: an instant without one is before or after no order, so that nothing could be earned any more.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


def _list(zh: str, en: str) -> msgspec.Meta:
    return msgspec.Meta(max_length=RULES_MAX, min_length=0, title=en, extra={"zh": zh, "en": en})


class TierTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members of a tier earn so many percent of the rate."""

    tier: Code
    percent: Percent


class CategoryTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Articles of a category, or of one below it, earn so many percent; of several the nearest counts."""

    category: Code
    percent: Percent


class PointCampaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Orders placed from one instant until before another earn so many percent. Of several the highest counts."""

    name: Text
    from_at: Instant
    until_at: Instant
    percent: Percent


class PointsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How points are earned, how long they last, and what they pay.

    `rate` is in hundredths of a point for one unit of the currency (100 minor units); what was paid in points earns
    none. With `wait`, points can be spent once the goods cannot be brought back any more. `worth_minor` is what 100
    points pay; at most `cap_percent` of what an order costs, and no fewer than `least` at a time. Points that come
    back from an order last as long as they would have unspent, and `back_days` at least. Refuses `kernel.bad-input`
    for rules that contradict each other.
    """

    rate: Annotated[int, whole(0, 10_000, zh="每元得积分(百分之一)", en="Hundredths of a point a yuan")] = 100
    wait: bool = False
    lasts_days: Annotated[int, whole(0, 3_650, zh="积分有效(天,0 不过期)", en="Days points last (0: for ever)")] = 730
    worth_minor: Annotated[int, whole(0, 10_000, zh="100 积分抵(分)", en="What 100 points pay (cents)")] = 100
    cap_percent: Annotated[int, whole(0, 100, zh="最多抵订单的百分比", en="At most this % of an order")] = 50
    least: Annotated[int, whole(1, 100_000, zh="一次至少用(积分)", en="Points at least at a time")] = 100
    back_days: Annotated[int, whole(0, 3_650, zh="退回的积分至少有效(天)", en="Days returned points last")] = 7
    binding: Annotated[int, whole(0, 100_000, zh="绑定导购送积分", en="Points for choosing a guide")] = 50
    tiers: Annotated[tuple[TierTimes, ...], _list("各等级倍率", "Rates of tiers")] = (
        TierTimes(tier="silver", percent=110),
        TierTimes(tier="gold", percent=130),
        TierTimes(tier="black", percent=150),
    )
    categories: Annotated[tuple[CategoryTimes, ...], _list("各类目倍率", "Rates of categories")] = ()
    campaigns: Annotated[tuple[PointCampaign, ...], _list("积分活动", "Campaigns")] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if (
            problems := [*twice("tiers", "tier", [one.tier for one in self.tiers])]
            + [*twice("categories", "category", [one.category for one in self.categories])]
            + [
                {
                    "field": f"body.campaigns.{n}.until_at",
                    "zh": "结束时间要晚于开始时间。",
                    "en": "It has to end after it begins.",
                }
                for n, one in enumerate(self.campaigns)
                if one.until_at <= one.from_at
            ]
        ):
            raise BadInput(problems=problems)

    @property
    def spendable(self) -> bool:
        """Whether points pay for anything."""
        return self.worth_minor > 0 and self.cap_percent > 0


POINTS = Policy("points", PointsPolicy, PointsPolicy())
