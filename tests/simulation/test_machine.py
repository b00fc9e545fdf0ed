"""Trade at random on one small chain in a real PostgreSQL: after every step each checker query must find nothing, and stock
and money must be what a tiny model says (model.py).

A short run is part of `make test`. `make prove` runs a long one, of `DUOLINE_STEPS` steps (20,000 unless it says otherwise),
in histories of up to two hundred steps, each of which begins with newly opened shops. The histories come in batches with a
seed each, which is printed: `DUOLINE_SEED=n DUOLINE_STEPS=1` runs one batch again, and `DUOLINE_SHRINK=0` spares the minutes
that shrinking a failure can take. Stock, orders and money are compared with the model after every step; in the long run the
checker queries, which cost more than most steps, run after every tenth and at the end of each history.

A failure is shrunk to the fewest steps that show it. For that a step must do the same each time: whatever is chosen from is
in the order in which it came about, never in that of random ids.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import hypothesis
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from duoline import fulfilment, inventory, orders
from duoline.entry.findings import INVARIANTS
from duoline.favourites import KeptUnit, TooManyKept
from duoline.flows import (
    answer,
    basket,
    bring,
    cancel,
    elsewhere,
    expire,
    hand_over,
    keep,
    look_after,
    pay,
    reject,
    remind,
    replan,
    return_goods,
    sell,
    settle_shortage,
    ship,
)
from duoline.flows.place import Placing
from duoline.fulfilment import load
from duoline.inventory import transfers
from duoline.kernel import clock, policies
from duoline.kernel.db import Database
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.payments import providers
from duoline.payments.provider import EventKind, PaymentEvent, PaymentStatus
from duoline.pricing.promotions import book, compile_promotions
from duoline.pricing.promotions.types import Choice, FixedPrice, Promotion
from duoline.stores import directory
from tests.flows.conftest import NOON, SECRET, Books, World, _build
from tests.flows.test_favourites import kept
from tests.simulation.model import LISTED, PRICES, Counted, Job, Line, Model, Move, Sale, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from duoline.kernel import postgres

PLACES, SHOPS, ARTICLES = ("A", "B", "DC"), ("A", "B"), tuple(PRICES)
SHELVES = [(shop, article) for shop in SHOPS for article in ARTICLES]

# The stock of a new run is put there anew, so everything that trade writes is emptied first.
EMPTY = """
TRUNCATE transfers, transfer_lines, counts, count_lines, shortages, orders, order_lines, order_events, order_numbers, fulfilments, fulfilment_lines, holds, levels, movements,
         payment_intents, payment_refs, captures, refunds, payment_exceptions, provider_events, journals, journal_entries, pickup_codes,
         code_attempts, sourcing_decisions, member_outbox, stock_outbox, local_outbox, audit_log, idempotency,
         pgqueuer.pgqueuer, favourites, favourite_holds, favourite_keys, refused_for_holds,
         drawer_sessions, drawer_entries, parked_sales CASCADE
