"""What must always hold of the catalogue. Each query returns the rows that break it, so none is right."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "CAT-1",
        "Every published product has its page document, of its present version, and no other product has one.",
        """SELECT p.id, p.code, p.state, p.version, d.version AS shown
           FROM products p LEFT JOIN product_docs d ON d.product_id = p.id
           WHERE (p.state = 'published') <> (d.product_id IS NOT NULL) OR d.version <> p.version OR d.code <> p.code""",
    ),
    (
        "CAT-2",
        "Every category leads up to a top one.",
        """WITH RECURSIVE reached AS (
             SELECT id FROM categories WHERE parent_id IS NULL
             UNION SELECT c.id FROM categories c JOIN reached r ON c.parent_id = r.id)
           SELECT id, code FROM categories WHERE id NOT IN (SELECT id FROM reached)""",
    ),
    (
        "CAT-3",
        "No two active SKUs of a product stand for the same choices.",
        """SELECT product_id, options, count(*) FROM skus WHERE state = 'active'
           GROUP BY product_id, options HAVING count(*) > 1""",
    ),
    (
        "CAT-4",
        "An active SKU names each option of its product once, with a value there is.",
        """SELECT s.id, s.code, s.options FROM skus s JOIN products p ON p.id = s.product_id
           WHERE s.state = 'active'
             AND ((SELECT count(*) FROM jsonb_object_keys(s.options)) <> jsonb_array_length(p.options)
                  OR EXISTS (SELECT FROM jsonb_array_elements(p.options) AS o(option)
                             WHERE NOT EXISTS (
                               SELECT FROM jsonb_array_elements(o.option -> 'values') AS v(value)
                               WHERE v.value ->> 'key' = s.options ->> (o.option ->> 'key'))))""",
    ),
    (
        "CAT-5",
        "A page document lists exactly the active SKUs of its product.",
        """SELECT d.product_id, d.code FROM product_docs d
           LEFT JOIN (SELECT product_id, array_agg(id ORDER BY id) AS ids FROM skus WHERE state = 'active'
                      GROUP BY product_id) s ON s.product_id = d.product_id
           WHERE (SELECT array_agg(id ORDER BY id) FROM unnest(d.sku_ids) AS u(id)) IS DISTINCT FROM s.ids""",
    ),
    (
        "CAT-6",
        "Every barcode has its GS1 check digit.",
        """SELECT gtin, sku_id FROM barcodes
           WHERE (SELECT sum(substr(gtin, n, 1)::int * CASE WHEN n % 2 = 1 THEN 3 ELSE 1 END)
                  FROM generate_series(1, 14) AS n) % 10 <> 0""",
    ),
    (
        "CAT-7",
        "Every product can be found by its words, by members exactly while it is published.",
        """SELECT p.id, p.code, p.state, s.published_at FROM products p
           LEFT JOIN product_search s ON s.product_id = p.id
           WHERE s.product_id IS NULL OR (p.state = 'published') <> (s.published_at IS NOT NULL)
              OR s.category_id <> p.category_id OR s.brand_id IS DISTINCT FROM p.brand_id""",
    ),
    (
        "CAT-8",
        "A published product has a day on which it was first published.",
        "SELECT id, code FROM products WHERE state <> 'draft' AND published_at IS NULL",
    ),
    (
        "CAT-9",
        "What shops may not sell is what the assortments said when it was last worked out.",
        """SELECT coalesce(u.product_id, n.product_id) AS product_id, u.store_ids AS kept, n.store_ids AS said
           FROM unlisted u
           FULL JOIN (SELECT * FROM duo_unlisted((SELECT max(worked_out_at) FROM assortments), NULL)) n
             ON n.product_id = u.product_id
           WHERE u.store_ids IS DISTINCT FROM n.store_ids""",
    ),
]
