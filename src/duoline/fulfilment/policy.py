"""Policies of fulfilment, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole

MINOR_MAX = 1_000_000


class SourcingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery costs us, in minor units, so that locations can be compared.

    A parcel costs `parcel` plus `per_km` for each kilometre, `day` for each day it travels, and `reject` times the
    chance that the location cannot serve it after all; every parcel beyond the first costs `split` more. A line picked
    in a shop costs `pick_store`, in a warehouse `pick_dc`; a location whose open work equals its capacity of one hour
    costs `load` more a parcel, and proportionally. A unit costs its owner's fee, `owner_fee` percent of it, and
    `walk_in` percent of what the walk-in customer who would have bought it would have left: `margin` percent of its
    price times the chance that so many come within `horizon_days` (see `opportunity.protection`).

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
    load: Annotated[int, whole(0, MINOR_MAX, zh="满负荷加价(分)", en="At full load, a parcel more (cents)")] = 400
    split: Annotated[int, whole(0, MINOR_MAX, zh="每多一个包裹另加(分)", en="Each further parcel (cents)")] = 0
    day: Annotated[int, whole(0, MINOR_MAX, zh="在途一天(分)", en="A day on the way (cents)")] = 0
    reject: Annotated[int, whole(0, MINOR_MAX, zh="一次拒单的代价(分)", en="A rejection (cents)")] = 0
    owner_fee: Annotated[int, whole(0, 1000, zh="店主服务费计入(%)", en="Owner's fee counted (%)")] = 100
    walk_in: Annotated[int, whole(0, 1000, zh="到店顾客机会成本计入(%)", en="Walk-in customers counted (%)")] = 100
    margin: Annotated[int, whole(0, 100, zh="毛利率(%)", en="Margin (% of the price)")] = 30
    horizon_days: Annotated[int, whole(1, 90, zh="到下次补货(天)", en="Days until the next delivery")] = 7
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
    shop could not serve, and, counted from its promise, one to be paid at the counter that nobody made ready."""

    keep_hours: Annotated[int, whole(1, 720, zh="备好后保留(小时)", en="Hours kept once ready")] = 72
    pay_minutes: Annotated[int, whole(1, 1440, zh="付款时限(分钟)", en="Minutes to pay")] = 15
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
        if distance_km <= self.near_km:
            return self.days_near
        return self.days_far if distance_km <= self.far_km else self.days_beyond


SOURCING = Policy("sourcing", SourcingPolicy, SourcingPolicy(), pilots=True)
PICKUP = Policy("pickup", PickupPolicy, PickupPolicy())
DELIVERY = Policy("delivery", DeliveryPolicy, DeliveryPolicy())
