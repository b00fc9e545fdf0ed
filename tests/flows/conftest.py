"""A small chain to trade on: two shops and a warehouse in one city, three articles, one member."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec
import pytest

from duoline import fulfilment, inventory, orders
from duoline.catalog.docs import refresh_docs
from duoline.entry.check import broken
from duoline.flows import (
    basket,
    cancel,
    count,
    elsewhere,
    hand_over,
    order_view,
    pay,
    refund,
    reject,
    settle_shortage,
)
from duoline.flows.draft import Receipt, Request
from duoline.flows.place import Placing
from duoline.kernel import clock, policies
from duoline.kernel.auth import Actor
from duoline.kernel.errors import Unavailable
from duoline.kernel.ids import new_id
from duoline.payments import payers, providers
from duoline.payments.provider import (
    AlreadyPaid,
    CodeUnknown,
    CodeUsed,
    OpenedPayment,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
)
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from duoline.kernel.db import Database

SECRET = b"only for tests"
NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # a Wednesday, noon in Shanghai
WEEK = [[["09:00", "21:00"]]] * 7
_numbers = itertools.count(1)


@dataclass
class World:
    """What a story needs at hand."""

    db: Database
    stores: dict[str, UUID] = field(default_factory=dict)
    skus: dict[str, UUID] = field(default_factory=dict)
    member_id: UUID = field(default_factory=new_id)
    look: basket.Look = None  # type: ignore[assignment]
    placing: Placing = None  # type: ignore[assignment]

    @property
    def clerk(self) -> Actor:
        return Actor("staff", UUID(int=7), "Li Na")

    @property
    def manager(self) -> Actor:
        return Actor("staff", UUID(int=8), "Chen Jie")

    @property
    def member(self) -> Actor:
        return Actor("member", self.member_id, "Wang Fang")

    async def stock(self, store: str, sku: str, quantity: int) -> None:
        async with self.db.begin() as tx:
            await inventory.adjust(
                tx,
                location_id=self.stores[store],
                sku_id=self.skus[sku],
                delta=quantity,
                reason="opening",
                actor=self.clerk,
            )

    async def level(self, store: str, sku: str) -> tuple[int, int]:
        row = await self.db.fetchrow(
            "SELECT on_hand, held FROM levels WHERE location_id = $1 AND sku_id = $2",
            self.stores[store],
            self.skus[sku],
        )
        return (row["on_hand"], row["held"]) if row else (0, 0)

    def wish(self, sku: str, quantity: int = 1, at: str | None = None) -> orders.Wanted:
        method = "pickup" if at else "delivery"
        return orders.Wanted(
            sku_id=self.skus[sku], quantity=quantity, method=method, store_id=self.stores[at] if at else None
        )

    async def new_member(self) -> UUID:
        member_id = new_id()
        await self.db.execute(
            "INSERT INTO members (member_id, kind, display_name, tier, created_at) VALUES ($1, 'member', 'M', 'member', $2)",
            member_id,
            clock.now(),
        )
        return member_id

    def request(
        self,
        *wishes: orders.Wanted,
        pay_mode: str = "online",
        key: str | None = None,
        member_id: UUID | None = None,
        expected_minor: int | None = None,
        address: orders.Address | None = None,
        bring: bool = False,
    ) -> Request:
        member = member_id or self.member_id
        if address is None and any(wish.method == "delivery" for wish in wishes):
            address = ADDRESS
        return Request(
            member_id=member,
            actor=Actor("member", member),
            key=key or f"key-{next(_numbers)}",
            request_hash=msgspec.json.encode([wishes, pay_mode]),
            wishes=wishes,
            pay_mode=pay_mode,
            contact=orders.Contact("王芳", "13900000001"),
            address=address,
            expected_minor=expected_minor,
            note="",
            channel="mall",
            bring=bring,
        )

    async def place(self, *wishes: orders.Wanted, **options: object) -> Receipt:
        placed = await self.placing.place(self.request(*wishes, **options))  # type: ignore[arg-type]
        return msgspec.json.decode(placed.body, type=Receipt)

    async def ready(self, receipt: Receipt, n: int = 0) -> None:
        job = receipt.fulfilments[n]
        async with self.db.begin() as tx:
            await hand_over.mark_ready(
                tx, location_id=self.stores[job.store_code], fulfilment_id=job.id, actor=self.clerk
            )

    def code(self, receipt: Receipt, n: int = 0) -> fulfilment.PickupCode:
        return fulfilment.code_of(receipt.fulfilments[n].id, SECRET)

    async def paid(self, books: Books, *wishes: orders.Wanted, **options: object) -> Receipt:
        """Place and pay online."""
        receipt = await self.place(*wishes, **options)
        await self.pay(books, receipt)
        return receipt

    async def pay(self, books: Books, receipt: Receipt, *, payer: str | None = None) -> None:
        member_id = await self.value("SELECT member_id FROM order_numbers WHERE order_no = $1", receipt.order_no)
        opened = await pay.open_payment(
            self.db,
            member_id=member_id,
            order_id=receipt.id,
            subject="s",
            notify_url="n",
            return_url="r",  # type: ignore[arg-type]
        )
        books.pay(str(opened.intent_id), payer=payer)
        await pay.check_order(self.db, member_id=member_id, order_id=receipt.id)  # type: ignore[arg-type]

    async def order(self, receipt: Receipt) -> order_view.OrderView:
        member_id = await self.value("SELECT member_id FROM order_numbers WHERE order_no = $1", receipt.order_no)
        return await order_view.view(self.db, member_id, receipt.id)  # type: ignore[arg-type]

    async def hand(self, receipt: Receipt, n: int = 0, *, code: str | None = None, cash: int | None = None) -> object:
        job = receipt.fulfilments[n]
        async with self.db.begin() as tx:
            return await hand_over.hand_over(
                tx,
                location_id=self.stores[job.store_code],
                fulfilment_id=job.id,
                code=code or self.code(receipt, n).qr,
                tender="cash" if cash is not None else None,
                tendered_minor=cash,
                actor=self.clerk,
            )

    async def cancel(self, receipt: Receipt, quantities: dict[UUID, int] | None = None) -> int:
        async with self.db.begin() as tx:
            return await cancel.cancel(
                tx, member_id=self.member_id, order_id=receipt.id, quantities=quantities, reason="", actor=self.member
            )

    async def refunds(self) -> None:
        """Carry out every refund that was requested."""
        for row in await self.db.fetch("SELECT member_id, id FROM refunds WHERE state = 'requested'"):
            await refund.send(self.db, refund.SendRefund(row["member_id"], row["id"]))

    async def reject(
        self, receipt: Receipt, quantity: int, reason: str = "missing", n: int = 0
    ) -> list[reject.Outcome]:
        job = receipt.fulfilments[n]
        lines = await fulfilment.lines_of(self.db, self.stores[job.store_code], job.id)
        return await self.reject_lines(receipt, {lines[0].line_id: quantity}, reason, n)

    async def reject_lines(
        self, receipt: Receipt, units: dict[UUID, int], reason: str = "missing", n: int = 0
    ) -> list[reject.Outcome]:
        job = receipt.fulfilments[n]
        location = self.stores[job.store_code]
        glance = await fulfilment.peek(self.db, location, job.id)
        lines = await fulfilment.lines_of(self.db, location, job.id)
        wanted = [reject.Rejected(line, quantity, reason) for line, quantity in units.items()]  # type: ignore[arg-type]
        skus = {line.line_id: line.sku_id for line in lines}
        plan = await elsewhere.plan_elsewhere(self.look, job=glance, rejected=reject.units_of(wanted), skus=skus)
        async with self.db.begin() as tx:
            return await reject.reject(
                tx, self.look, location_id=location, fulfilment_id=job.id, rejected=wanted, elsewhere=plan,
                note="", actor=self.clerk,
            )  # fmt: skip

    async def open_count(self, store: str, *skus: str, kind: inventory.CountKind = "cycle") -> UUID:
        count_id = new_id()
        async with self.db.begin() as tx:
            await inventory.open_count(
                tx, location_id=self.stores[store], count_id=count_id, kind=kind, blind=True, title="", shelf=None,
                sku_ids=[self.skus[sku] for sku in skus], actor=self.clerk,
            )  # fmt: skip
        return count_id

    async def scan(
        self, store: str, count_id: UUID, sku: str, delta: int | None = None, *, counted: int | None = None,
        scan_id: UUID | None = None, at: datetime | None = None,
    ) -> UUID:  # fmt: skip
        scanned = inventory.Scanned(scan_id or new_id(), self.skus[sku], delta, counted, at or clock.now())
        async with self.db.begin() as tx:
            await inventory.scan(
                tx, location_id=self.stores[store], count_id=count_id, scans=[scanned], actor=self.clerk
            )
        return scanned.id

    async def submit(self, store: str, count_id: UUID, rest: Literal["absent", "leave"] | None = None) -> bool:
        """True when it was approved at once."""
        async with self.db.begin() as tx:
            return await count.submit(
                tx, location_id=self.stores[store], count_id=count_id, rest=rest, actor=self.clerk
            )

    async def approve(self, store: str, count_id: UUID) -> list[inventory.Booked]:
        async with self.db.begin() as tx:
            return await inventory.approve(
                tx, location_id=self.stores[store], count_id=count_id, note="", actor=self.manager
            )

    async def count(self, store: str, **counted: int) -> UUID:
        """Count articles, submit, and approve unless that has happened by itself."""
        count_id = await self.open_count(store, *counted)
        for sku, units in counted.items():
            await self.scan(store, count_id, sku, counted=units)
        if not await self.submit(store, count_id):
            await self.approve(store, count_id)
        return count_id

    async def shortages(self) -> list[tuple[str, int]]:
        """State and units left of every shortage, the oldest first."""
        rows = await self.db.fetch(
            "SELECT state, units - taken - lost - found AS units FROM shortages ORDER BY opened_at, id"
        )
        return [(row["state"], row["units"]) for row in rows]

    async def settle(self) -> None:
        """Do what the jobs of open shortages do."""
        for row in await self.db.fetch("SELECT location_id, id FROM shortages WHERE state = 'open'"):
            await settle_shortage.settle(self.look, location_id=row["location_id"], shortage_id=row["id"])

    async def value(self, sql: str, *args: object) -> object:
        return await self.db.fetchval(sql, *args)


ADDRESS = orders.Address(
    name="王芳",
    phone="13900000001",
    province="浙江省",
    city="杭州市",
    district="西湖区",
    line="文三路 1 号",
    lat=30.28,
    lon=120.12,
)


class Books:
    """A provider with a ledger of its own, in memory: what the port promises, without a wire."""

    name = "sandbox"

    def __init__(self) -> None:
        self.payments: dict[str, PaymentState] = {}
        self.refunds: dict[str, RefundState] = {}
        self.codes_used: set[str] = set()
        self.phones: dict[str, str] = {}  # whose account shows a code; of a code that is not here nobody is told
        self.silent = False

    def _speak(self) -> None:
        if self.silent:
            raise Unavailable("the provider does not answer")

    async def open_payment(self, ref: str, **asked: object) -> OpenedPayment:
        self._speak()
        amount, currency = asked["amount_minor"], asked["currency"]
        self.payments.setdefault(
            ref,
            PaymentState(ref=ref, status=PaymentStatus.OPEN, amount_minor=amount, currency=currency),  # type: ignore[arg-type]
        )
        return OpenedPayment(provider_ref=f"P{ref}", pay_url=f"/pay/{ref}", status=self.payments[ref].status)

    async def charge_code(self, ref: str, **asked: object) -> PaymentState:
        self._speak()
        code, amount, currency = str(asked["auth_code"]), asked["amount_minor"], asked["currency"]
        if ref in self.payments:
            return self.payments[ref]
        if code in self.codes_used:
            raise CodeUsed
        if not code.startswith("13"):
            raise CodeUnknown
        self.codes_used.add(code)
        # As a phone that is asked first where its code ends with a nine.
        status = PaymentStatus.OPEN if code.endswith("9") else PaymentStatus.PAID
        self.payments[ref] = PaymentState(
            ref=ref, status=status, provider_ref=f"P{ref}", amount_minor=amount, currency=currency,  # type: ignore[arg-type]
            payer=self.phones.get(code) if status is PaymentStatus.PAID else None,
        )  # fmt: skip
        return self.payments[ref]

    def refuse(self, ref: str) -> None:
        """The payer says no on the phone."""
        self.payments[ref] = msgspec.structs.replace(self.payments[ref], status=PaymentStatus.CLOSED)

    def pay(self, ref: str, *, payer: str | None = None) -> None:
        self.payments[ref] = msgspec.structs.replace(self.payments[ref], status=PaymentStatus.PAID, payer=payer)

    async def query_payment(self, ref: str) -> PaymentState:
        self._speak()
        return self.payments.get(ref, PaymentState(ref=ref, status=PaymentStatus.ABSENT))

    async def close_payment(self, ref: str) -> PaymentState:
        self._speak()
        if ref not in self.payments:
            return PaymentState(ref=ref, status=PaymentStatus.ABSENT)
        if self.payments[ref].status is PaymentStatus.PAID:
            raise AlreadyPaid
        self.payments[ref] = msgspec.structs.replace(self.payments[ref], status=PaymentStatus.CLOSED)
        return self.payments[ref]

    async def refund(self, ref: str, *, refund_ref: str, amount_minor: int, currency: str, reason: str) -> RefundState:
        self._speak()
        done = RefundState(refund_ref=refund_ref, status=RefundStatus.DONE, ref=ref, amount_minor=amount_minor)
        given = sum(r.amount_minor for key, r in self.refunds.items() if r.ref == ref and key != refund_ref)
        assert given + amount_minor <= self.payments[ref].amount_minor
        return self.refunds.setdefault(refund_ref, done)

    async def query_refund(self, refund_ref: str) -> RefundState:
        return self.refunds[refund_ref]


@pytest.fixture
def books() -> Books:
    """The provider that online payments go to."""
    made = Books()
    providers.connect(made)  # type: ignore[arg-type]
    return made


@pytest.fixture
async def world(db: Database) -> AsyncIterator[World]:
    """The chain, at noon, with the checker run at the end: no story may break an invariant."""
    made = World(db)
    payers.connect(SECRET.decode())
    providers.connect(Books())  # type: ignore[arg-type] # whoever pays asks for `books`
    with clock.frozen(NOON):
        await _build(made)
        await directory.refresh(db)
        made.look = basket.Look(db, fulfilment.OpenWork(db))
        made.placing = Placing(made.look, secret=SECRET)
    yield made
    assert await broken(db) == []


@pytest.fixture
async def set_policy(world: World):
    """Changes of the policy that end with the test."""

    async def change(kind: str = "favourite_hold", **fields):
        async with world.db.begin() as tx:
            body = msgspec.structs.replace(policies.current(kind).body, **fields)
            await policies.set_version(tx, actor=world.clerk, kind=kind, body=body, reason="test")
        await policies.refresh(world.db)

    yield change
    await world.db.execute("DELETE FROM policies")
    await policies.refresh(world.db)


async def open_place(
    world: World, code: str, kind: str, lat: float, lon: float, company: UUID | None = None, region: UUID | None = None
) -> None:
    """A shop or warehouse more; of the company and region there are when none is named."""
    world.stores[code] = new_id()
    await world.db.execute(
        """INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province,
             city, phone, lat, lon, hours, pickup, ship, returns, pick_capacity_hour, pickup_lead_min, updated_at)
           VALUES ($1, $2, $3, coalesce($4, (SELECT id FROM companies LIMIT 1)), coalesce($5, (SELECT id FROM regions LIMIT 1)),
                   $2, $2, '', '', '浙江省', '杭州市', '', $6, $7, $8, $9, true, true, 30, 40, $10)""",
        world.stores[code], code, kind, company, region, lat, lon, WEEK, kind == "store", clock.now(),
    )  # fmt: skip
    async with world.db.begin() as tx:
        await inventory.open_location(tx, store_id=world.stores[code], kind=kind)  # type: ignore[arg-type]


async def _build(world: World) -> None:
    now, company, region, category = clock.now(), new_id(), new_id(), new_id()
    run = world.db.execute
    await run("INSERT INTO companies VALUES ($1, 'HQ', '总部', 'HQ', 'headquarters')", company)
    await run("INSERT INTO regions (id, code, name_zh, name_en) VALUES ($1, 'EAST', '华东', 'East')", region)
    places = {"A": ("store", 30.27, 120.15), "B": ("store", 30.25, 120.17), "DC": ("dc", 30.40, 120.30)}
    for code, (kind, lat, lon) in places.items():
        await open_place(world, code, kind, lat, lon, company, region)
    await run(
        "INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, 'MILK', '奶粉', 'Milk powder')", category
    )
    for code, price in {"milk": 19900, "bottle": 4990, "sock": 0}.items():
        product, world.skus[code] = new_id(), new_id()
        await run(
            """INSERT INTO products (id, code, name_zh, name_en, category_id, state, published_at, updated_at)
               VALUES ($1, $2, $2, $2, $3, 'published', $4, $4)""",
            product, code, category, now,
        )  # fmt: skip
        await run("INSERT INTO skus (id, product_id, code) VALUES ($1, $2, $3)", world.skus[code], product, code)
        await run(
            """INSERT INTO prices (id, sku_id, scope, scope_id, price_minor, valid, actor_id, created_at)
               VALUES ($1, $2, 'chain', '00000000-0000-0000-0000-000000000000', $3, tstzrange($4, NULL), $5, $6)""",
            new_id(), world.skus[code], price, datetime(2020, 1, 1, tzinfo=UTC), UUID(int=7), now,
        )  # fmt: skip
    await run(
        "INSERT INTO members (member_id, kind, display_name, tier, created_at) VALUES ($1, 'member', '王芳', 'member', $2)",
        world.member_id, now,
    )  # fmt: skip
    async with world.db.begin() as tx:
        await refresh_docs(tx, None)
