"""Labels on shelves and articles: each shop's label of a product is a touchpoint of the shop, made when it is first
printed or scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.attribution.codes import new_code
from duoline.attribution.touchpoints import COLUMNS, of_row
from duoline.kernel import audit, clock
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.attribution.types import Touchpoint
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.text import Text


class Hung(NamedTuple):
    """A label as it hangs in a shop: of which product, and on which shelf ("" for none)."""

    product_code: str
    name: Text
    shelf: str


async def label_of(db: Database | Tx, store_id: UUID, product_code: str) -> Touchpoint | None:
    """A product's label in a shop: the live one, else the one that ended last, else None."""
    row = await db.fetchrow(
        f"""SELECT {COLUMNS} FROM touchpoints t WHERE t.owner_id = $1 AND t.label AND t.target = $2
            ORDER BY t.ended_at DESC NULLS FIRST LIMIT 1""",  # noqa: S608 - our own columns
        store_id,
        product_code,
    )
    return None if row is None else of_row(row)


async def hang(tx: Tx, *, store_id: UUID, labels: Sequence[Hung], actor: Actor) -> int:
    """See that each of these products has a live label in the shop; returns how many were made. Repeating it changes
    nothing, and of two who print at once one makes it (`touchpoints_label_ux`)."""
    wanted = {one.product_code: one for one in sorted(labels, key=lambda one: one.product_code)}
    known = await tx.fetch(
        "SELECT target FROM touchpoints WHERE owner_id = $1 AND label AND ended_at IS NULL AND target = ANY ($2)",
        store_id,
        list(wanted),
    )
    for row in known:
        del wanted[row["target"]]
    if not wanted:
        return 0
    # A code is taken once in a million millions; then the whole is refused, and printing again is safe.
    made: int = await tx.fetchval(
        """WITH made AS (
               INSERT INTO touchpoints (owner_id, id, code, kind, owner_kind, name_zh, name_en, store_id, place,
                                        target_kind, target, label, created_by, created_at)
               SELECT $1, w.id, w.code, 'product', 'store', w.zh, w.en, $1, w.shelf, 'product', w.product, true, $8, $9
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                   AS w(id, code, product, zh, en, shelf)
               ORDER BY w.product
               ON CONFLICT (owner_id, target) WHERE label AND ended_at IS NULL DO NOTHING
               RETURNING owner_id, id, code),
           coded AS (
               INSERT INTO touchpoint_codes (code, owner_id, touchpoint_id) SELECT code, owner_id, id FROM made
               RETURNING code)
           SELECT count(*)::integer FROM coded""",
        store_id,
        [new_id() for _ in wanted],
        [new_code() for _ in wanted],
        list(wanted),
        [one.name.zh for one in wanted.values()],
        [one.name.en for one in wanted.values()],
        [one.shelf for one in wanted.values()],
        actor.label,
        clock.now(),
    )
    if made:
        await audit.record(
            tx,
            actor=actor,
            action="touchpoint.label",
            subject_kind="store",
            subject=str(store_id),
            after={"labels": made},
            store_id=store_id,
        )
    return made
