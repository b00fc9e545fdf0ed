"""Members: log-in by code, guests, profile, addresses."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.entry.api import make
from duoline.kernel import clock, outbox
from duoline.kernel.config import from_environment
from duoline.kernel.errors import Unavailable
from duoline.members import log_in, sms
from tests.http.world import World, running

if TYPE_CHECKING:
    from pathlib import Path

PHONE = "13800138000"
ADDRESS = {
    "name": "王芳",
    "phone": PHONE,
    "province": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "line": "文三路 1 号",
}


async def test_log_in_by_code_makes_the_member_and_the_cookie_opens_the_doors(world: World) -> None:
    browser = world.anonymous()
    assert (await browser.get("/api/mall/me")).status_code == 401
    sent = await browser.post("/api/mall/login-codes", {"phone": "138 0013 8000"})
    assert sent.status_code == 202
    assert set(sent.json()) == {"expires_at", "retry_at"}
    code = await world.code_sent("+8613800138000")

    entered = await browser.post("/api/mall/sessions", {"phone": PHONE, "code": code})

    assert entered.status_code == 201
    assert entered.json()["member"]["phone_masked"] == "138****8000"
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    me = await browser.get("/api/mall/me")
    assert me.json() == entered.json()["member"]
    headless = await world.anonymous().get(
        "/api/mall/me", headers={"Authorization": f"Bearer {entered.json()['token']}"}
    )
    assert headless.json() == me.json()
    stored = await world.db.fetch("SELECT response FROM idempotency")
    assert all(entered.json()["token"] not in row["response"] for row in stored)


async def test_a_repeated_log_in_gives_the_same_session_and_uses_no_attempt(world: World) -> None:
    browser = world.anonymous()
    await browser.post("/api/mall/login-codes", {"phone": PHONE})
    body = {"phone": PHONE, "code": await world.code_sent("+8613800138000")}
    key = "a-key-that-is-long-enough"

    first = await browser.post("/api/mall/sessions", body, key=key)
    # The answer was lost: another connection, no cookie.
    again = await world.anonymous().post("/api/mall/sessions", body, key=key)

    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["set-cookie"].split(";")[0] == first.headers["set-cookie"].split(";")[0]
    assert await world.db.fetchval("SELECT count(*) FROM members") == 1
    assert await world.db.fetchval("SELECT count(*) FROM member_sessions") == 1


async def test_wrong_codes_are_counted_even_when_sent_at_the_same_time(world: World) -> None:
    await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})
    right = await world.code_sent("+8613800138000")
    wrong = "000000" if right != "000000" else "111111"

    answers = await asyncio.gather(
        *(world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": wrong}) for _ in range(12))
    )

    assert {a.status_code for a in answers} == {422}
    assert sorted(a.json()["attempts_left"] for a in answers) == [0] * 8 + [1, 2, 3, 4]
    assert answers[0].json()["code"] == "members.wrong-code"
    late = await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": right})
    assert late.status_code == 422
    assert await world.db.fetchval("SELECT max(attempts) FROM login_codes") == log_in.ATTEMPTS_MAX


async def test_a_code_is_good_once_and_for_five_minutes(world: World) -> None:
    await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})
    code = await world.code_sent("+8613800138000")
    with clock.shifted(timedelta(minutes=5, seconds=1)):
        late = await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": code})
        assert late.status_code == 422
    good = await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": code})
    assert good.status_code == 201
    again = await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": code})
    assert again.status_code == 422


async def test_codes_are_limited_by_minute_and_day(world: World) -> None:
    asked = [world.anonymous().post("/api/mall/login-codes", {"phone": PHONE}) for _ in range(4)]
    statuses = sorted(a.status_code for a in await asyncio.gather(*asked))
    assert statuses == [202, 429, 429, 429]
    for n in range(1, 10):
        with clock.shifted(timedelta(minutes=1.1 * n)):
            assert (await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})).status_code == 202
    with clock.shifted(timedelta(minutes=30)):
        refused = await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})
        assert refused.status_code == 429
        assert refused.json()["code"] == "members.too-many-codes"
        assert "retry_at" in refused.json()
        assert 0 < refused.json()["seconds"] <= 86_400
        assert f"{refused.json()['seconds']} 秒" in refused.json()["detail"]


class Gateway:
    """A sender that fails as long as it is told to."""

    def __init__(self, *problems: Exception) -> None:
        self.problems, self.sent, self.tried = list(problems), [], 0

    async def send(self, message: sms.SmsMessage) -> None:
        self.tried += 1
        if self.problems:
            raise self.problems.pop(0)
        self.sent.append(message)


def valid(world: World) -> Any:
    return world.db.fetchval("SELECT count(*) FROM login_codes WHERE expires_at > created_at")


async def test_a_code_is_sent_by_a_job_that_holds_no_code_and_tries_again(world: World) -> None:
    gateway = Gateway(Unavailable("down"), Unavailable("down"))
    sms.connect(gateway)
    browser = world.anonymous()
    asked = await browser.post("/api/mall/login-codes", {"phone": PHONE}, key="ask-for-a-code-0001")
    assert (asked.status_code, gateway.tried) == (202, 0)
    for tried in (1, 2, 3):
        payloads = [bytes(row["payload"]) for row in await world.db.fetch("SELECT payload FROM pgqueuer.pgqueuer")]
        assert await world.work("members.send-code") == 1
        assert gateway.tried == tried
    assert await world.work("members.send-code") == 0
    [message] = gateway.sent
    assert all(message.fields["code"].encode() not in payload for payload in payloads)
    # The same request again sends nothing again, and the code works.
    again = await browser.post("/api/mall/login-codes", {"phone": PHONE}, key="ask-for-a-code-0001")
    assert (again.status_code, again.content) == (202, asked.content)
    assert await world.work("members.send-code") == 0
    entered = await browser.post("/api/mall/sessions", {"phone": PHONE, "code": message.fields["code"]})
    assert entered.status_code == 201


@pytest.mark.parametrize("refused", [False, True])
async def test_a_code_that_cannot_be_sent_ends_and_another_may_be_asked_for_at_once(
    world: World, caplog: pytest.LogCaptureFixture, *, refused: bool
) -> None:
    problems = [sms.MessageRefused("no")] if refused else [Unavailable("down")] * 4
    for _ in range(3):  # more often than a minute allows
        gateway = Gateway(*problems)
        sms.connect(gateway)
        assert (await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})).status_code == 202
        while await world.work("members.send-code"):
            pass
        assert (gateway.tried, await valid(world)) == (len(problems), 0)
    assert "138****8000" in caplog.text
    good = Gateway()
    sms.connect(good)
    assert (await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})).status_code == 202
    assert await world.work("members.send-code") == 1
    [message] = good.sent
    assert message.fields["code"] not in caplog.text
    # Now that one is on its way, the next has to wait.
    assert (await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})).status_code == 429
    entered = await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": message.fields["code"]})
    assert entered.status_code == 201


async def test_a_code_whose_time_is_over_is_not_sent(world: World) -> None:
    gateway = Gateway()
    sms.connect(gateway)
    await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})
    with clock.shifted(timedelta(minutes=6)):
        assert await world.work("members.send-code") == 1
    assert gateway.tried == 0


def inbox_files(home: Path) -> list[Path]:
    return list(home.glob("inbox*"))


async def test_without_a_gateway_production_says_so_and_keeps_no_code(world: World, tmp_path: Path) -> None:
    production = from_environment(
        {
            "DUOLINE_HOME": str(tmp_path / "shop"),
            "DUOLINE_ENV": "production",
            "DUOLINE_SECRET": "x" * 40,
            "DUOLINE_DATABASE_URL": "postgresql://nobody@localhost/nothing",
        }
    )
    world.app = make(production, database=lambda: nullcontext(world.db))
    async with running(world.app):
        refused = await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})
        inbox = await world.anonymous().get("/api/dev/inbox")
    assert (refused.status_code, refused.json()["code"]) == (503, "members.no-sender")
    assert inbox.status_code == 404
    assert await world.db.fetchval("SELECT count(*) FROM login_codes") == 0
    assert await world.db.fetchval("SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = 'members.send-code'") == 0
    assert not inbox_files(tmp_path / "shop")


async def test_one_address_cannot_make_us_send_without_end(world: World) -> None:
    statuses = [
        (await world.anonymous().post("/api/mall/login-codes", {"phone": f"138001380{n:02d}"})).status_code
        for n in range(25)
    ]
    assert statuses == [202] * 20 + [429] * 5
    assert await world.db.fetchval("SELECT count(*) FROM login_codes") == 20


async def test_numbers_that_are_none_are_refused(world: World) -> None:
    for phone in ("12345", "23800138000", "1380013800a", "+86 138", "１３８", "138001380001"):
        refused = await world.anonymous().post("/api/mall/login-codes", {"phone": phone})
        assert (refused.status_code, refused.json()["code"]) == (422, "members.bad-phone"), phone


async def test_a_guest_is_made_at_the_first_write_and_again_only_for_another_key(world: World) -> None:
    browser = world.anonymous()
    key = "first-write-of-a-visitor-1"
    first = await browser.post("/api/mall/addresses", ADDRESS, key=key)
    assert first.status_code == 201
    assert (await browser.get("/api/mall/me")).json()["kind"] == "guest"

    # The answer was lost, so was the cookie.
    other = world.anonymous()
    again = await other.post("/api/mall/addresses", ADDRESS, key=key)
    assert again.content == first.content
    assert (await other.get("/api/mall/me")).json() == (await browser.get("/api/mall/me")).json()
    assert await world.db.fetchval("SELECT count(*) FROM members") == 1

    weak = await world.anonymous().post("/api/mall/addresses", ADDRESS, key="1")
    assert (weak.status_code, weak.json()["code"]) == (400, "http.idempotency-key-weak")


async def test_a_guest_who_logs_in_with_a_new_number_stays_the_same_person(world: World) -> None:
    browser = world.anonymous()
    await browser.post("/api/mall/addresses", ADDRESS)
    guest = (await browser.get("/api/mall/me")).json()
    await browser.post("/api/mall/login-codes", {"phone": PHONE})
    entered = await browser.post(
        "/api/mall/sessions", {"phone": PHONE, "code": await world.code_sent("+8613800138000")}
    )
    assert entered.json()["member"]["id"] == guest["id"]
    assert entered.json()["member"]["kind"] == "member"
    assert len((await browser.get("/api/mall/addresses")).json()["items"]) == 1


async def test_two_first_log_ins_of_one_number_make_one_member(world: World) -> None:
    await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE})
    code = await world.code_sent("+8613800138000")
    answers = await asyncio.gather(
        *(world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": code}) for _ in range(4))
    )
    assert sorted(a.status_code for a in answers) == [201, 422, 422, 422]
    assert await world.db.fetchval("SELECT count(*) FROM members") == 1


async def test_log_out_ends_the_session_for_every_device_that_has_it(world: World) -> None:
    member = await world.member()
    assert (await member.get("/api/mall/me")).status_code == 200
    assert (await member.delete("/api/mall/sessions")).status_code == 204
    assert (await member.get("/api/mall/me")).status_code == 401


async def test_a_session_ended_by_another_process_ends_here_as_soon_as_the_log_tells(world: World) -> None:
    member = await world.member()
    assert (await member.get("/api/mall/me")).status_code == 200
    async with world.db.begin() as tx:  # what the other process does; this one remembers the session
        await tx.execute("DELETE FROM member_sessions")
        await outbox.emit(tx, topic="members.sessions-ended", key=str(member.id), payload={})
    assert (await member.get("/api/mall/me")).status_code == 200
    await world.relay()
    for _ in range(100):
        if (await member.get("/api/mall/me")).status_code == 401:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("still logged in")


async def test_profile_and_home_store(world: World) -> None:
    member = await world.member("+8613800138000")
    changed = await member.patch("/api/mall/me", {"display_name": " 小王 ", "home_store_code": "S1", "locale": "en"})
    assert changed.status_code == 200
    assert changed.json()["display_name"] == "小王"
    assert changed.json()["home_store"]["code"] == "S1"
    assert (await member.get("/api/mall/me")).json() == changed.json()
    assert (await member.patch("/api/mall/me", {"home_store_code": "S9"})).status_code == 404


async def test_addresses_have_one_default_and_end_at_twenty(world: World) -> None:
    member = await world.member()
    ids = [(await member.post("/api/mall/addresses", ADDRESS)).json()["id"] for _ in range(3)]
    assert [a["is_default"] for a in (await member.get("/api/mall/addresses")).json()["items"]] == [True, False, False]
    changed = await member.patch(f"/api/mall/addresses/{ids[2]}", {"is_default": True, "line": "新路 2 号"})
    assert changed.json()["line"] == "新路 2 号"
    assert changed.json()["city"] == "杭州市"
    listed = (await member.get("/api/mall/addresses")).json()["items"]
    assert [a["id"] for a in listed if a["is_default"]] == [ids[2]]
    assert (await member.delete(f"/api/mall/addresses/{ids[2]}")).status_code == 204
    listed = (await member.get("/api/mall/addresses")).json()["items"]
    assert sum(a["is_default"] for a in listed) == 1
    for _ in range(18):
        await member.post("/api/mall/addresses", ADDRESS)
    full = await member.post("/api/mall/addresses", ADDRESS)
    assert (full.status_code, full.json()["code"]) == (409, "members.too-many-addresses")


async def test_somebody_elses_address_is_no_address(world: World) -> None:
    owner, other = await world.member(), await world.member()
    address_id = (await owner.post("/api/mall/addresses", ADDRESS)).json()["id"]
    assert (await other.patch(f"/api/mall/addresses/{address_id}", {"line": "x"})).status_code == 404
    assert (await other.delete(f"/api/mall/addresses/{address_id}")).status_code == 404
    assert (await owner.get("/api/mall/addresses")).json()["items"][0]["line"] == "文三路 1 号"
