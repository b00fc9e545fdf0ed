"""Franchisees are handlers of their own: what a chain tells them of a member, beyond the orders that are theirs to
fulfil, needs the member's consent to sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.stores.types import UnitKind

if TYPE_CHECKING:
    from duoline.channels.http.sessions import Staff
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store


def franchised(chain: Chain, store: Store) -> bool:
    """Whether the shop is a franchisee's."""
    return chain.companies[store.company_id].franchised


def of_a_partner(chain: Chain, staff: Staff) -> bool:
    """Whether somebody works for a franchisee: they have a part there, and none for the chain or a region of it."""
    if any(grant.unit_kind in (UnitKind.CHAIN, UnitKind.REGION) for grant in staff.grants):
        return False
    companies = {grant.unit_id for grant in staff.grants if grant.unit_kind is UnitKind.COMPANY}
    shops = [chain.stores[grant.unit_id] for grant in staff.grants if grant.unit_kind is UnitKind.STORE
             if grant.unit_id in chain.stores]  # fmt: skip
    companies |= {store.company_id for store in shops}
    return any(chain.companies[each].franchised for each in companies if each in chain.companies)
