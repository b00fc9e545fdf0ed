"""Labels to print: what stands on them at a shop, and the document, drawn by a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline import attribution, catalog
from duoline.attribution import Hung
from duoline.channels.http import documents
from duoline.channels.http.label import Job, Label, digital_link
from duoline.flows.places import region_path
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.channels.http.answers import Answer
    from duoline.channels.http.label import Sheet
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

LABELS_MAX = 480  # twenty sheets


async def print_labels(
    db: Database,
    chain: Chain,
    shop: Store,
    *,
    sheet: Sheet,
    sku_ids: Sequence[UUID],
    shelf: str | None,
    after: str,
    base: str,
    actor: Actor,
) -> Answer[Any]:
    """The PDF: of chosen SKUs, of a shelf, or of all that the shop carries, by shelf and SKU code, at most 480.

    Each becomes a touchpoint of the shop, if it is none yet. Refuses with `NotFound` when there is no label to print.
    """
    labels, hung = await labels_of(db, chain, shop, sku_ids=sku_ids, shelf=shelf, after=after, base=base)
    if not labels:
        raise NotFound
    async with db.begin() as tx:
        await attribution.hang(tx, store_id=shop.id, labels=hung, actor=actor)
    return await printed(Job(sheet, f"{shop.name.zh} {shop.name.en}", labels), name=f"labels-{shop.code}")


async def printed(job: Job, *, name: str) -> Answer[Any]:
    """A drawn document as an answer, under a file name."""
    return documents.download(await documents.drawn("draw_labels", job), name=name, kind="pdf", inline=True)


async def labels_of(
    db: Database, chain: Chain, shop: Store, *, sku_ids: Sequence[UUID], shelf: str | None, after: str, base: str
) -> tuple[list[Label], list[Hung]]:
    """What stands on each label, and what it is as a touchpoint; the price is what the shop's till asks now."""
    rows = await db.fetch(
        """SELECT s.id, l.shelf, p.price_minor, p.currency
           FROM skus s
           LEFT JOIN levels l ON l.location_id = $1 AND l.sku_id = s.id
           LEFT JOIN LATERAL duo_price(s.id, $1, $2, 'till', $3) p ON true
           WHERE s.state = 'active' AND s.code > $7
             AND (s.id = ANY ($4) OR (cardinality($4::uuid[]) = 0 AND l.sku_id IS NOT NULL AND l.on_hand > 0
                                      AND ($5::text IS NULL OR l.shelf = $5)))
           ORDER BY s.code LIMIT $6""",
        shop.id,
        region_path(chain, shop),
        clock.now(),
        list(sku_ids),
        shelf,
        LABELS_MAX,
        after,
    )
    facts = await catalog.sku_facts(db, [row["id"] for row in rows])
    found, hung = [], []
    for row in sorted(rows, key=lambda row: (row["shelf"] or "\uffff", facts[row["id"]].sku_code)):
        sku = facts[row["id"]]
        words = " / ".join(choice.value.zh for choice in sku.options)
        price = "" if row["price_minor"] is None else _price(Money(row["price_minor"], row["currency"]))
        link = digital_link(base, gtin=sku.gtin, product_code=sku.product_code, store_code=shop.code)
        found.append(Label(sku.name.zh, sku.name.en, words, sku.sku_code, sku.gtin, price, row["shelf"] or "", link))
        hung.append(Hung(sku.product_code, sku.name.filled, row["shelf"] or ""))
    return found, hung


def _price(money: Money) -> str:
    """As a shelf shows it."""
    amount, _, currency = str(money).partition(" ")
    return f"¥{amount}" if currency == "CNY" else f"{currency} {amount}"
