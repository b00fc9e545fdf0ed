"""Reminding whoever has not collected: once, in time, and never of what is over; wherever a worker stops."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from duoline.flows import expire, hand_over, remind
from duoline.kernel import clock, faults
from duoline.kernel.errors import Unavailable
from duoline.members import sms
from tests.flows.conftest import NOON

KEPT_UNTIL = NOON + timedelta(hours=72)
SOON = KEPT_UNTIL - timedelta(hours=23)
POINTS = ["remind.after_claim", "remind.after_commit", "remind.after_send"]


class Gateway:
    """Takes messages on; `answer` is raised instead."""

    def __init__(self) -> None:
        self.sent: list[sms.SmsMessage] = []
        self.answer: Exception | None = None

    async def send(self, message: sms.SmsMessage) -> None:
        await asyncio.sleep(0)
        if self.answer is not None:
            raise self.answer
        self.sent.append(message)


@pytest.fixture
def gateway():
    made = Gateway()
    before = list(sms._connected)
    sms.connect(made)
    yield made
    sms._connected[:] = before


@pytest.fixture
async def waiting(world, books):
    """An order that has been ready since Wednesday noon and is kept for three days."""
    await world.stock("A", "milk", 5)
    with clock.frozen(NOON):
        receipt = await world.paid(books, world.wish("milk", at="A"))
        await world.ready(receipt)
    return receipt


async def jobs_of(world):
    return [
        msgspec.json.decode(row["payload"], type=remind.SendReminder)
        for row in await world.db.fetch("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = $1", remind.JOB)
    ]


async def send_all(world, at=SOON):
    """Do what the worker does with the jobs that wait; they stay there, as if it had been killed before it said so."""
    with clock.frozen(at):
        for job in await jobs_of(world):
            await remind.send_reminder(world.db, job)


async def find(world, at=SOON):
    with clock.frozen(at):
        return await remind.remind_due(world.db)


async def outcomes(world):
    return [
        (row["claimed_at"] is not None, row["outcome"])
        for row in await world.db.fetch("SELECT claimed_at, outcome FROM pickup_reminders ORDER BY fulfilment_id")
    ]


async def told(world, receipt):
    return [event.kind for event in (await world.order(receipt)).timeline].count("reminded")


async def test_a_day_before_the_end_the_buyer_is_told_once(world, waiting, gateway):
    assert await find(world, KEPT_UNTIL - timedelta(hours=24, minutes=1)) == 0
    assert await find(world) == 1
    assert await find(world) == 0
    await send_all(world)
    await send_all(world)
    (message,) = gateway.sent
    assert (message.template, message.phone, message.id) == (
        "pickup_reminder",
        "+8613900000001",
        str(waiting.fulfilments[0].id),
    )
    assert message.fields == {"order": waiting.order_no, "store": "A", "until": "11月21日 12:00"}
    assert await outcomes(world) == [(True, "sent")]
    view = await world.order(waiting)
    assert await told(world, waiting) == 1
    assert (view.state, view.fulfilments[0].reminded_at, view.fulfilments[0].keep_until) == ("ready", SOON, KEPT_UNTIL)
    assert await world.value("SELECT count(*) FROM member_outbox WHERE topic = 'orders.reminded'") == 1


async def test_who_reads_english_is_told_in_english(world, waiting, gateway):
    await world.db.execute("UPDATE members SET locale = 'en' WHERE member_id = $1", world.member_id)
    await find(world)
    await send_all(world)
    assert (gateway.sent[0].locale, gateway.sent[0].fields["until"]) == ("en", "21 Nov 12:00")


async def test_nobody_is_reminded_where_the_policy_says_so(world, waiting, gateway, set_policy):
    with clock.frozen(NOON):
        await set_policy("pickup", remind_hours=0)
    assert await find(world) == 0
    with clock.frozen(NOON):
        await set_policy("pickup", remind_hours=2)
    assert await find(world) == 0
    assert await find(world, KEPT_UNTIL - timedelta(hours=2)) == 1


async def test_where_little_time_is_given_nobody_is_reminded_before_half_of_it(world, gateway, set_policy):
    await world.stock("A", "milk", 1)
    with clock.frozen(NOON):
        await set_policy("pickup", keep_hours=10)
        receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
        await world.ready(receipt)
    assert await find(world, NOON + timedelta(hours=4, minutes=59)) == 0
    assert await find(world, NOON + timedelta(hours=5)) == 1


async def test_parcels_and_orders_that_are_not_ready_are_left_alone(world, books, gateway):
    await world.stock("A", "milk", 5)
    with clock.frozen(NOON):
        parcel = await world.paid(books, world.wish("milk"))
        await world.ready(parcel)
        await world.paid(books, world.wish("milk", at="A"))
    assert await find(world) == 0


async def test_what_is_collected_between_finding_and_sending_sends_nothing(world, waiting, gateway):
    await find(world)
    with clock.frozen(SOON):
        await world.hand(waiting)
    await send_all(world)
    assert gateway.sent == []
    assert await outcomes(world) == [(False, "over")]


async def test_what_is_cancelled_meanwhile_sends_nothing(world, waiting, gateway):
    await find(world)
    with clock.frozen(SOON):
        await world.cancel(waiting)
    await send_all(world)
    assert gateway.sent == []


async def test_what_is_kept_for_longer_meanwhile_sends_nothing_and_is_not_shown_as_ending(world, waiting, gateway):
    """Taken back and made ready again it is kept for three days more; it was reminded of once, and that is all."""
    await find(world)
    job = {"location_id": world.stores["A"], "fulfilment_id": waiting.fulfilments[0].id, "actor": world.clerk}
    with clock.frozen(SOON):
        async with world.db.begin() as tx:
            await hand_over.mark_unready(tx, **job)
    with clock.frozen(SOON + timedelta(minutes=1)):
        async with world.db.begin() as tx:
            await hand_over.mark_ready(tx, **job)
    await send_all(world, SOON + timedelta(minutes=2))
    assert gateway.sent == []
    assert (await world.order(waiting)).fulfilments[0].reminded_at is None
    assert await find(world, SOON + timedelta(hours=60)) == 0


async def test_a_message_that_comes_after_the_end_is_not_sent(world, waiting, gateway):
    await find(world)
    await send_all(world, KEPT_UNTIL)
    assert gateway.sent == []
    assert await outcomes(world) == [(False, "over")]


async def test_without_a_gateway_only_the_story_tells_it(world, waiting):
    before = list(sms._connected)
    sms.connect(None)
    try:
        await find(world)
        await send_all(world)
    finally:
        sms._connected[:] = before
    assert await outcomes(world) == [(False, "no_gateway")]
    assert await told(world, waiting) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"), [(Unavailable("down"), "unanswered"), (sms.MessageRefused("no such template"), "refused")]
)
async def test_a_gateway_that_fails_is_not_asked_again(world, waiting, gateway, answer, outcome):
    gateway.answer = answer
    await find(world)
    await send_all(world)
    gateway.answer = None
    await send_all(world)
    assert gateway.sent == []
    assert await outcomes(world) == [(True, outcome)]


async def test_a_number_that_cannot_be_called_is_no_fault(world, waiting, gateway):
    await world.db.execute("UPDATE fulfilments SET contact_phone = 'ask my wife'")
    await find(world)
    await send_all(world)
    assert await outcomes(world) == [(True, "refused")]


# --- two at once --------------------------------------------------------------------------------


async def test_two_workers_find_it_and_two_send_it_and_it_is_sent_once(world, waiting, gateway):
    with clock.frozen(SOON):
        await asyncio.gather(*(remind.remind_due(world.db) for _ in range(4)))
        (job,) = await jobs_of(world)
        await asyncio.gather(*(remind.send_reminder(world.db, job) for _ in range(4)))
    assert len(gateway.sent) == 1
    assert await told(world, waiting) == 1
    assert await outcomes(world) == [(True, "sent")]


async def test_a_reminder_and_letting_go_do_not_cross(world, waiting, gateway):
    """At the very end both look: the release waits for the order, and a reminder that comes second finds it gone."""
    with clock.frozen(KEPT_UNTIL):
        released, reminded = await asyncio.gather(expire.release_uncollected(world.db), remind.remind_due(world.db))
    assert (released, reminded) == (1, 0)
    assert await told(world, waiting) == 0


async def test_a_reminder_that_was_found_before_the_release_finds_it_gone(world, waiting, gateway):
    """Found in time, the lock taken by the release: nothing is written."""
    job = waiting.fulfilments[0].id
    with clock.frozen(KEPT_UNTIL):
        assert await expire.release_uncollected(world.db) == 1
    with clock.frozen(SOON):
        assert not await remind._remind(world.db, world.stores["A"], job, 24)
    assert await jobs_of(world) == []
    assert await told(world, waiting) == 0


async def test_letting_go_after_a_reminder_is_as_without(world, waiting, gateway):
    await find(world)
    with clock.frozen(KEPT_UNTIL):
        assert await expire.release_uncollected(world.db) == 1
    await send_all(world, KEPT_UNTIL)
    assert gateway.sent == []
    assert (await world.order(waiting)).fulfilments[0].state == "uncollected"
    assert await world.level("A", "milk") == (5, 0)


# --- killed ---------------------------------------------------------------------------------------

WORKER = """
import asyncio, msgspec, sys
from datetime import datetime
from pathlib import Path
from duoline.flows import remind
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.members import sms
from duoline.stores import directory

