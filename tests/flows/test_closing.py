"""A month closed in parts: whole at every commit, whoever dies, closes beside it, or brings goods back meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from duoline import settlement
from duoline.entry.check import broken
from duoline.kernel import clock, faults
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.settlement import closing, closing_runs, parts, payouts
from tests.flows.conftest import NOON
from tests.flows.test_credit import (
    BOSS,
    DECEMBER,
    GUIDE,
    JANUARY,
    MILK,
    OTHER_BOSS,
    RIPE,
    approved,
    guide,  # noqa: F401 - a fixture
    had,
    has,
    noon,  # noqa: F401 - a fixture
    paid_out,
    statement,
    told,
)
from tests.flows.test_returns import bring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Books, World

NOVEMBER, EACH = "2026-11", 398
POINTS = ["closing.before_end", "closing.before_part", "closing.between_parts", "settlement.before_close"]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two shares a transaction."""
    monkeypatch.setattr(parts, "SHARES", 2)
    yield
    faults.arm("")


async def bought(world: World, books: Books, orders: int) -> dict[UUID, UUID]:
    """So many orders of one unit, ripe; the lines of the guide's shares by order, in the order that closing takes."""
    for _ in range(orders):
        await had(world, books)
    await told(world)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    rows = await world.db.fetch(
        "SELECT order_id, line_id FROM accruals WHERE payee_id = $1 ORDER BY order_id, line_id", GUIDE
    )
    return {row["order_id"]: row["line_id"] for row in rows}


async def close(world: World, month: str = NOVEMBER, *, at: timedelta = DECEMBER) -> int:
    with clock.frozen(NOON + at):
        return await settlement.close_month(
            world.db, month, pays=lambda kind, _: kind in ("staff", "member"), actor=world.manager
        )


async def one_part(world: World, month: str = NOVEMBER, *, at: timedelta = DECEMBER, payee_id: UUID = GUIDE) -> str:
    """The next part of the guide's statement."""
    with clock.frozen(NOON + at):
        return await parts.close_part(world.db, payee_id, month, pays=True, actor=world.manager)


async def lines_of(world: World, month: str = NOVEMBER) -> dict[UUID, int]:
    rows = await world.db.fetch(
        """SELECT l.order_id, l.amount_minor FROM statement_lines l
           JOIN statements s ON s.payee_id = l.payee_id AND s.id = l.statement_id
           WHERE s.payee_id = $1 AND s.month = $2""",
        GUIDE,
        month,
    )
    return {row["order_id"]: row["amount_minor"] for row in rows}


async def test_between_parts_it_is_whole_and_nothing_can_be_done_with_it(world, books):
    await bought(world, books, 5)
    assert await one_part(world) == "part"
    half = await statement(world)
    assert (half["state"], half["earned_minor"], half["to_pay_minor"]) == ("closing", 2 * EACH, 0)
    assert half["carried_out_minor"] == 2 * EACH
    assert await broken(world.db) == []
    with pytest.raises(settlement.StillClosing):
        await approved(world, half)
    with pytest.raises(settlement.StillClosing):
        async with world.db.begin() as tx:
            await settlement.say(tx, GUIDE, half["id"], kind="dispute", note="x", actor=world.clerk)
    assert await payouts.pay_all(world.db, payouts.Run(new_id(), NOVEMBER)) == 0
    assert await one_part(world) == "part"
    assert await one_part(world) == "ended"
    assert await one_part(world) == "there"
    whole = await statement(world)
    assert (whole["id"], whole["state"], whole["to_pay_minor"]) == (half["id"], "closed", 5 * EACH)
    assert len(await lines_of(world)) == 5


async def test_as_many_shares_as_a_part_takes_end_with_an_empty_part(world, books):
    await bought(world, books, 2)
    assert [await one_part(world) for _ in range(2)] == ["part", "ended"]
    assert (await statement(world))["to_pay_minor"] == 2 * EACH


