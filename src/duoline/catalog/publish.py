"""Publish a product, or take it from sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.catalog.changes import changed, words_later
from duoline.catalog.errors import NoSuchProduct, NotComplete
from duoline.catalog.locks import lock_products
from duoline.catalog.queries import product_facts
from duoline.catalog.rules import publish_missing
from duoline.catalog.states import PUBLICATION
from duoline.catalog.types import Publication
from duoline.kernel import clock

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def advance(tx: Tx, *, actor: Actor, product_id: UUID, to: Publication, reason: str = "") -> None:
    """The only writer of a product's state. To be where it already is changes nothing.

    Refusals: `NoSuchProduct`, `WrongState`, `NotComplete` when it lacks what a buyer needs. Orders that are
    placed stay as they are; baskets are told at the next quote.
    """
    await lock_products(tx, [product_id])
    state = await tx.fetchval("SELECT state FROM products WHERE id = $1", product_id)
    if state is None:
        raise NoSuchProduct
    old = Publication(state)
    if old is to:
        return
    PUBLICATION.check(old, to)
    if to is Publication.PUBLISHED:
        missing = publish_missing((await product_facts(tx, [product_id]))[product_id])
        if missing:
            raise NotComplete(missing=missing)
    # The first day of sale stays: a product that comes back is not new.
    await tx.execute(
        "UPDATE products SET state = $2, published_at = coalesce(published_at, $3) WHERE id = $1",
        product_id,
        to.value,
        clock.now() if to is Publication.PUBLISHED else None,
    )
    await changed(
        tx,
        actor=actor,
        product_id=product_id,
        action=f"product.{to.value}",
        before={"state": old.value},
        after={"state": to.value},
        reason=reason,
    )
    await words_later(tx)
