"""A friend pays with their own account for what was bought by their link: over the wire, with the provider's pages and
its signed notices, from the link to what headquarters can show of it."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.console import share_words
from duoline.channels.mall import count_scan
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.flows import erase_member
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.payments import providers
from tests.adapters.conftest import free_port, serving
from tests.http.shelf import NOON, line, order, stocked
from tests.http.test_erasure import collected
from tests.http.test_settlement import told
from tests.http.test_shares import shared
from tests.http.test_touchpoints import log_in, opened
from tests.http.world import open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from duoline.kernel.db import Database
    from tests.http.world import Caller, World

SHARER, FRIEND = "+8619911110001", "+8619911110002"


@pytest.fixture
async def world(db: Database, tmp_path: Path) -> AsyncIterator[World]:
    """The application on a port of its own: the provider is asked through it, and its notices come in by it."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, mall_shares.SHARES_BY_MEMBER):
        limit.forget()
    port = free_port()
    async with open_world(db, tmp_path, DUOLINE_PORT=str(port)) as made, serving(made.app, port):
        with clock.frozen(NOON):
            yield made
        await providers.named("sandbox").close()  # type: ignore[attr-defined] # the client that `make` connected
    assert await broken(db) == []


@pytest.fixture
async def milk(world: World) -> str:
    return await stocked(world, "MILK", 19900, {"S1": 9})


async def ordered(who: Caller, milk: str) -> dict[str, Any]:
    """An order that waits, and where it is paid."""
    placed = await who.post("/api/mall/orders", order(line(milk), pay_mode="online"))
    assert placed.status_code == 201, placed.text
    page = await who.post(f"/api/mall/orders/{placed.json()['id']}/payment")
    assert page.status_code == 201, page.text
    return {"id": placed.json()["id"], "url": page.json()["pay_url"]}


async def paid(who: Caller, phone: Caller, one: dict[str, Any], **form: str) -> str:
    """Pay an order on somebody's phone; returns the account it was paid by. A notice tells of it."""
    shown = await phone.client.get(one["url"])
    account = re.search(r'name="account" value="([a-z0-9-]+)"', shown.text)
    assert account, shown.text
    answer = await phone.client.post(one["url"], data={"account": account[1]} | form)
    assert answer.status_code == 303, answer.text
    for _ in range(200):
        state = (await who.get(f"/api/mall/orders/{one['id']}")).json()["state"]
        if state != "awaiting_payment":
            return form.get("account", account[1])
        await asyncio.sleep(0.05)
    raise AssertionError("no notice has come")


async def test_who_pays_for_a_friend_is_not_paid_for_the_friend(world: World, milk: str) -> None:
    sharer, friend, hq = await world.member(SHARER), world.anonymous(), world.staff("hq")
    hers = await ordered(sharer, milk)
    account = await paid(sharer, sharer, hers)
    link = await shared(sharer)
    await opened(friend.client, link["code"])
    await log_in(world, friend, FRIEND)
    # On the sharer's phone; by the sharer's account, typed on the friend's; by the friend's own.
    ways = {name: await ordered(friend, milk) for name in ("phone", "typed", "own")}
    assert await paid(friend, sharer, ways["phone"]) == account
    await paid(friend, friend, ways["typed"], account=account)
    # What was typed is kept by that browser until another name is.
    await paid(friend, friend, ways["own"], account="friends-own")
    assert await world.db.fetchval("SELECT count(*) FROM provider_events WHERE outcome = 'used'") == 4
    await told(world)

    mine = (await sharer.get("/api/mall/earnings/shares")).json()["items"]
    assert sorted((one["flag"] or "", one["earned"]["minor"]) for one in mine) == [
        ("", 597), ("payer", 0), ("payer", 0),
    ]  # fmt: skip
    assert (await sharer.get("/api/mall/earnings")).json()["pending"]["minor"] == 597
    for name, flag in (("phone", "payer"), ("typed", "payer"), ("own", None)):
        shares = (await hq.get(f"/api/console/orders/{ways[name]['id']}/shares")).json()
        rows = [row["share"] for row in shares["shares"] if row["share"]["role"] == "referrer"]
        assert [(row["flag"], row["earned"]["minor"]) for row in rows] == [(flag, 0 if flag else 597)]
    assert (await hq.get("/api/console/commission/evidence")).json()["flagged"] == {"payer": 2}
    pack = zipfile.ZipFile(io.BytesIO((await hq.get("/api/console/commission/evidence.zip")).content))
    assert pack.read("flagged.csv").decode().count(share_words.FLAGS["payer"][0]) == 2


async def test_the_account_is_kept_nowhere_and_its_digest_goes_with_its_owner(
    world: World, milk: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    who = await world.member(SHARER)
    one = await ordered(who, milk)
    await paid(who, who, one)
    payer = re.search(r"payer_[0-9A-Z]{26}", (await who.client.get(one["url"])).text)
    assert payer
    tables = await world.db.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        assert not await world.db.fetchval(
            f"SELECT EXISTS (SELECT FROM {table['name']} t WHERE t::text LIKE $1)", f"%{payer[0]}%"
        ), table["name"]
    assert payer[0] not in caplog.text
    # Taken along is the payment, and not the digest, which is of no use to anybody else.
    archive = zipfile.ZipFile(io.BytesIO((await who.get("/api/mall/privacy/export")).content))
    data = archive.read("data.json").decode()
    assert '"captures"' in data
    assert "payer_key" not in data

    row = await world.db.fetchrow("SELECT member_id, id FROM captures WHERE payer_key IS NOT NULL")
    assert row is not None
    assert row["member_id"] == who.id
    await collected(world, (await who.get(f"/api/mall/orders/{one['id']}")).json(), who)
    async with world.db.begin() as tx:
        await erase_member.erase(tx, member_id=who.id, secret=world.settings.secret, channel="mall", actor=SYSTEM)
    assert await world.db.fetchval("SELECT payer_key FROM captures WHERE id = $1", row["id"]) is None
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await erase_member.sweep_due(world.db) == 1