async def test_what_comes_back_between_parts_is_in_this_statement_or_in_the_next(world, books):
    """Behind the walk it is taken back by the next one, before it this one has it as it is by then."""
    orders = list(await bought(world, books, 5))
    assert await one_part(world) == "part"
    for order_id in (orders[0], orders[4]):
        await bring(world, order_id, milk=1)
    await told(world)
    assert await broken(world.db) == []
    await close(world)
    one = await statement(world)
    assert await lines_of(world) == dict.fromkeys(orders[:4], EACH)
    assert (one["earned_minor"], one["reversed_minor"], one["to_pay_minor"]) == (4 * EACH, 0, 4 * EACH)
    assert await close(world) == 0  # closed again, nothing is added
    await close(world, "2026-12", at=JANUARY)
    following = await statement(world, "2026-12")
    assert await lines_of(world, "2026-12") == {orders[0]: -EACH}
    assert (following["reversed_minor"], following["carried_out_minor"]) == (EACH, -EACH)
    assert await has(world) == (0, 3 * EACH, 0, 0)


async def test_a_share_that_comes_back_twice_behind_the_walk_is_told_once(world, books, monkeypatch):
    monkeypatch.setattr(parts, "SHARES", 1)
    await world.stock("A", "milk", 2)
    order = (await had(world, books, 2)).id
    await bought(world, books, 3)
    while order not in await lines_of(world):
        assert await one_part(world) == "part"
    for _ in range(2):
        await bring(world, order, milk=1)
        await told(world)
        assert await broken(world.db) == []
    await close(world)
    assert (await lines_of(world))[order] == 2 * EACH
    await close(world, "2026-12", at=JANUARY)
    assert await lines_of(world, "2026-12") == {order: -2 * EACH}


async def test_nobody_is_paid_above_the_cap_for_what_comes_back_between_parts(world, books, set_policy):
    """Four shares of 398 under a cap of 1,000; one that this statement has already comes back before it ends."""
    await set_policy("commission", month_cap_minor=1_000)
    orders = list(await bought(world, books, 4))
    assert await one_part(world) == "part"
    await bring(world, orders[0], milk=1)
    await told(world)
    await close(world)
    one = await statement(world)
    assert (one["earned_minor"], one["cut_minor"], one["to_pay_minor"]) == (4 * EACH, 592, 1_000)
    await close(world, "2026-12", at=JANUARY)
    following = await statement(world, "2026-12")
    # What came back was above the cap: it takes nothing back of what was paid.
    assert (following["reversed_minor"], following["cut_minor"]) == (EACH, -EACH)
    assert following["carried_out_minor"] == 0
    assert await has(world) == (0, 1_000, 0, 0)


async def test_several_who_close_at_once_make_one_statement_part_by_part(world, books):
    await bought(world, books, 7)
    with clock.frozen(NOON + DECEMBER):
        made = await asyncio.gather(
            *(settlement.close_month(world.db, NOVEMBER, pays=lambda *_: True, actor=world.manager) for _ in range(4))
        )
    payees = await world.value("SELECT count(DISTINCT payee_id) FROM accruals WHERE earned_minor <> 0")
    assert sum(made) == payees == await world.value("SELECT count(*) FROM statements")
    assert (await statement(world))["earned_minor"] == 7 * EACH
    assert await world.value("SELECT count(*) FROM statements WHERE state = 'closing'") == 0


async def test_orders_are_told_of_while_the_month_is_closed(world, books):
    """Both touch the same payees; the sums are those of what buyers keep, whoever came first."""
    orders = list(await bought(world, books, 6))
    for order_id in orders[::2]:
        await bring(world, order_id, milk=1)
    await had(world, books)
    await asyncio.gather(told(world), close(world), close(world))
    await told(world)
    one = await statement(world)
    assert one["state"] == "closed"
    await close(world, "2026-12", at=JANUARY)
    both = await world.value("SELECT sum(amount_minor) FROM statement_lines WHERE payee_id = $1", GUIDE)
    assert both == 3 * EACH
    assert await has(world) == (EACH, 3 * EACH, 0, 0)


