"""Whether who paid for an order is who would be paid for it: seen by the account they pay with at the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import wallet
from duoline.flows.refund import WALLET
from duoline.members.group import group_of
from duoline.payments import payers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.db import Tx


async def paid_by(tx: Tx, member_id: UUID, order_id: UUID) -> list[bytes]:
    """The accounts that an order, or a part of it, was paid by, as digests; none for cash, for points, and where no
    provider said. What its buyer's wallet paid was paid by whoever filled it: money in a wallet is not told apart.
    """
    found = await payers.accounts_of(tx, member_id, order_id)
    if await tx.fetchval(
        "SELECT EXISTS (SELECT FROM captures WHERE member_id = $1 AND order_id = $2 AND tender = $3)",
        member_id,
        order_id,
        WALLET,
    ):
        found += await wallet.top_ups.filled_by(tx, await group_of(tx, member_id))
    return found


async def pays_for(tx: Tx, accounts: Sequence[bytes], payee_id: UUID | None) -> bool:
    """Whether one of the accounts has ever paid for an order of a member, or filled their wallet: as who they are, as
    who was merged into them, or as a guest they were. However long ago: an account stays its owner's."""
    if not accounts or payee_id is None:
        return False
    ids = await group_of(tx, payee_id)
    guests = await tx.fetch("SELECT guest_id FROM adopted_guests WHERE member_id = ANY ($1)", ids)
    ids += [row["guest_id"] for row in guests]
    return await payers.paid_for(tx, accounts, ids) or not set(accounts).isdisjoint(
        await wallet.top_ups.filled_by(tx, ids)
    )
