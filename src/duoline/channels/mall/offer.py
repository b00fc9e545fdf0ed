"""What the catalogue's pages say about a store: its prices, its stock, and by when one would have the goods.

Put together once for each store and kept for a moment, because it is the same on every product page.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from duoline import fulfilment, pricing
from duoline.channels.mall.catalogue_types import Promise
from duoline.flows.places import UNKNOWN_KM, region_path
from duoline.flows.trade import Trade
from duoline.kernel.money import Money
from duoline.stores.directory import Chain, distance_m
from duoline.stores.types import Store

KEPT_S = 20.0

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Offer:
    """One store as the pages see it, or no store.

    `price_store` and `regions` price the goods, `pickup_store` counts what can be collected (None when nothing
    can), `dcs` are the distribution centres that ship. `tail` is the end of a product page as JSON.
    """

    price_store: UUID | None
    regions: list[UUID]
    pickup_store: UUID | None
    dcs: list[UUID]
    store_json: bytes
    tail: bytes


class Offers:
    """The offers of one process."""

    def __init__(self, work: fulfilment.OpenWork) -> None:
        self.work = work
        self._senders = Senders(Chain())
        self._kept: dict[UUID | None, tuple[float, Offer]] = {}

    async def of(self, chain: Chain, store: Store | None, at: datetime) -> Offer:
        """The offer of a store, at most `KEPT_S` old and never older than the directory of stores."""
        if self._senders.chain is not chain:
            self._senders = Senders(chain)
            self._kept.clear()
        key = store.id if store else None
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        open_work = (await self.work.counts()).get(store.id, 0) if store else 0
        offer = _offer(self._senders, store, at, open_work=open_work, lags=await self.work.lags())
        self._kept[key] = time.monotonic() + KEPT_S, offer
        return offer


class Senders:
    """Where parcels leave from: the distribution centres that ship, or any shop that does if there is none."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        ships = [store for store in chain.stores.values() if store.active and store.services.ship]
        self.dcs = [store for store in ships if store.kind == "dc"]
        self.origins = sorted(self.dcs or ships, key=lambda store: store.code)


_offers: WeakKeyDictionary[Trade, Offers] = WeakKeyDictionary()


def offers(trade: Trade) -> Offers:
    """The offers of this process."""
    found = _offers.get(trade)
    if found is None:
        found = _offers[trade] = Offers(trade.work)
    return found


def chosen(chain: Chain, code: str | None) -> Store | None:
    """The store a visitor chose. One that is gone, closed for good or a distribution centre counts as none:
    phones remember stores for longer than stores last."""
    store = chain.by_code.get(code) if code else None
    return store if store is not None and store.kind == "store" and store.active else None


def _offer(senders: Senders, store: Store | None, at: datetime, *, open_work: int, lags: fulfilment.Lags) -> Offer:
    chain = senders.chain
    fee = pricing.DELIVERY_FEE.current(at).body
    store_json = b"null" if store is None else _encode(chain.card(store, at=at))
    parts = {
        "store": store_json,
        "pickup_promise": _encode(pickup_promise(store, at, open_work=open_work, lags=lags)),
        "delivery_promise": _encode(delivery_promise(senders, store, at, lags)),
        "delivery_fee": _encode(Money(fee.fee, fee.currency)),
        "free_delivery_from": _encode(Money(fee.free_from, fee.currency)),
    }
    return Offer(
        price_store=store.id if store else None,
        regions=region_path(chain, store) if store else [],
        pickup_store=store.id if store and store.services.pickup else None,
        dcs=[dc.id for dc in senders.dcs],
        store_json=store_json,
        tail=b"".join(b',"' + name.encode() + b'":' + value for name, value in parts.items()),
    )


def pickup_promise(store: Store | None, at: datetime, *, open_work: int, lags: fulfilment.Lags) -> Promise | None:
    """By when an order placed now would be ready at the store; None when it offers no pickup or stays closed."""
    if store is None or not store.services.pickup:
        return None
    ready = fulfilment.pickup_ready_at(store, at, open_work=open_work, lags=lags)
    return None if ready is None else Promise("pickup", ready.at, store.code)


def delivery_promise(senders: Senders, near: Store | None, at: datetime, lags: fulfilment.Lags) -> Promise | None:
    """By when a parcel sent now would arrive; None when nothing ships.

    Naive on purpose: it leaves the nearest sender and goes where the chosen store stands. The quote knows the
    address and the stock, and says it exactly.
    """
    if not senders.origins:
        return None
    policy = fulfilment.DELIVERY.current(at).body
    origin, km = senders.origins[0], UNKNOWN_KM
    if near is not None:
        here = [(distance_m(near.lat, near.lon, each.lat, each.lon), each.code, each) for each in senders.origins]
        metres, _, origin = min(here)
        km = metres / 1000
    arrival = fulfilment.arrives_at(origin, at, distance_km=km, policy=policy, lags=lags)
    return Promise("delivery", arrival.at, None)
