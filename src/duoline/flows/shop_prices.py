"""Prices of shops, by the contract with whoever runs them: either the company's people set them, or the chain's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import pricing, settlement
from duoline.kernel import clock, policies
from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.rights import Scope


class Setter(NamedTuple):
    """Who sets prices: for the chain, and for which shops for the company that runs them."""

    actor: Actor
    chain: bool
    shops: Scope

    @property
    def side(self) -> pricing.Side:
        """On whose behalf they act."""
        return "chain" if self.chain else "company"


class NewPrice(NamedTuple):
    """A price to be set; `place_id` is the region or shop, or `pricing.CHAIN`."""

    sku_id: UUID
    scope: str
    place_id: UUID
    price_minor: int
    currency: str
    valid_from: datetime | None
    valid_until: datetime | None
    channel: str
    tier: str
    reason: str


async def set_price(tx: Tx, new: NewPrice, by: Setter) -> UUID:
    """Set a price. Whose the prices of a shop are is judged by the contract that holds when the price begins, as it is
    stored now; so either side can prepare for the day on which a contract changes.

    Refuses `kernel.not-found` for a shop that is not theirs, then as `pricing.set_price`.
    """
    since = new.valid_from or clock.now()
    right = await _right(tx, new.scope, new.place_id, since, by)
    return await pricing.set_price(
        tx,
        sku_id=new.sku_id,
        scope=new.scope,
        scope_id=new.place_id,
        price_minor=new.price_minor,
        currency=new.currency,
        valid_from=since,
        valid_until=new.valid_until,
        channel=new.channel,
        tier=new.tier,
        reason=new.reason,
        actor=by.actor,
        by=by.side,
        right=right,
    )


async def end_price(tx: Tx, price_id: UUID, *, reason: str, by: Setter) -> None:
    """End a price now, if its shop's prices are theirs now. Refuses `kernel.not-found`, then as `pricing.end_price`."""
    row = await tx.fetchrow("SELECT scope, scope_id FROM prices WHERE id = $1", price_id)
    if row is None:
        raise NotFound
    now = clock.now()
    right = await _right(tx, row["scope"], row["scope_id"], now, by)
    await pricing.end_price(tx, price_id=price_id, at=now, reason=reason, actor=by.actor, by=by.side, right=right)


async def _right(tx: Tx, scope: str, place_id: UUID, at: datetime, by: Setter) -> pricing.PriceRight:
    """Whose a price is at an instant. A shop that is none of theirs is not there; what is the chain's they can see."""
    if scope != "store":
        return pricing.CHAINS
    if place_id not in by.shops:
        raise NotFound(kind="store")
    await policies.refresh(tx)  # a contract may have been decided a moment ago in another process
    return settlement.price_right(place_id, at)
