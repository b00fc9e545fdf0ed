"""Policies of orders, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


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
