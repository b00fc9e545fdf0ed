"""Which contract holds where: whose the goods are there, whose the prices, and whose territory a place is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing import PriceRight
from duoline.settlement.policy import CONTRACTS
from duoline.settlement.types import HEADQUARTERS, Payee, Place
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.settlement.policy import Contract, ContractPolicy


class Terms(NamedTuple):
    """The contract with whoever runs a location, who owns the goods there, and the company, if any, whose territory
    the goods went into."""

    contract: Contract
    owner: Payee
    territory: Payee | None = None


def place_of(location_id: UUID) -> Place:
    """Whose a location is today. What is shared asks once and keeps the answer with the order."""
    chain = directory.current()
    company = chain.companies[chain.store(location_id).company_id]
    return Place(company.id, company.franchised)


def terms_at(place: Place, contracts: ContractPolicy, *, regions: Sequence[str]) -> Terms:
    """What holds for goods of a place that went into regions, their codes from the nearest upwards."""
    chain = directory.current()
    contract = _contract(place, contracts)
    code = contracts.territory_of(regions)
    into = chain.company_by_code.get(code) if code else None
    return Terms(
        contract,
        Payee("company", place.company_id) if contract.stock_owner == "company" else HEADQUARTERS,
        Payee("company", into.id) if into else None,
    )


def price_right(location_id: UUID, at: datetime | None = None) -> PriceRight:
    """Whose the prices of a shop are at an instant (now by default), and within what."""
    contract = _contract(place_of(location_id), CONTRACTS.current(at).body)
    return PriceRight(contract.price_right, contract.price_floor_percent, contract.price_ceiling_percent)


def _contract(place: Place, contracts: ContractPolicy) -> Contract:
    """The company's code never changes; whether it is franchised is as it was kept."""
    return contracts.of(directory.current().companies[place.company_id].code, franchised=place.franchised)