"""
# What trade could break; the catalogue and the staff stay as they are.
QUERIES = {
    name: sql
    for name, _, sql in INVARIANTS
    if name.startswith(("LED", "INV", "PAY", "ORD", "FUL", "FAV", "TRF", "CNT", "RET", "I12", "IDE", "OFR", "TIL"))
}
CHECK = " UNION ALL ".join(
    f"SELECT '{name}' AS broken, to_jsonb(q) AS found FROM ({sql}) q" for name, sql in QUERIES.items()
)


class Chain:
    """The program: a world with its provider, on a loop and a pool of its own."""

    def __init__(self, access: postgres.Access) -> None:
        self.access = access
        self.runner = asyncio.Runner()
        self.books = Books()
        self.steps = 0
        self.histories = 0

    def __enter__(self) -> Chain:
        self.runner.__enter__()
        providers.connect(self.books)  # type: ignore[arg-type]
        # Open work is read anew each time: two seconds of a real clock would make runs differ.
        self.fresh_s, load.FRESH_S = load.FRESH_S, 0.0
        self.runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        load.FRESH_S = self.fresh_s
        self.runner.run(self._close())
        self.runner.__exit__(None, None, None)

    async def _open(self) -> None:
        self.owner = await asyncpg.connect(self.access.owner_dsn)
        self.world = World(await Database.connect(self.access.dsn))
        with clock.frozen(NOON):
            await _build(self.world)
            await directory.refresh(self.world.db)
        offer = Promotion(
            id=UUID(int=4671), version=1, name=Text("特价", "On offer"), from_at=NOON - timedelta(days=1),
            of=Choice(skus=frozenset({self.world.skus["bottle"]})), effect=FixedPrice(price_minor=PRICES["bottle"]),
        )  # fmt: skip
        book._current = book.Book([offer], {}, compile_promotions([offer], {}))
        body = msgspec.structs.replace(orders.RETURNS.default, faulty_days=3_650)  # however much time passes
        async with self.world.db.begin() as tx:
            await policies.set_version(tx, actor=self.world.clerk, kind="returns", body=body, reason="test")
        await policies.refresh(self.world.db)
        self.names = {id_: name for name, id_ in self.world.stores.items()}
        self.names |= {inventory.transit_of(id_): f"to {name}" for name, id_ in self.world.stores.items()}
        self.articles = {id_: name for name, id_ in self.world.skus.items()}

    async def _close(self) -> None:
        book._current = book.Book()
        await self.world.db.execute("DELETE FROM policies")
        await policies.refresh(self.world.db)
        await self.owner.close()
        await self.world.db.close()

    async def empty(self) -> None:
        await self.owner.execute(EMPTY)
        self.books.__init__()  # type: ignore[misc]
        self.world.look = basket.Look(self.world.db, fulfilment.OpenWork(self.world.db))
        self.world.placing = Placing(self.world.look, secret=SECRET)


def machine(chain: Chain, *, check_each: int) -> type[RuleBasedStateMachine]:
    """The machine over a chain that is open. The checker queries run after each `check_each`-th step, and at the end."""
    world, books, db = chain.world, chain.books, chain.world.db
    place_id, sku_id = world.stores, world.skus
    units = st.integers(1, 3)
    which = st.integers(0, 1000)

    class Trade(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            self.now = NOON
            self.notices = 0
            self.steps = 0
            chain.histories += 1

        def teardown(self) -> None:
            if sys.exception() is None:  # what went wrong before is what is reported
                self.check()

        def run(self, work: Coroutine[Any, Any, Any]) -> Any:
            with clock.frozen(self.now):
                return chain.runner.run(work)

        def refused(self, work: Coroutine[Any, Any, Any]) -> str | None:
            """The code of the refusal, or None when it was done."""
            try:
                self.run(work)
            except Refusal as refusal:
                return refusal.code
            return None

        def transact(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Coroutine[Any, Any, Any]:
            async def whole() -> Any:
                async with db.begin() as tx:
                    return await work(tx)

            return whole()

        # --- what there is to choose from -------------------------------------------------------

        def jobs(self, *states: str, kind: str | None = None) -> list[tuple[Sale, Job]]:
            return [
                (sale, job)
                for sale in self.model.sales.values()
                for job in sale.jobs
                if job.state in states and kind in (None, job.kind)
            ]

        def open_sales(self) -> list[Sale]:
            return [sale for sale in self.model.sales.values() if not sale.over]

        def asked(self) -> list[Sale]:
            return [sale for sale in self.open_sales() if sale.unserved("pickup")]

        def frozen(self) -> list[Sale]:
            return [sale for sale in self.open_sales() if sale.unserved("delivery")]

        def payable(self) -> list[Sale]:
            """Orders whose buyer still has the provider's page open, whatever became of them here."""
            return [
                sale
                for sale in self.model.sales.values()
                if sale.mode == "online" and sale.id in self.pages and not sale.bought
                and books.payments[self.pages[sale.id]].status is PaymentStatus.OPEN
            ]  # fmt: skip

        def unknown_payments(self) -> list[Sale]:
            return [sale for sale in self.model.sales.values() if sale.bought and not sale.paid]

        # --- beginning --------------------------------------------------------------------------

        @initialize(stock=st.lists(st.integers(1, 8), min_size=9, max_size=9))
        def open_the_shops(self, stock: list[int]) -> None:
            self.pages: dict[UUID, str] = {}
            self.run(chain.empty())
            shelves = [(place, article) for place in PLACES for article in ARTICLES]
            for (place, article), n in zip(shelves, stock, strict=True):
                if n:
                    self.run(world.stock(place, article, n))
                    self.model.on_hand[place, article] += n

        # --- orders -----------------------------------------------------------------------------

        @rule(shop=st.sampled_from(SHOPS), article=st.sampled_from(ARTICLES), n=units, online=st.booleans())
        def order_to_collect(self, shop: str, article: str, n: int, online: bool) -> None:
            self.place([(article, n, shop)], "online" if online else "at_store")

        @rule(article=st.sampled_from(ARTICLES), n=units)
        def order_to_be_sent(self, article: str, n: int) -> None:
            self.place([(article, n, None)], "online")

        @rule(
            wishes=st.lists(
                st.tuples(st.sampled_from(ARTICLES), units, st.sampled_from([*SHOPS, None])), min_size=2, max_size=3
            )
        )
        def order_a_basket(self, wishes: list[tuple[str, int, str | None]]) -> None:
            self.place(wishes, "online")

        def place(self, wishes: list[tuple[str, int, str | None]], mode: str, *, brought: bool = False) -> Sale | None:
            """With `brought` what a shop has not comes from elsewhere: of articles that are named once, for one shop."""
            made: list[Any] = []

            async def work() -> None:
                made.append(await world.place(
                    *(world.wish(a, n, at=shop) for a, n, shop in wishes), pay_mode=mode, bring=brought))  # fmt: skip

            coming = self.missing_there(wishes) if brought else []
            refused = self.refused(work())
            if refused is not None:
                if refused == "orders.pay-online-to-bring":
                    assert (mode, bool(coming)) == ("at_store", True)
                    assert self.could_bring(wishes)
                    return None
                assert refused in ("inventory.insufficient-stock", "fulfilment.cannot-serve")
                could = self.could_bring(wishes) if brought else self.could_serve(wishes)
                assert not could, f"{wishes} were refused and are there"
                return None
            (receipt,) = made
            sent_kept = self.use_kept(receipt.id, wishes)
            shares = self.run(db.fetch(
                """SELECT f.id, f.location_id, f.kind, f.state, f.promise_at, f.to_location_id, w.line_id, w.quantity
                   FROM fulfilments f
                   JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
                   WHERE f.order_id = $1""", receipt.id))  # fmt: skip
            jobs: dict[UUID, Job] = {}
            for row in shares:
                job = jobs.setdefault(
                    row["id"],
                    Job(
                        row["id"],
                        chain.names[row["location_id"]],
                        row["kind"],
                        row["state"],
                        Counter(),
                        row["promise_at"],
                        to=chain.names.get(row["to_location_id"]),
                    ),
                )
                job.units[row["line_id"]] += row["quantity"]
            sale = Sale(
                id=receipt.id, no=receipt.order_no, mode=mode, jobs=sorted(jobs.values(), key=lambda job: (job.place, job.kind)), fee=receipt.delivery_fee.minor,
                lines={
                    line.id: Line(line.id, chain.articles[line.sku_id], line.method, line.quantity, line.store_code)
                    for line in receipt.lines
                },
                state="confirmed", pay_by=receipt.pay_by_at,
            )  # fmt: skip
            sent = sum(PRICES[a] * n for a, n, shop in wishes if shop is None)
            others = sum(n for _, n, shop in wishes if shop is None) > sent_kept  # what was kept travels free
            assert sale.fee == (800 if others and sent < 9900 else 0)
            assert receipt.total.minor == sale.total
            assert sorted((line.article, line.quantity) for line in sale.lines.values()) == sorted(
                (a, n) for a, n, _ in wishes
            )
            assert all(sale.served(line.id) == line.quantity for line in sale.lines.values())
            boxes = [job for job in sale.jobs if job.kind == "transfer"]
            assert all(job.to != job.place for job in boxes)
            # Whole lines, and only those that the shop could not serve itself.
            assert sorted(sale.lines[i].article for job in boxes for i in job.units) == sorted(coming)
            assert all(n == sale.lines[i].quantity for job in boxes for i, n in job.units.items())
            if mode == "online" and sale.total:
                sale.state = "awaiting_payment"
            assert {job.state for job in sale.jobs} == {"waiting" if sale.state == "awaiting_payment" else "to_pick"}
            for job in sale.jobs:
                self.model.hold(sale, job)
            self.model.sales[sale.id] = sale
            return sale

        def use_kept(self, order_id: UUID, wishes: list[tuple[str, int, str | None]]) -> int:
            """What was kept for the buyer has served the order: at its shop first, then in parcels. Returns how many were sent."""
            rows = self.run(db.fetch("SELECT id FROM favourite_holds WHERE order_id = $1", order_id))
            used = {row["id"] for row in rows}
            shelves = {shelf for shelf, (hold_id, _) in self.model.favourites.items() if hold_id in used}
            assert len(shelves) == len(used)
            collected = {(shop, article) for article, _, shop in wishes if shop} & self.model.favourites.keys()
            assert collected <= shelves
            sent: Counter[str] = Counter()
            for article, n, shop in wishes:
                sent[article] += 0 if shop else n
            for article in ARTICLES:
                there = sum(a == article for _, a in self.model.favourites.keys() - collected)
                assert sum(a == article for _, a in shelves - collected) == min(there, sent[article])
            for shelf in shelves:
                self.model.forget(shelf)
            return len(shelves - collected)

        def could_serve(self, wishes: list[tuple[str, int, str | None]]) -> bool:
            """Whether the wishes together fit on the shelves: a parcel's units may come from several places."""
            free = Counter({(p, a): self.model.free(p, a) for p in PLACES for a in ARTICLES})
            free.update(self.model.favourites.keys())
            for article, n, shop in wishes:
                if shop is not None:
                    free[shop, article] -= n
            if any(n < 0 for n in free.values()):
                return False
            sent: Counter[str] = Counter()
            for article, n, shop in wishes:
                if shop is None:
                    sent[article] += n
            return all(sum(free[place, article] for place in PLACES) >= n for article, n in sent.items())

        def missing_there(self, wishes: list[tuple[str, int, str | None]]) -> list[str]:
            """Articles that the shop has not enough of, counting what it keeps for the buyer."""
            mine = self.model.favourites
            return [a for a, n, shop in wishes if shop and self.model.free(shop, a) + ((shop, a) in mine) < n]

        def could_bring(self, wishes: list[tuple[str, int, str | None]]) -> bool:
            """Whether the shop has each article or one other place could send all that is wanted of it. What is kept at the
            shop is not waited for."""
            return all(
                a not in self.missing_there([(a, n, shop)])
                or (
                    (shop, a) not in self.model.favourites
                    and any(self.model.free(p, a) >= n for p in PLACES if p != shop)
                )
                for a, n, shop in wishes
                if shop is not None
            )

        @rule(
            shop=st.sampled_from(SHOPS),
            wanted=st.lists(
                st.tuples(st.sampled_from(ARTICLES), units), min_size=1, max_size=2, unique_by=lambda w: w[0]
            ),
            mode=st.sampled_from(["online", "online", "at_store"]),
            paid=st.booleans(),
            picked=st.booleans(),
        )
        def order_to_be_brought(
            self, shop: str, wanted: list[tuple[str, int]], mode: str, paid: bool, picked: bool
        ) -> None:
            """Collected at a shop, whoever has it. Mostly paid at once."""
            sale = self.place([(article, n, shop) for article, n in wanted], mode, brought=True)
            if sale is not None and paid and mode == "online":
                self.buy_now(sale, picked)

        @precondition(lambda self: any(n < 1 for shelf in SHELVES for n in [self.model.free(*shelf)]))
        @rule(n=which, picked=st.booleans())
        def order_what_a_shop_has_not(self, n: int, picked: bool) -> None:
            empty = [shelf for shelf in SHELVES if self.model.free(*shelf) < 1]
            shop, article = empty[n % len(empty)]
            sale = self.place([(article, 1, shop)], "online", brought=True)
            if sale is not None:
                self.buy_now(sale, picked)

        @rule(
            wishes=st.lists(st.tuples(st.sampled_from(ARTICLES), units, st.sampled_from(SHOPS)), min_size=2, max_size=3)
        )
        def order_at_several_counters(self, wishes: list[tuple[str, int, str | None]]) -> None:
            """Each shop is paid for what it hands over itself."""
            self.place(wishes, "at_store")

        @rule(
            wishes=st.lists(
                st.tuples(st.sampled_from(ARTICLES), units, st.sampled_from([*SHOPS, None])), min_size=1, max_size=3
            ),
            picked=st.booleans(),
        )
        def buy(self, wishes: list[tuple[str, int, str | None]], picked: bool) -> None:
            """Order and pay at once, as most do: so that much gets as far as the counter."""
            self.buy_now(self.place(wishes, "online"), picked)

        @rule(article=st.sampled_from(["bottle", "sock"]))
        def buy_a_small_parcel(self, article: str) -> None:
            """For which delivery is paid."""
            self.buy_now(self.place([(article, 1, None)], "online"), picked=False)

        def buy_now(self, sale: Sale | None, picked: bool) -> None:
            if sale is not None and sale.state == "awaiting_payment":
                self.open_page_of(sale)
                self.pay(sale)
                self.notice(sale)
            for job in sale.jobs if sale is not None and picked else []:
                self.make_ready(job)

        # --- paying -----------------------------------------------------------------------------

        @precondition(
            lambda self: any(s.state == "awaiting_payment" and s.id not in self.pages for s in self.open_sales())
        )
        @rule(n=which)
        def open_the_page(self, n: int) -> None:
            waiting = [s for s in self.open_sales() if s.state == "awaiting_payment" and s.id not in self.pages]
            self.open_page_of(waiting[n % len(waiting)])

        def open_page_of(self, sale: Sale) -> None:
            opened = self.run(pay.open_payment(
                db, member_id=world.member_id, order_id=sale.id, subject="s", notify_url="n", return_url="r"))  # fmt: skip
            self.pages[sale.id] = str(opened.intent_id)

        @precondition(lambda self: self.payable())
        @rule(n=which, told=st.booleans())
        def the_buyer_pays(self, n: int, told: bool) -> None:
            """In time or late, and perhaps the notice is lost."""
            sale = self.payable()[n % len(self.payable())]
            self.pay(sale)
            if told:
                self.notice(sale)

        def pay(self, sale: Sale) -> None:
            books.pay(self.pages[sale.id])
            sale.bought = True

        @precondition(lambda self: self.unknown_payments())
        @rule(n=which, again=st.booleans())
        def the_notice_comes_late(self, n: int, again: bool) -> None:
            sale = self.unknown_payments()[n % len(self.unknown_payments())]
            for _ in range(1 + again):
                self.notice(sale)

        def notice(self, sale: Sale) -> None:
            self.notices += 1
            self.run(pay.receive(db, "sandbox", PaymentEvent(
                event_id=f"e{self.notices}", kind=EventKind.PAYMENT_PAID, ref=self.pages[sale.id], refund_ref=None,
                amount_minor=sale.total, currency="CNY", occurred_at=self.now)))  # fmt: skip
            self.model.settle(sale)

        @precondition(lambda self: self.unknown_payments())
        @rule(n=which)
        def we_ask_the_provider(self, n: int) -> None:
            sale = self.unknown_payments()[n % len(self.unknown_payments())]
            self.run(pay.check_order(db, member_id=world.member_id, order_id=sale.id))
            self.model.settle(sale)

        @rule()
        def refunds_are_sent(self) -> None:
            self.run(world.refunds())
            for sale in self.model.sales.values():
                sale.sent_back = sale.returned

        # --- the shop's work --------------------------------------------------------------------

        @precondition(lambda self: self.jobs("to_pick"))
        @rule(n=which)
        def pick(self, n: int) -> None:
            self.make_ready(self.jobs("to_pick")[n % len(self.jobs("to_pick"))][1])

        def make_ready(self, job: Job) -> None:
            self.run(self.transact(lambda tx: hand_over.mark_ready(
                tx, location_id=place_id[job.place], fulfilment_id=job.id, actor=world.clerk)))  # fmt: skip
            job.state = "ready"
            job.keep_until = self.now + timedelta(hours=72)

        @precondition(lambda self: self.jobs("ready"))
        @rule(n=which)
        def put_back(self, n: int) -> None:
            _, job = self.jobs("ready")[n % len(self.jobs("ready"))]
            self.run(self.transact(lambda tx: hand_over.mark_unready(
                tx, location_id=place_id[job.place], fulfilment_id=job.id, actor=world.clerk)))  # fmt: skip
            job.state, job.keep_until = "to_pick", None

        @precondition(lambda self: self.jobs("ready", kind="pickup"))
        @rule(n=which, change=st.integers(0, 500))
        def hand(self, n: int, change: int) -> None:
            ready = self.jobs("ready", kind="pickup")
            self.hand_out(*ready[n % len(ready)], change)

        def hand_out(self, sale: Sale, job: Job, change: int) -> None:
            worth = sum(sale.lines[line_id].price * k for line_id, k in job.units.items())
            done = self.run(self.transact(lambda tx: hand_over.hand_over(
                tx, location_id=place_id[job.place], fulfilment_id=job.id, code=fulfilment.code_of(job.id, SECRET).qr,
                tender="cash", tendered_minor=worth + change, actor=world.clerk)))  # fmt: skip
            due = worth if sale.mode == "at_store" else 0
            assert isinstance(done, hand_over.HandedOver)
            assert (done.taken_minor, done.change_minor) == (due, change if due else 0)
            sale.paid += due
            self.model.cash[job.place] += due
            self.model.leave(sale, job)

        @precondition(lambda self: self.jobs("ready", kind="ship"))
        @rule(n=which)
        def send(self, n: int) -> None:
            ready = self.jobs("ready", kind="ship")
            self.send_out(*ready[n % len(ready)])

        def send_out(self, sale: Sale, job: Job) -> None:
            self.run(self.transact(lambda tx: ship.ship(
                tx, location_id=place_id[job.place], fulfilment_id=job.id, carrier="SF", tracking_no="1",
                actor=world.clerk)))  # fmt: skip
            self.model.leave(sale, job)

        @precondition(lambda self: self.jobs("ready", kind="transfer"))
        @rule(n=which)
        def send_to_the_shop(self, n: int) -> None:
            ready = self.jobs("ready", kind="transfer")
            self.send_box(*ready[n % len(ready)])

        def send_box(self, sale: Sale, job: Job) -> Move:
            """The units leave for the shop where they are collected; doing it again changes nothing."""
            for _ in range(2):
                self.run(self.transact(lambda tx: bring.send_to_shop(
                    tx, world.look.chain, location_id=place_id[job.place], fulfilment_id=job.id, actor=world.clerk)))  # fmt: skip
            made = self.run(db.fetchval("SELECT id FROM transfers WHERE side = 'out' AND ref_id = $1", job.id))
            assert job.to is not None
            box: Counter[str] = Counter()
            for line_id, k in (+job.units).items():
                box[sale.lines[line_id].article] += k
            move = Move(made, box, job.place, job.to, "approved", self.now, sale=sale, job=job)
            self.model.set_out(move, box)
            self.model.moves.append(move)
            job.state = "shipped"
            return move

        @precondition(lambda self: self.jobs("to_pick", "ready"))
        @rule(n=which, arrives=st.booleans())
        def get_on_with_it(self, n: int, arrives: bool) -> None:
            """A shop does all there is to do for an order, and a box comes whole: most do, and what follows is the deeper
            part of the story."""
            sale, job = self.jobs("to_pick", "ready")[n % len(self.jobs("to_pick", "ready"))]
            if job.state == "to_pick":
                self.make_ready(job)
            if job.kind == "pickup":
                self.hand_out(sale, job, 0)
            elif job.kind == "ship":
                self.send_out(sale, job)
            else:
                move = self.send_box(sale, job)
                if arrives:
                    self.receive(move, {article: (k, 0) for article, k in (+move.on_the_way).items()})

        @precondition(lambda self: self.jobs("to_pick", "ready"))
        @rule(n=which, part=units, reason=st.sampled_from(["missing", "damaged", "display", "other"]))
        def reject(self, n: int, part: int, reason: Any) -> None:
            sale, job = self.jobs("to_pick", "ready")[n % len(self.jobs("to_pick", "ready"))]
            line_id = [line for line in sale.lines if job.units[line]][n % len(+job.units)]
            k = min(part, job.units[line_id])
            line, wanted = sale.lines[line_id], [reject.Rejected(line_id, k, reason)]
            location = place_id[job.place]

            async def work() -> Any:
                glance = await fulfilment.peek(db, location, job.id)
                plan = await elsewhere.plan_elsewhere(
                    world.look, job=glance, rejected={line_id: k}, skus={line_id: sku_id[line.article]}
                )
                async with db.begin() as tx:
                    return await reject.reject(
                        tx, world.look, location_id=location, fulfilment_id=job.id, rejected=wanted,
                        elsewhere=plan, note="", actor=world.clerk,
                    )  # fmt: skip

            outcome = self.run(work())
            self.model.let_go(sale, job, line_id, k)
            if not job.live:
                sale.refused_by.add(job.place)
            if reason == "missing":
                self.model.correct((job.place, line.article), self.now, -k)
            elif reason == "damaged":
                self.model.on_hand[job.place, line.article] -= k
            assert sum(one.quantity for one in outcome) == k
            sale.rejections += job.kind == "ship"
            if job.kind == "ship" and sale.rejections >= 2:
                assert [one.result for one in outcome] == ["frozen"]
                return
            others = set(PLACES) - {job.place, job.to} - sale.refused_by
            there = sum(self.model.free(place, line.article) for place in others)
            for one in outcome:
                if one.result == "resourced":
                    self.begun(sale, {line_id: one.quantity}, chain.names[one.location_id], job.kind, to=job.to)
                elif one.result == "refunded":
                    assert (job.kind, one.quantity) == ("ship", k - there)
                    self.model.cancel(sale, Counter({line_id: one.quantity}))
                else:
                    assert (one.result, one.quantity) == ("asks_member", k if job.kind == "pickup" else k - there)

        # --- what a person looks after, and what is planned again -------------------------------

        @precondition(lambda self: self.frozen())
        @rule(n=which, place=st.sampled_from([*PLACES, None]))
        def source_again(self, n: int, place: str | None) -> None:
            sale = self.frozen()[n % len(self.frozen())]
            units, places = sale.unserved("delivery"), {place} if place else set(PLACES) - sale.refused_by

            async def work() -> Any:
                plan = await look_after.plan_again(
                    world.look,
                    member_id=world.member_id,
                    order_id=sale.id,
                    at=place_id[place] if place else None,
                    by="x",
                )
                async with db.begin() as tx:
                    await look_after.source_again(
                        tx, world.look, member_id=world.member_id, order_id=sale.id, plan=plan, reason="r",
                        actor=world.clerk,
                    )  # fmt: skip
                return plan

            there: Counter[str] = Counter()
            for one in places:
                there.update({article: self.model.free(one, article) for article in ARTICLES})
            if not any(there[sale.lines[line_id].article] for line_id in units):
                assert self.refused(work()) == "orders.nobody-has-it"
                return
            self.run(work())
            self.follow([sale])
            left = sale.unserved("delivery")
            for article in ARTICLES:
                wanted = sum(k for line_id, k in units.items() if sale.lines[line_id].article == article)
                found = wanted - sum(k for line_id, k in left.items() if sale.lines[line_id].article == article)
                assert found == min(wanted, there[article])

        @precondition(lambda self: self.frozen())
        @rule(n=which)
        def give_back_what_waits(self, n: int) -> None:
            sale = self.frozen()[n % len(self.frozen())]
            units = sale.unserved("delivery")
            self.run(self.transact(lambda tx: look_after.refund_frozen(
                tx, member_id=world.member_id, order_id=sale.id, units=units.total(), reason="r", actor=world.clerk)))  # fmt: skip
            self.model.cancel(sale, units)

        @precondition(lambda self: self.jobs("to_pick", kind="ship"))
        @rule()
        def plan_again(self) -> None:
            """Whatever moves, each order has the units it had, and nobody's unit is gone."""
            before = {sale.id: sale.unserved() for sale in self.open_sales()}
            self.run(replan.replan_all(world.look, solve_ms=2_000))
            self.follow(self.open_sales())
            assert {sale.id: sale.unserved() for sale in self.open_sales()} == before

        def follow(self, sales: list[Sale]) -> None:
            """Parcels that the program has ended and opened meanwhile, as it says itself."""
            rows = self.run(db.fetch(
                f"""SELECT f.order_id, f.location_id, f.id, f.kind, f.state, f.promise_at,
                          (SELECT jsonb_object_agg(w.line_id, w.quantity) FROM fulfilment_lines w
                           WHERE w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0) AS units
                   FROM fulfilments f WHERE f.order_id = ANY ($1) AND {fulfilment.SERVING}""",
                [sale.id for sale in sales]))  # fmt: skip
            live = {row["id"] for row in rows}
            for sale in sales:
                for job in sale.jobs:
                    if job.live and job.id not in live:
                        for line_id, k in list((+job.units).items()):
                            self.model.let_go(sale, job, line_id, k)
            by_id = {sale.id: sale for sale in sales}
            for row in rows:
                sale = by_id[row["order_id"]]
                if row["id"] not in {job.id for job in sale.jobs}:
                    assert (row["kind"], row["state"]) == ("ship", "to_pick")
                    units = Counter({UUID(line_id): k for line_id, k in row["units"].items()})
                    job = Job(row["id"], chain.names[row["location_id"]], "ship", "to_pick", units, row["promise_at"])
                    self.model.hold(sale, job)
                    sale.jobs.append(job)

        def begun(
            self, sale: Sale, units: dict[UUID, int], place: str, kind: str, *, to: str | None = None,
            state: str = "to_pick",
        ) -> Job:  # fmt: skip
            """A job that the program has opened meanwhile."""
            known = [job.id for job in sale.jobs]
            row = self.run(db.fetchrow(
                """SELECT id, kind, state, promise_at, to_location_id FROM fulfilments
                   WHERE location_id = $3 AND order_id = $1 AND NOT id = ANY ($2)""",
                sale.id, known, place_id[place]))  # fmt: skip
            assert (row["kind"], row["state"], chain.names.get(row["to_location_id"])) == (kind, state, to)
            job = Job(row["id"], place, kind, state, Counter(units), row["promise_at"], to=to)
            self.model.hold(sale, job)
            sale.jobs.append(job)
            return job

        # --- the member -------------------------------------------------------------------------

        @precondition(lambda self: self.asked())
        @rule(n=which, shop=st.sampled_from([*SHOPS, None]))
        def answer(self, n: int, shop: str | None) -> None:
            sale = self.asked()[n % len(self.asked())]
            units = sale.unserved("pickup")
            if shop is None:
                self.take_the_money(sale, late=False)
                return
            wanted: Counter[str] = Counter()
            for line_id, k in units.items():
                wanted[sale.lines[line_id].article] += k
            refused = self.refused(self.transact(lambda tx: answer.answer_move(
                tx, world.look, member_id=world.member_id, order_id=sale.id, store_id=place_id[shop], secret=SECRET,
                actor=world.member)))  # fmt: skip
            if any(self.model.free(shop, article) < k for article, k in wanted.items()):
                assert refused == "inventory.insufficient-stock"
            else:
                assert refused is None
                self.begun(sale, dict(units), shop, "pickup")

        def take_the_money(self, sale: Sale, *, late: bool) -> None:
            units = sale.unserved("pickup")
            if late:
                self.run(answer.answer_for_the_member(db, answer.AnswerDue(world.member_id, sale.id)))
            else:
                self.run(self.transact(lambda tx: answer.answer_refund(
                    tx, member_id=world.member_id, order_id=sale.id, actor=world.member)))  # fmt: skip
            self.model.cancel(sale, units)

        @precondition(lambda self: self.open_sales())
        @rule(n=which)
        def time_to_answer_is_over(self, n: int) -> None:
            """It may have been answered long ago: then nothing happens."""
            sale = self.open_sales()[n % len(self.open_sales())]
            if sale.unserved("pickup"):
                self.take_the_money(sale, late=True)
            else:
                self.run(answer.answer_for_the_member(db, answer.AnswerDue(world.member_id, sale.id)))

        @precondition(lambda self: self.open_sales())
        @rule(n=which, part=st.sampled_from([1, 1, 2, None]), by_staff=st.booleans(), closed_too=st.booleans())
        def cancel_some(self, n: int, part: int | None, by_staff: bool, closed_too: bool) -> None:
            """Or, without `part`, all that is due."""
            sale = self.open_sales()[n % len(self.open_sales())]
            self.cancel(sale, n, part, by_staff=by_staff, closed_too=closed_too and part is None)

        def cancel(self, sale: Sale, n: int, part: int | None, *, by_staff: bool, closed_too: bool) -> None:
            due = Counter({line.id: line.due for line in sale.lines.values() if line.due})
            wanted = due
            if part is not None:
                line_id = list(due)[n % len(due)]
                wanted = Counter({line_id: min(part, due[line_id])})
            refused = self.refused(self.transact(lambda tx: cancel.cancel(
                tx, member_id=world.member_id, order_id=sale.id, quantities=None if part is None else dict(wanted),
                reason="", actor=world.clerk if by_staff else world.member)))  # fmt: skip
            if sale.state == "awaiting_payment" and wanted != due:
                assert refused == "orders.cancel-whole"
                return
            assert refused is None
            # What nobody serves goes first.
            served = wanted - sale.unserved()
            live = sorted(
                (j for j in sale.jobs if j.live), key=lambda job: (not job.keeps, place_id[job.place], job.id)
            )
            self.model.take_back(sale, live, served)
            self.model.cancel(sale, wanted)
            if closed_too and sale.id in self.pages and not sale.paid:
                intent = {"member_id": str(world.member_id), "intent_id": self.pages[sale.id]}
                self.run(expire.close_payment(db, intent))
                if sale.bought:
                    self.model.settle(sale)

        # --- time -------------------------------------------------------------------------------

        @rule(minutes=st.sampled_from([5, 16, 90]), silent=st.booleans())
        def time_passes(self, minutes: int, silent: bool) -> None:
            """And the provider may not answer just then."""
            self.pass_time(minutes, silent)

        @precondition(lambda self: self.jobs("to_pick", "ready", kind="pickup"))
        @rule()
        def nobody_collects(self) -> None:
            self.pass_time(73 * 60, silent=False)

        @precondition(lambda self: self.jobs("ready", kind="pickup"))
        @rule()
        def time_runs_out(self) -> None:
            """So far that whoever has not collected is reminded, and some are let go."""
            self.pass_time(50 * 60, silent=False)

        def pass_time(self, minutes: int, silent: bool) -> None:
            self.now += timedelta(minutes=minutes)
            self.run(remind.remind_due(db))
            books.silent = silent
            self.run(expire.expire_unpaid(db))
            books.silent = False
            self.run(expire.release_uncollected(db))
            self.run(expire.expire_holds(db))
            self.run(expire.lapse_transfers(db))
            for move in self.moves("requested"):
                if move.asked_at + timedelta(hours=48) <= self.now:
                    self.model.stay(move)
            for sale in self.open_sales():
                if sale.state == "awaiting_payment" and sale.pay_by is not None and sale.pay_by <= self.now:
                    if sale.bought and not silent:
                        self.model.settle(sale)
                        continue
                    units = Counter({line.id: line.due for line in sale.lines.values() if line.due})
                    self.model.take_back(sale, [job for job in sale.jobs if job.live], units)
                    self.model.cancel(sale, units, empty_as="expired")
            for sale, job in self.jobs("to_pick", "ready", kind="pickup"):
                forgotten = sale.mode == "at_store" and sale.total and job.promise_at + timedelta(hours=168) <= self.now
                over = job.keep_until is not None and job.keep_until <= self.now
                if over if job.state == "ready" else forgotten:
                    units = +job.units
                    self.model.take_back(sale, [job], Counter(units))
                    self.model.cancel(sale, Counter(units))
            for shelf, (_, until) in list(self.model.favourites.items()):
                if until <= self.now:
                    self.model.forget(shelf)
            for hold_id, (shelf, n, until) in list(self.model.kept.items()):
                if until <= self.now:
                    self.model.held[shelf] -= n
                    del self.model.kept[hold_id]

        # --- the shelf --------------------------------------------------------------------------

        @rule(
            shop=st.sampled_from(SHOPS),
            wishes=st.lists(st.tuples(st.sampled_from(ARTICLES), units), min_size=1, max_size=2),
        )
        def sell(self, shop: str, wishes: list[tuple[str, int]]) -> None:
            store = world.look.chain.store(place_id[shop])

            async def work() -> Any:
                priced = await sell.price_wishes(world.look, store, [(sku_id[a], n) for a, n in wishes], member_id=None)
                async with db.begin() as tx:
                    return await sell.sell(
                        tx, store, priced, member_id=world.member_id, contact=orders.Contact("", ""),
                        tendered_minor=10**6, actor=world.clerk,
                    )  # fmt: skip

            wanted: Counter[str] = Counter()
            for article, n in wishes:
                wanted[article] += n
            mine = [(shop, article) for article in wanted if (shop, article) in self.model.favourites]
            fits = all(self.model.free(shop, a) + ((shop, a) in mine) >= n for a, n in wanted.items())
            assert self.refused(work()) == (None if fits else "inventory.insufficient-stock")
            if fits:
                for shelf in mine:
                    self.model.forget(shelf)
                total = sum(PRICES[article] * n for article, n in wanted.items())
                self.model.cash[shop] += total
                self.model.till[shop] += total
                for article, n in wanted.items():
                    self.model.on_hand[shop, article] -= n
                self.remember_sale(shop)

        def remember_sale(self, shop: str) -> None:
            """What was sold last may be brought back later."""
            rows = self.run(db.fetch(
                """SELECT l.order_id, l.id, l.sku_id, l.quantity FROM order_lines l
                   WHERE l.method = 'till' AND NOT l.order_id = ANY ($1) ORDER BY l.n""",
                [order_id for order_id, _ in self.model.counter]))  # fmt: skip
            for row in rows:
                line = Line(
                    row["id"], chain.articles[row["sku_id"]], "till", row["quantity"], shop, handed=row["quantity"]
                )
                self.model.counter.append((row["order_id"], line))

        def had(self) -> list[tuple[UUID, Sale | None, Line]]:
            """What customers have and may bring back: a parcel may still be on its way."""
            ordered = [
                (sale.id, sale, line)
                for sale in self.model.sales.values()
                for line in sale.lines.values()
                if line.method == "pickup"
            ]
            bought = [(order_id, None, line) for order_id, line in self.model.counter]
            return [one for one in (*ordered, *bought) if one[2].handed > one[2].back]

        @precondition(lambda self: self.had())
        @rule(n=which, k=units, shop=st.sampled_from(SHOPS), damaged=st.booleans())
        def bring_back(self, n: int, k: int, shop: str, damaged: bool) -> None:
            order_id, sale, line = self.had()[n % len(self.had())]
            brought = [return_goods.Brought(line.id, k, "damaged" if damaged else "sellable")]
            look = world.look
            refused = self.refused(self.transact(lambda tx: return_goods.return_goods(
                tx, look.chain, look.chain.store(place_id[shop]), member_id=world.member_id, order_id=order_id,
                brought=brought, reason="faulty", expected_minor=line.price * k, actor=world.clerk)))  # fmt: skip
            if k > line.handed - line.back:
                assert refused == "returns.nothing-left"
            else:
                assert refused is None
                self.model.bring_back(sale, line, k, shop, damaged=damaged)

        @rule(place=st.sampled_from(PLACES), article=st.sampled_from(ARTICLES), n=st.integers(0, 6))
        def count(self, place: str, article: str, n: int) -> None:
            refused = self.refused(self.transact(lambda tx: inventory.correct_to(
                tx, location_id=place_id[place], sku_id=sku_id[article], counted=n, actor=world.clerk)))  # fmt: skip
            if n < self.model.held[place, article]:
                assert refused == "inventory.count-below-held"
            else:
                assert refused is None
                self.model.correct((place, article), self.now, n - self.model.on_hand[place, article])

        @rule(place=st.sampled_from(PLACES), article=st.sampled_from(ARTICLES), n=st.integers(0, 6))
        def count_a_shelf(self, place: str, article: str, n: int) -> None:
            """With a count that is booked when its differences are approved; trade goes on until then."""
            count_id = self.run(world.open_count(place, article))
            self.run(world.scan(place, count_id, article, counted=n, at=self.now))
            book = self.model.on_hand[place, article]
            self.model.counts.append(Counted(count_id, (place, article), n, book, self.now))

        @precondition(lambda self: self.model.counts)
        @rule(n=which, found=st.booleans())
        def approve_a_count(self, n: int, found: bool) -> None:
            """Units that are promised and were not seen turn up after all (`found`), or their orders lose them."""
            counted = self.model.counts.pop(n % len(self.model.counts))
            place, article = counted.shelf
            at_once = self.run(world.submit(place, counted.id))
            off = abs(counted.units - counted.book)
            assert at_once == (off <= 5 and off * LISTED[article] <= 20_000)
            if not at_once:
                self.run(world.approve(place, counted.id))
            difference = self.model.difference(counted)
            short = max(0, -difference - self.model.free(place, article))
            self.model.correct(counted.shelf, self.now, difference + short)
            self.model.counted_at[counted.shelf] = max(counted.at, self.model.counted_at.get(counted.shelf, counted.at))
            row = self.run(db.fetchrow(
                "SELECT id, state, units FROM shortages WHERE location_id = $1 AND sku_id = $2 AND state = 'open'",
                place_id[place], sku_id[article]))  # fmt: skip
            assert (row["units"] if row else 0) == short
            if short and not found:
                self.run(settle_shortage.settle(world.look, location_id=place_id[place], shortage_id=row["id"]))
                self.lost(counted.shelf, row["id"], short)
            if short:
                self.run(self.transact(lambda tx: inventory.found_after_all(
                    tx, location_id=place_id[place], shortage_id=row["id"], actor=world.clerk)))  # fmt: skip

        def lost(self, shelf: Shelf, shortage_id: UUID, short: int) -> None:
            """Orders have lost units of a shelf, as many as they had or were short; the program says which."""
            gone = self.run(db.fetchrow(
                "SELECT taken, lost FROM shortages WHERE location_id = $1 AND id = $2", place_id[shelf[0]], shortage_id))  # fmt: skip
            having = [
                (sale, job, line_id)
                for sale, job in self.jobs("to_pick", "ready")
                for line_id in +job.units
                if (job.place, sale.lines[line_id].article) == shelf
            ]
            assert tuple(gone) == (0, min(short, sum(job.units[line_id] for _, job, line_id in having)))
            rows = self.run(db.fetch(
                """SELECT w.fulfilment_id, w.line_id, w.quantity FROM fulfilment_lines w
                   WHERE w.location_id = $1 AND w.fulfilment_id = ANY ($2)""",
                place_id[shelf[0]], [job.id for _, job, _ in having]))  # fmt: skip
            left = {(row["fulfilment_id"], row["line_id"]): row["quantity"] for row in rows}
            losers: dict[UUID, tuple[Sale, Counter[UUID]]] = {}
            for sale, job, line_id in having:
                k = job.units[line_id] - left[job.id, line_id]
                if not k:
                    continue
                self.model.let_go(sale, job, line_id, k)
                self.model.correct(shelf, self.now, -k)
                if not job.live:
                    sale.refused_by.add(job.place)
                sale.rejections += job.kind == "ship"
                losers.setdefault(sale.id, (sale, Counter()))[1][line_id] += k
            assert sum(units.total() for _, units in losers.values()) == gone["lost"]
            for sale, units in losers.values():
                self.served_elsewhere(sale, units)

        def served_elsewhere(self, sale: Sale, units: Counter[UUID]) -> None:
            """What became of units that an order has lost: work elsewhere, money back, or they wait for somebody."""
            rows = self.run(db.fetch(
                """SELECT f.id, f.location_id, f.kind, f.state, f.promise_at, f.to_location_id,
                          jsonb_object_agg(w.line_id, w.quantity) AS units
                   FROM fulfilments f
                   JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
                   WHERE f.order_id = $1 AND NOT f.id = ANY ($2) GROUP BY f.location_id, f.id""",
                sale.id, [job.id for job in sale.jobs]))  # fmt: skip
            opened: Counter[UUID] = Counter()
            for row in sorted(rows, key=lambda row: chain.names[row["location_id"]]):
                assert row["kind"] in ("ship", "transfer")
                assert row["state"] == "to_pick"
                found = Counter({UUID(line_id): k for line_id, k in row["units"].items()})
                job = Job(row["id"], chain.names[row["location_id"]], row["kind"], "to_pick", found, row["promise_at"],
                          to=chain.names.get(row["to_location_id"]))  # fmt: skip
                self.model.hold(sale, job)
                sale.jobs.append(job)
                opened += found
            dropped = Counter(
                {
                    row["id"]: k
                    for row in self.run(db.fetch("SELECT id, cancelled FROM order_lines WHERE order_id = $1", sale.id))
                    if (k := row["cancelled"] - sale.lines[row["id"]].cancelled)
                }
            )
            assert opened + dropped <= units
            assert all(sale.lines[line_id].method == "delivery" for line_id in dropped)
            if dropped:
                self.model.cancel(sale, dropped)
            waits = sale.unserved("delivery")
            assert not waits or sale.rejections >= 2

        @rule(place=st.sampled_from(PLACES), article=st.sampled_from(ARTICLES), n=st.sampled_from([-2, -1, 1, 3]))
        def goods_come_or_break(self, place: str, article: str, n: int) -> None:
            refused = self.refused(self.transact(lambda tx: inventory.adjust(
                tx, location_id=place_id[place], sku_id=sku_id[article], delta=n,
                reason="receipt" if n > 0 else "damage", actor=world.clerk)))  # fmt: skip
            if self.model.free(place, article) + n < 0:
                assert refused == "inventory.count-below-held"
            else:
                assert refused is None
                self.model.on_hand[place, article] += n

        @rule(
            shop=st.sampled_from(SHOPS), article=st.sampled_from(ARTICLES), n=units, minutes=st.sampled_from([10, 600])
        )
        def hold(self, shop: str, article: str, n: int, minutes: int) -> None:
            made: list[UUID] = []

            async def work() -> None:
                made.append(await inventory.Holds(db).hold(
                    location_id=place_id[shop], sku_id=sku_id[article], quantity=n, ref_kind="clerk", ref_id=new_id(),
                    expires_at=self.now + timedelta(minutes=minutes), actor=world.clerk))  # fmt: skip

            refused = self.refused(work())
            if self.model.free(shop, article) < n:
                assert refused == "inventory.insufficient-stock"
            else:
                assert refused is None
                self.model.held[shop, article] += n
                self.model.kept[made[0]] = ((shop, article), n, self.now + timedelta(minutes=minutes))

        @precondition(lambda self: self.model.kept)
        @rule(n=which)
        def release(self, n: int) -> None:
            hold_id = list(self.model.kept)[n % len(self.model.kept)]
            shelf, k, _ = self.model.kept.pop(hold_id)
            assert self.run(self.transact(lambda tx: inventory.give_up(
                tx, location_id=place_id[shelf[0]], hold_id=hold_id, actor=world.clerk)))  # fmt: skip
            self.model.held[shelf] -= k

        @rule(shop=st.sampled_from(SHOPS), article=st.sampled_from(ARTICLES))
        def scan_and_favourite(self, shop: str, article: str) -> None:
            shelf, mine = (shop, article), self.model.favourites
            today = sum(at > self.now - timedelta(days=1) for at in self.model.given)
            came = self.run(kept(world, article, shop))
            if shelf in mine:
                assert (came.unit.hold_id, came.unit.until) == mine[shelf]
            elif len(mine) >= 3 or today >= 6:
                assert isinstance(came, TooManyKept)
            elif self.model.free(*shelf) < 1:
                assert came.outcome == "none_left"
            else:
                assert came.unit.until == self.now + timedelta(hours=2)
                mine[shelf] = came.unit.hold_id, came.unit.until
                self.model.given.append(self.now)
                self.model.held[shelf] += 1

        @precondition(lambda self: self.model.favourites)
        @rule(n=which, more=st.integers(1, 2), sent=st.booleans())
        def buy_what_was_kept(self, n: int, more: int, sent: bool) -> None:
            shop, article = list(self.model.favourites)[n % len(self.model.favourites)]
            self.place([(article, more, None if sent else shop)], "online")

        @precondition(lambda self: self.model.favourites)
        @rule(n=which)
        def give_up_a_favourite(self, n: int) -> None:
            shelf = list(self.model.favourites)[n % len(self.model.favourites)]
            hold_id, until = self.model.favourites[shelf]
            one = KeptUnit(place_id[shelf[0]], hold_id, sku_id[shelf[1]], until)
            assert self.run(self.transact(lambda tx: keep.give_up(tx, units=[one], actor=world.member))) == [one]
            self.model.forget(shelf)

        # --- from place to place ----------------------------------------------------------------

        def moves(self, *states: str) -> list[Move]:
            return [move for move in self.model.moves if move.state in states]

        def step(self, verb: Any, move: Move, **options: Any) -> str | None:
            return self.refused(self.transact(lambda tx: verb(tx, transfer_id=move.id, actor=world.clerk, **options)))

        @rule(
            source=st.sampled_from(PLACES), to=st.sampled_from(PLACES), article=st.sampled_from(ARTICLES),
            n=st.integers(1, 4), called=st.booleans(),
        )  # fmt: skip
        def ask_another_place(self, source: str, to: str, article: str, n: int, called: bool) -> None:
            """Up to three units are approved by policy, and what headquarters calls off."""
            made: list[UUID] = []

            async def work(tx: Any) -> None:
                made.append(await transfers.request(
                    tx, source=world.look.chain.store(place_id[source]), destination=world.look.chain.store(place_id[to]),
                    units=[transfers.Units(sku_id[article], n)], note="", called=called, actor=world.clerk))  # fmt: skip

            refused = self.refused(self.transact(work))
            if source == to:
                assert refused == "inventory.transfer-same-place"
            elif self.model.free(source, article) < n:
                assert refused == "inventory.insufficient-stock"
            else:
                assert refused is None
                state = "approved" if called or n <= 3 else "requested"
                self.model.moves.append(Move(made[0], Counter({article: n}), source, to, state, self.now))
                self.model.held[source, article] += n

        @precondition(lambda self: self.moves("requested"))
        @rule(n=which, yes=st.booleans())
        def answer_a_request(self, n: int, yes: bool) -> None:
            move = self.moves("requested")[n % len(self.moves("requested"))]
            if yes:
                assert self.step(transfers.approve, move, chain=world.look.chain) is None
                move.state = "approved"
            else:
                assert self.step(transfers.decline, move, reason="ours") is None
                self.model.stay(move)

        @precondition(lambda self: self.moves("approved"))
        @rule(n=which, missing=st.integers(0, 2))
        def send_units(self, n: int, missing: int) -> None:
            move = self.moves("approved")[n % len(self.moves("approved"))]
            picked = Counter({article: max(1, k - missing) for article, k in move.units.items()})
            units = [transfers.Units(sku_id[article], k) for article, k in picked.items()]
            assert self.step(transfers.send, move, chain=world.look.chain, picked=units) is None
            assert self.step(transfers.cancel, move, reason="late") == "kernel.wrong-state"
            self.model.set_out(move, picked)

        @precondition(lambda self: self.moves("sent"))
        @rule(n=which, good=st.integers(0, 4), damaged=st.sampled_from([0, 0, 1]), others=st.booleans())
        def receive_units(self, n: int, good: int, damaged: int, others: bool) -> None:
            """Fewer of one article, as many, or more than are on the way; of the others all or none."""
            move = self.moves("sent")[n % len(self.moves("sent"))]
            articles = list(move.units)
            first = articles[n % len(articles)]
            came = {article: (move.on_the_way[article] * others, 0) for article in articles}
            came[first] = good, min(damaged, move.on_the_way[first])
            self.receive(move, came)

        @precondition(lambda self: [move for move in self.moves("sent") if move.sale])
        @rule(n=which)
        def receive_what_was_ordered(self, n: int) -> None:
            """A box for an order, whole, as most come."""
            boxes = [move for move in self.moves("sent") if move.sale]
            move = boxes[n % len(boxes)]
            self.receive(move, {article: (k, 0) for article, k in (+move.on_the_way).items()})

        def receive(self, move: Move, came: dict[str, tuple[int, int]]) -> None:
            units = [transfers.Came(sku_id[article], good, damaged) for article, (good, damaged) in came.items()]
            assert self.step(bring.receive, move, came=units, secret=SECRET) is None
            good = self.model.arrive(move, came)
            if move.sale is not None and (here := self.model.end_of_the_way(move, good)):
                job = self.begun(move.sale, dict(here), move.to, "pickup", state="ready")
                job.keep_until = self.now + timedelta(hours=72)

        @precondition(lambda self: self.moves("requested", "approved"))
        @rule(n=which)
        def call_a_transfer_off(self, n: int) -> None:
            move = self.moves("requested", "approved")[n % len(self.moves("requested", "approved"))]
            assert self.step(transfers.cancel, move, reason="no more") is None
            self.model.stay(move)

        @precondition(lambda self: self.moves("sent"))
        @rule(n=which)
        def write_a_transfer_off(self, n: int) -> None:
            move = self.moves("sent")[n % len(self.moves("sent"))]
            assert self.step(bring.write_off, move, reason="gone") is None
            for article, k in move.on_the_way.items():
                self.model.on_hand[move.way, article] -= k
            move.on_the_way, move.state = Counter(), "over"
            if move.job is not None and move.job.state == "shipped":
                self.model.end_of_the_way(move, Counter())

        # --- what must be -----------------------------------------------------------------------

        @invariant()
        def the_books_are_right(self) -> None:
            self.steps += 1
            chain.steps += 1
            if self.steps % check_each == 0:
                self.check()

        def check(self) -> None:
            assert [dict(row) for row in self.run(db.fetch(CHECK))] == []

        @invariant()
        def stock_is_what_the_model_says(self) -> None:
            rows = self.run(db.fetch("SELECT location_id, sku_id, on_hand, held FROM levels"))
            found = {
                (chain.names[row["location_id"]], chain.articles[row["sku_id"]]): (row["on_hand"], row["held"])
                for row in rows
            }
            expected = self.model.levels()
            assert {k: v for k, v in found.items() if v != (0, 0)} == {k: v for k, v in expected.items() if v != (0, 0)}
            assert all(0 <= held <= on_hand for on_hand, held in expected.values()), "the model itself is wrong"

        @invariant()
        def orders_are_what_the_model_says(self) -> None:
            rows = self.run(db.fetch(
                f"""SELECT o.id, o.state, o.paid_minor, o.refunded_minor,
                          (SELECT jsonb_object_agg(l.id, jsonb_build_array(l.handed, l.cancelled, l.returned)) FROM order_lines l
                           WHERE l.order_id = o.id) AS lines,
                          (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(f.id, f.state)), '[]') FROM fulfilments f
                           WHERE f.order_id = o.id AND {fulfilment.SERVING}) AS jobs
                   FROM orders o WHERE o.channel = 'mall'"""))  # fmt: skip
            found = {
                row["id"]: (
                    row["state"], row["paid_minor"], row["refunded_minor"],
                    {UUID(line): tuple(done) for line, done in row["lines"].items()},
                    {(UUID(job), state) for job, state in row["jobs"]},
                )
                for row in rows
            }  # fmt: skip
            assert found == {
                sale.id: (
                    sale.state, sale.paid, sale.returned,
                    {line.id: (line.handed, line.cancelled, line.back) for line in sale.lines.values()},
                    {(job.id, job.state) for job in sale.jobs if job.live},
                )
                for sale in self.model.sales.values()
            }  # fmt: skip

        @invariant()
        def money_is_what_the_model_says(self) -> None:
            rows = self.run(db.fetch(
                """SELECT account, sum(amount) AS balance FROM (
                     SELECT debit AS account, amount_minor AS amount FROM journal_entries
                     UNION ALL SELECT credit, -amount_minor FROM journal_entries) e GROUP BY account"""))  # fmt: skip
            found = {row["account"]: int(row["balance"]) for row in rows if row["balance"]}
            assert -found.get("deposits", 0) == self.model.deposits()
            assert found.get("clearing:sandbox", 0) == self.model.clearing()
            drawers = {shop: found.get(f"cash:{place_id[shop]}", 0) for shop in SHOPS}
            assert drawers == {shop: self.model.cash[shop] for shop in SHOPS}
            sold = -sum(n for account, n in found.items() if account.startswith(("sales:", "income:")))
            assert sold == sum(sale.earned for sale in self.model.sales.values()) + sum(self.model.till.values())
            taken = sum(p.amount_minor for p in books.payments.values() if p.status is PaymentStatus.PAID)
            given = sum(r.amount_minor for r in books.refunds.values())
            unknown = sum(sale.total for sale in self.unknown_payments())
            assert taken - given - unknown == self.model.clearing(), "the provider's own books"

    return Trade


