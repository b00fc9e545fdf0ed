"""What was agreed with the companies of whoever asks: read only, so that they can reckon their shares again."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get

from duoline import settlement
from duoline.channels.console.payee_scope import reach
from duoline.channels.http import doors
from duoline.channels.http.sessions import Staff
from duoline.kernel.text import Text
from duoline.settlement.policy import AllocationPolicy, Contract
from duoline.stores.directory import Chain


class OwnContract(msgspec.Struct, frozen=True, kw_only=True):
    """What holds with a company: agreed, or as usual for its mode (`usual`); the names of its territory's regions."""

    code: str
    name: Text
    contract: Contract
    usual: bool
    regions: list[Text]


class OwnContracts(msgspec.Struct, frozen=True, kw_only=True):
    """The contracts of all companies in reach, since when, and by which percentages the margin is shared."""

    contracts: list[OwnContract]
    since: datetime | None
    allocation: AllocationPolicy


@get("/api/console/settlement-contracts", opt=doors.staff("settlement.read"))
async def show_own_contracts(staff: Staff, chain: Chain) -> OwnContracts:
    """The contracts of the companies all of whose shops one may see, as they hold now."""
    everything, ids = reach(staff, chain)
    held = settlement.CONTRACTS.current()
    agreed = {one.company for one in held.body.contracts}
    regions = {region.code: region.name.filled for region in chain.regions.values()}
    found = []
    for company in sorted(chain.companies.values(), key=lambda one: one.code):
        if not everything and company.id not in ids:
            continue
        contract = held.body.of(company.code, franchised=company.franchised)
        found.append(
            OwnContract(
                code=company.code,
                name=company.name.filled,
                contract=contract,
                usual=company.code not in agreed,
                regions=[regions.get(code, Text(code, code)) for code in contract.regions],
            )
        )
    return OwnContracts(
        contracts=found,
        since=held.active_from if held.version else None,
        allocation=settlement.ALLOCATION.current().body,
    )


ROUTES = [show_own_contracts]
