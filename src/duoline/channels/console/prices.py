"""Prices: the chain's price of a SKU and its dated exceptions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import Parameter

from duoline import pricing, settlement
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import shop_prices
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money, minor_of
from duoline.kernel.text import Text
from duoline.members.policy import TIERS
from duoline.stores import directory
from duoline.stores.directory import Chain

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A price and when it holds. `in_force` says whether it is what a till would charge now in its scope, `may_end`
    whether whoever asks may end it."""

    id: UUID
    sku_id: UUID
    scope: str
    scope_code: str | None
    channel: str
    tier: str
    price: Money
    valid_from: datetime
    valid_until: datetime | None
    in_force: bool
    may_end: bool
    reason: str
    created_at: datetime


class NewPrice(Input, frozen=True):
    """A price for the chain, a region or a store, from one instant to another (open when absent), for everybody or
    members of one tier."""

    sku_id: UUID
    scope: Literal["chain", "region", "store"]
    price: Money
    scope_code: Code | None = None
    channel: Literal["*", "mall", "till"] = "*"
    tier: Annotated[str, msgspec.Meta(max_length=20)] = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class PriceShop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop of one's own and whose its prices are by contract now: `may_set` says whether one may set them, `least`
    and `most` between which amounts for the SKU, None for no limit."""

    store_code: str
    store_name: Text
    set_by: pricing.Side
    may_set: bool
    least: Money | None
    most: Money | None


# $4 and $5 are the shops whose prices one may see; those of the chain and of regions are for all.
_ROWS = """
SELECT id, sku_id, scope, scope_id, channel, tier, price_minor, currency, lower(valid) AS begins, upper(valid) AS ends,
    reason,
       created_at, valid @> $2::timestamptz AS in_force
FROM prices WHERE ($1::uuid IS NULL OR sku_id = $1) AND ($3::uuid IS NULL OR id = $3)
  AND (scope <> 'store' OR $4 OR scope_id = ANY ($5))
