"""Another system: a key of its own, and a member's whole history in one call, for a stated purpose."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.flows import erase_member
from duoline.flows.merge_members import merge_members
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM, token_hash
from duoline.kernel.ids import new_id
from tests.http.shelf import NOON
from tests.http.test_timeline import agreed, lived, milk, of, timeline
from tests.http.world import Caller, key

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from tests.http.world import World

__all__ = ["milk"]

KEYS = "/api/console/system-keys"
CALL = "/api/open/members/history"


async def made(world: World, *purposes: str, **more: Any) -> dict[str, Any]:
    body = {"name": "客服系统", "rights": ["members.history"], "purposes": list(purposes)} | more
    answer = await world.staff("hq").post(KEYS, body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def system(world: World, *purposes: str, **more: Any) -> Caller:
    """A system with a key for these purposes."""
    token = (await made(world, *purposes, **more))["token"]
    return Caller(world.client(), {"Authorization": f"Bearer {token}"})


async def ask(who: Caller, by: str, value: str | UUID, purpose: str = "service", **more: Any) -> httpx.Response:
    body = {"identity": {"kind": by, "value": str(value)}, "purpose": purpose} | more
    return await who.post(CALL, body)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_one_call_tells_all_of_a_member(world: World, milk: str) -> None:
    who, friend = await lived(world, milk)
    crm = await system(world, "service")
    answer = await ask(crm, "phone", "199 1000 0102")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    member = told["member"]
    assert (member["id"], member["name"], member["phone"], member["tier"]) == (
        str(who.id), "王芳", "+8619910000102", "silver",
    )  # fmt: skip
    assert ("wechat_openid", "o-abcdefg") in {(one["kind"], one["value"]) for one in member["identities"]}
    have = told["balances"]
    assert (have["wallet_principal"]["minor"], have["wallet_bonus"]["minor"]) == (20_000, 1_000)
    case = (await world.staff("hq").get(f"/api/console/members/{who.id}")).json()
    assert have["points_spendable"] == case["points"]["spendable"]
    assert {one["purpose"]: one["granted"] for one in told["consents"]} == {
        one["purpose"]: one["granted"] for one in case["consents"]
    }
    ties = {one["kind"]: one for one in told["relations"]}
    assert (ties["guide"]["staff_name"], ties["guide"]["store"]["code"], ties["guide"]["ended_because"]) == (
        "clerk1", "S1", "member",
    )  # fmt: skip
    assert (ties["brought_by"]["member_id"], ties["brought_by"]["source"]) == (str(friend.id), "share")
    shown = await timeline(world.staff("hq"), of(who), limit=100)
    assert [(one["id"], one["event"]) for one in told["events"]] == [(one["id"], one["event"]) for one in shown]
    # The same in pages, by each thing that is known of them.
    for kind, value in (("id", of(who)), ("wechat_openid", "o-abcdefg")):
        events, cursor = [], None
        while True:
            page = (await ask(crm, kind, value, limit=4, cursor=cursor)).json()
            events += page["events"]
            cursor = page["next"]
            if cursor is None:
                break
        assert events == told["events"]
    only = (await ask(crm, "id", of(who), kind="coupon")).json()["events"]
    assert {one["kind"] for one in only} == {"coupon"}
    lines = await world.db.fetch(
        "SELECT actor_name, reason, subject FROM audit_log WHERE action = 'member.told' GROUP BY 1, 2, 3"
    )
    assert [tuple(one) for one in lines] == [("客服系统", "service", str(who.id))]
    # What was told is stored nowhere under the key of the request.
    assert await world.db.fetchval("SELECT count(*) FROM idempotency WHERE response LIKE '%wallet_principal%'") == 0


async def test_a_card_a_mail_and_a_merged_account_lead_to_the_person(world: World, milk: str) -> None:
    who, _ = await lived(world, milk)
    other = await world.member("+8619910000111")
    await world.db.execute("INSERT INTO member_codes (code, member_id) VALUES ('OLD-77', $1)", who.id)
    await world.db.execute("UPDATE members SET external_code = 'OLD-77' WHERE member_id = $1", who.id)
    await world.db.execute(
        "INSERT INTO identities (value, kind, member_id, leads, source, since) VALUES ('li@a.cn', 'mail', $1, true, 'x', $2)",
        who.id, NOON,
    )  # fmt: skip
    shown = (await who.get("/api/mall/card")).json()
    crm = await system(world, "service")
    stored = (await ask(crm, "id", of(who))).json()["balances"]
    assert stored["wallet_principal"]["minor"] > 0
    async with world.db.begin() as tx:
        await merge_members(tx, survivor_id=of(who), other_id=of(other), reason="一个人", actor=SYSTEM)
    number = next(text for text in (shown.get("number"), shown.get("card_no"), shown.get("no")) if text)
    for kind, value in (("card_no", "OLD-77"), ("card_no", number), ("mail", "LI@A.CN"), ("phone", "19910000111"),
                        ("id", of(other))):  # fmt: skip
        answer = await ask(crm, kind, value)
        assert answer.status_code == 200, (kind, answer.text)
        assert answer.json()["member"]["id"] == str(who.id), kind
        assert str(other.id) in answer.json()["member"]["ids"]
        # What the person has is said once, whichever of their ids it stands under.
        assert [answer.json()["balances"][part] for part in ("wallet_principal", "wallet_bonus")] == [
            stored[part] for part in ("wallet_principal", "wallet_bonus")
        ]


async def test_a_mail_of_a_file_leads_to_the_one_who_has_it(world: World, milk: str) -> None:
    del milk
    one, two = await world.member("+8619910000121"), await world.member("+8619910000122")
    crm = await system(world, "service")

    async def claim(who: Caller, mail: str) -> None:
        await world.db.execute(
            "INSERT INTO identities (value, kind, member_id, leads, source, since) VALUES ($1, 'mail', $2, false, 'till', $3)",
            mail, who.id, NOON,
        )  # fmt: skip

    for who, mail in ((one, "a@b.cn"), (one, "both@b.cn"), (two, "both@b.cn")):
        await claim(who, mail)
    found = await ask(crm, "mail", "A@b.cn")
    assert (found.status_code, found.json()["member"]["id"]) == (200, str(one.id)), found.text
    assert refused(await ask(crm, "mail", "both@b.cn")) == (404, "kernel.not-found")
    # Nobody has logged in with the number yet: it came with a file.
    (phone,) = [
        each for each in (await ask(crm, "mail", "a@b.cn")).json()["member"]["identities"] if each["kind"] == "phone"
    ]
    assert phone["source"] == "member-file"


async def test_for_a_purpose_that_is_the_keys_and_the_members(world: World, milk: str) -> None:
    del milk
    who = await world.member("+8619910000112")
    partner = await system(world, "sharing", "marketing")
    assert refused(await ask(partner, "id", of(who))) == (403, "kernel.forbidden")
    assert refused(await ask(partner, "id", of(who), "sharing")) == (403, "members.no-consent")
    await agreed(who, "sharing")
    assert (await ask(partner, "id", of(who), "sharing")).status_code == 200
    assert refused(await ask(partner, "id", of(who), "marketing")) == (403, "members.no-consent")
    # What is taken back counts at once.
    assert (await who.put("/api/mall/privacy/sharing", {"granted": False, "text_version": 1})).status_code == 200
    assert refused(await ask(partner, "id", of(who), "sharing")) == (403, "members.no-consent")


async def test_nobody_is_found_who_is_not_there(world: World, milk: str) -> None:
    del milk
    who, guest = await world.member("+8619910000113"), await world.member(kind="guest")
    crm = await system(world, "service")
    for kind, value in (("id", new_id()), ("id", "no id"), ("id", of(guest)), ("phone", "19910000199"),
                        ("card_no", "none"), ("mail", "no mail"), ("marketplace:jd", "x")):  # fmt: skip
        assert refused(await ask(crm, kind, value)) == (404, "kernel.not-found"), kind
    assert refused(await ask(crm, "phone", "12"))[0] == 422
    assert refused(await ask(crm, "passport", "12"))[0] == 422
    assert refused(await ask(crm, "id", of(who), cursor="x")) == (422, "http.bad-cursor")
    # Whom two claim, it leads to neither.
    for each in (who, await world.member("+8619910000114")):
        await world.db.execute(
            "INSERT INTO identities (value, kind, member_id, leads, source, since) VALUES ('o-2', 'wechat_openid', $1, false, 'x', $2)",
            each.id, NOON,
        )  # fmt: skip
    assert refused(await ask(crm, "wechat_openid", "o-2"))[0] == 404
    async with world.db.begin() as tx:
        await erase_member.erase(tx, member_id=of(who), channel="console", secret=world.settings.secret, actor=SYSTEM)
    assert refused(await ask(crm, "id", of(who)))[0] == 404
    assert refused(await ask(crm, "phone", "+8619910000113"))[0] == 404


async def test_a_key_is_shown_once_and_ends(world: World, milk: str) -> None:
    del milk
    head, who = world.staff("hq"), await world.member("+8619910000115")
    body = {"name": "BI", "rights": ["members.history"], "purposes": ["service"]}
    mine = key()
    first = await head.post(KEYS, body, key=mine)
    token = first.json()["token"]
    assert token.startswith("dlk_")
    # A repeat shows the same one, though it is stored nowhere.
    assert (await head.post(KEYS, body, key=mine)).json()["token"] == token
    assert await world.db.fetchval("SELECT count(*) FROM system_keys") == 1
    assert await world.db.fetchval("SELECT token_hash FROM system_keys") == token_hash(token)
    for table in ("idempotency", "audit_log", "system_keys"):
        assert await world.db.fetchval(f"SELECT count(*) FROM {table} t WHERE t::text LIKE $1", f"%{token[4:]}%") == 0
    assert "set-cookie" not in first.headers
    bi = Caller(world.client(), {"Authorization": f"Bearer {token}"})
    [row] = (await head.get(KEYS)).json()["items"]
    assert (row["used_at"], row["made_by"], row["revoked_at"]) == (None, "hq", None)
    with clock.frozen(NOON + timedelta(minutes=5)):
        assert (await ask(bi, "id", of(who))).status_code == 200
    assert (await head.get(KEYS)).json()["items"][0]["used_at"] == "2026-11-18T04:05:00Z"
    end = f"{KEYS}/{row['id']}/revocation"
    assert (await head.post(end, {"reason": "不用了"})).json()["revoked_by"] == "hq"
    assert refused(await ask(bi, "id", of(who))) == (401, "kernel.unknown-key")
    assert refused(await head.post(end, {"reason": "x"})) == (409, "stores.key-revoked")
    assert refused(await head.post(f"{KEYS}/{new_id()}/revocation", {"reason": "x"}))[0] == 404
    actions = await world.db.fetch("SELECT action FROM audit_log WHERE action LIKE 'system.%' ORDER BY id")
    assert [one["action"] for one in actions] == ["system.make", "system.revoke"]


async def test_keys_are_headquarters_and_open_nothing_else(world: World, milk: str) -> None:
    del milk
    who = await world.member("+8619910000116")
    for login in ("north", "franchisee_a", "manager1", "clerk1"):
        assert (await world.staff(login).get(KEYS)).status_code == 403
        body = {"name": "x", "rights": ["members.history"], "purposes": ["service"]}
        assert (await world.staff(login).post(KEYS, body)).status_code == 403
    soon = (NOON + timedelta(days=1)).isoformat()
    crm = await system(world, "service", expires_at=soon)
    for path in ("/api/console/members", "/api/staff/me", "/api/mall/me", "/api/mall/wallet"):
        assert (await crm.get(path)).status_code == 401, path
    for caller in (world.staff("hq"), who, world.anonymous()):
        answer = await caller.post(CALL, {"identity": {"kind": "id", "value": "x"}, "purpose": "service"})
        assert answer.status_code == 401
    # A key in a cookie is none.
    token = crm.headers["Authorization"].removeprefix("Bearer ")
    cookie = Caller(world.client(), {"Cookie": f"duoline_staff={token}; duoline_member={token}"})
    assert (await ask(cookie, "id", of(who))).status_code == 401
    assert (await ask(crm, "id", of(who))).status_code == 200
    with clock.frozen(NOON + timedelta(days=1)):
        assert (await ask(crm, "id", of(who))).status_code == 401
    past = {"name": "x", "rights": ["members.history"], "purposes": ["service"], "expires_at": NOON.isoformat()}
    assert (await world.staff("hq").post(KEYS, past)).json()["problems"][0]["field"] == "expires_at"
    for bad in ({"rights": []}, {"purposes": ["location"]}, {"rights": ["everything"]}, {"name": " "}):
        answer = await world.staff("hq").post(
            KEYS, {"name": "x", "rights": ["members.history"], "purposes": ["service"]} | bad
        )
        assert answer.status_code == 422, bad


@pytest.fixture(autouse=True)
def _unlimited() -> None:
    from duoline.channels.open_api import members

    members.CALLS.forget()
