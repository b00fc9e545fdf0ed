"""What every change of a product ends in: a new version, new documents, an event, a line in the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.catalog.docs import refresh_docs
from duoline.catalog.events import PRODUCT_CHANGED, TREE_CHANGED, ProductChanged, TreeChanged
from duoline.kernel import audit, clock, jobs, outbox
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

WORDS_JOB = "catalog.refresh-words"
WORDS_AFTER = timedelta(minutes=5)


async def changed(
    tx: Tx, *, actor: Actor, product_id: UUID, action: str, before: Any = None, after: Any = None, reason: str = ""
) -> None:
    """Close a change of one product. The caller holds its lock and has written the rest."""
    row = await tx.fetchrow(
        "UPDATE products SET version = version + 1, updated_at = $2 WHERE id = $1 RETURNING code, state",
        product_id,
        clock.now(),
    )
    ensure(row is not None, "CATALOG", "a product that is being changed exists")
    code, state = row["code"], row["state"]  # type: ignore[index]
    await refresh_docs(tx, [product_id])
    await outbox.emit(tx, topic=PRODUCT_CHANGED, key=code, payload=ProductChanged(product_id, code, state))
    await audit.record(
        tx, actor=actor, action=action, subject_kind="product", subject=code, reason=reason, before=before, after=after
    )


async def tree_changed(
    tx: Tx,
    *,
    actor: Actor,
    kind: str,
    code: str,
    action: str,
    product_ids: Iterable[UUID],
    before: Any = None,
    after: Any = None,
) -> None:
    """Close a change of a brand or category: the products that show it are put together anew."""
    await refresh_docs(tx, product_ids)
    await outbox.emit(tx, topic=TREE_CHANGED, key=code, payload=TreeChanged(kind, code))
    await audit.record(tx, actor=actor, action=action, subject_kind=kind, subject=code, before=before, after=after)


async def words_later(tx: Tx) -> None:
    """Have the search words collected anew, once for all edits of the next minutes."""
    await jobs.enqueue(tx, WORDS_JOB, run_at=clock.now() + WORDS_AFTER, key=WORDS_JOB)
