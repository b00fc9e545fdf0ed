"""Write an order that is over when it begins: goods handed over and paid at a till."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Tx
    from duoline.orders.types import Contact


async def write_sale(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    order_no: str,
    store_id: UUID,
    contact: Contact,
    total_minor: int,
    currency: str,
    at: datetime,
    lines: Sequence[dict[str, Any]],
) -> None:
    """Write a completed till order with every unit handed over. Its payment is recorded in the same transaction."""
    await tx.execute(
        "INSERT INTO order_numbers (order_no, member_id, order_id) VALUES ($1, $2, $3)", order_no, member_id, order_id
    )
    await tx.execute(
        """INSERT INTO orders (member_id, id, order_no, channel, store_id, state, pay_mode, currency, subtotal_minor,
                               delivery_fee_minor, discount_minor, total_minor, paid_minor, contact_name,
                               contact_phone, location_ids, priced_at, placed_at, closed_at)
           VALUES ($1, $2, $3, 'till', $4::uuid, 'completed', 'till', $5, $6, 0, 0, $6, $6, $7, $8, ARRAY[$4::uuid],
                   $9, $9, $9)""",
        member_id,
        order_id,
        order_no,
        store_id,
        currency,
        total_minor,
        contact.name,
        contact.phone,
        at,
    )
    await tx.execute(
        """INSERT INTO order_lines (member_id, order_id, id, n, sku_id, sku_code, product_code, name, options,
                                    image_sha, method, store_id, quantity, unit_price_minor, amount_minor,
                                    price_scope, handed)
           SELECT $1, $2, l.id, l.n, l.sku_id, l.sku_code, l.product_code, l.name, l.options, l.image_sha, 'till', $3,
                  l.quantity, l.unit_price_minor, l.amount_minor, l.price_scope, l.quantity
           FROM jsonb_to_recordset($4) AS l(
               id uuid, n integer, sku_id uuid, sku_code text, product_code text, name jsonb, options jsonb,
               image_sha text, quantity integer, unit_price_minor bigint, amount_minor bigint, price_scope text)""",
        member_id,
        order_id,
        store_id,
        list(lines),
    )
