"""Which contract holds where, and whose the goods are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.settlement.types import HEADQUARTERS, Payee
from duoline.stores import directory

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.settlement.policy import Contract, ContractPolicy


def contract_at(location_id: UUID, contracts: ContractPolicy) -> tuple[Contract, Payee]:
    """The contract with whoever runs a location, and who owns the goods there."""
    chain = directory.current()
    company = chain.companies[chain.store(location_id).company_id]
    contract = contracts.of(company.code, franchised=company.franchised)
    return contract, Payee("company", company.id) if contract.stock_owner == "company" else HEADQUARTERS
