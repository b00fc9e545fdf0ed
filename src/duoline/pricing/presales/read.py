"""Pre-sales as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.pricing.presales.types import Presale

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

COLUMNS = """p.id, p.version, p.sku_id, p.name_zh, p.name_en, p.price_minor, p.deposit_minor, p.currency,
    p.deposit_from, p.deposit_until, p.balance_from, p.balance_until, p.expected_on, p.units_max, p.member_max,
    p.delivery, p.pickup, p.store_ids, p.cancel_terms, p.unpaid_terms, p.withdrawn_at"""

_FIND = f"SELECT {COLUMNS} FROM presales p WHERE p.id = $1"  # noqa: S608 - our own columns


async def find(db: Database | Tx, presale_id: UUID) -> Presale:
    """A pre-sale as it holds. Refuses with `NotFound`."""
    row = await db.fetchrow(_FIND, presale_id)
    if row is None:
        raise NotFound(kind="presale")
    return of_row(row)


def of_row(row: Any) -> Presale:
    """A pre-sale of a row with `COLUMNS`."""
    same = {name: row[name] for name in Presale.__struct_fields__ if name != "name"}
    return Presale(name=Text(row["name_zh"], row["name_en"]), **same)
