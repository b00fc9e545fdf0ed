"""What became of a member's coupons: given, used, given back, run out, taken away."""

from __future__ import annotations

from duoline.kernel.history import NOW, Part


def _named(promotion: str) -> str:
    return f"""(SELECT ARRAY[p.name_zh, p.name_en] FROM promotions p WHERE p.id = {promotion}
               ORDER BY p.version DESC LIMIT 1)"""  # noqa: S608 - our own text


_NAMES = _named("t.promotion_id")
_UNUSED = "t.order_id IS NULL AND t.void_at IS NULL"

HISTORY = (
    Part("coupon", "coupons t", "t.member_id", "t.issued_at", "t.id",
         {"event": "'given'", "names": _NAMES}),
    Part("coupon", "coupons t", "t.member_id", "t.expires_at", "t.id", {"event": "'expired'", "names": _NAMES},
         where=f"{_UNUSED} AND t.expires_at <= {NOW}"),
    Part("coupon", "coupons t", "t.member_id", "t.void_at", "t.id", {"event": "'void'", "names": _NAMES},
         where="t.void_at IS NOT NULL"),
    Part("coupon", "coupon_uses t", "t.member_id", "t.at", "md5(t.coupon_id || ' ' || t.order_id)::uuid",
         {"event": "'used'", "order_id": "t.order_id", "names": _NAMES}, order="t.order_id"),
    Part("coupon", "coupon_uses t", "t.member_id", "t.given_back_at", "md5(t.coupon_id || ' ' || t.order_id)::uuid",
         {"event": "'given_back'", "order_id": "t.order_id", "names": _NAMES},
         where="t.given_back_at IS NOT NULL", order="t.order_id"),
)  # fmt: skip
