"""Names of accounts. An account is a name; its balance is the sum of its entries, kept nowhere else.

What a debit adds to is an asset (clearing, cash), what a credit adds to is owed or earned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

DEPOSITS = "deposits"
"""Owed to customers: paid and not yet handed over."""

DELIVERY_INCOME = "income:delivery"
"""Earned by delivering."""


BY_HAND = "clearing:by-hand"
"""Given back outside of every provider, by somebody who says so."""


def clearing(tender: str) -> str:
    """Money on its way from a payment provider."""
    return f"clearing:{tender}"


def cash(location_id: UUID) -> str:
    """Money in a shop's drawer."""
    return f"cash:{location_id}"


def sales(location_id: UUID) -> str:
    """Earned by goods handed over at, or sent from, a location."""
    return f"sales:{location_id}"