def play(trade: type[RuleBasedStateMachine], *, histories: int, steps: int, seed: int | None) -> None:
    chosen = settings(
        max_examples=histories, stateful_step_count=steps, deadline=None, derandomize=seed is None, database=None,
        phases=[Phase.generate, Phase.shrink] if os.environ.get("DUOLINE_SHRINK") != "0" else [Phase.generate],
        report_multiple_bugs=False, print_blob=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )  # fmt: skip
    run_state_machine_as_test(trade if seed is None else hypothesis.seed(seed)(trade), settings=chosen)


def test_trade_at_random(access: postgres.Access) -> None:
    """About a thousand steps, from the same seed each time."""
    with Chain(access) as chain:
        play(machine(chain, check_each=1), histories=40, steps=40, seed=None)


@pytest.mark.proof
def test_much_trade_at_random(access: postgres.Access, capsys: pytest.CaptureFixture[str]) -> None:
    first = int(os.environ.get("DUOLINE_SEED") or random.SystemRandom().randrange(2**32))
    wanted = int(os.environ.get("DUOLINE_STEPS") or 20_000)
    began = time.monotonic()
    with Chain(access) as chain:
        trade = machine(chain, check_each=10)
        for seed in itertools.count(first):
            with capsys.disabled():
                sys.stderr.write(f"\ntrade at random: {chain.steps} steps done; DUOLINE_SEED={seed}\n")
            play(trade, histories=25, steps=200, seed=seed)
            if chain.steps >= wanted:
                break
        with capsys.disabled():
            took = time.monotonic() - began
            sys.stderr.write(f"\ntrade at random: {chain.steps} steps in {chain.histories} histories, {took:.0f} s\n")
