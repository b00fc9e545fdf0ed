"""The rules of stored value, as data with a version (see `kernel.policies`).

The limits are those of the rules for prepaid cards that are good at one chain only (单用途商业预付卡管理办法,
Ministry of Commerce order 9 of 2012): a card in its holder's name holds 5,000.00 at most (article 18), and what was
paid in has no end (article 19), which is a constraint and no setting. A chain elsewhere sets its own.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.errors import BadInput
from duoline.kernel.policies import Policy, whole

OFFERS_MAX = 12
AMOUNT_MAX = 10_000_000


class TopUpOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever tops up so much at once, or more, gets so much on top. In minor units."""

    pay_minor: Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_MAX)]
    bonus_minor: Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)]


class WalletPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How wallets are filled and spent. Of several offers the highest that is reached counts, once.

    `spend` says from what a payment is taken: `pro_rata` from principal and bonus in the proportion of what there is,
    by the largest remainder; `principal_first` from the bonus only when there is no principal left. A bonus lasts
    `bonus_days` (0: it has no end), and one that comes back `back_days` at least. The limits count within 24 hours; the
    balance may be passed by what comes back from an order. Refuses `kernel.bad-input` for offers out of order.
    """

    top_ups: bool = True
    offers: Annotated[
        tuple[TopUpOffer, ...],
        msgspec.Meta(min_length=0, max_length=OFFERS_MAX, title="Offers", extra={"zh": "充值赠送", "en": "Offers"}),
    ] = (
        TopUpOffer(pay_minor=20_000, bonus_minor=1_000),
        TopUpOffer(pay_minor=50_000, bonus_minor=5_000),
        TopUpOffer(pay_minor=100_000, bonus_minor=12_000),
    )
    least_minor: Annotated[int, whole(1, AMOUNT_MAX, zh="一次至少充值(分)", en="Top-up at least (cents)")] = 5_000
    max_balance_minor: Annotated[int, whole(0, AMOUNT_MAX, zh="余额上限(分)", en="Balance at most (cents)")] = 500_000
    day_top_up_minor: Annotated[
        int, whole(0, AMOUNT_MAX, zh="24 小时充值上限(分)", en="Top-ups within 24 hours (cents)")
    ] = 500_000
    day_spend_minor: Annotated[
        int, whole(0, AMOUNT_MAX, zh="24 小时支付上限(分)", en="Spent within 24 hours (cents)")
    ] = 500_000
    spend: Annotated[
        str,
        msgspec.Meta(
            pattern="^(pro_rata|principal_first)$",
            title="Taken from",
            extra={"zh": "支付时先用", "en": "Taken from"},
        ),
    ] = "pro_rata"
    bonus_days: Annotated[int, whole(0, 3_650, zh="赠送金有效(天,0 不过期)", en="Days a bonus lasts (0: for ever)")] = (
        365
    )
    back_days: Annotated[int, whole(0, 3_650, zh="退回的赠送金至少有效(天)", en="Days a returned bonus lasts")] = 30

    def __post_init__(self) -> None:
        """Refuse offers that are not in order: more paid, and no less on top."""
        problems = [
            {
                "field": f"body.offers.{n}.pay_minor",
                "zh": "各档要按充值金额从小到大排列,金额不能重复。",
                "en": "Offers go from the smallest amount to the largest, each amount once.",
            }
            for n, one in enumerate(self.offers)
            if n and one.pay_minor <= self.offers[n - 1].pay_minor
        ] + [
            {
                "field": f"body.offers.{n}.bonus_minor",
                "zh": "充得多的一档,赠送不能更少。",
                "en": "Who tops up more is not given less.",
            }
            for n, one in enumerate(self.offers)
            if n and one.bonus_minor < self.offers[n - 1].bonus_minor
        ]
        if problems:
            raise BadInput(problems=problems)


WALLET = Policy("wallet", WalletPolicy, WalletPolicy())
