"""Boxes that other places are packing for orders which are collected at a shop: what comes there before it is sent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline import catalog
from duoline.flows.order_view import Image, image_of
from duoline.flows.transfer_view import Place, place_of
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain

BOXES_MAX = 100


class PackingLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an article in the box."""

    sku_id: UUID
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    quantity: int


class Packing(msgspec.Struct, frozen=True, kw_only=True):
    """A box for an order. `packed` when it waits to be sent; `promise_at` is when its buyer may come."""

    id: UUID
    order_no: str
    source: Place
    packed: bool
    promise_at: datetime | None
    units: int
    lines: list[PackingLine]


async def boxes(db: Database | Tx, chain: Chain, store_id: UUID) -> list[Packing]:
    """What is being packed for a shop's customers, the first to be promised first; at most `BOXES_MAX`."""
    rows = await db.fetch(
        """SELECT f.id, f.order_no, f.location_id, f.state, f.promise_at,
                  (SELECT jsonb_agg(jsonb_build_array(w.sku_id, w.units) ORDER BY w.sku_id)
                   FROM (SELECT sku_id, sum(quantity)::integer AS units FROM fulfilment_lines
                         WHERE location_id = f.location_id AND fulfilment_id = f.id AND quantity > 0
                         GROUP BY sku_id) w) AS lines
           FROM fulfilments f
           WHERE f.to_location_id = $1 AND f.kind = 'transfer' AND f.state IN ('to_pick', 'ready')
           ORDER BY f.promise_at, f.id LIMIT $2""",
        store_id,
        BOXES_MAX,
    )
    facts = await catalog.sku_facts(db, {UUID(sku) for row in rows for sku, _ in row["lines"] or ()})
    return [
        Packing(
            id=row["id"],
            order_no=row["order_no"],
            source=place_of(chain, row["location_id"]),
            packed=row["state"] == "ready",
            promise_at=row["promise_at"],
            units=sum(units for _, units in row["lines"]),
            lines=[
                PackingLine(
                    sku_id=one.sku_id,
                    name=Text(one.name.zh, one.name.en),
                    options=[msgspec.to_builtins(choice) for choice in one.options],
                    image=image_of(one.image_sha),
                    quantity=units,
                )
                for sku, units in row["lines"]
                for one in [facts[UUID(sku)]]
            ],
        )
        for row in rows
        if row["lines"]
    ]
