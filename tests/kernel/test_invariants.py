"""The invariants of kernel, stores and members: silent over sound rows, and speaking up when one is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from duoline.kernel.invariants import INVARIANTS as KERNEL
from duoline.members.invariants import INVARIANTS as MEMBERS
from duoline.stores.invariants import INVARIANTS as STORES

if TYPE_CHECKING:
    from duoline.kernel.db import Tx

QUERIES = {name: sql for name, _, sql in [*KERNEL, *STORES, *MEMBERS]}
A, B, C, D = (f"00000000-0000-0000-0000-00000000000{n}" for n in "abcd")

SOUND = f"""
INSERT INTO idempotency VALUES ('{A}', 'k', '', 200, '{{}}', now());
INSERT INTO local_outbox (id, topic, key, payload, at) VALUES ('{A}', 't', 'k', '{{}}', now());
INSERT INTO event_log (source_id, topic, key, payload, at) VALUES ('{B}', 't', 'k', '{{}}', now());
INSERT INTO policies VALUES ('p', 1, '{{}}', now(), '{A}', '', now()), ('p', 2, '{{}}', now(), '{A}', '', now());
INSERT INTO regions VALUES ('{A}', 'a', NULL, 'a', 'a'), ('{B}', 'b', '{A}', 'b', 'b'), ('{C}', 'c', '{B}', 'c', 'c');
INSERT INTO staff (id, login, name, password_hash, created_at, updated_at)
  VALUES ('{A}', 'a', 'a', '', now(), now()), ('{B}', 'b', 'b', '', now(), now());
INSERT INTO staff_grants VALUES ('{A}', 'headquarters', 'chain', '00000000-0000-0000-0000-000000000000', now()),
  ('{B}', 'region', 'region', '{C}', now());
INSERT INTO staff_sessions VALUES ('x', '{B}', now(), now());
INSERT INTO members (member_id, kind, phone, tier, created_at)
  VALUES ('{A}', 'member', '+8613800138000', 'gold', now()), ('{B}', 'guest', NULL, '', now());
INSERT INTO tier_changes (member_id, id, before, tier, because, rule_version, actor, at)
  VALUES ('{A}', '{A}', 'member', 'silver', 'reached', 0, '', now()), ('{A}', '{B}', 'silver', 'gold', 'reached', 0, '', now());
INSERT INTO phone_index VALUES ('+8613800138000', '{A}');
INSERT INTO addresses (member_id, id, name, phone, province, city, district, line, is_default, created_at, updated_at)
  VALUES ('{A}', '{A}', '', '', '', '', '', '', true, now(), now()), ('{A}', '{B}', '', '', '', '', '', '', false, now(), now());
INSERT INTO members (member_id, kind, tier, merged_into, created_at) VALUES ('{D}', 'member', 'member', '{A}', now());
UPDATE members SET merged_others = 1 WHERE member_id = '{A}';
INSERT INTO member_merges (member_id, id, other_id, reason, actor, at, tier_before)
  VALUES ('{A}', '{C}', '{D}', 'r', 'a', now(), 'member');
INSERT INTO member_merges (member_id, id, other_id, reason, actor, at, tier_before, undone_at, undone_by)
  VALUES ('{A}', '{B}', '{D}', 'r', 'a', now(), 'member', now(), 'a');
INSERT INTO adopted_guests (member_id, guest_id, adopted_at, merge_id)
  VALUES ('{A}', '{D}', now(), '{C}'), ('{D}', '{B}', now(), NULL), ('{A}', '{B}', now(), '{C}');
INSERT INTO identities (value, kind, member_id, leads, source, since)
  VALUES ('o1', 'wechat_openid', '{A}', true, 't', now()), ('o1', 'wechat_openid', '{D}', false, 't', now());
