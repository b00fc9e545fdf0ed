"""The statements of the catalogue's pages. The hot ones are functions in `catalogue_pages.sql`."""

from __future__ import annotations

# $1 code, $2 store for the price, $3 its regions upwards, $4 now, $5 store for pickup or NULL, $6 the distribution
# centres that ship.
PRODUCT_PAGE = """
SELECT doc, live, EXISTS (
         SELECT FROM presales p JOIN skus k ON k.id = p.sku_id JOIN products d ON d.id = k.product_id
         WHERE d.code = $1 AND p.withdrawn_at IS NULL AND p.deposit_until > $4 AND k.state = 'active') AS presale
  FROM duo_product_page($1, $2, $3, $4, $5, $6, $7)
"""

# $1 products in the order wanted, then as above.
CARDS = "SELECT duo_product_cards($1, $2, $3, $4, $5, $6, $7)"

# $1 product code, $2 one of its SKUs or NULL for all. By store; the caller knows which of them members may choose.
PRODUCT_STORES = """
SELECT l.location_id, least(99, sum(duo_mall_here(l)))::int AS available
  FROM product_docs d
  JOIN levels l ON l.sku_id = ANY(CASE WHEN $2::uuid IS NULL THEN d.sku_ids ELSE ARRAY[$2] END)
 WHERE d.code = $1 AND ($2 IS NULL OR $2 = ANY(d.sku_ids)) AND l.on_hand - l.held > l.safety AND duo_mall_here(l) > 0
   AND NOT EXISTS (SELECT FROM unlisted u WHERE u.product_id = d.product_id AND l.location_id = ANY (u.store_ids))
 GROUP BY l.location_id
"""

NEWEST = """
SELECT product_id FROM product_docs ORDER BY published_at DESC, product_id DESC LIMIT $1
"""

# $1 store, $2 how many. Products of which the store has something, the newest first.
READY_AT_STORE = """
SELECT d.product_id
  FROM (SELECT DISTINCT k.product_id FROM levels l JOIN skus k ON k.id = l.sku_id
         WHERE l.location_id = $1 AND duo_mall_here(l) > 0 AND k.state = 'active'
           AND NOT EXISTS (SELECT FROM unlisted u WHERE u.product_id = k.product_id AND $1 = ANY (u.store_ids))) here
  JOIN product_docs d ON d.product_id = here.product_id
 ORDER BY d.published_at DESC, d.product_id DESC
 LIMIT $2
"""

# $1 tsquery, $2 how many, $3 what was typed, folded. A product that is named so goes before one that has a colour of
# that name; of the first hundred hits only, for nobody waits for a suggestion.
SUGGESTED_PRODUCTS = """
SELECT d.card FROM (
  SELECT hit.product_id, strpos(hit.title, $3) = 0 AS elsewhere FROM (
    SELECT s.product_id, s.title FROM product_search s
     WHERE s.tokens @@ $1::text::tsquery AND s.published_at IS NOT NULL
     LIMIT 100) hit
   ORDER BY elsewhere, hit.product_id DESC LIMIT $2) found
  JOIN product_docs d USING (product_id)
 ORDER BY found.elsewhere, found.product_id DESC
"""
