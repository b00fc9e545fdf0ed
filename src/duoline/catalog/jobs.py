"""Background work of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline.catalog.changes import WORDS_JOB
from duoline.catalog.words import refresh_words
from duoline.kernel import jobs

if TYPE_CHECKING:
    from duoline.kernel.db import Database


@jobs.handler(WORDS_JOB, at_once=1)
async def collect_words(db: Database, _payload: Any) -> None:
    """Collect the search words anew some time after titles have changed."""
    async with db.begin() as tx:
        await refresh_words(tx)
