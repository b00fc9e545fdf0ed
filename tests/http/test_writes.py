"""One effect and one answer a key, whatever is sent how often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from duoline.kernel import idempotency
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Fault, IdempotencyMismatch
from duoline.kernel.ids import new_id
from tests.http.test_account import ADDRESS
from tests.http.world import key

if TYPE_CHECKING:
    from tests.http.world import World


async def count(world: World, table: str = "addresses") -> int:
    return int(await world.db.fetchval(f"SELECT count(*) FROM {table}"))


async def test_the_same_key_and_body_give_the_same_bytes_and_one_effect(world: World) -> None:
    member, k = await world.member(), key()
    answers = [await member.post("/api/mall/addresses", ADDRESS, key=k) for _ in range(3)]
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert [a.headers.get("idempotent-replayed") for a in answers] == [None, "true", "true"]
    assert await count(world) == 1


async def test_fifty_at_once_with_one_key_have_one_effect(world: World) -> None:
    member, k = await world.member(), key()
    answers = await asyncio.gather(*(member.post("/api/mall/addresses", ADDRESS, key=k) for _ in range(50)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert await count(world) == 1


async def test_another_body_path_or_query_under_the_same_key_is_refused(world: World) -> None:
    member, k = await world.member(), key()
    first = await member.post("/api/mall/addresses", ADDRESS, key=k)
    for refused in (
        await member.post("/api/mall/addresses", ADDRESS | {"line": "别处"}, key=k),
        await member.post("/api/mall/addresses?x=1", ADDRESS, key=k),
        await member.delete(f"/api/mall/addresses/{first.json()['id']}", key=k),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency.mismatch")
    assert await count(world) == 1


async def test_keys_of_two_members_are_two_keys(world: World) -> None:
    k = key()
    for member in (await world.member(), await world.member()):
        assert (await member.post("/api/mall/addresses", ADDRESS, key=k)).status_code == 201
    assert await count(world) == 2


async def test_a_refusal_is_not_stored_and_changes_nothing(world: World) -> None:
    member, k = await world.member(), key()
    assert (await member.delete(f"/api/mall/addresses/{new_id()}", key=k)).status_code == 404
    assert await count(world, "idempotency") == 0


async def test_writes_need_a_key_that_can_be_read(world: World) -> None:
    member = await world.member()
    for bad in ("", "x" * 81):
        refused = await member.post("/api/mall/addresses", ADDRESS, key=bad)
        assert (refused.status_code, refused.json()["code"]) == (400, "http.idempotency-key-missing")
    without = await member.client.post("/api/mall/addresses", json=ADDRESS, headers=member.headers)
    assert without.json()["code"] == "http.idempotency-key-missing"
    assert await count(world) == 0


async def test_an_empty_answer_is_replayed_empty(world: World) -> None:
    member = await world.member()
    made = (await member.post("/api/mall/addresses", ADDRESS)).json()["id"]
    k = key()
    answers = [await member.delete(f"/api/mall/addresses/{made}", key=k) for _ in range(2)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2


async def test_a_deadlock_is_tried_again_and_a_lock_that_is_kept_becomes_503(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await world.member()
    real, left = idempotency.begin, [2]

    async def unlucky(tx: Tx, **options: object) -> object:
        found = await real(tx, **options)  # type: ignore[arg-type]
        if left[0]:
            left[0] -= 1
            raise asyncpg.exceptions.DeadlockDetectedError("deadlock detected")
        return found

    monkeypatch.setattr("duoline.channels.http.writes.idempotency.begin", unlucky)
    assert (await member.post("/api/mall/addresses", ADDRESS)).status_code == 201
    assert await count(world) == 1
    left[0] = 99
    refused = await member.post("/api/mall/addresses", ADDRESS)
    assert (refused.status_code, refused.json()["code"]) == (503, "kernel.unavailable")
    assert refused.headers["retry-after"] == "2"
    assert await count(world) == 1


async def test_a_name_that_looks_like_a_token_stays_a_name(world: World) -> None:
    """What stands for a token in stored answers is made from the secret, so nobody can write it into a name."""
    member = await world.member()
    for name in ("{token of a member}", "{token of staff}"):
        changed = await member.patch("/api/mall/me", {"display_name": name})
        assert changed.json()["display_name"] == name
        assert "set-cookie" not in changed.headers


# --- the kernel's part, on its own --------------------------------------------------------------------


async def test_begin_find_finish(db: Database) -> None:
    actor, options = new_id(), {"key": "k", "request_hash": b"1"}
    async with db.begin() as tx:
        assert await idempotency.begin(tx, actor_id=actor, **options) is None  # type: ignore[arg-type]
        await idempotency.finish(tx, actor_id=actor, key="k", status=201, body='{"a":1}')
    stored = idempotency.StoredAnswer(201, '{"a":1}')
    async with db.begin() as tx:
        assert await idempotency.begin(tx, actor_id=actor, **options) == stored  # type: ignore[arg-type]
        with pytest.raises(IdempotencyMismatch):
            await idempotency.begin(tx, actor_id=actor, key="k", request_hash=b"2")
    assert await idempotency.find(db, actor_id=actor, key="other", request_hash=b"1") is None


async def test_an_answer_is_finished_once_and_only_after_begin(db: Database) -> None:
    actor = new_id()
    with pytest.raises(Fault):
        async with db.begin() as tx:
            await idempotency.finish(tx, actor_id=actor, key="k", status=200, body="")
    async with db.begin() as tx:
        await idempotency.begin(tx, actor_id=actor, key="k", request_hash=b"1")
        await idempotency.finish(tx, actor_id=actor, key="k", status=200, body="")
        with pytest.raises(Fault):
            await idempotency.finish(tx, actor_id=actor, key="k", status=200, body="")


async def test_the_second_of_two_waits_for_the_first(db: Database) -> None:
    actor = new_id()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with db.begin() as tx:
            await idempotency.begin(tx, actor_id=actor, key="k", request_hash=b"1")
            begun.set()
            await go_on.wait()
            await idempotency.finish(tx, actor_id=actor, key="k", status=200, body="first")

    async def second() -> object:
        await begun.wait()
        async with db.begin() as tx:
            return await idempotency.begin(tx, actor_id=actor, key="k", request_hash=b"1")

    one, two = asyncio.create_task(first()), asyncio.create_task(second())
    await begun.wait()
    await asyncio.sleep(0.05)
    assert not two.done()
    go_on.set()
    await one
    assert await two == idempotency.StoredAnswer(200, "first")
