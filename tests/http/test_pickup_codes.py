"""A pickup code is the customer's: no screen of the staff, no list, no event and no record gives it away."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline import fulfilment
from tests.http.shelf import line, order

if TYPE_CHECKING:
    from tests.http.world import Caller, World

PHONE = "+8613900001234"


@pytest.fixture
async def job(world: World, shelf: str) -> dict[str, Any]:
    """An order of somebody's that is ready at S1, with its codes."""
    buyer = await world.member(PHONE)
    placed = await buyer.post("/api/mall/orders", order(line(shelf), contact={"name": "王芳", "phone": PHONE}))
    assert placed.status_code == 201, placed.text
    job_id = placed.json()["fulfilments"][0]["id"]
    ready = await world.staff("clerk1").post(f"/api/clerk/fulfilments/{job_id}/ready", {})
    assert ready.status_code == 200, ready.text
    code = fulfilment.code_of(UUID(job_id), world.settings.secret.encode())
    shown = (await buyer.get(f"/api/mall/orders/{placed.json()['id']}/pickup-code")).json()
    assert (shown["qr"], shown["short"].replace(" ", "")) == (code.qr, code.short)
    return {"id": job_id, "order_id": placed.json()["id"], "order_no": placed.json()["order_no"], "code": code}


async def found(clerk: Caller, q: str) -> bool:
    answer = await clerk.get("/api/clerk/queue", params={"store": "S1", "tab": "ready", "q": q})
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["items"])


async def test_a_search_tells_no_more_of_the_code_than_the_card_shows(world: World, job: dict[str, Any]) -> None:
    clerk, short = world.staff("clerk1"), job["code"].short
    await world.db.execute("UPDATE fulfilments SET order_no = 'NO DIGITS'")  # which a search may well find
    assert await found(clerk, short[-2:])
    assert await found(clerk, f"…{short[-2:]}")
    tails = [short[-n:] for n in range(3, 9)] + [short[:n] for n in range(3, 9)]
    patterns = [f"%{short[-3:]}", f"_{short[-2:]}", f"{short[:-1]}_", f"{short[:4]} {short[4:]}"]
    assert [q for q in tails + patterns if await found(clerk, q)] == []
    # The attack that was possible: eight digits, ten guesses each.
    known = short[-2:]
    for _ in range(6):
        told = [f"{digit}{known}" for digit in range(10) if await found(clerk, f"{digit}{known}")]
        known = told[0] if told else known
    assert known == short[-2:]


async def test_a_search_tells_no_more_of_the_phone_than_the_card_shows(world: World, job: dict[str, Any]) -> None:
    clerk = world.staff("clerk1")
    for q in ("4", "34", "1234", "139 0000 1234", "+8613900001234", job["order_no"], job["order_no"][-4:], "王"):
        assert await found(clerk, q), q
    for q in ("01234", "00001234", "3900001234", "%1234", "_1234", "0_1234"):
        assert not await found(clerk, q), q
    # Of a whole number only its end counts, so that trying numbers teaches nothing either.
    assert await found(clerk, "13711111234")


async def test_no_answer_record_or_log_line_holds_a_code(
    world: World, job: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clerk, chief, code = world.staff("clerk1"), world.staff("hq"), job["code"]
    answers = [
        await clerk.post("/api/clerk/scans", {"store": "S1", "text": "00000000"}),
        await clerk.post("/api/clerk/scans", {"store": "S1", "text": code.short}),
        await clerk.post("/api/clerk/scans", {"store": "S1", "text": code.qr}),
        await clerk.get("/api/clerk/queue", params={"store": "S1", "tab": "ready"}),
        await clerk.get(f"/api/clerk/fulfilments/{job['id']}"),
        await clerk.post(
            f"/api/clerk/fulfilments/{job['id']}/handover",
            {"code": code.short, "tender": "cash", "tendered": {"minor": 19900, "currency": "CNY"}},
        ),
        await clerk.post(f"/api/clerk/fulfilments/{job['id']}/handover", {"code": code.qr}),
        await clerk.get("/api/clerk/queue", params={"store": "S1", "tab": "done"}),
        await chief.get(f"/api/console/orders/{job['order_id']}"),
        await chief.get("/api/console/orders"),
        await chief.get("/api/console/orders.csv"),
        await chief.get("/api/console/audit"),
    ]
    assert [answer.status_code for answer in answers] == [422, 200, 200, 200, 200, 200, 409] + [200] * 5
    secrets = (code.short, f"{code.short[:4]} {code.short[4:]}", code.qr, code.qr.removeprefix("DL1:"))
    assert [secret for secret in secrets for answer in answers if secret in answer.text] == []
    await world.relay()
    rows = await world.db.fetch(
        "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'pgqueuer')"
    )
    assert len(rows) > 40
    places = set()
    for row in rows:
        for record in await world.db.fetch(f"SELECT to_jsonb(t) AS doc FROM {row['name']} t"):
            text = json.dumps(record["doc"], ensure_ascii=False)
            places |= {
                (row["name"], column)
                for column, value in record["doc"].items()
                for secret in (*secrets, code.digest.hex())
                if secret in text and secret in json.dumps(value, ensure_ascii=False)
            }
    # The digits where the counter compares them, the QR as a digest only.
    assert places == {("public.fulfilments", "short_code"), ("public.pickup_codes", "code_hash")}
    assert [record.getMessage() for record in caplog.records for s in secrets if s in record.getMessage()] == []
