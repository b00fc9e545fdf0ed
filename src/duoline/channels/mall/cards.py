"""Product cards with the prices and stock of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar.params import Parameter

from duoline.channels.mall import catalogue_sql as sql
from duoline.channels.mall.offer import Offer
from duoline.kernel.db import Database, Tx

StoreCode = Annotated[str | None, Parameter(max_length=40, description="Code of the chosen store.")]


async def cards(db: Database | Tx, offer: Offer, product_ids: Sequence[UUID], at: datetime, *, tier: str = "") -> bytes:
    """The cards of these products in this order, as the inside of a JSON list, with the prices of a tier of members.

    Products gone meanwhile are left out.
    """
    if not product_ids:
        return b""
    found: str | None = await db.fetchval(
        sql.CARDS, product_ids, offer.price_store, offer.regions, at, offer.pickup_store, offer.dcs, tier
    )
    return (found or "").encode()
