"""Policies of fulfilment, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole

MINOR_MAX = 1_000_000
HORIZON_DAYS_MAX = 90


class SourcingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery costs us, in minor units, so that locations can be compared.

    A parcel costs `parcel` plus `per_km` for each kilometre, `day` for each day until it arrives, and `reject`
    times the chance that the location cannot serve it after all; every parcel beyond the first costs `split` more.
    A box that goes to a shop of ours, where its buyer collects, costs `transfer` instead of `parcel`. A line picked
    in a shop costs `pick_store`, and `rush` more in the hours from `rush_from` until before `rush_until` in which
    clerks have customers before them; in a warehouse it costs `pick_dc`. A location whose open work equals its
    capacity of one hour costs `load` more a parcel, and proportionally. A unit costs its owner's fee, `owner_fee`
    percent of it, and `walk_in` percent of what the walk-in customer who would have bought it would have left:
    `margin` percent of its price times the chance that so many come within `horizon_days` (see
    `opportunity.protection`); less `markdown` percent of what its shelf asks less than the order pays, at its
    lowest within these days (see `markdown`).

    Parcels that nobody can have begun to pick are planned again together while their order is younger than
    `replan_minutes`, or for as long as their shop has been closed since; an order moves only for `replan_min_minor` or
    more. `shadow` percent of a unit's shadow price count in place of `walk_in`, where one is known.
    With its `rejections_max`-th rejection a delivery waits for a person instead of being sourced by itself.
    `parcels_max` bounds the parcels of one order; locations with more than `hours_full` hours of open work send
    nothing (0: any); `from_shops`, `from_warehouses`, `from_franchisees` say who may send.
    """

    parcel: Annotated[int, whole(0, MINOR_MAX, zh="每个包裹(分)", en="A parcel (cents)")] = 600
    per_km: Annotated[int, whole(0, MINOR_MAX, zh="每公里(分)", en="A kilometre (cents)")] = 1
    pick_store: Annotated[int, whole(0, MINOR_MAX, zh="门店拣一行(分)", en="A line picked in a shop (cents)")] = 120
    pick_dc: Annotated[int, whole(0, MINOR_MAX, zh="仓库拣一行(分)", en="A line picked in a warehouse (cents)")] = 60
    rush: Annotated[
        int, whole(0, MINOR_MAX, zh="忙时门店每行另加(分)", en="A line in a shop's rush hours, more (cents)")
    ] = 0
    rush_from: Annotated[int, whole(0, 24, zh="忙时从几点", en="Rush hours from")] = 17
    rush_until: Annotated[int, whole(0, 24, zh="忙时到几点", en="Rush hours until")] = 20
    load: Annotated[int, whole(0, MINOR_MAX, zh="满负荷加价(分)", en="At full load, a parcel more (cents)")] = 400
    split: Annotated[int, whole(0, MINOR_MAX, zh="每多一个包裹另加(分)", en="Each further parcel (cents)")] = 0
    day: Annotated[int, whole(0, MINOR_MAX, zh="晚到一天(分)", en="A day until it arrives (cents)")] = 0
    transfer: Annotated[int, whole(0, MINOR_MAX, zh="门店间每箱(分)", en="A box between locations (cents)")] = 600
    reject: Annotated[int, whole(0, MINOR_MAX, zh="一次拒单的代价(分)", en="A rejection (cents)")] = 0
    owner_fee: Annotated[int, whole(0, 1000, zh="店主服务费计入(%)", en="Owner's fee counted (%)")] = 100
    walk_in: Annotated[int, whole(0, 1000, zh="到店顾客机会成本计入(%)", en="Walk-in customers counted (%)")] = 100
    margin: Annotated[int, whole(0, 100, zh="毛利率(%)", en="Margin (% of the price)")] = 30
    horizon_days: Annotated[int, whole(1, HORIZON_DAYS_MAX, zh="到下次补货(天)", en="Days until the next delivery")] = 7
    markdown: Annotated[int, whole(0, 100, zh="降价损失计入(%)", en="Markdowns counted (%)")] = 100
    hours_full: Annotated[
        int, whole(0, 240, zh="积压超过几小时不派(0 不限)", en="Hours of open work at most (0: any)")
    ] = 0
    from_shops: bool = True
    from_warehouses: bool = True
    from_franchisees: bool = True
    parcels_max: Annotated[int, whole(1, 20, zh="最多包裹数", en="Parcels at most")] = 4
    rejections_max: Annotated[int, whole(1, 10, zh="拒单几次后转人工", en="Rejections until a person looks")] = 2
    replan_minutes: Annotated[
        int, whole(0, 1440, zh="下单几分钟内可重排(0 不重排)", en="Minutes in which plans are made again (0: never)")
    ] = 15
    replan_min_minor: Annotated[int, whole(0, MINOR_MAX, zh="重排至少省(分)", en="Planned again for (cents)")] = 200
    shadow: Annotated[int, whole(0, 100, zh="影子价格计入(%)", en="Shadow prices counted (%)")] = 0


class PickupPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long things wait for the buyer: an order that is ready, one to be paid online, a question about what the
    shop could not serve, and, counted from its promise, one to be paid at the counter that nobody made ready.

    `in_shop_minutes` is what a buyer who stands in the shop is promised, from when the shop can begin (scan-and-go).
    `remind_hours` before the end of keeping the buyer is reminded, once, but not before half of the time has passed.
    """

    keep_hours: Annotated[int, whole(1, 720, zh="备好后保留(小时)", en="Hours kept once ready")] = 72
    remind_hours: Annotated[
        int, whole(0, 720, zh="到期前几小时提醒(0 不提醒)", en="Hours before the end to remind (0: never)")
    ] = 24
    pay_minutes: Annotated[int, whole(1, 1440, zh="付款时限(分钟)", en="Minutes to pay")] = 15
    in_shop_minutes: Annotated[
        int, whole(1, 240, zh="店内扫码购备好(分钟)", en="Minutes until a scan-and-go bag is ready")
    ] = 10
    answer_hours: Annotated[int, whole(1, 720, zh="等顾客决定(小时)", en="Hours to answer")] = 48
    unclaimed_hours: Annotated[
        int, whole(24, 2160, zh="到店付款无人备货时保留(小时)", en="Hours until unprepared unpaid orders are let go")
    ] = 168


class DeliveryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a parcel leaves and how long it travels.

    Orders before `cutoff_hour` (in the location's zone; 0 for never, 24 for always) leave the same day. `days_near`
    within `near_km`, `days_far` within `far_km`, else `days_beyond`; it arrives by `by_hour`.
    """

    cutoff_hour: Annotated[int, whole(0, 24, zh="当天发货截止(点)", en="Same-day cut-off (hour)")] = 16
    near_km: Annotated[int, whole(0, 20_000, zh="近程不超过(公里)", en="Near: up to km")] = 150
    far_km: Annotated[int, whole(0, 20_000, zh="远程不超过(公里)", en="Far: up to km")] = 900
    days_near: Annotated[int, whole(0, 60, zh="近程(天)", en="Days when near")] = 1
    days_far: Annotated[int, whole(0, 60, zh="远程(天)", en="Days when far")] = 2
    days_beyond: Annotated[int, whole(0, 60, zh="更远(天)", en="Days beyond")] = 3
    by_hour: Annotated[int, whole(0, 23, zh="送达时刻(点)", en="Arrives by (hour)")] = 20

    def days(self, distance_km: float) -> int:
        """How many days a parcel travels so far."""
        return (self.days_near, self.days_far, self.days_beyond)[self.reach(distance_km)]

    def reach(self, distance_km: float) -> int:
        """How far that is: 0 near, 1 far, 2 beyond."""
        if distance_km <= self.near_km:
            return 0
        return 1 if distance_km <= self.far_km else 2


class PromisePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How promises learn from what became of those before (`fulfilment.lags`).

    Of promises to come `quantile` percent are to be kept, by what the last `weeks` were like. Fewer than `enough`
    orders of a shop at a part of the day are helped out by the shop's, then the chain's, then the plain rule. Not
    `learned`: the plain rule alone, while learning and the reports go on.
    """

    learned: bool = True
    quantile: Annotated[int, whole(50, 99, zh="按时的目标(%)", en="To be kept (%)")] = 90
    weeks: Annotated[int, whole(1, 26, zh="参考最近几周", en="Weeks looked at")] = 8
    enough: Annotated[int, whole(1, 1000, zh="够用的单数", en="Orders that suffice")] = 30


SOURCING = Policy("sourcing", SourcingPolicy, SourcingPolicy(), pilots=True)
PICKUP = Policy("pickup", PickupPolicy, PickupPolicy())
PROMISE = Policy("promise", PromisePolicy, PromisePolicy())
DELIVERY = Policy("delivery", DeliveryPolicy, DeliveryPolicy())
