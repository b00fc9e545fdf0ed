"""The named queries of attribution find what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from duoline.attribution.invariants import INVARIANTS
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from duoline.kernel.db import Tx
    from tests.attribution.conftest import Place

_ORDER = """INSERT INTO orders (member_id, id, order_no, channel, state, pay_mode, currency, subtotal_minor,
    delivery_fee_minor, discount_minor, total_minor, contact_name, contact_phone, priced_at, placed_at)
    SELECT member_id, '{order}', 'N', 'mall', 'confirmed', 'at_store', 'CNY', 0, 0, 0, 0, '', '', at, at FROM touches"""
_TOUCH = """INSERT INTO order_touches (member_id, order_id, touch_id, owner_id, touchpoint_id, touched_at, placed_at,
    window_days, rule_version) SELECT member_id, '{order}', id, owner_id, touchpoint_id, at - interval '30 days', at, 30, 0
    FROM touches"""

_order = str(new_id())

# Each with what the database itself would refuse dropped, so that the query is the only guard left.
BREAK = {
    "ATT-1": [
        "DROP INDEX bindings_live_ux",
        "ALTER TABLE bindings DROP CONSTRAINT bindings_no_overlap_ex",
        *[
            f"""INSERT INTO bindings (member_id, id, scope, store_id, source, rule_version, from_at)
                SELECT u.member_id, '{new_id()}', 'guide', t.store_id, 'transfer', 0, u.at FROM sign_ups u, touchpoints t"""
            for _ in range(2)
        ],
    ],
    "ATT-2": [
        "ALTER TABLE order_touches DROP CONSTRAINT order_touches_window_ck",
        _ORDER.format(order=_order),
        _TOUCH.format(order=_order),
    ],
    "ATT-3": ["UPDATE touches SET at = at + interval '1 second'"],
    "ATT-4": ["UPDATE touchpoint_days SET scans = scans + 1"],
    "ATT-5": ["UPDATE touchpoint_codes SET owner_id = touchpoint_id"],
    "ATT-6": [
        "INSERT INTO outfits (owner_id, id, owner_kind, name, made_at) SELECT member_id, id, 'member', 'O', at FROM touches",
        "INSERT INTO outfit_pieces (owner_id, outfit_id, n, product_id) SELECT member_id, id, 2, id FROM touches",
    ],
    "ATT-7": [
        "DROP INDEX touchpoints_standing_ux",
        "ALTER TABLE touchpoints DROP CONSTRAINT touchpoints_standing_ck",
        "UPDATE touchpoints SET standing = true",
        """INSERT INTO touchpoints
           SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'code', 'ZZZZZZZZ'))).*
           FROM touchpoints t LIMIT 1""",
    ],
}


@pytest.mark.parametrize("name", BREAK)
async def test_each_one_can_fail(owner_tx: Tx, owner_place: Place, name: str):
    queries = {invariant: sql for invariant, _, sql in INVARIANTS}
    assert await owner_tx.fetch(queries[name]) == []
    for statement in BREAK[name]:
        await owner_tx.execute(statement)
    assert await owner_tx.fetch(queries[name]) != []


async def test_the_whole_count_is_looked_at_too(owner_tx: Tx, owner_place: Place):
    [sql] = [sql for name, _, sql in INVARIANTS if name == "ATT-4"]
    assert await owner_tx.fetch(sql) == []
    await owner_tx.execute("UPDATE touchpoint_totals SET scans = scans + 1")
    assert [row["touchpoint_id"] for row in await owner_tx.fetch(sql)] == [owner_place.poster.id]


def test_all_are_tried():
    assert sorted(BREAK) == sorted(name for name, _, _ in INVARIANTS)
