"""Sign-ups of four channels become one member a person; a second load changes nothing; doubts wait for somebody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.flows.merge_members import merge_members
from duoline.kernel import clock, policies
from duoline.kernel.auth import SYSTEM
from duoline.members import cards, identities
from duoline.members.policy import MatchingPolicy

from .conftest import assert_sound, take_in

if TYPE_CHECKING:
    from duoline.kernel.db import Database

PHONE = "1990000081"
FULL_WIDTH = "".join(chr(0xFF10 + int(digit)) for digit in f"{PHONE}0")


def row(channel: str, **values: str) -> dict[str, Any]:
    return {"channel": channel, **values}


async def people(db: Database) -> list[tuple[str, str | None, str | None]]:
    rows = await db.fetch(
        "SELECT display_name, phone, external_code FROM members WHERE kind = 'member' ORDER BY 1, 2, 3"
    )
    return [tuple(each) for each in rows]


async def doubts(db: Database) -> list[tuple[int, tuple[str, ...], str]]:
    rows = await db.fetch("SELECT score, reasons, state FROM member_pairs ORDER BY score, reasons")
    return [(each["score"], tuple(each["reasons"]), each["state"]) for each in rows]


TABLES = ("members", "phone_index", "member_codes", "identities", "match_keys", "member_pairs", "signups_read")


async def everything(db: Database) -> dict[str, Any]:
    return {name: sorted(str(tuple(each)) for each in await db.fetch(f"SELECT * FROM {name}")) for name in TABLES}


async def test_four_channels_of_one_person_are_one_member(db: Database) -> None:
    rows = [
        row("mall", phone=f"{PHONE}0", name="林小满", mail="Lin@Example.com"),
        row("wechat", openid="o-1", unionid="u-1", phone=f"+86 {PHONE}0"),
        row("till", card_no="6201 0001", phone=FULL_WIDTH, name="林\u3000小满"),
        row("marketplace", marketplace="tmall", buyer_id="tb1", phone=f"0086{PHONE}0", name="林小满"),
        row("wechat", openid="o-1"),
        row("till", card_no="62010001"),
        row("marketplace", marketplace="tmall", buyer_id="tb 1"),
    ]
    assert (await take_in(db, "signups", rows)).counts == (4, 3, 0)
    assert await people(db) == [("林小满", f"+86{PHONE}0", "62010001")]
    assert await doubts(db) == []
    before = await everything(db)
    assert (await take_in(db, "signups", rows)).counts == (0, 7, 0)
    assert (await take_in(db, "signups", rows[::-1])).counts == (0, 7, 0)
    assert await everything(db) == before
    await assert_sound(db)


async def test_every_old_card_of_a_member_is_read_and_somebody_else_s_is_not(db: Database) -> None:
    rows = [
        row("till", card_no="6201 0002", phone=f"{PHONE}0", name="林小满"),
        row("till", card_no="6201 0003", phone=f"{PHONE}0", name="林小满"),
        row("till", card_no="6201 0004", phone=f"{PHONE}1", name="王大明"),
    ]
    await take_in(db, "signups", rows)
    who, other = [
        await db.fetchval("SELECT member_id FROM phone_index WHERE phone = $1", f"+86{PHONE}{n}") for n in (0, 1)
    ]
    for typed in ("62010002", "62010003", " 6201 0003 "):
        assert await cards.read_card(db, typed, secret=b"s") == who
    assert await cards.read_card(db, "62010004", secret=b"s") == other
    async with db.begin() as tx:
        claim = identities.Identity("card_no", "62010005", other, leads=False)
        await identities.add(tx, [claim], source="till", at=clock.now())
    with pytest.raises(cards.NoSuchCard):
        await cards.read_card(db, "62010005", secret=b"s")
    await assert_sound(db)


async def test_a_family_phone_is_two_members_in_doubt(db: Database) -> None:
    rows = [
        row("mall", phone=f"{PHONE}1", name="王大明"),
        row("till", phone=f"{PHONE}1", name="李红"),
        row("till", phone=f"{PHONE}1", name="李红", card_no="C2"),
        row("wechat", phone=f"{PHONE}1", unionid="u-a"),
        row("wechat", phone=f"{PHONE}1", unionid="u-b"),
    ]
    assert (await take_in(db, "signups", rows)).counts == (5, 0, 0)
    assert [name for name, *_ in await people(db)] == ["", "", "李红", "王大明"]
    assert await doubts(db) == [
        (80, ("shared_phone",), "open"),
        (80, ("shared_phone",), "open"),
        (80, ("shared_phone",), "open"),
        (80, ("shared_phone",), "open"),
        (80, ("shared_phone", "other_name"), "open"),
        (80, ("shared_phone", "other_wechat_unionid"), "open"),
    ]
    before = await everything(db)
    assert (await take_in(db, "signups", rows)).counts == (0, 5, 0)
    assert await everything(db) == before
    await assert_sound(db)


async def test_a_wrong_digit_and_a_mailbox_are_pairs_and_never_a_merge(db: Database) -> None:
    rows = [
        row("mall", phone="19900000820", name="赵一", mail="zhao+shop@a.cn"),
        row("till", phone="19900000821", name="赵一"),
        row("till", phone="19900000832", name="赵一"),  # two digits away: not alike
        row("marketplace", marketplace="jd", buyer_id="j1", name="赵二", mail="ZHAO@a.cn"),
        row("marketplace", marketplace="jd", buyer_id="j2", name="赵一", mail="zhao@b.cn"),
    ]
    assert (await take_in(db, "signups", rows)).counts == (5, 0, 0)
    assert len(await people(db)) == 5
    assert await doubts(db) == [
        (60, ("same_mail",), "open"),
        (65, ("same_name", "mail_near"), "open"),
        (70, ("same_name", "phone_near"), "open"),
    ]
    await assert_sound(db)


async def test_what_was_decided_stays_whatever_is_known_later(db: Database) -> None:
    rows = [
        row("mall", phone="19900000845", name="周女士"),
        row("till", phone="19900000845", card_no="C845"),
        row("till", phone="19900000845", name="周小满"),
        row("till", phone="19900000845", mail="zhou@a.cn", name="周小满"),
        row("marketplace", marketplace="jd", buyer_id="j845", phone="19900000845"),
    ]
    await take_in(db, "signups", rows)
    before = await everything(db)
    for again in (rows, rows[::-1], rows[2:] + rows[:2]):
        assert (await take_in(db, "signups", again)).counts == (0, 5, 0)
        assert await everything(db) == before
    await assert_sound(db)


async def test_the_thresholds_are_a_policy(db: Database, set_matching) -> None:
    await set_matching(queue_from=71, phone_and_name=False)
    rows = [
        row("mall", phone="19900000820", name="赵一"),
        row("till", phone="19900000821", name="赵一"),
        row("till", phone="19900000820", name="孙三"),
    ]
    assert (await take_in(db, "signups", rows)).counts == (2, 1, 0)
    assert (len(await people(db)), await doubts(db)) == (2, [])


async def test_who_was_merged_is_found_as_who_they_are_now(db: Database) -> None:
    rows = [row("mall", phone="19900000830", name="钱四"), row("till", phone="19900000831", name="钱四")]
    await take_in(db, "signups", rows)
    ids = [each["member_id"] for each in await db.fetch("SELECT member_id FROM members ORDER BY phone")]
    async with db.begin() as tx:
        await merge_members(tx, survivor_id=ids[0], other_id=ids[1], reason="same", actor=SYSTEM)
    assert [state for *_, state in await doubts(db)] == ["same"]
    before = await everything(db)
    assert (await take_in(db, "signups", rows)).counts == (0, 2, 0)
    assert await everything(db) == before
    assert (await take_in(db, "signups", [row("wechat", phone="19900000831", unionid="u-9")])).counts == (1, 0, 0)
    assert await db.fetchval("SELECT member_id FROM identities WHERE value = 'u-9'") == ids[0]
    assert await doubts(db) == [(70, ("same_name", "phone_near"), "same")]
    await assert_sound(db)


async def test_bad_rows_are_named_and_the_rest_comes_in(db: Database) -> None:
    done = await take_in(
        db,
        "signups",
        [
            row("till", name="nobody"),
            row("till", phone="123"),
            row("mall", phone="19900000840", mail="no address"),
            row("mall", buyer_id="x"),
            row("", phone="19900000841"),
            row("till", phone="19900000842"),
        ],
    )
    assert done.counts == (1, 0, 5)
    assert [(bad.line, bad.column, bad.code) for bad in done.problems] == [
        (1, "phone", "signup-who"),
        (2, "phone", "phone"),
        (3, "mail", "mail"),
        (4, "marketplace", "together"),
        (5, "channel", "required"),
    ]


async def test_two_loads_at_once_make_each_person_once(db: Database) -> None:
    rows = [
        row("wechat" if n % 2 else "till", phone=f"199000008{n % 60:02}", unionid=f"u{n % 60}", name=f"人{n % 60}")
        for n in range(240)
    ]
    done = await asyncio.gather(take_in(db, "signups", rows), take_in(db, "signups", rows[::-1]))
    assert all(one.counts[2] == 0 for one in done)
    assert len(await people(db)) == 60
    assert await doubts(db) == []
    await assert_sound(db)


@pytest.fixture
async def set_matching(db: Database):
    async def change(**values: Any) -> None:
        async with db.begin() as tx:
            body = msgspec.structs.replace(MatchingPolicy(), **values)
            await policies.set_version(tx, actor=SYSTEM, kind="matching", body=body, reason="test")
        await policies.refresh(db)

    yield change
    await db.execute("DELETE FROM policies")
    await policies.refresh(db)
