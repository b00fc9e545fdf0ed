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

FORFEITED = "income:forfeited"
"""Earned by deposits that were kept, by the terms of their pre-sales."""

BY_POINTS = "points"
"""What members' points paid of orders, in money: the chain has given it up."""

STORED_PRINCIPAL = "stored:principal"
"""Owed to members: what they paid into their wallets."""

STORED_BONUS = "stored:bonus"
"""Owed to members: what was given on top."""

BY_WALLET = "stored:used"
"""Between wallets and what they pay: what leaves a wallet for an order comes in as its capture."""

RETURNING = "stored:returning"
"""Owed to who paid it: came for the wallet of somebody who is forgotten, and has not gone back yet."""

BONUS_COST = "cost:stored-bonus"
"""What the bonus of top-ups has cost; less what nobody spent."""

BY_HAND = "clearing:by-hand"
"""Given back outside of every provider, by somebody who says so."""


def clearing(tender: str) -> str:
    """Money on its way from a payment provider."""
    return f"clearing:{tender}"


def cash(location_id: UUID) -> str:
    """Money that a shop took in its drawers and has not paid out of them; a float was there before."""
    return f"cash:{location_id}"


def till_difference(location_id: UUID) -> str:
    """What drawers of a shop held more (credit) or less (debit) than they should have when they were counted."""
    return f"till-difference:{location_id}"


def petty(location_id: UUID) -> str:
    """Paid out of a shop's drawer by hand (debit), or into it (credit): for stamps, to the bank, for more change."""
    return f"petty:{location_id}"


def sales(location_id: UUID) -> str:
    """Earned by goods handed over at, or sent from, a location."""
    return f"sales:{location_id}"