async def test_a_month_left_by_half_is_ended_before_the_next_is_begun(world, books):
    await bought(world, books, 5)
    assert await one_part(world) == "part"
    with clock.frozen(NOON + timedelta(days=25)):
        await had(world, books)
        await told(world)
    with clock.frozen(NOON + timedelta(days=25) + RIPE):
        await settlement.mature(world.db)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.db.execute(
            """INSERT INTO statements SELECT payee_id, gen_random_uuid(), kind, '2026-12', way, carried_out_minor, 0, 0,
                                              0, 0, carried_out_minor, 'closing', 1, closed_by, closed_at, NULL
               FROM statements WHERE state = 'closing'"""
        )
    await close(world, "2026-12", at=JANUARY)
    before, after = await statement(world), await statement(world, "2026-12")
    assert (before["state"], before["to_pay_minor"]) == ("closed", 5 * EACH)
    assert (after["state"], after["carried_in_minor"], after["to_pay_minor"]) == ("closed", 0, EACH)


async def asked(world: World, month: str = NOVEMBER) -> settlement.ClosingRun:
    with clock.frozen(NOON + DECEMBER):
        async with world.db.begin() as tx:
            return await settlement.begin_closing(tx, month, actor=world.manager)


async def run_of(world: World, run_id: UUID) -> settlement.ClosingRun:
    return await closing_runs.get(world.db, run_id)


async def test_a_run_says_how_far_it_is_and_asking_again_is_the_same_run(world, books):
    await bought(world, books, 3)
    run = await asked(world)
    assert (run.state, run.payees_total) == ("queued", None)
    assert (await asked(world)).id == run.id
    assert await world.value("SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = $1", closing.CLOSE_JOB) == 1
    payees = await world.value("SELECT count(DISTINCT payee_id) FROM accruals WHERE earned_minor <> 0")
    shares = await world.value("SELECT count(*) FROM accruals WHERE earned_minor <> 0")
    with clock.frozen(NOON + DECEMBER):
        assert await closing._ahead(world.db, NOVEMBER) == (payees, shares)
        await closing.close(world.db, closing.Closing(run.id))
        done = await run_of(world, run.id)
        assert (done.state, done.payees_done, done.payees_total) == ("done", payees, payees)
        assert (done.shares_done, done.shares_total, done.problem) == (shares, shares, None)
        await closing.close(world.db, closing.Closing(run.id))  # the queue may run it again
    assert await run_of(world, run.id) == done
    again = await asked(world)
    assert again.id != run.id
    with clock.frozen(NOON + DECEMBER):
        await closing.close(world.db, closing.Closing(again.id))
    assert (await run_of(world, again.id)).payees_done == 0
    assert [one.id for one in await closing_runs.latest(world.db, before=None, limit=5)] == [again.id, run.id]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(point, world, books, access):
    """The process dies there once; whoever runs the job again goes on, and says the same of it in the end."""
    await bought(world, books, 5)
    run = await asked(world)

    def work(fault: str) -> int:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")},
            "DUOLINE_DATABASE_URL": access.dsn, "DUOLINE_FAULT": fault, "PYTHONPATH": "src",
        }  # fmt: skip
        program = str(Path(__file__).parent / "closing_process.py")
        return subprocess.run(
            [sys.executable, program, str(run.id), "2", (NOON + DECEMBER).isoformat()], env=environment, check=False
        ).returncode

    assert (
        await asyncio.to_thread(work, f"{point}:kill@2" if point == "closing.between_parts" else f"{point}:kill") == -9
    )
    assert await broken(world.db) == []
    assert (await run_of(world, run.id)).state == "running"
    assert await asyncio.to_thread(work, "") == 0
    done = await run_of(world, run.id)
    payees = await world.value("SELECT count(DISTINCT payee_id) FROM accruals WHERE earned_minor <> 0")
    shares = await world.value("SELECT count(*) FROM accruals WHERE earned_minor <> 0")
    assert (done.state, done.payees_done, done.shares_done) == ("done", payees, shares)
    assert (await statement(world))["to_pay_minor"] == 5 * EACH
    assert await world.value("SELECT count(*) FROM statements") == payees


