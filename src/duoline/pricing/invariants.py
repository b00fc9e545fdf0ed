"""What must always hold of prices. Each query returns the rows that break it."""

from __future__ import annotations

# Whether the job that gives back what an order used of offers is still to run.
_UNDER_WAY = """EXISTS (SELECT FROM pgqueuer.pgqueuer j WHERE j.entrypoint = 'order.undone'
                 AND convert_from(j.payload, 'UTF8')::jsonb ->> 'order_id' = u.order_id::text)"""

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "PRC-1",
        "No two prices of one SKU, scope, channel and tier are valid at the same time.",
        """SELECT a.id, b.id AS other FROM prices a
           JOIN prices b ON b.sku_id = a.sku_id AND b.scope_id = a.scope_id AND b.channel = a.channel
                        AND b.tier = a.tier AND b.id > a.id AND b.valid && a.valid""",
    ),
    (
        "PRC-2",
        "The versions of a promotion are numbered without a gap.",
        """SELECT id, count(*), max(version) FROM promotions GROUP BY id HAVING count(*) <> max(version)""",
    ),
    (
        "OFR-1",
        "What a limited promotion was used for is what its orders used, without what of it was given back.",
        """SELECT c.promotion_id, c.used_minor, c.used_orders, u.minor, u.orders FROM promotion_counters c
           LEFT JOIN (SELECT promotion_id, sum(amount_minor - back_minor) AS minor,
                             count(*) FILTER (WHERE given_back_at IS NULL) AS orders FROM promotion_uses
                      GROUP BY 1) u ON u.promotion_id = c.promotion_id
           WHERE c.used_minor <> coalesce(u.minor, 0) OR c.used_orders <> coalesce(u.orders, 0)""",
    ),
    (
        "OFR-2",
        "A coupon that is used names an order that there is, which has only one for each promotion.",
        """SELECT c.id, c.order_id FROM coupons c
           LEFT JOIN orders o ON o.member_id = c.buyer_id AND o.id = c.order_id
           WHERE c.order_id IS NOT NULL AND o.id IS NULL
           UNION ALL
           SELECT min(c.id::text)::uuid, c.order_id FROM coupons c WHERE c.order_id IS NOT NULL
           GROUP BY c.order_id, c.promotion_id HAVING count(*) > 1""",
    ),
    (
        "OFR-3",
        "No promotion has taken more than its budget, nor of more orders than it may, unless its limits were changed.",
        """SELECT p.id, c.used_minor, c.used_orders FROM promotions p
           JOIN promotion_counters c ON c.promotion_id = p.id
           WHERE NOT EXISTS (SELECT FROM promotions n WHERE n.id = p.id AND n.version > 1)
             AND (c.used_minor > (p.body ->> 'budget_minor')::bigint
               OR c.used_orders > (p.body ->> 'orders_max')::integer)""",
    ),
    (
        "OFR-4",
        "A coupon names an order exactly as long as that order's use of it has not ended.",
        """SELECT coalesce(c.id, u.coupon_id) AS coupon_id, c.order_id, u.order_id AS used_by FROM coupons c
           FULL JOIN (SELECT * FROM coupon_uses WHERE given_back_at IS NULL) u ON u.coupon_id = c.id
           WHERE c.order_id IS DISTINCT FROM u.order_id""",
    ),
    (
        "OFR-5",
        "Coupons, uses and budgets came back as far as what they took off did, coupons by the policy of their use; "
        "a job may be on its way to do it.",
        f"""SELECT u.coupon_id AS id, u.order_id, u.returned, u.given_back_at FROM coupon_uses u
           JOIN orders o ON o.member_id = u.member_id AND o.id = u.order_id
           CROSS JOIN LATERAL duo_offer_left(u.member_id, u.order_id, u.promotion_id) x
           WHERE (u.given_back_at IS NOT NULL)
                 <> (o.state IN ('cancelled', 'expired') OR u.returned = 'whole' AND NOT x.stays)
             AND (u.given_back_at IS NOT NULL OR NOT {_UNDER_WAY})
           UNION ALL
           SELECT u.promotion_id, u.order_id, u.back_minor::text, u.given_back_at FROM promotion_uses u
           CROSS JOIN LATERAL duo_offer_left(u.member_id, u.order_id, u.promotion_id) x
           WHERE (u.back_minor <> u.amount_minor - x.left_minor OR (u.given_back_at IS NULL) <> x.stays)
             AND (u.back_minor > u.amount_minor - x.left_minor OR u.given_back_at IS NOT NULL AND x.stays
                  OR NOT {_UNDER_WAY})""",  # noqa: S608 - a constant
    ),
    (
        "PRE-1",
        "What is booked in a pre-sale is what its orders booked, those that came to nothing left out, and no more than"
        " may be; only an order that came to nothing has given its units back.",
        """SELECT p.id, p.units_max, c.units_max AS counted_max, c.booked, b.units FROM presales p
           FULL JOIN presale_counters c ON c.presale_id = p.id
           LEFT JOIN (SELECT presale_id, sum(units) AS units FROM presale_bookings WHERE given_back_at IS NULL
                      GROUP BY 1) b ON b.presale_id = c.presale_id
           WHERE p.units_max IS DISTINCT FROM c.units_max OR c.booked <> coalesce(b.units, 0) OR c.booked > c.units_max
           UNION ALL
           SELECT b.presale_id, NULL, NULL, NULL, b.units FROM presale_bookings b
           LEFT JOIN orders o ON o.member_id = b.member_id AND o.id = b.order_id
           WHERE o.presale_id IS DISTINCT FROM b.presale_id
              OR (b.given_back_at IS NOT NULL AND o.state NOT IN ('cancelled', 'expired'))""",
    ),
]
