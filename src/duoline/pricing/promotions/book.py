"""The promotions in memory, compiled for pricing: those that hold now and those to come.

Every process keeps them and looks for changes at every event `promotions.*`, when the tree of categories changes, and
every thirty seconds. They keep their dates, so that one begins and ends at its second without a look.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from duoline.catalog.events import TREE_CHANGED
from duoline.catalog.tree import read_tree
from duoline.kernel import clock, follow
from duoline.pricing.promotions import compile_promotions
from duoline.pricing.promotions.types import Promotion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.pricing.promotions import Live

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Book:
    """Promotions, the tree they were compiled with, and what pricing looks them up in."""

    promotions: Sequence[Promotion] = ()
    below: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    live: Live = field(default_factory=lambda: compile_promotions([], {}))


_current = Book()


def current() -> Live:
    """What pricing asks, as this process last saw it."""
    return _current.live


@follow.watch("promotions.*", TREE_CHANGED)
async def refresh(db: Database | Tx) -> None:
    """Read what is not over and compile it anew, if anything has changed."""
    global _current
    promotions, below = await read(db, at=clock.now()), await branches(db)
    if (promotions, below) != (_current.promotions, _current.below):
        _current = Book(promotions, below, compile_promotions(promotions, below))


async def read(db: Database | Tx, *, at: datetime) -> list[Promotion]:
    """The newest version of every promotion that is not over at an instant, by id."""
    found = []
    for row in await db.fetch(_READ, at):
        try:
            found.append(msgspec.convert(row["body"], Promotion))
        except msgspec.ValidationError:
            # Of an older shape, for which no field's default makes up. Better no offer than a wrong price.
            log.warning("promotion %s version %d does not fit and is passed over", row["id"], row["version"])
    return found


_READ = """
SELECT p.id, p.version, p.body FROM promotions p
WHERE (p.until_at IS NULL OR p.until_at > $1)
  AND NOT EXISTS (SELECT FROM promotions n WHERE n.id = p.id AND n.version > p.version)
ORDER BY p.id
"""


async def branches(db: Database | Tx) -> dict[UUID, frozenset[UUID]]:
    """Every category with itself and all below it."""
    tree = await read_tree(db)
    below: dict[UUID, set[UUID]] = {category_id: set() for category_id in tree.categories}
    for category_id in tree.categories:
        for step in tree.path_ids(category_id):
            below[step].add(category_id)
    return {category_id: frozenset(each) for category_id, each in below.items()}
