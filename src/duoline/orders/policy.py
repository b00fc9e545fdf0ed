"""Policies of orders, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import msgspec

from duoline.kernel.policies import Policy, whole
from duoline.orders.types import OUR_FAULT

if TYPE_CHECKING:
    from duoline.orders.types import ReturnReason


class GuestOrderPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be ordered, and held unpaid, by somebody who has not logged in.

    A guest is a browser; whoever throws the cookie away is another one, so the network address has limits of its own,
    wide enough for a shop full of customers on one connection. Unpaid are units to be paid at the counter, and units
    of online orders until they are paid.
    """

    orders_hour: Annotated[int, whole(1, 1_000, zh="每位访客每小时订单数", en="Orders an hour for each guest")] = 6
    orders_hour_address: Annotated[
        int, whole(1, 100_000, zh="每个网络地址每小时订单数", en="Orders an hour for each network address")
    ] = 60
    units_unpaid: Annotated[int, whole(1, 100_000, zh="每位访客未付款件数", en="Unpaid units for each guest")] = 50
    units_unpaid_address: Annotated[
        int, whole(1, 1_000_000, zh="每个网络地址未付款件数", en="Unpaid units for each network address")
    ] = 500


GUEST_ORDERS = Policy("guest_orders", GuestOrderPolicy, GuestOrderPolicy())


CODES = re.compile(r"[^\s,，、]+")
"""Codes in a text that somebody typed: whatever stands between spaces and commas."""


class ReturnsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken back, and for how long after it was handed over or delivered.

    Days are those of the shop's calendar, the day of the hand-over not counted. What a member bought at a distance may
    be sent back within seven days without a reason (China, Consumer Rights Protection Law, art. 25), except what that
    article and the shop's notice exclude; what was bought in the shop goes by the shop's own terms, which are these for
    both. What is faulty or not what was ordered (arts. 24, 52) is never excluded and has a longer time. The delivery
    fee is kept.
    """

    days: Annotated[int, whole(0, 3_650, zh="无理由退货天数", en="Days to bring back without a reason")] = 7
    faulty_days: Annotated[
        int, whole(0, 3_650, zh="有问题或给错的退货天数", en="Days to bring back what is faulty or wrong")
    ] = 30
    excluded: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[^\x00-\x1f]{0,400}$",
            title="Categories not taken back without a reason (codes)",
            extra={
                "zh": "不支持无理由退货的类目(编码)",
                "en": "Categories not taken back without a reason (codes)",
            },
        ),
    ] = ""
    other_companies: bool = False

    @property
    def excluded_codes(self) -> list[str]:
        """The codes of the categories, with everything below them, that are taken back only when faulty or wrong."""
        return CODES.findall(self.excluded)

    def days_for(self, reason: ReturnReason) -> int:
        """For how many days something may come back for this reason."""
        return self.faulty_days if reason in OUR_FAULT else self.days


RETURNS = Policy("returns", ReturnsPolicy, ReturnsPolicy())
