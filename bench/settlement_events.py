"""Random events of settlement from a seed, told through the verbs that the worker uses; a model beside them says what
each share must come to.

Sales of one or two lines, partial returns (of old orders too, after their payout), exchanges, changes of plan and of
allocation, second levels behind a sign-off, bindings, merges and their undoing, maturing, months closed, approved, paid
and failed. Who is bound, who is one person and who would close a circle is asked of the system itself; what then must
have been earned is the model's own arithmetic over what each buyer keeps.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline import attribution, settlement
from duoline.attribution.bind import Way, bind
from duoline.attribution.guides import Guide
from duoline.entry.findings import findings
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import clock, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Refusal
from duoline.members.group import group_of
from duoline.settlement.payouts import Run
from duoline.settlement.policy import DIRECT, FRANCHISE
from duoline.settlement.types import HEADQUARTERS, Facts, Flag, Guided, Kept, Key, LineFacts, Payee, Touched

if TYPE_CHECKING:
    from collections.abc import Callable

    from duoline.attribution.bindings import Binding
    from duoline.kernel.db import Database, Tx
    from duoline.settlement.policy import AllocationPolicy, CommissionPolicy
    from duoline.settlement.types import Earned

START = datetime(2026, 1, 1, 4, 0, tzinfo=UTC)
BATCH, BATCHES, DAYS = 500, 80, 270
"""Events told in one go, as the worker reads them, fewer where there would be few batches; and how long it all lasts."""
MEMBERS_MIN, EVENTS_A_MEMBER = 2_000, 50
"""A chain with more events has more members: one person with a thousand orders and forty guides a year is nobody."""
STAFF, SHOPS, FRIENDS = 120, 40, 8
COMPANY, OTHER = UUID(int=7), UUID(int=8)
BOSSES = UUID(int=500), UUID(int=501)
KINDS = {"sale": 550, "return": 290, "exchange": 100, "binding": 45, "merge": 9, "unmerge": 5, "plan": 1}
CHECK_EVERY = 50_000
"""Every invariant is looked at after so many events, so that what breaks is known near the event that broke it."""
MATURES = 0.1
"""After so many of the batches, what is ripe is made due."""
LATE = 0.15
"""Of returns and exchanges, how many are of any order there ever was; the others of the last ones."""


@dataclass(slots=True)
class Line:
    """A line as its buyer has it now."""

    facts: LineFacts
    unit: int
    units: int


@dataclass(slots=True)
class Sale:
    """An order with the rules that held when it was placed."""

    facts: Facts
    lines: list[Line]
    plan: CommissionPolicy
    allocation: AllocationPolicy
    shop: int

    def friends(self) -> dict[str, UUID]:
        """Members who are paid for it by a link."""
        touch, second_id = self.facts.touch, self.facts.second_id
        found = {"referrer": touch.owner_id} if touch is not None and touch.owner_kind == "member" else {}
        found |= {"second": second_id} if second_id is not None else {}
        return {role: payee_id for role, payee_id in found.items() if role not in self.facts.flags}

    def shares(self) -> list[Earned]:
        """What its payees have earned by now."""
        found: list[Earned] = []
        contract, owner = (FRANCHISE, Payee("company", COMPANY)) if self.shop % 3 else (DIRECT, HEADQUARTERS)
        for line in self.lines:
            kept = line.units * line.unit
            found += settlement.commission_of(self.facts, line.facts, kept, self.plan)
            if kept:
                gross = kept + kept // 10
                part = Kept(line.facts.line_id, _shop(self.shop), "pickup", kept, gross)
                found += settlement.allocation_of(self.facts, part, self.allocation, contract, owner)
        return found


@dataclass
class Model:
    """Everything that is drawn, from one seed; ids too, so that a run can be repeated."""

    random: Random
    members: int
    sales: list[Sale] = field(default_factory=list)
    merges: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    bound: dict[UUID, Binding | None] = field(default_factory=dict)
    groups: dict[UUID, list[UUID]] = field(default_factory=dict)

    def id(self) -> UUID:
        """An id of the run's own."""
        return UUID(int=self.random.getrandbits(128), version=4)

    async def group(self, tx: Tx, member_id: UUID) -> list[UUID]:
        """Who is one person with a member: asked again after every merge or its undoing."""
        if member_id not in self.groups:
            self.groups[member_id] = await group_of(tx, member_id)
        return self.groups[member_id]

    async def binding(self, tx: Tx, member_id: UUID) -> Binding | None:
        """Whom a member belongs to: asked again whenever somebody of that person is bound, or it has run out."""
        now, known = clock.now(), self.bound.get(member_id)
        if member_id not in self.bound or (known and known.expires_at and known.expires_at <= now):
            self.bound[member_id] = await attribution.binding_as_of(tx, member_id, attribution.SCOPE, now)
        return self.bound[member_id]

    async def forget(self, tx: Tx, *members: UUID) -> None:
        """Something of these people changed."""
        for member_id in members:
            for each in [member_id, *self.groups.get(member_id, []), *await group_of(tx, member_id)]:
                self.bound.pop(each, None)
                self.groups.pop(each, None)


