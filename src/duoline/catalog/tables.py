"""Tables of the catalogue: what is shown, what is chosen, what is stocked, and how it is found."""

from __future__ import annotations

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import TSVECTOR

from duoline.kernel.columns import at, big, check, doc, fk, index, integer, pk, text, uid, uids, unique
from duoline.kernel.placement import reference, table

PACKAGE = "catalog"

brands = table(
    PACKAGE,
    "brands",
    reference(),
    uid("id"),
    text("code"),
    text("name_zh"),
    text("name_en"),
    pk("brands", "id"),
    unique("brands_code_uq", "code"),
)

categories = table(
    PACKAGE,
    "categories",
    reference(),
    uid("id"),
    text("code"),
    uid("parent_id", null=True),
    text("name_zh"),
    text("name_en"),
    integer("position", default="0"),
    text("image_sha", null=True),
    pk("categories", "id"),
    unique("categories_code_uq", "code"),
    fk("categories_parent_fk", ["parent_id"], "categories", ["id"]),
    check("categories_parent_ck", "parent_id <> id"),
)

# The documents in attributes and options are lists of catalog.types.Attribute and catalog.types.Option;
# the options of a SKU map the key of each option to the key of the value chosen.
products = table(
    PACKAGE,
    "products",
    reference(),
    uid("id"),
    text("code"),
    text("name_zh"),
    text("name_en"),
    uid("brand_id", null=True),
    uid("category_id"),
    text("description_zh", default=""),
    text("description_en", default=""),
    doc("attributes", default="[]"),
    doc("options", default="[]"),
    text("state", default="draft"),
    at("published_at", null=True),
    integer("version", default="1"),
    at("updated_at"),
    pk("products", "id"),
    unique("products_code_uq", "code"),
    fk("products_brand_fk", ["brand_id"], "brands", ["id"]),
    fk("products_category_fk", ["category_id"], "categories", ["id"]),
    check("products_state_ck", "state IN ('draft', 'published', 'withdrawn')"),
    index("products_category_ix", "category_id"),
    index("products_updated_ix", "updated_at", "id"),
)

skus = table(
    PACKAGE,
    "skus",
    reference(),
    uid("id"),
    uid("product_id"),
    text("code"),
    doc("options", default="{}"),
    integer("position", default="0"),
    text("unit", default="piece"),
    integer("weight_g", default="0"),
    text("state", default="active"),
    text("image_sha", null=True),
    pk("skus", "id"),
    unique("skus_code_uq", "code"),
    fk("skus_product_fk", ["product_id"], "products", ["id"]),
    check("skus_state_ck", "state IN ('active', 'withdrawn')"),
    check("skus_weight_ck", "weight_g >= 0"),
    index("skus_product_ix", "product_id", "position"),
)

# GTIN-8, -12, -13 or -14, stored as 14 digits with leading zeros.
barcodes = table(
    PACKAGE,
    "barcodes",
    reference(),
    text("gtin"),
    uid("sku_id"),
    pk("barcodes", "gtin"),
    fk("barcodes_sku_fk", ["sku_id"], "skus", ["id"]),
    check("barcodes_gtin_ck", "gtin ~ '^[0-9]{14}$'"),
    index("barcodes_sku_ix", "sku_id"),
)

media = table(
    PACKAGE,
    "media",
    reference(),
    text("sha"),
    text("content_type"),
    integer("width"),
    integer("height"),
    big("bytes"),
    at("created_at"),
    pk("media", "sha"),
    check("media_sha_ck", "sha ~ '^[0-9a-f]{64}$'"),
)

product_media = table(
    PACKAGE,
    "product_media",
    reference(),
    uid("product_id"),
    integer("position"),
    text("sha"),
    pk("product_media", "product_id", "position"),
    fk("product_media_product_fk", ["product_id"], "products", ["id"]),
    fk("product_media_sha_fk", ["sha"], "media", ["sha"]),
)

# What shops may sell: by default everything. An assortment of kind 'never' keeps goods from shops, one of kind 'only'
# gives goods to its shops and to no others. Goods are products, brands and branches of the tree, places shops and
# regions.
assortments = table(
    PACKAGE,
    "assortments",
    reference(),
    uid("id"),
    integer("version", default="1"),
    text("name_zh"),
    text("name_en"),
    text("kind"),
    uids("product_ids", default="{}"),
    uids("category_ids", default="{}"),
    uids("brand_ids", default="{}"),
    uids("store_ids", default="{}"),
    uids("region_ids", default="{}"),
    at("from_at"),
    at("until_at", null=True),
    text("reason"),
    uid("actor_id"),
    at("updated_at"),
    # The instant as of which `unlisted` says what follows: the same in all rows.
    at("worked_out_at", null=True),
    pk("assortments", "id"),
    check("assortments_kind_ck", "kind IN ('only', 'never')"),
    check("assortments_dates_ck", "until_at >= from_at"),
    check("assortments_goods_ck", "cardinality(product_ids) + cardinality(category_ids) + cardinality(brand_ids) > 0"),
    check("assortments_places_ck", "cardinality(store_ids) + cardinality(region_ids) > 0"),
)

# What follows from them: the shops that may not sell a product. Kept, because pages and baskets ask it of every
# article.
unlisted = table(
    PACKAGE,
    "unlisted",
    reference(),
    uid("product_id"),
    uids("store_ids"),
    pk("unlisted", "product_id"),
    fk("unlisted_product_fk", ["product_id"], "products", ["id"]),
    check("unlisted_stores_ck", "cardinality(store_ids) > 0"),
)

# What a page needs of a product, put together when the product changes and read as it stands.
product_docs = table(
    PACKAGE,
    "product_docs",
    reference(),
    uid("product_id"),
    text("code"),
    text("doc"),
    text("card"),
    uids("sku_ids"),
    uid("brand_id", null=True),
    uid("category_id"),
    uids("category_path"),
    at("published_at"),
    integer("version"),
    pk("product_docs", "product_id"),
    unique("product_docs_code_uq", "code"),
    fk("product_docs_product_fk", ["product_id"], "products", ["id"]),
    index("product_docs_newest_ix", "published_at", "product_id"),
)

# Every product, whatever its state; members find those with published_at. The columns after the title are
# copies, so that one pass over the hits filters, ranks and counts them. No pending list in the index: a
# reader would have to search that list as well.
product_search = table(
    PACKAGE,
    "product_search",
    reference(),
    uid("product_id"),
    uid("category_id"),
    uid("brand_id", null=True),
    at("published_at", null=True),
    text("title"),
    Column("tokens", TSVECTOR, nullable=False),
    pk("product_search", "product_id"),
    fk("product_search_product_fk", ["product_id"], "products", ["id"]),
    index("product_search_tokens_ix", "tokens", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    index(
        "product_search_title_ix",
        "title",
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    ),
)

# Words of the catalogue itself: for cutting queries, suggestions and did-you-mean.
search_words = table(
    PACKAGE,
    "search_words",
    reference(),
    text("word"),
    text("kind"),
    text("code", null=True),
    integer("products"),
    pk("search_words", "word", "kind"),
    check("search_words_kind_ck", "kind IN ('brand', 'category', 'word')"),
    index(
        "search_words_word_ix",
        "word",
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    ),
)
