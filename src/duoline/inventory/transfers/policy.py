"""The chain's policy on transfers, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


class TransferPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Who may ask, what needs nobody's word, and when units arrive.

    A request of up to `auto_units_max` units approves itself when the source can still promise `keep_units` of each
    article (its safety stock is never touched) and both shops belong to one company. What nobody has answered in
    `answer_hours` lapses, and the units can be promised again. With `for_orders`, what a member wants to collect at a
    shop that has none is brought there from one that sends: paid online, promised when it is ordered.
    """

    shops_may_ask: bool = True
    for_orders: bool = True
    auto_units_max: Annotated[
        int, whole(0, 1000, zh="自动同意的件数上限", en="Units approved without asking, at most")
    ] = 3
    keep_units: Annotated[
        int, whole(0, 1000, zh="调出后至少还剩可售(件)", en="Units the source can still promise, at least")
    ] = 0
    auto_across_companies: bool = False
    answer_hours: Annotated[int, whole(1, 720, zh="等待回复(小时)", en="Hours to answer")] = 48
    near_km: Annotated[int, whole(0, 20_000, zh="近程不超过(公里)", en="Near: up to km")] = 50
    far_km: Annotated[int, whole(0, 20_000, zh="远程不超过(公里)", en="Far: up to km")] = 500
    hours_near: Annotated[int, whole(1, 720, zh="近程(小时)", en="Hours when near")] = 24
    hours_far: Annotated[int, whole(1, 720, zh="远程(小时)", en="Hours when far")] = 48
    hours_beyond: Annotated[int, whole(1, 720, zh="更远(小时)", en="Hours beyond")] = 96


TRANSFERS = Policy("transfers", TransferPolicy, TransferPolicy())