def _member(n: int) -> UUID:
    return UUID(int=(1 << 64) + n)


def _staff(n: int) -> UUID:
    return UUID(int=(2 << 64) + n)


def _shop(n: int) -> UUID:
    return UUID(int=(3 << 64) + n)


async def _fill(db: Database, members: int) -> None:
    """Members, shops and a sign-off for the second level."""
    region = UUID(int=9)
    await db.execute("INSERT INTO companies VALUES ($1, 'HQ', '总部', 'HQ', 'headquarters')", OTHER)
    await db.execute("INSERT INTO regions (id, code, name_zh, name_en) VALUES ($1, 'EAST', '华东', 'East')", region)
    await db.execute(
        """INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province,
                               city, phone, lat, lon, hours, pickup, ship, returns, pick_capacity_hour, pickup_lead_min,
                               updated_at)
           SELECT id, 'S' || n, 'store', $2, $3, 'S' || n, 'S' || n, '', '', '', '', '', 30.0, 120.0, to_jsonb(array_fill('[]'::jsonb, ARRAY[7])), true, true,
                  true, 30, 40, $4
           FROM unnest($1::uuid[]) WITH ORDINALITY AS s(id, n)""",
        [_shop(n) for n in range(SHOPS)],
        OTHER,
        region,
        START,
    )
    await db.execute(
        """INSERT INTO members (member_id, kind, display_name, tier, created_at)
           SELECT id, 'member', 'M' || n, 'member', $2 FROM unnest($1::uuid[]) WITH ORDINALITY AS m(id, n)""",
        [_member(n) for n in range(members)],
        START,
    )
    async with db.begin() as tx:
        await settlement.sign_off(tx, document="only for the benchmark", reason="levels of two", actor=SYSTEM)


