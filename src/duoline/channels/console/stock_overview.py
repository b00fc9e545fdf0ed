"""Stock from above: units, value, status and age by region, shop or category, down to the list of a shop's shelves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import insight
from duoline.catalog.tree import Category, Tree, read_tree
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Search
from duoline.channels.http.sessions import Staff
from duoline.insight import Figures
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import Region

By = Literal["region", "store", "category"]
Code = Annotated[str | None, Parameter(max_length=40)]
Sort = Literal[
    "name", "-name", "units", "-units", "value", "-value", "free", "-free", "held", "-held",
    "in_transit", "-in_transit", "old", "-old",
]  # fmt: skip


class StockSums(msgspec.Struct, frozen=True, kw_only=True):
    """Units by status and by age; each of the two adds up to `on_hand`.

    `shelves` are articles in shops that have units, `in_transit` is on the way there and not on hand. `held` is for
    orders, transfers, favourites and by hand together; `safety` is what of the safety stock is there. Ages are in days
    since the units came in, first in, first out: 0-30, 31-90, 91-180, more, unknown. `value` is at the chain's prices.
    """

    shelves: int
    on_hand: int
    value: Money
    free: int
    held: int
    held_orders: int
    held_transfers: int
    held_favourites: int
    held_by_hand: int
    safety: int
    in_transit: int
    age_30: int
    age_90: int
    age_180: int
    age_older: int
    age_unknown: int


class StockGroup(StockSums, frozen=True, kw_only=True):
    """A row: a region with those below it, a shop, or a top-level category.

    `direct`: only the shops that stand in the region itself, beside rows for the regions below it. `divides`: there are
    regions below it to look at.
    """

    code: str
    name: Text
    direct: bool = False
    divides: bool = False


class Step(msgspec.Struct, frozen=True):
    """A region on the way down to what is shown."""

    code: str
    name: Text


class StockOverview(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rows, and the sums of all rows that the search finds.

    `as_of` is when the oldest of the figures was taken, null when there are none yet; `pending` shops have none yet.
    `path` leads from the top to the region that is shown.
    """

    items: list[StockGroup]
    next: str | None
    total: int
    totals: StockSums
    as_of: datetime | None
    pending: int
    path: list[Step]


class Row(NamedTuple):
    """A row before it is shown."""

    code: str
    name: Text
    figures: Figures
    direct: bool = False
    divides: bool = False


_KEYS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: (not row.direct, row.code),
    "units": lambda row: row.figures.on_hand,
    "value": lambda row: row.figures.value_minor,
    "free": lambda row: row.figures.free,
    "held": lambda row: row.figures.held,
    "in_transit": lambda row: row.figures.in_transit,
    "old": lambda row: row.figures.age_older,
}


@get(
    "/api/console/stock/overview",
    opt=doors.staff("stock.read", store="store", region=doors.SHARED, category=doors.SHARED),
)
async def overview(
    db: Database,
    staff: Staff,
    chain: Chain,
    by: By = "region",
    q: Search = "",
    region: Code = None,
    direct: bool = False,
    store: Code = None,
    category: Code = None,
    sort: Sort = "-units",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> StockOverview:
    """Stock of the shops one may see by region, shop or top-level category; figures are some minutes old.

    The rows of a region (`region`, or the lowest one that all one's shops are in) are the regions right below it, each
    with all below, and what stands in it `direct`ly. `direct` leaves out the regions below. `q` looks into names and
    codes.
    """
    tree = await read_tree(db)
    top = _top(tree, category)
    places, inside = places_of(staff, chain, store=store, region=region, direct=direct)
    if by == "region" and inside is None:
        inside = insight.narrowest(chain, places)
    if by == "category":
        rows = _categories(tree, await insight.by_category(db, places, top))
    elif by == "store":
        rows = await _stores(db, chain, places, top)
    else:
        rows = await _regions(db, chain, inside, places, top)
    words = q.strip().lower()
    found = [row for row in rows if words in f"{row.code} {row.name.zh} {row.name.en}".lower()]
    found.sort(key=lambda row: row.code)
    found.sort(key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    # At most some thousands of rows, made anew for every page: a place in them is a number.
    begin = max(0, cursors.unpack(cursor, int)[0]) if cursor else 0
    shown = found[begin : begin + limit]
    taken = await insight.taken(db, places)
    return StockOverview(
        items=[_group(row) for row in shown],
        next=cursors.pack(begin + limit) if len(found) > begin + limit else None,
        total=len(found),
        totals=StockSums(**_fields(sum((row.figures for row in found), Figures()))),
        as_of=taken.oldest_at,
        pending=taken.never,
        path=[Step(step.code, step.name) for step in insight.way_to(chain, inside)],
    )


def places_of(
    staff: Staff, chain: Chain, *, store: str | None, region: str | None, direct: bool = False
) -> tuple[frozenset[UUID], UUID | None]:
    """The shops that are meant among those one may see, and the region, if one is named. Refuses with `NotFound`."""
    scope = staff.scope("stock.read")
    places = frozenset(store_id for store_id in chain.stores if store_id in scope)
    if store is not None:
        places &= {staff.store(store, "stock.read").id}
    if region is None:
        return places, None
    place = _region(chain, region)
    inside = (
        {each.id for each in chain.stores.values() if each.region_id == place.id}
        if direct
        else chain.stores_below(place.id)
    )
    return places & inside, place.id


def _region(chain: Chain, code: str) -> Region:
    region = chain.region_by_code.get(code)
    if region is None:
        raise NotFound(kind="region", code=code)
    return region


def _top(tree: Tree, code: str | None) -> UUID | None:
    """The top-level category of a code; one further down has no sums. Refuses with `NotFound`."""
    if code is None:
        return None
    category = tree.by_code.get(code)
    if category is None or category.parent_id is not None:
        raise NotFound(kind="category", code=code)
    return category.id


def _categories(tree: Tree, sums: Mapping[UUID, Figures]) -> list[Row]:
    known: list[tuple[Category, Figures]] = [
        (tree.categories[each], figures) for each, figures in sums.items() if each in tree.categories
    ]
    return [Row(category.code, category.name.filled, figures) for category, figures in known]


async def _stores(db: Database, chain: Chain, places: frozenset[UUID], top: UUID | None) -> list[Row]:
    stores = [chain.stores[each] for each in places]
    sums = await insight.by_group(db, {store.id: n for n, store in enumerate(stores)}, top)
    return [Row(store.code, store.name, sums.get(n, Figures())) for n, store in enumerate(stores)]


async def _regions(
    db: Database, chain: Chain, inside: UUID | None, places: frozenset[UUID], top: UUID | None
) -> list[Row]:
    parts = insight.parts(chain, inside, places)
    sums = await insight.by_group(db, {each: n for n, part in enumerate(parts) for each in part.stores}, top)
    return [
        Row(part.region.code, part.region.name, sums.get(n, Figures()), part.direct, part.divides)
        for n, part in enumerate(parts)
    ]


def _group(row: Row) -> StockGroup:
    return StockGroup(code=row.code, name=row.name, direct=row.direct, divides=row.divides, **_fields(row.figures))


def _fields(figures: Figures) -> dict[str, Any]:
    fields = {name: getattr(figures, name) for name in insight.NAMES if name != "value_minor"}
    return fields | {"held": figures.held, "value": Money(figures.value_minor)}


ROUTES = [overview]
