"""Policies of favourites, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


class FavouriteHoldPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a member scans and favourites in a shop is kept for them: that very unit, for a while.

    How long: `minutes` until there is history, then what history teaches, between `minutes_min` and `minutes_max`
    (`favourites/tuning.py`). A shop or article needs `history_min` ended holds of ninety days to be tuned by.

    So that nobody denies a shop its stock: a member has at most `member_open` units kept at a time and is given
    `member_day` in 24 hours; a device `device_day`, whoever logs in on it; a network address, which a shop full of
    customers may share, `address_day`. Of the units of an article on hand at a shop, at most `share_percent` are
    kept for favourites, but always one; `last_unit` says whether the last that others could have may be it.

    What it costs to deliver: nothing. Units that were kept in the shop travel free. Other goods in the same delivery
    pay by the usual rule (`delivery_fee`), and the kept ones count towards its free threshold, so keeping a unit never
    makes a delivery dearer.
    """

    on: bool = True
    minutes: Annotated[int, whole(5, 2880, zh="默认保留(分钟)", en="Minutes kept by default")] = 120
    minutes_min: Annotated[int, whole(5, 2880, zh="最短保留(分钟)", en="Minutes kept at least")] = 30
    minutes_max: Annotated[int, whole(5, 2880, zh="最长保留(分钟)", en="Minutes kept at most")] = 480
    member_open: Annotated[int, whole(1, 100, zh="每位会员同时保留(件)", en="Units a member has kept at a time")] = 3
    member_day: Annotated[int, whole(1, 1000, zh="每位会员每天(件)", en="Units a member is given in a day")] = 6
    device_day: Annotated[int, whole(1, 1000, zh="每台设备每天(件)", en="Units a device is given in a day")] = 8
    address_day: Annotated[
        int, whole(1, 100_000, zh="每个网络地址每天(件)", en="Units an address is given in a day")
    ] = 200
    share_percent: Annotated[
        int, whole(1, 100, zh="最多保留在架数的百分比", en="At most this % of what is on hand")
    ] = 50
    last_unit: bool = True
    history_min: Annotated[int, whole(5, 10_000, zh="调整时长所需的记录数", en="Ended holds needed to tune")] = 20

    def clipped(self, minutes: int) -> int:
        """Within the bounds. Bounds that contradict each other leave the shorter one."""
        return min(max(minutes, self.minutes_min), self.minutes_max)


FAVOURITE_HOLD = Policy("favourite_hold", FavouriteHoldPolicy, FavouriteHoldPolicy())