def test_every_point_is_here():
    assert [point for point in faults.points() if point.startswith("closing.")] == POINTS[:3]


async def test_a_run_whose_job_was_given_up_gets_another(world, books):
    await bought(world, books, 1)
    run = await asked(world)
    with clock.frozen(NOON + DECEMBER + timedelta(minutes=1)):
        assert await closing.resume(world.db) == 0
    later = NOON + DECEMBER + timedelta(minutes=5)
    jobs = "SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = $1"
    with clock.frozen(later):
        await closing.resume(world.db)
        assert await world.value(jobs, closing.CLOSE_JOB) == 1  # its job is still there
        await world.db.execute("DELETE FROM pgqueuer.pgqueuer")
        assert await closing.resume(world.db) == 1
        assert await world.value(jobs, closing.CLOSE_JOB) == 1
        await closing.close(world.db, closing.Closing(run.id))
        assert await closing.resume(world.db) == 0
    assert (await run_of(world, run.id)).state == "done"


async def test_a_payee_that_cannot_be_closed_keeps_nobody_else_from_it(world, books, access):
    await bought(world, books, 3)
    owner = await asyncpg.connect(access.owner_dsn)
    await owner.execute(f"ALTER TABLE statements ADD CONSTRAINT no_guide CHECK (payee_id <> '{GUIDE}')")
    run = await asked(world)
    with clock.frozen(NOON + DECEMBER):
        await closing.close(world.db, closing.Closing(run.id))
    failed = await run_of(world, run.id)
    assert (failed.state, failed.payees_failed) == ("failed", 1)
    assert failed.problem is not None
    assert failed.problem["en"].startswith("1 payee could not be closed")
    others = await world.value("SELECT count(DISTINCT payee_id) - 1 FROM accruals WHERE earned_minor <> 0")
    assert failed.payees_done == others == await world.value("SELECT count(*) FROM statements")
    await owner.execute("ALTER TABLE statements DROP CONSTRAINT no_guide")
    await owner.close()
    again = await asked(world)
    with clock.frozen(NOON + DECEMBER):
        await closing.close(world.db, closing.Closing(again.id))
    assert ((await run_of(world, again.id)).state, (await run_of(world, again.id)).payees_done) == ("done", 1)


async def test_what_is_disputed_is_not_approved_before_it_is_answered(world, books):
    await bought(world, books, 1)
    await close(world)
    one = await statement(world)
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="dispute", note="少了一单", actor=world.clerk)
    with pytest.raises(settlement.Disputed):
        await approved(world, one)
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="answer", note="已核对", actor=world.manager)
    assert await approved(world, one) == "approved"


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_parts_returns_and_payouts_comes_out_even(world, books, seed):
    random = Random(seed)
    sales = list(await bought(world, books, 6))
    left = set(sales)
    month, at = NOVEMBER, DECEMBER
    for _ in range(30):
        match random.choice(["part", "part", "return", "pay", "next"]):
            case "part":
                payees = [row["payee_id"] for row in await world.db.fetch("SELECT payee_id FROM payees")]
                await one_part(world, month, at=at, payee_id=random.choice([GUIDE, *payees]))
            case "return" if left:
                one = random.choice(sorted(left))
                left.discard(one)
                await bring(world, one, milk=1)
                await told(world)
            case "pay":
                for row in await world.db.fetch("SELECT * FROM statements WHERE state = 'closed'"):
                    for boss in (BOSS, OTHER_BOSS)[: row["approvals_needed"]]:
                        await approved(world, row, by=boss)
                await paid_out(world, month)
                for row in await world.db.fetch("SELECT payee_id, id FROM payouts WHERE state = 'requested'"):
                    async with world.db.begin() as tx:
                        await settlement.resolve(
                            tx, row["payee_id"], row["id"], went_well=random.random() < 0.7, actor=SYSTEM
                        )
            case "next" if month == NOVEMBER:
                month, at = "2026-12", JANUARY
        assert await broken(world.db) == []
    assert sum(await has(world)) == len(left) * ((MILK * 200 + 5_000) // 10_000)
