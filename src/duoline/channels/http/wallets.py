"""What channels show of wallets alike."""

from __future__ import annotations

import msgspec

from duoline.kernel.money import Money
from duoline.wallet import WALLET


class TopUpOfferView(msgspec.Struct, frozen=True):
    """Whoever tops up so much, or more, gets so much on top."""

    amount: Money
    bonus: Money


def offers_now() -> list[TopUpOfferView]:
    """The offers for top-ups that hold now, from the smallest."""
    return [TopUpOfferView(Money(one.pay_minor), Money(one.bonus_minor)) for one in WALLET.current().body.offers]
