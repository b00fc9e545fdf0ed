"""Everything kept about a member, to take away: a zip with one document for machines and one page for people."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from duoline.flows import personal_data, readable_export
from duoline.kernel import clock
from duoline.stores import directory

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

FORMAT = 1
"""Of the document. A reader of another number has to look again."""


async def document(db: Database | Tx, member_id: UUID, *, secret: str) -> dict[str, Any]:
    """Every row of every table that is exported: `data` by kind and table, money in minor units, times in UTC."""
    whose = await personal_data.whose(db, member_id, secret=secret)
    data: dict[str, dict[str, list[dict[str, Any]]]] = {}
    async for held, rows in personal_data.rows(db, whose):
        data.setdefault(held.kind or "", {})[held.table] = rows
    return {"format": FORMAT, "member_id": str(member_id), "exported_at": clock.now().isoformat(), "data": data}


def packed(found: dict[str, Any], *, language: Literal["zh", "en"]) -> bytes:
    """The zip of a document: `data.json`, and `index.html` in the language."""
    shops = {str(one.id): (one.name.filled.zh, one.name.filled.en) for one in directory.current().stores.values()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", msgspec.json.format(msgspec.json.encode(found), indent=2))
        archive.writestr("index.html", readable_export.page(found, language=language, shops=shops))
    return buffer.getvalue()
