"""Who paid, as far as it has to be known: whether two payments came from one account at the provider.

Of the account only a digest is kept, keyed with the installation's secret: whoever reads the table alone can neither
tell the account nor find it among accounts they know. With another secret the digests of before match nothing any more.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import msgspec

from duoline.kernel.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.payments.provider import PaymentEvent

PAID_FOR = "SELECT EXISTS (SELECT FROM captures WHERE member_id = ANY ($1) AND payer_key = ANY ($2))"

_secrets: list[str] = []


def connect(secret: str) -> None:
    """Give payments the key of the digests. Called once in every process that records what a provider reports."""
    _secrets[:] = [secret]


def key_of(provider: str, payer: str | None) -> bytes | None:
    """The digest of an account of a provider: 32 bytes; None where the provider does not say who paid."""
    if not payer:
        return None
    if not _secrets:
        raise Fault("PAY-PAYER", "a payer is named and payments have no secret")
    return hmac.digest(_secrets[0].encode(), b"payer\0" + provider.encode() + b"\0" + payer.encode(), "sha256")


def unnamed(event: PaymentEvent) -> PaymentEvent:
    """A notice as it is kept: without the account."""
    return msgspec.structs.replace(event, payer=None)


async def accounts_of(db: Database | Tx, member_id: UUID, order_id: UUID) -> list[bytes]:
    """The accounts that an order, or a part of it, was paid by; none for cash and where nobody said."""
    rows = await db.fetch(
        """SELECT DISTINCT payer_key FROM captures
           WHERE member_id = $1 AND order_id = $2 AND payer_key IS NOT NULL""",
        member_id,
        order_id,
    )
    return [row["payer_key"] for row in rows]


async def paid_for(db: Database | Tx, keys: Collection[bytes], member_ids: Collection[UUID]) -> bool:
    """Whether one of these accounts ever paid for an order of one of these members."""
    found: bool = await db.fetchval(PAID_FOR, list(member_ids), list(keys))
    return found
