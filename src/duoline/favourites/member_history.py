"""What a member liked, and what was kept for them: shown of those who agreed to their likes being looked at."""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, SHOPS, Part

_AGREED = "duo_consents(t.member_id, 'profiling')"


def _named(product: str) -> str:
    return f"(SELECT ARRAY[p.name_zh, p.name_en] FROM products p WHERE p.id = {product})"  # noqa: S608 - our own text


HISTORY = (
    Part(
        "favourite",
        "favourites t",
        "t.member_id",
        "t.added_at",
        "t.id",
        {"event": "'liked'", "place": "t.store_id", "names": _named("t.product_id")},
        where=_AGREED,
    ),
    Part(
        "favourite",
        "favourite_holds t JOIN skus k ON k.id = t.sku_id",
        "t.member_id",
        "t.given_at",
        "t.id",
        {"event": "'kept'", "place": "t.location_id", "names": _named("k.product_id")},
        where=f"({EVERYTHING} OR t.location_id = ANY ({SHOPS})) AND {_AGREED}",
    ),
)
