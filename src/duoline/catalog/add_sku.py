"""Make a variant of a product, and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from duoline.catalog.changes import changed
from duoline.catalog.errors import BadProduct, CodeTaken, NoSuchPicture, NoSuchProduct, NoSuchSku
from duoline.catalog.locks import lock_products
from duoline.catalog.rules import code_problems, problem, same_variant, variant_problems
from duoline.catalog.set_barcode import write_barcodes
from duoline.catalog.types import Option
from duoline.kernel import ids

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.catalog.types import NewSku, SkuEdit
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def add_sku(tx: Tx, *, actor: Actor, product_id: UUID, new: NewSku) -> UUID:
    """Make an active variant; gives its id.

    Refusals: `NoSuchProduct`, `BadProduct` when its choices do not fit the product's options or another active
    variant stands for them, `CodeTaken`, `BadGtin`, `GtinTaken`.
    """
    await lock_products(tx, [product_id])
    row = await tx.fetchrow("SELECT code, options::text AS options FROM products WHERE id = $1", product_id)
    if row is None:
        raise NoSuchProduct
    others = await tx.fetch("SELECT code, options, state, position FROM skus WHERE product_id = $1", product_id)
    code = new.code or f"{row['code']}-{len(others) + 1}"
    problems = code_problems("code", code)
    problems += variant_problems(msgspec.json.decode(row["options"], type=list[Option]), new.options)
    if same_variant((other["options"] for other in others if other["state"] == "active"), new.options):
        problems.append(problem("options", "twice"))
    if problems:
        raise BadProduct(problems=problems)
    sku_id = ids.new_id()
    try:
        async with tx.transaction():
            await tx.execute(
                "INSERT INTO skus (id, product_id, code, options, position, unit, weight_g, state)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, 'active')",
                sku_id,
                product_id,
                code,
                new.options,
                max((other["position"] + 1 for other in others), default=0),
                new.unit,
                new.weight_g,
            )
    except asyncpg.UniqueViolationError as error:
        raise CodeTaken(taken=code) from error
    await write_barcodes(tx, sku_id, new.gtins)
    await changed(tx, actor=actor, product_id=product_id, action="sku.added", after={"code": code, "sku": new})
    return sku_id


async def edit_sku(tx: Tx, *, actor: Actor, sku_id: UUID, edit: SkuEdit) -> None:
    """Write the fields that are set. Refusals: `NoSuchSku`, `NoSuchPicture`, `BadProduct` when another active
    variant stands for the same choices.
    """
    product_id = await tx.fetchval("SELECT product_id FROM skus WHERE id = $1", sku_id)
    if product_id is None:
        raise NoSuchSku
    await lock_products(tx, [product_id])
    before = await _sku(tx, sku_id)
    after = before | {name: value for name, value in msgspec.structs.asdict(edit).items() if value is not msgspec.UNSET}
    if after == before:
        return
    await _check(tx, product_id, sku_id, before, after)
    await tx.execute(
        "UPDATE skus SET unit = $2, weight_g = $3, position = $4, image_sha = $5, state = $6 WHERE id = $1",
        sku_id,
        after["unit"],
        after["weight_g"],
        after["position"],
        after["image_sha"],
        after["state"],
    )
    await changed(tx, actor=actor, product_id=product_id, action="sku.edited", before=before, after=after)


async def _sku(tx: Tx, sku_id: UUID) -> dict[str, Any]:
    row = await tx.fetchrow(
        "SELECT code, unit, weight_g, position, image_sha, state, options FROM skus WHERE id = $1", sku_id
    )
    return dict(row or {})


async def _check(tx: Tx, product_id: UUID, sku_id: UUID, before: dict[str, Any], after: dict[str, Any]) -> None:
    if after["image_sha"] != before["image_sha"] and after["image_sha"] is not None:
        known = await tx.fetchval(
            "SELECT true FROM product_media WHERE product_id = $1 AND sha = $2", product_id, after["image_sha"]
        )
        if not known:
            raise NoSuchPicture
    if after["state"] == "active" and before["state"] != "active":
        others = await tx.fetch(
            "SELECT options FROM skus WHERE product_id = $1 AND state = 'active' AND id <> $2", product_id, sku_id
        )
        options = msgspec.json.decode(
            await tx.fetchval("SELECT options::text FROM products WHERE id = $1", product_id), type=list[Option]
        )
        problems = variant_problems(options, before["options"])
        if same_variant((other["options"] for other in others), before["options"]):
            problems.append(problem("options", "twice"))
        if problems:
            raise BadProduct(problems=problems)
