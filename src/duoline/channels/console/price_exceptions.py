"""Every price that is not the chain's for all channels: what is an exception, whose it is, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import catalog
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text, plain
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from duoline.catalog.types import SkuFacts

State = Literal["now", "later", "past"]


class PriceException(msgspec.Struct, frozen=True, kw_only=True):
    """A price of a region, a shop, one channel or one tier of members, beside the chain's for all at the same time.

    `chain_price` is None where the chain has none then. `set_by` is None for what no person of this system has set.
    """

    id: UUID
    sku_code: str
    product_code: str
    name: Text
    options: list[catalog.Choice]
    scope: Literal["chain", "region", "store"]
    scope_code: str | None
    scope_name: Text | None
    channel: str
    tier: str
    price: Money
    chain_price: Money | None
    valid_from: datetime
    valid_until: datetime | None
    state: State
    reason: str
    set_by: str | None


# $1 now, $2 state, $3 kind, $4 words, $5 shop, $6 and $7 the shops whose prices one may see; the others are for all.
_WHERE = """
FROM prices p JOIN skus s ON s.id = p.sku_id JOIN products d ON d.id = s.product_id
WHERE (p.scope <> 'chain' OR p.channel <> '*' OR p.tier <> '')
  AND CASE $2 WHEN 'now' THEN p.valid @> $1::timestamptz WHEN 'later' THEN lower(p.valid) > $1::timestamptz
              WHEN 'past' THEN upper(p.valid) <= $1::timestamptz ELSE true END
  AND CASE $3 WHEN 'channel' THEN p.channel <> '*' WHEN 'tier' THEN p.tier <> '' WHEN 'all' THEN true
              ELSE p.scope = $3 END
  AND ($4 = '' OR s.code ILIKE $4 || '%' OR d.code ILIKE $4 || '%' OR d.name_zh ILIKE '%' || $4 || '%'
       OR d.name_en ILIKE '%' || $4 || '%')
  AND ($5::uuid IS NULL OR (p.scope = 'store' AND p.scope_id = $5))
  AND (p.scope <> 'store' OR $6 OR p.scope_id = ANY ($7))
"""
_ROWS = f"""
SELECT p.id, p.sku_id, p.scope, p.scope_id, p.channel, p.tier, p.price_minor, p.currency, lower(p.valid) AS begins,
       upper(p.valid) AS ends, p.reason, (SELECT a.name FROM staff a WHERE a.id = p.actor_id) AS set_by,
       CASE WHEN p.valid @> $1::timestamptz THEN 'now' WHEN lower(p.valid) > $1 THEN 'later' ELSE 'past' END AS state,
       (SELECT c.price_minor FROM prices c
         WHERE c.sku_id = p.sku_id AND c.scope = 'chain' AND c.channel = '*' AND c.tier = ''
           AND c.valid @> CASE WHEN p.valid @> $1::timestamptz THEN $1 ELSE lower(p.valid) END) AS chain_minor
{_WHERE}  AND ($8::timestamptz IS NULL OR (lower(p.valid), p.id) < ($8, $9::uuid))
ORDER BY lower(p.valid) DESC, p.id DESC LIMIT $10
"""  # noqa: S608 - our own text
_TOTAL = f"SELECT count(*) {_WHERE}"


@get("/api/console/price-exceptions", opt=doors.staff("prices.read", store="store"))
async def list_price_exceptions(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Annotated[str, Parameter(max_length=60, description="The beginning of a code, or a part of a name.")] = "",
    which: Annotated[Literal["now", "later", "past", "all"], Parameter(description="When it holds.")] = "now",
    kind: Annotated[
        Literal["all", "region", "store", "channel", "tier"], Parameter(description="What makes it one.")
    ] = "all",
    store: Annotated[str | None, Parameter(max_length=40, description="Of this shop only.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PriceException]:
    """Prices that differ from "the same on both lines", those that began last first; how many there are.

    Of shops only those one may see: what another franchisee will ask, and why, is not for everybody.
    """
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    shop = staff.store(store, "prices.read").id if store else None
    asked = clock.now(), which, kind, plain(q), shop, *staff.scope("prices.read").sql
    rows = await db.fetch(_ROWS, *asked, *before, limit + 1)
    facts = await catalog.sku_facts(db, {row["sku_id"] for row in rows[:limit]})
    shown = [_row(row, facts[row["sku_id"]], chain) for row in rows[:limit]]
    return Page(
        shown,
        cursors.pack(shown[-1].valid_from, shown[-1].id) if len(rows) > limit else None,
        await db.fetchval(_TOTAL, *asked),
    )


def _row(row: Any, facts: SkuFacts, chain: Chain) -> PriceException:
    places: dict[str, Any] = {"store": chain.stores, "region": chain.regions, "chain": {}}
    place = places[row["scope"]].get(row["scope_id"])
    return PriceException(
        id=row["id"],
        sku_code=facts.sku_code,
        product_code=facts.product_code,
        name=facts.name,
        options=facts.options,
        scope=row["scope"],
        scope_code=place.code if place else None,
        scope_name=place.name if place else None,
        channel=row["channel"],
        tier=row["tier"],
        price=Money(row["price_minor"], row["currency"]),
        chain_price=None if row["chain_minor"] is None else Money(row["chain_minor"], row["currency"]),
        valid_from=row["begins"],
        valid_until=row["ends"],
        state=row["state"],
        reason=row["reason"],
        set_by=row["set_by"],
    )


ROUTES = [list_price_exceptions]
