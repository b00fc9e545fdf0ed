"""What is refused of points."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class NotEnoughPoints(Refusal):
    """Fewer points than were asked for can be spent now."""

    code = "loyalty.not-enough-points"
    status = 409
    zh = "可用积分只有 {spendable},不够 {points}。"
    en = "Only {spendable} points can be spent now, not {points}."


class PointsNotTaken(Refusal):
    """This order does not take so many points, or none."""

    code = "loyalty.points-not-taken"
    status = 409
    zh = "这笔订单最多可用 {most} 积分,至少 {least} 积分。"
    en = "This order takes at most {most} points, and {least} at least."


class LotsOverdrawn(Refusal):
    """More points would be taken away than there are."""

    code = "loyalty.nothing-to-take"
    status = 409
    zh = "这位会员只有 {spendable} 积分,不能扣 {points}。"
    en = "This member has {spendable} points; {points} cannot be taken away."
