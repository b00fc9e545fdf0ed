"""The rows of a region add up: each shop one may see is in exactly one of them."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from duoline.insight import narrowest, parts, way_to
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import Region

REGIONS, SHOPS = 8, 12


class Shop:
    """Of a store only what the rows are told from."""

    def __init__(self, store_id: UUID, region_id: UUID) -> None:
        self.id, self.region_id = store_id, region_id


def chain_of(parents: list[int | None], homes: list[int]) -> Chain:
    """Regions by number, each below an earlier one or at the top; shops in regions by number."""
    regions = {
        UUID(int=n): Region(UUID(int=n), f"R{n}", None if above is None else UUID(int=above % n), Text("", ""))
        if n
        else Region(UUID(int=0), "R0", None, Text("", ""))
        for n, above in enumerate(parents)
    }
    shops = {UUID(int=100 + n): Shop(UUID(int=100 + n), UUID(int=home % len(parents))) for n, home in enumerate(homes)}
    return Chain(regions=regions, stores=shops)  # type: ignore[arg-type]


chains = st.builds(
    chain_of,
    st.lists(st.one_of(st.none(), st.integers(0, REGIONS)), min_size=1, max_size=REGIONS),
    st.lists(st.integers(0, REGIONS), max_size=SHOPS),
)


@given(chains, st.sets(st.integers(100, 100 + SHOPS)), st.integers(-1, REGIONS))
def test_each_shop_is_in_one_row(chain: Chain, seen: set[int], at: int) -> None:
    within = frozenset(UUID(int=n) for n in seen) & chain.stores.keys()
    region_id = UUID(int=at) if 0 <= at < len(chain.regions) else None
    inside = within & (chain.stores_below(region_id) if region_id is not None else chain.stores.keys())
    rows = parts(chain, region_id, within)
    assert sorted(store for row in rows for store in row.stores) == sorted(inside)
    assert all(row.stores for row in rows)
    assert sum(row.direct for row in rows) <= 1
    for row in rows:
        below = parts(chain, row.region.id, within)
        assert row.direct or row.divides == any(each.region.id != row.region.id for each in below)


@given(chains, st.sets(st.integers(100, 100 + SHOPS)))
def test_one_begins_where_all_shops_are_and_rows_differ(chain: Chain, seen: set[int]) -> None:
    within = frozenset(UUID(int=n) for n in seen) & chain.stores.keys()
    region_id = narrowest(chain, within)
    if region_id is None:
        assert len(parts(chain, None, within)) != 1
        return
    assert within <= chain.stores_below(region_id)
    rows = parts(chain, region_id, within)
    assert len(rows) > 1 or rows[0].region.id == region_id
    assert way_to(chain, region_id)[-1].id == region_id


def test_the_way_to_a_region_ends_where_a_ring_closes() -> None:
    one, other = UUID(int=1), UUID(int=2)
    ring = Chain(regions={one: Region(one, "A", other, Text("", "")), other: Region(other, "B", one, Text("", ""))})
    assert [step.code for step in way_to(ring, one)] == ["B", "A"]