ORDER BY CASE scope WHEN 'chain' THEN 0 WHEN 'region' THEN 1 ELSE 2 END, lower(valid) DESC, id LIMIT 500
"""


@get("/api/console/prices", opt=doors.staff("prices.read", sku=doors.SHARED))
async def list_prices(
    db: Database, staff: Staff, chain: Chain, sku: Annotated[UUID, Parameter(description="The SKU.")]
) -> Page[PriceRow]:
    """Every price of a SKU: past, present, to come; of shops those one may see."""
    rows = await db.fetch(_ROWS, sku, clock.now(), None, *staff.scope("prices.read").sql)
    return Page([_row(row, chain, staff) for row in rows])


@get("/api/console/price-shops", opt=doors.staff("prices.set", sku=doors.SHARED))
async def list_price_shops(
    db: Database,
    staff: Staff,
    chain: Chain,
    sku: Annotated[UUID, Parameter(description="The SKU.")],
    channel: Annotated[Literal["*", "mall", "till"], Parameter(description="Of which channel's price.")] = "*",
) -> Page[PriceShop]:
    """A company's shops, whose prices are its own to set by contract and within what. The chain sets prices wherever no
    company does, so whoever acts for it sees those shops of all that are not its own to set."""
    by, now = _setter(staff), clock.now()
    known: dict[pricing.PriceRight, pricing.Limits] = {}
    found = []
    for store in sorted(chain.stores.values(), key=lambda store: store.code):
        right = settlement.price_right(store.id, now)
        if store.kind != "store" or store.id not in by.shops or (by.chain and right.holder == "chain"):
            continue
        if right not in known:
            known[right] = await pricing.limits_at(db, sku, right, channel=channel, since=now, until=None)
        least, most = (None if minor is None else Money(minor) for minor in known[right])
        found.append(
            PriceShop(
                store_code=store.code,
                store_name=store.name,
                set_by=right.holder,
                may_set=right.holder == by.side,
                least=least,
                most=most,
            )
        )
    return Page(found)


def _setter(staff: Staff) -> shop_prices.Setter:
    return shop_prices.Setter(staff.actor, staff.may("prices.edit"), staff.scope("prices.set"))


def _may_end(row: Any, staff: Staff) -> bool:
    if row["scope"] != "store":
        return staff.may("prices.edit")
    by = _setter(staff)
    known = row["scope_id"] in directory.current().stores
    return known and row["scope_id"] in by.shops and settlement.price_right(row["scope_id"]).holder == by.side


def _row(row: Any, chain: Chain, staff: Staff) -> PriceRow:
    scope, scope_id = row["scope"], row["scope_id"]
    code = None
    if scope == "store" and scope_id in chain.stores:
        code = chain.stores[scope_id].code
    elif scope == "region" and scope_id in chain.regions:
        code = chain.regions[scope_id].code
    return PriceRow(
        id=row["id"],
        sku_id=row["sku_id"],
        scope=scope,
        scope_code=code,
        channel=row["channel"],
        tier=row["tier"],
        price=Money(row["price_minor"], row["currency"]),
        valid_from=row["begins"],
        valid_until=row["ends"],
        in_force=row["in_force"],
        may_end=_may_end(row, staff),
        reason=row["reason"],
        created_at=row["created_at"],
    )


@post("/api/console/prices", opt=doors.staff("prices.set", sku_id=doors.SHARED, scope_code="store"))
async def set_price(write: Write, staff: Staff, chain: Chain, data: NewPrice) -> Answer[PriceRow]:
    """Set a price. An open one of the same scope ends where this begins; any other overlap is refused.

    Those of a shop are set by the company that runs it or by the chain, as the contract says; all others by the chain.
    """
    scope_id = _scope_id(data, chain, staff)
    if data.tier and TIERS.current().body.rank(data.tier) < 0:
        raise NotFound(kind="tier", code=data.tier)

    async def work(tx: Tx) -> PriceRow:
        price_id = await shop_prices.set_price(
            tx,
            shop_prices.NewPrice(
                sku_id=data.sku_id,
                scope=data.scope,
                place_id=scope_id,
                price_minor=minor_of(data.price),
                currency=data.price.currency,
                valid_from=data.valid_from,
                valid_until=data.valid_until,
                channel=data.channel,
                tier=data.tier,
                reason=data.reason,
            ),
            _setter(staff),
        )
        rows = await tx.fetch(_ROWS, None, clock.now(), price_id, True, [])
        return _row(rows[0], chain, staff)

    return await write.run(work, status=201)


def _scope_id(data: NewPrice, chain: Chain, staff: Staff) -> UUID:
    """What the price is for. Refuses what is not theirs: a shop as absent, the chain and regions as forbidden."""
    if data.scope == "store":
        return staff.store(data.scope_code or "", "prices.set").id
    staff.require("prices.edit")
    if data.scope == "chain":
        return pricing.CHAIN
    region = chain.region_by_code.get(data.scope_code or "")
    if region is None:
        raise NotFound(kind="region", code=data.scope_code)
    return region.id


@delete("/api/console/prices/{price_id:uuid}", opt=doors.staff("prices.set", price_id="price"), status_code=204)
async def end_price(
    write: Write,
    staff: Staff,
    price_id: UUID,
    reason: Annotated[str, Parameter(max_length=200, description="Why it ends.")] = "",
) -> Answer[None]:
    """End a price now; one that has not begun is removed. What was charged stays on its orders."""

    async def work(tx: Tx) -> None:
        if not staff.may("prices.edit"):
            await _refuse_foreign(tx, price_id, staff)
        await shop_prices.end_price(tx, price_id, reason=reason, by=_setter(staff))

    return await write.run(work, status=204)


async def _refuse_foreign(tx: Tx, price_id: UUID, staff: Staff) -> None:
    """A price of the chain or a region is seen by a company's people and not theirs to end."""
    if await tx.fetchval("SELECT scope FROM prices WHERE id = $1", price_id) in ("chain", "region"):
        staff.require("prices.edit")


ROUTES = [list_prices, list_price_shops, set_price, end_price]
