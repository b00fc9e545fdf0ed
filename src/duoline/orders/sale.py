"""Write an order of a till: over when it begins, goods handed over and paid; or waiting for the rest of its money."""

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
    subtotal_minor: int,
    total_minor: int,
    currency: str,
    at: datetime,
    pay_by_at: datetime | None = None,
    lines: Sequence[dict[str, Any]],
    discounts: Sequence[dict[str, Any]],
    gifts: Sequence[dict[str, Any]] = (),
) -> None:
    """Write a completed till order with every unit handed over. Its payment is recorded in the same transaction.

    With `pay_by_at`, the order waits for payment until then instead, and nothing of it is handed over or paid.
    """
    waits = pay_by_at is not None
    await tx.execute(
        "INSERT INTO order_numbers (order_no, member_id, order_id) VALUES ($1, $2, $3)", order_no, member_id, order_id
    )
    await tx.execute(
        """INSERT INTO orders (member_id, id, order_no, channel, store_id, state, pay_mode, currency, subtotal_minor,
                               delivery_fee_minor, discount_minor, total_minor, paid_minor, contact_name,
                               contact_phone, location_ids, priced_at, placed_at, closed_at, pay_by_at)
           VALUES ($1, $2, $3, 'till', $4::uuid, $11, 'till', $5, $6, 0, $6::bigint - $7::bigint, $7, $12,
                   $8, $9, ARRAY[$4::uuid], $10, $10, $13, $14)""",
        member_id,
        order_id,
        order_no,
        store_id,
        currency,
        subtotal_minor,
        total_minor,
        contact.name,
        contact.phone,
        at,
        "awaiting_payment" if waits else "completed",
        0 if waits else total_minor,
        None if waits else at,
        pay_by_at,
    )
    await tx.execute(
        """INSERT INTO order_lines (member_id, order_id, id, n, sku_id, sku_code, product_code, name, options,
                                    image_sha, method, store_id, quantity, unit_price_minor, amount_minor,
                                    net_minor, price_scope, price_tier, gift, handed)
           SELECT $1, $2, l.id, l.n, l.sku_id, l.sku_code, l.product_code, l.name, l.options, l.image_sha, 'till', $3,
                  l.quantity, l.unit_price_minor, l.amount_minor, l.net_minor, l.price_scope, l.price_tier,
                  l.gift, CASE WHEN $5 THEN 0 ELSE l.quantity END
           FROM jsonb_to_recordset($4) AS l(
               id uuid, n integer, sku_id uuid, sku_code text, product_code text, name jsonb, options jsonb,
               image_sha text, quantity integer, unit_price_minor bigint, amount_minor bigint, net_minor bigint,
               price_scope text, price_tier text, gift boolean)""",
        member_id,
        order_id,
        store_id,
        list(lines),
        waits,
    )
    if discounts:
        await tx.execute(
            """INSERT INTO order_discounts (member_id, order_id, line_id, promotion_id, version, amount_minor)
               SELECT $1, $2, d.line_id, d.promotion_id, d.version, d.amount_minor
               FROM jsonb_to_recordset($3) AS d(
                   line_id uuid, promotion_id uuid, version integer, amount_minor bigint)""",
            member_id,
            order_id,
            list(discounts),
        )
    if gifts:
        await tx.execute(
            """INSERT INTO order_gifts (member_id, order_id, line_id, promotion_id, version, bought, buy_units,
                                        get_units, clawback)
               SELECT $1, $2, g.line_id, g.promotion_id, g.version, g.bought, g.buy_units, g.get_units, g.clawback
               FROM jsonb_to_recordset($3) AS g(
                   line_id uuid, promotion_id uuid, version integer, bought uuid[], buy_units integer,
                   get_units integer, clawback boolean)""",
            member_id,
            order_id,
            list(gifts),
        )