async def random_events(
    db: Database, events: int, seed: int, *, ended: Callable[[], bool] = lambda: False, aloud: bool = True
) -> dict[str, Any]:
    """So many events, with every invariant looked at on the way; then the model's word on every share and binding.

    `ended` says, before each batch, that no more are wanted: what was told by then is settled and looked at as if it
    were all. The first violation ends the run too. `digest` is of what every payee has at the end: the same seed and
    number of events come to the same one.
    """
    members = max(MEMBERS_MIN, events // EVENTS_A_MEMBER)
    await _fill(db, members)
    model, now, done, violations, checks = Model(Random(seed), members), START, 0, 0, 0
    took, began = 0.0, time.perf_counter()
    while (size := min(BATCH, max(1, events // BATCHES), events - done)) and not violations and not ended():
        then, now = now, now + timedelta(days=DAYS) * size / events * 2 * model.random.random()
        if settlement.month_of(then) != settlement.month_of(now):
            await _month(db, now, model)
        await _batch(db, model, now, size)
        done += size
        if model.random.random() < MATURES:
            with clock.frozen(now + timedelta(seconds=1)):
                await settlement.mature(db)
            model.counts["mature"] += 1
        if done % CHECK_EVERY < size:
            took += time.perf_counter() - began
            violations, checks = await _violations(db, now), checks + 1
            if aloud:
                print(f"{done} events, {done / took:.0f} a second, {violations} violations", flush=True)
            began = time.perf_counter()
    with clock.frozen(now + timedelta(days=40)):
        while await settlement.mature(db):
            pass
        now += timedelta(days=62)
        await _month(db, now, model)
    took += time.perf_counter() - began
    wrong = await _wrong(db, model)
    for one in wrong[:5]:
        print(one, flush=True)
    return {
        "seed": seed,
        "events": done,
        "kinds": dict(sorted(model.counts.items())),
        "events_shares": await db.fetchval("SELECT count(*) FROM accruals"),
        "events_checks": checks + 1,
        "violations": violations + await _violations(db, now) + len(wrong),
        "events_per_s": round(done / took),
        "digest": await _digest(db),
    }


async def _violations(db: Database, now: datetime) -> int:
    """How many rows break an invariant, which are told."""
    with clock.frozen(now):
        broken = [found for found in await findings(db) if found.rows]
    for found in broken:
        print(found.id, found.sentence, found.sample[:2], flush=True)
    return sum(len(found.rows) for found in broken)


async def _batch(db: Database, model: Model, now: datetime, size: int) -> None:
    """So many events a millisecond apart, told of together."""
    told: dict[UUID, Sale] = {}
    async with db.begin() as tx:
        for n in range(size):
            kind = model.random.choices(list(KINDS), list(KINDS.values()))[0]
            with clock.frozen(now + timedelta(milliseconds=n)):
                sale = await _event(tx, model, kind)
            if sale is not None:
                told[sale.facts.order_id] = sale
        shares = {order_id: sale.shares() for order_id, sale in told.items()}
        with clock.frozen(now + timedelta(milliseconds=size)):
            await settlement.tell_all(
                tx,
                [
                    settlement.Told(
                        sale.facts.member_id,
                        sale.facts.order_id,
                        shares[sale.facts.order_id],
                        {line.facts.line_id: sale.facts.placed_at + timedelta(days=8) for line in sale.lines},
                    )
                    for sale in told.values()
                ],
                sign_off_id=await settlement.live_sign_off(tx),
                actor=SYSTEM,
            )
        for order_id, sale in told.items():
            for role, payee_id in sale.friends().items():
                if not any(one.key.role == role and one.earned_minor for one in shares[order_id]):
                    await settlement.release(tx, payee_id=payee_id, buyer_id=sale.facts.member_id, order_id=order_id)


async def _event(tx: Tx, model: Model, kind: str) -> Sale | None:
    """One event; the sale that it makes or changes."""
    random = model.random
    if kind in ("return", "exchange") and not model.sales:
        kind = "sale"
    model.counts[kind] += 1
    if kind == "sale":
        return await _sale(tx, model)
    if kind in ("return", "exchange"):
        first = 0 if random.random() < LATE else max(0, len(model.sales) - 2_000)
        sale = model.sales[random.randrange(first, len(model.sales))]
        line = random.choice(sale.lines)
        back = random.randint(1, 2)
        # Exchanged is what comes back and goes out again in the same order; what is not there cannot come back.
        had, line.units = line.units, max(0, line.units - back) if kind == "return" else max(line.units, back)
        if kind == "exchange" and not await _still_fits(tx, sale):
            model.counts["exchange refused: circle"] += 1
            line.units = had
        return sale
    try:
        await {"binding": _bind, "merge": _merge, "unmerge": _unmerge, "plan": _plan}[kind](tx, model)
    except Refusal as refusal:
        model.counts[f"{kind} refused: {refusal.code}"] += 1
    return None


async def _still_fits(tx: Tx, sale: Sale) -> bool:
    """Whether the friends of a sale, of which something is kept again, may still be paid for it."""
    for role, payee_id in sale.friends().items():
        if any(one.key.role == role and one.earned_minor for one in sale.shares()) and not await settlement.refer(
            tx, payee_id=payee_id, buyer_id=sale.facts.member_id, order_id=sale.facts.order_id, again=True
        ):
            return False
    return True


async def _sale(tx: Tx, model: Model) -> Sale:
    random, now = model.random, clock.now()
    n = random.randrange(model.members)
    buyer, order_id = _member(n), model.id()
    bound = await model.binding(tx, buyer)
    touch = _touch(random, n) if random.random() < 0.4 else None
    plan = settlement.COMMISSION.current(now).body
    flags, second_id = await _judge(tx, model, buyer, order_id, touch, plan)
    lines = [
        Line(LineFacts(line_id=model.id(), product="P", categories=[]), random.randint(1, 90_000), random.randint(1, 5))
        for _ in range(random.choice((1, 1, 2)))
    ]
    facts = Facts(
        member_id=buyer,
        order_id=order_id,
        placed_at=now,
        tier=random.choice(("member", "gold")),
        online=random.random() < 0.6,
        seller_id=_staff(random.randrange(STAFF)) if random.random() < 0.4 else None,
        guide=Guided(binding_id=bound.id, guide_id=bound.guide_id, store_id=bound.store_id) if bound else None,
        touch=touch,
        second_id=second_id,
        brought_store_id=_shop(n % SHOPS),
        flags=flags,
    )
    sale = Sale(facts, lines, plan, settlement.ALLOCATION.current(now).body, random.randrange(SHOPS))
    model.sales.append(sale)
    return sale


def _touch(random: Random, n: int) -> Touched:
    """What the buyer met last: a friend's link or somebody's on the staff. Friends are few, and share back."""
    if random.random() < 0.5:
        friend = n // FRIENDS * FRIENDS + random.randrange(FRIENDS)
        return Touched(touchpoint_id=UUID(int=1), owner_kind="member", owner_id=_member(friend), store_id=None)
    return Touched(
        touchpoint_id=UUID(int=2),
        owner_kind="staff",
        owner_id=_staff(random.randrange(STAFF)),
        store_id=_shop(random.randrange(SHOPS)),
    )


async def _judge(
    tx: Tx, model: Model, buyer: UUID, order_id: UUID, touch: Touched | None, plan: CommissionPolicy
) -> tuple[dict[str, Flag], UUID | None]:
    """Who of the friends is paid nothing, asked of the system; and who had brought the friend."""
    flags: dict[str, Flag] = {}
    if touch is None or touch.owner_kind != "member" or not plan.referrer_bp:
        return flags, None
    second_id = _member(int(touch.owner_id) % FRIENDS) if plan.levels > 1 and plan.second_bp else None
    people = {"referrer": touch.owner_id} | ({"second": second_id} if second_id else {})
    own = await model.group(tx, buyer)
    for role, payee_id in people.items():
        if payee_id in own:
            flags[role] = "self"
        elif not await settlement.refer(tx, payee_id=payee_id, buyer_id=buyer, order_id=order_id):
            flags[role] = "circle"
            model.counts["circle"] += 1
    return flags, second_id


async def _bind(tx: Tx, model: Model) -> None:
    random = model.random
    guide = Guide(_staff(random.randrange(STAFF)), "G", None, _shop(random.randrange(SHOPS)))
    member_id = _member(random.randrange(model.members))
    await bind(tx, member_id=member_id, guide=guide, way=Way("scan"), actor=SYSTEM)
    await model.forget(tx, member_id)


async def _merge(tx: Tx, model: Model) -> None:
    survivor, other = (_member(model.random.randrange(model.members)) for _ in range(2))
    merge_id = await merge_members(tx, survivor_id=survivor, other_id=other, reason="one person", actor=SYSTEM)
    model.merges.append((survivor, other, merge_id))
    await model.forget(tx, survivor, other)


async def _unmerge(tx: Tx, model: Model) -> None:
    if model.merges:
        survivor, other, merge_id = model.merges.pop(model.random.randrange(len(model.merges)))
        await unmerge_members(tx, survivor_id=survivor, merge_id=merge_id, reason="two after all", actor=SYSTEM)
        await model.forget(tx, survivor, other)


async def _plan(tx: Tx, model: Model) -> None:
    """Other rates, another cap and other levels, or another allocation, from now on."""
    random = model.random
    if random.random() < 0.5:
        levels = random.randint(1, 2)
        body: Any = settlement.CommissionPolicy(
            guide_bp=random.randint(0, 500),
            seller_bp=random.randint(0, 300),
            referrer_bp=random.randint(0, 900),
            second_bp=random.randint(1, 100) if levels == 2 else 0,
            levels=levels,
            several_roles=random.random() < 0.5,
            month_cap_minor=random.choice((0, 20_000, 2_000_000)),
        )
        await policies.set_version(tx, actor=SYSTEM, kind="commission", body=body, reason="drawn")
    else:
        parts = [random.randint(0, 16) for _ in range(6)]
        body = settlement.AllocationPolicy(
            bringer_store=parts[0],
            guide_store=parts[1],
            touchpoint_store=parts[2],
            hand_over_store=parts[3],
            online=parts[4],
            headquarters=parts[5],
        )
        await policies.set_version(tx, actor=SYSTEM, kind="allocation", body=body, reason="drawn")
    await policies.refresh(tx)


async def _month(db: Database, now: datetime, model: Model) -> None:
    """Close the month that is over, approve, pay, and say how it ended; one payout in ten fails."""
    with clock.frozen(now):
        month = settlement.month_of(now.replace(day=1) - timedelta(days=2))
        model.counts["statement"] += await settlement.close_month(
            db, month, pays=lambda kind, _: kind in ("staff", "member"), actor=SYSTEM
        )
        await approve_all(db)
        for row in await db.fetch("SELECT DISTINCT month FROM statements WHERE state = 'approved' ORDER BY month"):
            await settlement.pay_all(db, await payout_run(db, row["month"]))
        for row in await db.fetch("SELECT payee_id, id FROM payouts WHERE state = 'requested' ORDER BY payee_id, id"):
            went_well = model.random.random() < 0.9
            async with db.begin() as tx:
                await settlement.resolve(
                    tx, row["payee_id"], row["id"], went_well=went_well, problem="no account", actor=SYSTEM
                )
            model.counts["payout" if went_well else "payout failed"] += 1


async def approve_all(db: Database) -> None:
    """Everything that is closed, by as many people as it takes."""
    for row in await db.fetch("SELECT payee_id, id, approvals_needed FROM statements WHERE state = 'closed'"):
        for boss in BOSSES[: row["approvals_needed"]]:
            async with db.begin() as tx:
                await settlement.approve(tx, row["payee_id"], row["id"], actor=SYSTEM, staff_id=boss)


async def payout_run(db: Database, month: str) -> Run:
    """A run of a month."""
    run_id: UUID = await db.fetchval(
        """INSERT INTO payout_runs (id, month, actor, at) VALUES (gen_random_uuid(), $1, 'system:x', $2) RETURNING id""",
        month,
        clock.now(),
    )
    return Run(run_id, month)


async def _wrong(db: Database, model: Model) -> list[str]:
    """Shares that are not what the model says, and bindings that are not what they were when the order was placed."""
    wrong, known, step = [], 0, 5_000
    for first in range(0, len(model.sales), step):
        some = model.sales[first : first + step]
        rows = await db.fetch(
            """SELECT payee_kind, payee_id, line_id, book, role, location_id, earned_minor FROM accruals
               WHERE order_id = ANY ($1) AND earned_minor <> 0""",
            [sale.facts.order_id for sale in some],
        )
        stands = {Key(Payee(row[0], row[1]), *row[2:6]): row[6] for row in map(tuple, rows)}
        expected = {one.key: one.earned_minor for sale in some for one in sale.shares() if one.earned_minor}
        known += len(expected)
        wrong += [f"{one}" for one in stands.items() ^ expected.items()]
    there = await db.fetchval("SELECT count(*) FROM accruals WHERE earned_minor <> 0")
    if there != known:
        wrong.append(f"{there} shares come to something, not {known}")
    for sale in Random(1).sample(model.sales, min(2_000, len(model.sales))):
        facts = sale.facts
        bound = await attribution.binding_as_of(db, facts.member_id, attribution.SCOPE, facts.placed_at)
        if (bound.id if bound else None) != (facts.guide.binding_id if facts.guide else None):
            wrong.append(f"the binding of {facts.order_id}")
    return wrong


async def _digest(db: Database) -> str:
    rows = await db.fetch(
        "SELECT payee_id, pending_minor, due_minor, paying_minor, paid_minor FROM payees ORDER BY payee_id"
    )
    said = msgspec.json.encode([[str(value) for value in row.values()] for row in rows])
    return hashlib.sha256(said).hexdigest()[:16]
