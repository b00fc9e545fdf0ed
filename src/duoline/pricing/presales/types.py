"""What a pre-sale is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from duoline.kernel.money import Money
from duoline.kernel.text import Text

KEPT_MAX_BP = 2000
"""A deposit that may be kept is 20 % of the price at the most: what goes beyond is no deposit in the eyes of the law
(China, Civil Code, art. 586), and could be asked back."""

UNITS_MAX = 1_000_000
MEMBER_MAX = 999


class Presale(msgspec.Struct, frozen=True, kw_only=True):
    """A pre-sale. Amounts of a unit in minor units of `currency`; instants are from, inclusive, until, exclusive.

    `cancel_terms`: the deposit is given back to whoever cancels until the balance can be paid, or never.
    `unpaid_terms`: whether it is kept or given back when the balance is not paid in time; then also of whoever cancels
    once it can be paid. A pre-sale that is withdrawn gives it back in any case.
    """

    id: UUID
    version: int
    sku_id: UUID
    name: Text
    price_minor: int
    deposit_minor: int
    currency: str
    deposit_from: datetime
    deposit_until: datetime
    balance_from: datetime
    balance_until: datetime
    expected_on: date
    units_max: int
    member_max: int
    delivery: bool
    pickup: Literal["none", "all", "chosen"]
    store_ids: list[UUID]
    cancel_terms: Literal["until_balance", "never"]
    unpaid_terms: Literal["kept", "given_back"]
    withdrawn_at: datetime | None = None

    @property
    def may_keep(self) -> bool:
        """Whether it keeps a deposit in any case."""
        return self.unpaid_terms == "kept" or self.cancel_terms == "never"

    def open_at(self, at: datetime) -> bool:
        """Whether deposits can be paid at an instant."""
        return self.withdrawn_at is None and self.deposit_from <= at < self.deposit_until

    def collects_at(self, store_id: UUID) -> bool:
        """Whether its buyers may choose to collect at a shop."""
        return self.pickup == "all" or (self.pickup == "chosen" and store_id in self.store_ids)


def problems_of(presale: Presale) -> list[dict[str, str]]:
    """What of a pre-sale cannot be kept, by field, in both languages. Pure."""
    found: list[dict[str, str]] = []

    def no(field: str, zh: str, en: str) -> None:
        found.append({"field": field, "zh": zh, "en": en})

    if not presale.name.filled.zh.strip():
        no("name", "请写一个名称。", "It needs a name.")
    if not 0 < presale.price_minor <= 100_000_000_000:
        no("price", "预售价要大于 0,不超过 10 亿元。", "The price is above zero, and a billion at the most.")
    elif not 0 < presale.deposit_minor < presale.price_minor:
        no("deposit", "定金要大于 0,小于预售价。", "The deposit is above zero and less than the price.")
    elif presale.may_keep and presale.deposit_minor * 10_000 > presale.price_minor * KEPT_MAX_BP:
        most = Money(presale.price_minor * KEPT_MAX_BP // 10_000, presale.currency)
        no(
            "deposit",
            f"可能不退的定金最多为预售价的 20%(每件 {most}):超出部分不产生定金效力(民法典第五百八十六条)。"
            "请降低定金,或改为任何情况都退。",
            f"A deposit that may be kept is 20 % of the price at the most ({most} a unit): the law (Civil Code,"
            " art. 586) gives the rest no effect as a deposit. Ask for less, or give it back in every case.",
        )
    if presale.cancel_terms == "never" and presale.unpaid_terms == "given_back":
        no(
            "unpaid_terms",
            "取消不退、不付尾款却退,两条自相矛盾:请改其中一条。",
            "Whoever cancels would lose what is given back to whoever just does not pay; change one of the two.",
        )
    dates = (
        ("deposit_until", presale.deposit_from < presale.deposit_until, "付定金的结束时间要晚于开始时间。",
         "Deposits end after they begin."),
        ("balance_from", presale.deposit_until <= presale.balance_from, "付尾款要在付定金结束之后开始。",
         "The balance is paid after deposits have ended."),
        ("balance_until", presale.balance_from < presale.balance_until, "付尾款的结束时间要晚于开始时间。",
         "The time for the balance ends after it begins."),
        ("expected_on", presale.expected_on <= presale.balance_until.date(), "到货日不能晚于付尾款的结束日。",
         "The goods are there before the time for the balance ends."),
    )  # fmt: skip
    for field, fine, zh, en in dates:
        if not fine:
            no(field, zh, en)
    if not 1 <= presale.units_max <= UNITS_MAX:
        no("units_max", f"名额为 1 到 {UNITS_MAX} 件。", f"From 1 to {UNITS_MAX} units.")
    if not 1 <= presale.member_max <= min(presale.units_max, MEMBER_MAX):
        no("member_max", "每人限订为 1 件到总名额(最多 999 件)。", "From 1 unit to all of them, and 999 at the most.")
    if not presale.delivery and presale.pickup == "none":
        no("pickup", "至少选一种取货方式。", "Goods are collected or delivered; choose at least one.")
    if presale.pickup == "chosen" and not presale.store_ids:
        no("stores", "请至少选一家门店。", "Choose at least one shop.")
    return found