class File:
    async def send(self, message):
        with Path(sys.argv[2]).open("a") as told:
            told.write(message.id + "\\n")

async def main():
    db = await Database.connect(sys.argv[1], size_max=2)
    sms.connect(File())
    await directory.refresh(db)
    with clock.frozen(datetime.fromisoformat(sys.argv[3])):
        await remind.remind_due(db)
        for row in await db.fetch("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = $1", remind.JOB):
            await remind.send_reminder(db, msgspec.json.decode(row["payload"], type=remind.SendReminder))
    await db.close()

asyncio.run(main())
"""


def test_every_point_is_here():
    assert [point for point in faults.points() if point.startswith("remind.")] == POINTS


@pytest.mark.parametrize(("point", "sent"), [*zip(POINTS, [0, 1, 1], strict=True)])
async def test_killed_at(point, sent, world, waiting, access, tmp_path):
    """`remind.after_commit`: the job is there, and the next worker sends. `remind.after_claim`: nobody knows whether it went
    out, so it never does again. `remind.after_send`: it went out, and once."""
    told_to = tmp_path / "sent"

    def work(fault: str = "") -> int:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")}
        return subprocess.run(
            [sys.executable, "-c", WORKER, access.dsn, str(told_to), SOON.isoformat()],
            env=environment | {"DUOLINE_FAULT": fault, "DUOLINE_HOME": str(tmp_path), "PYTHONPATH": "src"},
            cwd=Path(__file__).parents[2],
            check=False,
        ).returncode

    assert await asyncio.to_thread(work, f"{point}:kill") == -9
    assert await asyncio.to_thread(work) == 0
    assert await asyncio.to_thread(work) == 0
    messages = told_to.read_text().splitlines() if told_to.exists() else []
    assert messages == [str(waiting.fulfilments[0].id)] * sent
    assert await told(world, waiting) == 1
