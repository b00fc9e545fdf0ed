"""Tables of prices: the chain's price and its dated exceptions."""

from __future__ import annotations

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from duoline.kernel.columns import at, big, check, fk, index, pk, text, uid
from duoline.kernel.placement import reference, table

PACKAGE = "pricing"

# scope_id is the store or the region; the nil UUID for the chain. channel '*' means every channel.
prices = table(
    PACKAGE,
    "prices",
    reference(),
    uid("id"),
    uid("sku_id"),
    text("scope"),
    uid("scope_id"),
    text("channel", default="*"),
    big("price_minor"),
    text("currency", default="CNY"),
    Column("valid", TSTZRANGE, nullable=False),
    text("reason", default=""),
    uid("actor_id"),
    at("created_at"),
    pk("prices", "id"),
    fk("prices_sku_fk", ["sku_id"], "skus", ["id"]),
    check("prices_scope_ck", "scope IN ('chain', 'region', 'store')"),
    check(
        "prices_scope_id_ck",
        "(scope = 'chain') = (scope_id = '00000000-0000-0000-0000-000000000000'::uuid)",
    ),
    check("prices_amount_ck", "price_minor >= 0 AND price_minor <= 100000000000"),
    check("prices_valid_ck", "NOT isempty(valid) AND NOT lower_inf(valid)"),
    # Everything that chooses a price, so that pages read it from the index alone.
    index(
        "prices_sku_ix",
        "sku_id",
        postgresql_include=["scope", "scope_id", "channel", "valid", "price_minor", "currency"],
    ),
    ExcludeConstraint(
        ("sku_id", "="),
        ("scope_id", "="),
        ("channel", "="),
        ("valid", "&&"),
        name="prices_no_overlap_ex",
        using="gist",
    ),
)
