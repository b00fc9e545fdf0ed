"""The audit of imported prices: a line for every price row that an import adds, shortens or takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx


async def ending(
    session: Session, tx: Tx, removed: Sequence[UUID], shortened: Sequence[tuple[UUID | None, datetime | None]]
) -> None:
    """Write down locked prices that are about to go, and those that are about to end otherwise than they do.

    Called before the change, because what they were is read from the rows themselves.
    """
    ids = [*removed, *(price_id for price_id, _ in shortened)]
    if ids:
        await tx.execute(
            f"{_LINE} {_ENDING}",
            *_who(session),
            [new_id() for _ in ids],
            ids,
            [False] * len(removed) + [True] * len(shortened),
            [None] * len(removed) + [ends for _, ends in shortened],
        )


async def beginning(session: Session, tx: Tx, added: Sequence[UUID]) -> None:
    """Write down prices that were just added."""
    await tx.execute(f"{_LINE} {_BEGINNING}", *_who(session), [new_id() for _ in added], list(added))


def _who(session: Session) -> tuple[object, ...]:
    return session.at, session.actor.kind, session.actor.id, session.actor.name, f"import {session.import_id}"


_LINE = """
INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject, store_id, reason,
                       before, after)
SELECT w.id, $1, $2, $3, $4, 'price.import', 'sku', p.sku_id::text, CASE WHEN p.scope = 'store' THEN p.scope_id END, $5,
"""

_PRICE = """jsonb_build_object('price_minor', p.price_minor, 'currency', p.currency, 'scope', p.scope,
                               'scope_id', p.scope_id, 'channel', p.channel, 'tier', p.tier, 'from', lower(p.valid),
                               'until', {})"""

_ENDING = f"""
       {_PRICE.format("upper(p.valid)")}, CASE WHEN w.stays THEN {_PRICE.format("w.ends")} END
FROM unnest($6::uuid[], $7::uuid[], $8::bool[], $9::timestamptz[]) w(id, price_id, stays, ends)
JOIN prices p ON p.id = w.price_id
"""

_BEGINNING = f"""
       NULL, {_PRICE.format("upper(p.valid)")}
FROM unnest($6::uuid[], $7::uuid[]) w(id, price_id) JOIN prices p ON p.id = w.price_id
"""
