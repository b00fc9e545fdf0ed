"""Prices: the chain's price of a SKU and its dated exceptions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import Parameter

from duoline import pricing
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money, minor_of
from duoline.members.policy import TIERS
from duoline.stores.directory import Chain

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A price and when it holds. `in_force` says whether it is what a till would charge now in its scope."""

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


_ROWS = """
SELECT id, sku_id, scope, scope_id, channel, tier, price_minor, currency, lower(valid) AS begins, upper(valid) AS ends,
    reason,
       created_at, valid @> $2::timestamptz AS in_force
FROM prices WHERE ($1::uuid IS NULL OR sku_id = $1) AND ($3::uuid IS NULL OR id = $3)
ORDER BY CASE scope WHEN 'chain' THEN 0 WHEN 'region' THEN 1 ELSE 2 END, lower(valid) DESC, id LIMIT 500
"""


@get("/api/console/prices", opt=doors.staff("prices.read", sku=doors.SHARED))
async def list_prices(
    db: Database, chain: Chain, sku: Annotated[UUID, Parameter(description="The SKU.")]
) -> Page[PriceRow]:
    """Every price of a SKU: past, present, to come."""
    return Page([_row(row, chain) for row in await db.fetch(_ROWS, sku, clock.now(), None)])


def _row(row: Any, chain: Chain) -> PriceRow:
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
        reason=row["reason"],
        created_at=row["created_at"],
    )


@post("/api/console/prices", opt=doors.staff("prices.edit", sku_id=doors.SHARED, scope_code=doors.SHARED))
async def set_price(write: Write, staff: Staff, chain: Chain, data: NewPrice) -> Answer[PriceRow]:
    """Set a price. An open one of the same scope ends where this begins; any other overlap is refused."""
    scope_id = _scope_id(data, chain)
    if data.tier and TIERS.current().body.rank(data.tier) < 0:
        raise NotFound(kind="tier", code=data.tier)

    async def work(tx: Tx) -> PriceRow:
        price_id = await pricing.set_price(
            tx,
            sku_id=data.sku_id,
            scope=data.scope,
            scope_id=scope_id,
            price_minor=minor_of(data.price),
            currency=data.price.currency,
            valid_from=data.valid_from or clock.now(),
            valid_until=data.valid_until,
            channel=data.channel,
            tier=data.tier,
            reason=data.reason,
            actor=staff.actor,
        )
        rows = await tx.fetch(_ROWS, None, clock.now(), price_id)
        return _row(rows[0], chain)

    return await write.run(work, status=201)


def _scope_id(data: NewPrice, chain: Chain) -> UUID:
    if data.scope == "chain":
        return pricing.CHAIN
    if data.scope == "store":
        return chain.coded(data.scope_code or "").id
    region = chain.region_by_code.get(data.scope_code or "")
    if region is None:
        raise NotFound(kind="region", code=data.scope_code)
    return region.id


@delete("/api/console/prices/{price_id:uuid}", opt=doors.staff("prices.edit", price_id=doors.SHARED), status_code=204)
async def end_price(
    write: Write,
    staff: Staff,
    price_id: UUID,
    reason: Annotated[str, Parameter(max_length=200, description="Why it ends.")] = "",
) -> Answer[None]:
    """End a price now; one that has not begun is removed. What was charged stays on its orders."""

    async def work(tx: Tx) -> None:
        await pricing.end_price(tx, price_id=price_id, at=clock.now(), reason=reason, actor=staff.actor)

    return await write.run(work, status=204)


ROUTES = [list_prices, set_price, end_price]
