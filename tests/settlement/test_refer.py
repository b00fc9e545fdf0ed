"""Who would close a circle: asked upwards, as it was asked downwards before."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from duoline import settlement
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.members import guests, merge

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

# From the buyer down, in one statement: what the walk upwards took the place of.
DOWN = """
WITH RECURSIVE down(id, n) AS (
    SELECT duo_now(r.buyer_id), 1 FROM referrals r WHERE r.payee_id = ANY (duo_person(duo_now($1)))
    UNION
    SELECT duo_now(r.buyer_id), d.n + 1
    FROM down d JOIN referrals r ON r.payee_id = ANY (duo_person(d.id)) WHERE d.n < 20)
SELECT EXISTS (SELECT FROM down WHERE id = duo_now($2))
"""


@pytest.mark.parametrize("seed", range(4))
async def test_upwards_and_downwards_say_the_same(db: Database, seed: int) -> None:
    random = Random(seed)
    ids = [new_id() for _ in range(14)]
    for n, each in enumerate(ids):
        kind, tier = ("guest", "") if n < 4 else ("member", "member")
        await db.execute(
            "INSERT INTO members (member_id, kind, tier, created_at) VALUES ($1, $2, $3, $4)",
            each,
            kind,
            tier,
            clock.now(),
        )
    said = {True: 0, False: 0}
    for _ in range(40):
        one, other = random.sample(ids, 2)
        try:
            async with db.begin() as tx:
                await _happens(tx, random, ids, one, other)
        except Refusal:
            continue
        payee, buyer = random.sample(ids, 2)
        if await db.fetchval("SELECT duo_now($1) = duo_now($2)", payee, buyer):
            continue
        found = await settlement.closes_circle(db, payee_id=payee, buyer_id=buyer)  # type: ignore[arg-type]
        assert found == await db.fetchval(DOWN, buyer, payee)
        said[found] += 1
    assert min(said.values()) > 0, said


async def _happens(tx: Tx, random: Random, ids: list[UUID], one: UUID, other: UUID) -> None:
    what = random.random()
    if what < 0.8:
        await settlement.refer(tx, payee_id=one, buyer_id=other, order_id=new_id())
    elif what < 0.9:
        await guests.adopt(tx, guest_id=random.choice(ids[:4]), member_id=random.choice(ids[4:]))
    else:
        await merge.merge(tx, survivor_id=one, other_id=other, reason="one", actor=SYSTEM)