"""

BREAK = [
    ("IDE-1", "UPDATE idempotency SET status = 0"),
    ("EVT-1", "UPDATE event_log SET source_id = '" + A + "'"),
    ("POL-1", "INSERT INTO policies VALUES ('p', 4, '{}', now(), '" + A + "', '', now())"),
    (
        "POL-2",
        f"UPDATE policies SET regions = ARRAY['{A}', '{B}']::uuid[], controls = '{{{C}}}', until_at = now() + interval '1 day'",
    ),
    ("STO-1", f"UPDATE regions SET parent_id = '{C}' WHERE id = '{A}'"),
    ("STO-2", f"UPDATE staff_grants SET unit_id = '{A[:-1]}f' WHERE staff_id = '{B}'"),
    ("STO-3", f"UPDATE staff SET state = 'left' WHERE id = '{A}'"),
    ("STO-4", f"UPDATE staff SET state = 'left' WHERE id = '{B}'"),
    ("MEM-1", "DELETE FROM phone_index"),
    ("MEM-1", f"UPDATE phone_index SET member_id = '{B}'"),
    ("MEM-1", f"UPDATE members SET phone = NULL WHERE member_id = '{A}'"),
    ("MEM-2", "UPDATE addresses SET is_default = true"),
    ("MEM-2", "UPDATE addresses SET is_default = false"),
    ("MEM-3", "UPDATE members SET tier = 'silver' WHERE kind = 'member'"),
    ("MEM-4", f"INSERT INTO member_cards VALUES ('X', '{A}')"),
    ("MEM-4", f"UPDATE members SET card_no = 'X' WHERE member_id = '{A}'"),
    ("MRG-1", f"UPDATE members SET merged_into = NULL WHERE member_id = '{D}'"),
    ("MRG-1", f"UPDATE members SET merged_into = '{C}' WHERE member_id = '{D}'"),
    ("MRG-2", f"UPDATE members SET merged_others = 2 WHERE member_id = '{A}'"),
    ("MRG-3", f"DELETE FROM adopted_guests WHERE guest_id = '{D}'"),
    ("MRG-3", f"DELETE FROM adopted_guests WHERE member_id = '{A}' AND guest_id = '{B}'"),
    ("MRG-3", f"UPDATE adopted_guests SET merge_id = '{B}' WHERE guest_id = '{D}'"),
    ("IDN-1", f"UPDATE identities SET member_id = '{B}' WHERE leads"),
    ("IDN-1", f"UPDATE identities SET member_id = '{C}' WHERE NOT leads"),
    (
        "MEM-5",
        f"INSERT INTO erasures VALUES ('{A}', 'mall', '', now(), '{{}}', NULL)",
    ),
    (
        "MEM-5",
        f"INSERT INTO erasures VALUES ('{B}', 'mall', '', now(), NULL, now());"
        f" UPDATE members SET erased_at = now() WHERE member_id = '{B}';"
        f" INSERT INTO member_sessions VALUES ('x', '{B}', now(), now())",
    ),
    (
        "MEM-6",
        f"INSERT INTO consents VALUES ('{A}', '{A}', 'marketing', true, 2, 'mall', now(), '')",
    ),
    (
        "MEM-7",
        f"""INSERT INTO companies VALUES ('{C}', 'HQ', '', 'HQ', 'headquarters');
            INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en,
                                province, city, phone, lat, lon, hours, pickup, ship, returns, pick_capacity_hour,
                                pickup_lead_min, updated_at)
            VALUES ('{C}', 'S1', 'store', '{C}', '{C}', '', 'S1', '', '', '', '', '', 30, 120,
                    to_jsonb(array_fill('[]'::jsonb, ARRAY[7])), true, true, true, 30, 40, now());
            INSERT INTO home_stores VALUES ('{A}', '{C}', '{C}', now(), NULL, 'member')""",
    ),
    (
        "MEM-3",
        "INSERT INTO tier_changes (member_id, id, before, tier, because, rule_version, actor, at)"
        f" VALUES ('{A}', '{C}', 'black', 'gold', 'lapsed', 0, '', now() + interval '1 second')",
    ),
]


async def broken(tx: Tx) -> set[str]:
    return {name for name, sql in QUERIES.items() if await tx.fetch(sql)}


@pytest.mark.parametrize(("name", "sql"), BREAK)
async def test_a_broken_row_is_found_and_a_sound_one_is_not(tx: Tx, name: str, sql: str) -> None:
    await tx.execute(SOUND)
    assert await broken(tx) == set()
    await tx.execute(sql)
    assert await broken(tx) == {name}


def test_every_invariant_is_tried() -> None:
    assert {name for name, _ in BREAK} == set(QUERIES)
