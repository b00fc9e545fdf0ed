"""Every endpoint, as every kind of caller, with somebody else's objects (ASVS V4, OWASP API1 and API5).

The list of endpoints comes from the API's own description, so a new one is tried without anybody thinking of it. What
the test cannot know it must be told, and fails until it is: the kind of object that a parameter names (`doors.…(id=
"order")`; the kinds are in `Side` below), and a body where the one made from the schema is not good enough (`BODIES`).

The expectation is computed here from the door and the caller alone: 401 without the right kind of session, 403
without the permission, 404 for an object outside the caller's scope, and no change of any kind.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import pytest

from duoline import inventory, orders
from duoline.channels.http import describe, doors, sessions
from duoline.entry.check import broken
from duoline.favourites import mark_favourite
from duoline.flows import hand_over, pay, top_up
from duoline.flows.book import Booking, book
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.members import profile
from duoline.pricing import presales
from duoline.pricing.presales import save
from duoline.stores import directory, rights
from duoline.stores.rights import PERMISSIONS
from duoline.stores.system_keys import PURPOSES, RIGHTS
from duoline.stores.types import Role
from tests.http.test_account import ADDRESS
from tests.http.test_live import connect, leave
from tests.http.world import Caller, World, key

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
PRICE = 1990
UNITS = (31, 53)  # so many that no sum of amounts is another amount

# What no session guards and no description lists: pages, pictures, probes.
PAGES = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/api/docs"), ("GET", "/api/docs/{name:str}"),
    ("GET", "/media/{sha:str}"), ("GET", "/"), ("GET", "/search"), ("GET", "/p/{code:str}"), ("GET", "/01/{gtin:str}"), ("GET", "/s/{code:str}"),
    ("GET", "/t/{code:str}"), ("GET", "/t/{code:str}/{kind:str}/{name:str}"), ("GET", "/outfits/{outfit_id:str}"), ("GET", "/robots.txt"), ("GET", "/sitemap.xml"), ("GET", "/dev/inbox"),
}  # fmt: skip

# Names of fields that point at something, and therefore must be named in the door.
POINTS_AT = re.compile(r"(_id|_ids|_code|_codes)$|^(store|stores|sku|order|fulfilment|staff|member|hold)$")
POINTS_AT_NOTHING = {
    "short_code": "a code somebody types",
    "unit_code": "named in the door as unit",
}

# Bodies that the schema alone does not tell how to make.
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/mall/orders": {
        "pay_mode": "at_store",
        "contact": {"name": "王芳", "phone": "13900000001"},
        "lines": [{"sku_id": "{sku}", "quantity": 1, "method": "delivery"}],
    },
    "POST /api/mall/quotes": {"lines": [{"sku_id": "{sku}", "quantity": 1, "method": "delivery"}]},
    "POST /api/mall/orders/{order_id}/cancellation": {"lines": [{"line_id": "{order_line}", "quantity": 1}]},
    "POST /api/mall/orders/{order_id}/cancellation-quote": {"lines": [{"line_id": "{order_line}", "quantity": 1}]},
    "POST /api/mall/orders/{order_id}/answer": {"choice": "refund"},
    "PATCH /api/mall/cart/lines/{line_id}": {"quantity": 2},
    "PATCH /api/mall/addresses/{address_id}": {"line": "别处"},
    "POST /api/clerk/fulfilments/{fulfilment_id}/rejection": {
        "lines": [{"line_id": "{order_line}", "quantity": 1, "reason": "missing"}]
    },
    "POST /api/clerk/fulfilments/{fulfilment_id}/handover": {"code": "000000"},
    "POST /api/clerk/sales": {
        "store": "{store}",
        "lines": [{"sku_id": "{sku}", "quantity": 1}],
        "tender": "cash",
        "tendered": {"minor": 100000, "currency": "CNY"},
    },
    "POST /api/clerk/cards": {"store": "{store}", "text": "M0001"},
    "POST /api/clerk/till-orders": {
        "store": "{store}",
        "lines": [{"sku_id": "{sku}", "quantity": 1}],
        "tenders": [{"tender": "code", "amount": {"minor": 1990, "currency": "CNY"}}],
        "expected_total": {"minor": 1990, "currency": "CNY"},
    },
    "POST /api/clerk/till-orders/{order_id}/tenders/{tender_id}/charges": {"code": "131111111111111111"},
    "PUT /api/clerk/till-orders/{order_id}/tenders": {
        "tenders": [{"tender": "cash", "amount": {"minor": 1990, "currency": "CNY"}}],
    },
    "POST /api/clerk/till-orders/{order_id}/completion": {"tendered": {"minor": 1990, "currency": "CNY"}},
    "POST /api/clerk/top-ups/{top_up_id}/charges": {"code": "131111111111111111"},
    "POST /api/mall/guide-asks/{ask_id}/answer": {"accept": False},
    "POST /api/console/bindings/transfers": {"store": "{store}", "to_staff_id": "{staff}", "reason": "x"},
    "POST /api/clerk/guide-asks": {"store": "{store}", "phone": "13900000001"},
    "POST /api/clerk/guide-disputes": {"store": "{store}", "phone": "13900000001", "reason": "x"},
    "POST /api/console/binding-disputes/{dispute_id}/decision": {"decision": "stands", "reason": "x"},
    "POST /api/console/touchpoints/{touchpoint_id}/target": {"target": {"kind": "home"}, "reason": "x"},
    "POST /api/console/touchpoints": {
        "kind": "poster", "name": {"zh": "海报"}, "target": {"kind": "home"}, "store": "{store}",
    },
    "POST /api/console/member-pairs/{member_id}/{other_id}/decision": {"decision": "different", "reason": "x"},
    "POST /api/clerk/preorder-lookups": {"store": "{store}", "code": "111122223333"},
    "POST /api/clerk/preorders": {
        "store": "{store}", "code": "111122223333",
        "tenders": [{"tender": "cash", "amount": {"minor": 1990, "currency": "CNY"}}],
    },
    "POST /api/mall/preorders": {
        "presale_id": "00000000-0000-7000-8000-000000000001", "version": 1, "quantity": 1, "method": "delivery",
        "contact": {"name": "王芳", "phone": "13900000001"},
    },
    "POST /api/mall/orders/{order_id}/balance": {
        "method": "delivery", "contact": {"name": "王芳", "phone": "13900000001"},
        "address": {"name": "王芳", "phone": "13900000001", "province": "某省", "city": "某市", "district": "", "line": "1"},
    },
    "POST /api/console/prices": {
        "sku_id": "{sku}", "scope": "store", "scope_code": "{store}", "price": {"minor": 1990, "currency": "CNY"},
        "valid_from": "2027-05-01T00:00:00+08:00",
    },
    "POST /api/clerk/parked-sales": {"store": "{store}", "lines": [{"sku_id": "{sku}", "quantity": 1}]},
    "POST /api/clerk/drawer-sessions": {"store": "{store}", "float": {"minor": 100, "currency": "CNY"}, "drawer": "9"},
    "POST /api/clerk/drawer-sessions/{session_id}/payments": {
        "kind": "paid_in", "amount": {"minor": 100, "currency": "CNY"}, "reason": "x",
    },
    "POST /api/clerk/home-quotes": {"store": "{store}", "lines": [{"sku_id": "{sku}", "quantity": 1}]},
    "POST /api/clerk/home-sales": {
        "store": "{store}",
        "lines": [{"sku_id": "{sku}", "quantity": 1}],
        "name": "王芳",
        "phone": "13900000001",
        "address": {"province": "某省", "city": "某市", "line": "某路 1 号"},
        "expected_total": {"minor": 1990, "currency": "CNY"},
    },
    "POST /api/clerk/return-quotes": {
        "store": "{store}",
        "order_id": "{order}",
        "reason": "faulty",
        "lines": [{"line_id": "{order_line}", "quantity": 1, "condition": "sellable"}],
    },
    "POST /api/clerk/returns": {
        "store": "{store}",
        "order_id": "{order}",
        "reason": "faulty",
        "lines": [{"line_id": "{order_line}", "quantity": 1, "condition": "sellable"}],
        "expected_refund": {"minor": 1990, "currency": "CNY"},
    },
    "POST /api/clerk/holds": {"store": "{store}", "sku_id": "{sku}", "quantity": 1, "minutes": 30},
    "POST /api/clerk/favourite-holds/{hold_id}/release": {"store": "{store}", "reason": "x"},
    "PUT /api/mall/favourites": {"product_code": "P"},
    "POST /api/clerk/scans": {"store": "{store}", "text": "690000"},
    "POST /api/console/stock/adjustments": {
        "store": "{store}", "sku_id": "{sku}", "delta": 1, "reason": "count", "note": "x",
    },
    "POST /api/clerk/transfers": {
        "store": "{store}", "source_code": "D1", "lines": [{"sku_id": "{sku}", "quantity": 1}],
    },
    "POST /api/clerk/transfers/{transfer_id}/shipment": {"version": 1, "lines": [{"sku_id": "{sku}", "quantity": 1}]},
    "POST /api/clerk/transfers/{transfer_id}/receipt": {"version": 1, "lines": [{"sku_id": "{sku}", "received": 1}]},
    "POST /api/console/transfers": {
        "source_code": "{store}", "destination_code": "{store}", "reason": "x",
        "lines": [{"sku_id": "{sku}", "quantity": 1}],
    },
    "PUT /api/console/stock/safety": {"store": "{store}", "sku_id": "{sku}", "safety": 1, "reason": "x"},
    "PUT /api/console/stock/buffers": {"store": "{store}", "sku_id": "{sku}", "buffers": {"mall": 1}, "reason": "x"},
    "POST /api/console/orders/{order_id}/cancellation": {
        "lines": [{"line_id": "{order_line}", "quantity": 1}], "reason": "x"
    },
    "POST /api/console/orders/{order_id}/cancellation-quote": {"lines": [{"line_id": "{order_line}", "quantity": 1}]},
    "POST /api/console/orders/{order_id}/sourcing": {"location_code": "{store}", "reason": "x"},
    "POST /api/console/orders/{order_id}/frozen-refund": {"units": 1, "reason": "x"},
    "POST /api/console/staff": {
        "login": "intruder",
        "name": "x",
        "password": "a good password",
        "grants": [{"role": "clerk", "unit_code": "{unit}"}],
    },
    "PUT /api/console/staff/{staff_id}/grants": {"grants": [{"role": "clerk", "unit_code": "{unit}"}], "reason": "x"},
    "PATCH /api/console/staff/{staff_id}": {"name": "taken over", "heirs": [{"store": "{store}"}]},
    "PATCH /api/console/stores/{code}": {"phone": "1"},
    "PUT /api/console/stores/{code}/exceptions": {"items": []},
}  # fmt: skip

# What is only for whoever reaches all shops of an order, since it is about units that are no shop's part.
WHOLE_ONLY = {"GET /api/console/orders/{order_id}/sources"}

# Where an object that is not there (or not the caller's) is no error: what was wished for is so already.
WISH_FULFILLED = {"DELETE /api/mall/cart/lines/{line_id}"}


@dataclass
class Side:
    """One store with everything a request can point at, by kind."""

    store: str
    order: UUID
    order_line: UUID
    fulfilment: UUID
    hold: UUID
    staff: UUID
    order_no: str
    count: UUID
    shortage: UUID
    transfer: UUID
    home_sale: UUID
    home_sale_no: str
    home_sale_from: str
    drawer: UUID
    parked_sale: UUID
    sale: UUID
    sale_no: str
    till_order: UUID
    tender: UUID
    till_top_up: UUID
    touchpoint: UUID
    outfit: UUID
    bound: UUID
    dispute: UUID
    customer: UUID
    payee: UUID
    statement: UUID
    price: UUID

    @property
    def unit(self) -> str:
        """A unit to give rights for: the store itself."""
        return self.store


@dataclass
class Member:
    """What a member owns."""

    address: UUID
    cart_line: UUID
    favourite: UUID
    order: UUID
    order_line: UUID
    fulfilment: UUID
    guide_ask: UUID
    share_of: UUID
    own_statement: UUID
    outfit_of: UUID
    preorder: UUID
    top_up: UUID


@dataclass
class Part:
    """What one shop serves of an order that two shops serve."""

    store: str
    order: UUID
    order_no: str
    order_line: UUID
    fulfilment: UUID
    hold: UUID
    units: int

    @property
    def minor(self) -> int:
        return self.units * PRICE

    def secrets(self, other: Part) -> set[str]:
        """What whoever sees only the other part must not find anywhere."""
        amounts = {self.minor, self.minor + other.minor}
        told = {str(amount) for amount in amounts} | {f"{amount / 100:.2f}" for amount in amounts}
        return {str(self.order_line), str(self.fulfilment), str(self.hold)} | told


KINDS = {*Side.__dataclass_fields__, *Member.__dataclass_fields__, "unit", doors.SHARED} - {
    "home_sale_no",
    "home_sale_from",
    "sale_no",
}


@dataclass
class Neighbourhood:
    """Two sides of a chain that must not see each other, and everybody who could try."""

    world: World
    sku: UUID
    sides: dict[str, Side] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    # Orders over two companies' shops: each a pair of parts.
    mixed: list[tuple[Part, Part]] = field(default_factory=list)
    callers: dict[str, Caller] = field(default_factory=dict)

    # Whose side a caller is on, and a store whose things are none of theirs.
    OWN: ClassVar = {"clerk1": "S1", "manager1": "S1", "north": "S1", "franchisee_a": "S3", "clerk2": "S2", "manager2": "S2",
           "south": "S2", "franchisee_b": "S4"}  # fmt: skip
    FOREIGN: ClassVar = {"clerk1": "S4", "manager1": "S4", "north": "S4", "franchisee_a": "S4", "clerk2": "S3", "manager2": "S3",
               "south": "S3", "franchisee_b": "S3"}  # fmt: skip
    ROLES: ClassVar = {"hq": Role.HEADQUARTERS, "north": Role.REGION, "south": Role.REGION, "manager1": Role.STORE,
             "manager2": Role.STORE, "clerk1": Role.CLERK, "clerk2": Role.CLERK, "franchisee_a": Role.FRANCHISEE,
             "franchisee_b": Role.FRANCHISEE}  # fmt: skip
    MEMBERS = ("guest", "other")
    REACH: ClassVar = {"hq": "S1 S2 S3 S4 D1", "north": "S1 S3 D1", "south": "S2 S4", "manager1": "S1", "clerk1": "S1",
             "manager2": "S2", "clerk2": "S2", "franchisee_a": "S3", "franchisee_b": "S4"}  # fmt: skip


@dataclass
class Operation:
    """One endpoint, as its description tells of it."""

    method: str
    path: str
    who: str
    permission: str | None
    objects: dict[str, str]
    body: dict[str, Any] | None
    query: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def foreign(self) -> dict[str, str]:
        """The objects that can be somebody else's."""
        return {name: kind for name, kind in self.objects.items() if kind != doors.SHARED}


# --- the chain ----------------------------------------------------------------------------------------


@pytest.fixture
def noon() -> Iterator[None]:
    """Shops are open."""
    with clock.frozen(NOON):
        yield


@pytest.fixture
async def place(noon: None, world: World) -> Neighbourhood:
    """Orders, holds and staff on both sides."""
    del noon
    db, sku, product, category = world.db, new_id(), new_id(), new_id()
    await db.execute("INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, 'C', 'C', 'C')", category)
    await db.execute(
        "INSERT INTO products (id, code, name_zh, name_en, category_id, state, published_at, updated_at)"
        " VALUES ($1, 'P', 'P', 'P', $2, 'published', $3, $3)", product, category, NOON,
    )  # fmt: skip
    await db.execute("INSERT INTO skus (id, product_id, code) VALUES ($1, $2, 'K')", sku, product)
    await db.execute(
        "INSERT INTO prices (id, sku_id, scope, scope_id, price_minor, valid, actor_id, created_at)"
        " VALUES ($1, $2, 'chain', $3, 1990, tstzrange($4, NULL), $5, $6)",
        new_id(), sku, UUID(int=0), datetime(2020, 1, 1, tzinfo=UTC), SYSTEM.id, NOON,
    )  # fmt: skip
    found = Neighbourhood(world, sku)
    async with db.begin() as tx:
        for code, store_id in world.stores.items():
            await inventory.open_location(tx, store_id=store_id, kind="dc" if code == "D1" else "store")
            await inventory.adjust(tx, location_id=store_id, sku_id=sku, delta=100, reason="opening", actor=SYSTEM)
    buyer = await world.member("+8613900000001")
    for code in ("S1", "S2", "S3", "S4"):
        found.sides[code] = await side(found, buyer, code)
    for n, pair in enumerate((("S1", "S4"), ("S2", "S3"))):
        units = (UNITS[0] + 9 * n, UNITS[1] + 9 * n)
        found.mixed.append(await mixed_order(found, buyer, dict(zip(pair, units, strict=True))))
    found.callers = dict(world.callers) | {
        "anonymous": world.anonymous(),
        "guest": await world.member(kind="guest"),
        "other": await world.member("+8613900000002"),
        "system": await system(world),
    }
    found.callers["victim"] = await world.member("+8613900000003")
    for name in ("victim", "guest", "other"):
        found.members[name] = await belongings(found, found.callers[name])
    return found


async def system(world: World) -> Caller:
    """Another system with a key for everything there is for systems."""
    body = {"name": "system", "rights": list(RIGHTS), "purposes": list(PURPOSES)}
    made = await world.staff("hq").post("/api/console/system-keys", body)
    assert made.status_code == 201, made.text
    return Caller(world.client(), {"Authorization": f"Bearer {made.json()['token']}"})


async def side(found: Neighbourhood, buyer: Caller, code: str) -> Side:
    order = await buy(found, buyer, store_code=code, method="pickup")
    world = found.world
    row = await world.db.fetchrow("SELECT id FROM fulfilments WHERE order_id = $1", UUID(order["id"]))
    assert row is not None
    async with world.db.begin() as tx:
        await hand_over.mark_ready(tx, location_id=world.stores[code], fulfilment_id=row["id"], actor=SYSTEM)
    held = await world.staff("hq").post(
        "/api/clerk/holds", {"store": code, "sku_id": str(found.sku), "quantity": 1, "minutes": 60, "note": ""}
    )
    assert held.status_code == 201, held.text
    people = {"S1": "clerk1", "S2": "clerk2", "S3": "franchisee_a", "S4": "franchisee_b"}
    line = await world.db.fetchval("SELECT id FROM order_lines WHERE order_id = $1", UUID(order["id"]))
    counted, shortage = await missing_units(found, code)
    home_sale, home_sale_no, home_sale_from = await sold_home(found, code)
    return Side(
        customer=await at_home(world, code),
        home_sale=home_sale,
        home_sale_no=home_sale_no,
        home_sale_from=home_sale_from,
        count=counted,
        shortage=shortage,
        store=code,
        order=UUID(order["id"]),
        order_line=line,
        fulfilment=row["id"],
        hold=UUID(held.json()["id"]),
        staff=world.staff_ids[people[code]],
        order_no=order["order_no"],
        transfer=await transferred(found, code),
        touchpoint=await hung(found, code),
        outfit=await put_together(found.world, "staff", world.staff_ids[people[code]], world.stores[code]),
        price=await priced(found, code),
        **await tied(found, code),
        **await at_the_till(found, code),
        **await stated(found, code),
    )


async def priced(found: Neighbourhood, code: str) -> UUID:
    """A price of the side's shop, to come."""
    made = await found.world.staff("hq").post(
        "/api/console/prices",
        {
            "sku_id": str(found.sku), "scope": "store", "scope_code": code, "price": {"minor": 1000, "currency": "CNY"},
            "valid_from": (NOON + timedelta(days=90)).isoformat(),
        },
    )  # fmt: skip
    assert made.status_code == 201, made.text
    return UUID(made.json()["id"])


async def stated(found: Neighbourhood, code: str) -> dict[str, UUID]:
    """The side's shop as a payee, with a statement of last month."""
    shop = found.world.stores[code]
    return {"payee": shop, "statement": await stated_to(found, shop, kind="store")}


async def stated_to(found: Neighbourhood, payee_id: UUID, *, kind: str = "member") -> UUID:
    statement, now = new_id(), clock.now()
    await found.world.db.execute(
        "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        payee_id,
        kind,
        now,
    )
    await found.world.db.execute(
        """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor, reversed_minor,
                                   cut_minor, to_pay_minor, carried_out_minor, state, approvals_needed, closed_by,
                                   closed_at)
           VALUES ($1, $2, $4, '2026-10', 'internal', 0, 0, 0, 0, 0, 0, 'closed', 1, 'system', $3)""",
        payee_id,
        statement,
        now,
        kind,
    )
    return statement


async def at_home(world: World, code: str) -> UUID:
    """A member whose shop is the side's and who never bought anywhere."""
    customer = (await world.member(f"+861390000010{code[1]}")).id
    assert customer is not None
    async with world.db.begin() as tx:
        await profile.change(tx, customer, home_store_id=world.stores[code])
    # Without it a franchisee sees nobody's page (test_privacy).
    await world.db.execute(
        "INSERT INTO consents VALUES ($1, $2, 'sharing', true, 1, 'mall', $3, '')", customer, new_id(), clock.now()
    )
    return customer


async def at_the_till(found: Neighbourhood, code: str) -> dict[str, Any]:
    """An open drawer, a sale in it, and a basket that was put aside."""
    lines = [{"sku_id": str(found.sku), "quantity": 1}]
    cash = {"minor": 10_000, "currency": "CNY"}
    hq, at = found.world.staff("hq"), {"store": code}
    drawer = await hq.post("/api/clerk/drawer-sessions", at | {"float": cash})
    assert drawer.status_code == 201, drawer.text
    sale = await hq.post("/api/clerk/sales", at | {"lines": lines, "tender": "cash", "tendered": cash})
    assert sale.status_code == 201, sale.text
    parked = await hq.post("/api/clerk/parked-sales", at | {"lines": lines})
    assert parked.status_code == 201, parked.text
    order = sale.json()["order"]
    price = {"minor": PRICE, "currency": "CNY"}
    waits = await hq.post(
        "/api/clerk/till-orders",
        at | {"lines": lines, "tenders": [{"tender": "code", "amount": price}], "expected_total": price},
    )
    assert waits.status_code == 201, waits.text
    return {
        "till_order": UUID(waits.json()["id"]),
        "tender": UUID(waits.json()["tenders"][0]["id"]),
        "till_top_up": await topped_up(found, await found.world.member(f"+861390000020{code[1]}"), code),
        "drawer": UUID(drawer.json()["id"]),
        "parked_sale": UUID(parked.json()["id"]),
        "sale": UUID(order["id"]),
        "sale_no": order["order_no"],
    }


async def topped_up(found: Neighbourhood, caller: Caller, code: str | None = None) -> UUID:
    """A top-up that waits for its money, in the mall or at a shop's till."""
    assert caller.id is not None
    async with found.world.db.begin() as tx:
        made = await top_up.begin(
            tx,
            member_id=caller.id,
            amount_minor=10_000,
            expected_bonus_minor=None,
            store_id=None if code is None else found.world.stores[code],
            actor=SYSTEM,
        )
    return made.id


async def missing_units(found: Neighbourhood, code: str) -> tuple[UUID, UUID]:
    """A count that waits for its approval, and a shortage that another one left behind."""
    world, where = found.world, found.world.stores[code]
    one, other = new_id(), new_id()
    async with world.db.begin() as tx:
        for count_id, counted in ((one, 99), (other, 1)):
            await inventory.open_count(
                tx, location_id=where, count_id=count_id, kind="cycle", blind=True, title="", shelf=None,
                sku_ids=[found.sku], actor=SYSTEM,
            )  # fmt: skip
            await inventory.scan(
                tx, location_id=where, count_id=count_id, actor=SYSTEM,
                scans=[inventory.Scanned(new_id(), found.sku, None, counted, clock.now())],
            )  # fmt: skip
            await inventory.submit(tx, location_id=where, count_id=count_id, rest=None, actor=SYSTEM)
        hq = Actor("staff", world.staff_ids["hq"], "hq")
        booked = await inventory.approve(tx, location_id=where, count_id=other, note="", actor=hq)
        assert booked[0].short == 1
        assert booked[0].shortage_id is not None
        # The other tests here sell from these shelves.
        await inventory.adjust(
            tx, location_id=where, sku_id=found.sku, delta=-booked[0].applied, reason="count", actor=SYSTEM
        )
    return one, booked[0].shortage_id


async def sold_home(found: Neighbourhood, code: str) -> tuple[UUID, str, str]:
    """An order that the side's shop made for somebody; its number, and who sends it."""
    world = found.world
    body = {
        "store": code,
        "lines": [{"sku_id": str(found.sku), "quantity": 1}],
        "address": {"province": "某省", "city": "某市", "line": "某路 1 号"},
    }
    quote = await world.staff("hq").post("/api/clerk/home-quotes", body)
    assert quote.status_code == 200, quote.text
    person = {"name": "王芳", "phone": "13900000009", "expected_total": quote.json()["total"]}
    placed = await world.staff("hq").post("/api/clerk/home-sales", body | person)
    assert placed.status_code == 201, placed.text
    receipt = placed.json()
    return UUID(receipt["id"]), receipt["order_no"], receipt["fulfilments"][0]["store_code"]


async def hung(found: Neighbourhood, code: str) -> UUID:
    """A code that hangs in the side's shop."""
    made = await found.world.staff("hq").post(
        "/api/console/touchpoints",
        {"kind": "store", "name": {"zh": "门口"}, "target": {"kind": "home"}, "store": code},
    )
    assert made.status_code == 201, made.text
    return UUID(made.json()["items"][0]["id"])


async def put_together(world: World, kind: str, owner_id: UUID | None, store_id: UUID | None = None) -> UUID:
    """An outfit of somebody's, of articles that have no page here."""
    outfit = new_id()
    await world.db.execute(
        """INSERT INTO outfits (owner_id, id, owner_kind, name, store_id, made_at) VALUES ($1, $2, $3, 'x', $4, $5)""",
        owner_id, outfit, kind, store_id, clock.now(),
    )  # fmt: skip
    await world.db.execute(
        "INSERT INTO outfit_pieces (owner_id, outfit_id, n, product_id) SELECT $1, $2, n, gen_random_uuid() FROM generate_series(1, 2) n",
        owner_id, outfit,
    )  # fmt: skip
    return outfit


async def tied(found: Neighbourhood, code: str) -> dict[str, UUID]:
    """A member of the side's guide, whom a colleague disputes."""
    world = found.world
    people = {"S1": ("clerk1", "manager1"), "S2": ("clerk2", "manager2")}
    guide, colleague = people.get(code, (f"franchisee_{'a' if code == 'S3' else 'b'}", "hq"))
    shown = await world.staff(guide).post("/api/clerk/guide-codes", {"store": code})
    assert shown.status_code == 200, shown.text
    phone = f"138000000{code[1:]}0"
    who = await world.member(f"+86{phone}")
    bound = await who.post("/api/mall/guide", {"code": shown.json()["code"]})
    assert bound.status_code == 201, bound.text
    disputed = await world.staff(colleague).post(
        "/api/clerk/guide-disputes", {"store": code, "phone": phone, "reason": "x"}
    )
    assert disputed.status_code == 201, disputed.text
    assert who.id is not None
    return {"bound": who.id, "dispute": UUID(disputed.json()["id"])}


async def transferred(found: Neighbourhood, code: str) -> UUID:
    """A transfer that waits for the side's word. Its other end is nobody's whom the side is foreign to."""
    other = {"S1": "S3", "S3": "S1", "S2": "S4", "S4": "S2"}[code]
    asked = await found.world.staff("hq").post(
        "/api/clerk/transfers",
        {"store": other, "source_code": code, "lines": [{"sku_id": str(found.sku), "quantity": 4}]},
    )
    assert asked.status_code == 201, asked.text
    assert asked.json()["state"] == "requested"
    return UUID(asked.json()["id"])


async def mixed_order(found: Neighbourhood, buyer: Caller, units: dict[str, int]) -> tuple[Part, Part]:
    """An order that is collected at two shops, paid at each."""
    lines = [
        {"sku_id": str(found.sku), "quantity": quantity, "method": "pickup", "store_code": store}
        for store, quantity in units.items()
    ]
    body = {"pay_mode": "at_store", "contact": {"name": "王芳", "phone": "13900000001"}, "lines": lines}
    placed = await buyer.post("/api/mall/orders", body)
    assert placed.status_code == 201, placed.text
    receipt, parts = placed.json(), []
    for store, quantity in units.items():
        row = await found.world.db.fetchrow(
            """SELECT f.id, w.line_id, w.hold_id FROM fulfilments f
               JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
               WHERE f.location_id = $1 AND f.order_id = $2""",
            found.world.stores[store],
            UUID(receipt["id"]),
        )
        assert row is not None
        parts.append(
            Part(
                store=store,
                order=UUID(receipt["id"]),
                order_no=receipt["order_no"],
                order_line=row["line_id"],
                fulfilment=row["id"],
                hold=row["hold_id"],
                units=quantity,
            )
        )
    return parts[0], parts[1]


async def belongings(found: Neighbourhood, who: Caller) -> Member:
    address = await who.post("/api/mall/addresses", ADDRESS)
    cart = await who.post(
        "/api/mall/cart/lines",
        {"sku_id": str(found.sku), "quantity": 1, "method": "pickup", "store_code": "S1"},
    )
    assert cart.status_code == 201, cart.text
    order = await buy(found, who, method="pickup", store_code="S2")
    order_id, db = UUID(order["id"]), found.world.db
    # This chain's one product has no page, so its favourite is put where the page would put it.
    async with found.world.db.begin() as tx:
        product = await tx.fetchval("SELECT product_id FROM skus WHERE id = $1", found.sku)
        assert who.id is not None
        favourite = await mark_favourite(tx, member_id=who.id, product_id=product, sku_id=None, store_id=None)
    ask, now = new_id(), clock.now()
    await db.execute(
        """INSERT INTO binding_asks (member_id, id, guide_id, store_id, asked_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        who.id, ask, found.world.staff_ids["clerk1"], found.world.stores["S1"], now, now + timedelta(hours=1),
    )  # fmt: skip
    shared = new_id()
    await db.execute(
        """INSERT INTO touchpoints (owner_id, id, code, kind, owner_kind, name_zh, name_en, target_kind, target, created_by, created_at)
           VALUES ($1, $2, $3, 'share', 'member', 'x', 'x', 'product', 'P', '', $4)""",
        who.id, shared, f"{shared.int % 10**8:08d}", now,
    )  # fmt: skip
    await db.execute(
        "INSERT INTO touchpoint_codes (code, owner_id, touchpoint_id) VALUES ($1, $2, $3)",
        f"{shared.int % 10**8:08d}", who.id, shared,
    )  # fmt: skip
    return Member(
        guide_ask=ask,
        share_of=shared,
        own_statement=await stated_to(found, who.id),
        outfit_of=await put_together(found.world, "member", who.id),
        favourite=favourite,
        address=UUID(address.json()["id"]),
        cart_line=UUID(cart.json()["lines"][0]["line_id"]),
        order=order_id,
        order_line=await db.fetchval("SELECT id FROM order_lines WHERE order_id = $1", order_id),
        fulfilment=await db.fetchval("SELECT id FROM fulfilments WHERE order_id = $1", order_id),
        preorder=await booked(found, who),
        top_up=await topped_up(found, who),
    )


async def booked(found: Neighbourhood, who: Caller) -> UUID:
    """A pre-order whose deposit is paid."""
    assert who.id is not None
    member_id, chain = who.id, directory.current()
    async with found.world.db.begin() as tx:
        row = await tx.fetchrow("SELECT id FROM presales")
        made = presales.Presale(
            id=row["id"] if row else new_id(), version=1, sku_id=found.sku, name=Text("预售", "Pre-sale"),
            price_minor=PRICE, deposit_minor=199, currency="CNY", deposit_from=NOON, deposit_until=NOON + timedelta(days=1),
            balance_from=NOON + timedelta(days=2), balance_until=NOON + timedelta(days=3),
            expected_on=(NOON + timedelta(days=2)).date(), units_max=9, member_max=9, delivery=True, pickup="all",
            store_ids=[], cancel_terms="until_balance", unpaid_terms="kept",
        )  # fmt: skip
        if row is None:
            await save.add(tx, made, reason="x", actor=SYSTEM)
        wanted = Booking(made.id, 1, 1, chain.coded("S1"), None, orders.Contact("王芳", "13900000001"))
        order_id = await book(
            tx, wanted, member_id=member_id, channel="mall", secret=b"x", actor=Actor("member", member_id)
        )
        deposit = await tx.fetchrow("SELECT deposit_intent_id FROM preorders WHERE order_id = $1", order_id)
        await pay.settle(tx, member_id, order_id, deposit[0], amount_minor=199, currency="CNY")
    return order_id


async def buy(found: Neighbourhood, who: Caller, **line: Any) -> dict[str, Any]:
    body = {
        "pay_mode": "at_store",
        "contact": {"name": "王芳", "phone": "13900000001"},
        "lines": [{"sku_id": str(found.sku), "quantity": 1} | line],
    }
    placed = await who.post("/api/mall/orders", body)
    assert placed.status_code == 201, placed.text
    return dict(placed.json())


# --- reading the description ---------------------------------------------------------------------------


def operations(world: World) -> list[Operation]:
    document = describe.document(world.app)
    found = []
    for path, item in document["paths"].items():
        for method, described in item.items():
            content = described.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            door = described["x-door"]
            found.append(
                Operation(
                    method.upper(),
                    path,
                    door["who"],
                    door["permission"],
                    door["objects"],
                    None if schema is None else resolved(document, schema),
                    [p for p in described.get("parameters", []) if p["in"] == "query"],
                )
            )
    return found


def resolved(document: dict[str, Any], schema: Any, inside: tuple[str, ...] = ()) -> Any:
    """The schema with its references written out; one that refers to itself ends there."""
    if isinstance(schema, list):
        return [resolved(document, each, inside) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" not in schema:
        return {name: resolved(document, value, inside) for name, value in schema.items()}
    name = schema["$ref"].rpartition("/")[2]
    return {} if name in inside else resolved(document, document["components"]["schemas"][name], (*inside, name))


def example(schema: dict[str, Any], wanted: dict[str, str]) -> Any:
    """A value that fits the schema, with `wanted` in the fields of those names."""
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return example(next(each for each in choices if each.get("type") != "null"), wanted)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        names = [name for name in properties if name in schema.get("required", []) or name in wanted]
        return {name: wanted.get(name) or example(properties[name], wanted) for name in names}
    if kind == "array":
        return [example(schema["items"], wanted)] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    if schema.get("format") == "uuid":
        return str(new_id())
    if schema.get("format") in ("date-time", "date"):
        return "2027-01-01T00:00:00Z"[: 10 if schema["format"] == "date" else None]
    if "pattern" in schema:
        return next(
            text
            for text in ("123456", "abc1", "S1", "#112233", "2026-10", "phone", "https://shop.example/")
            if re.search(schema["pattern"], text)
        )
    return "x" * max(1, schema.get("minLength", 1))


def fields(schema: Any) -> set[str]:
    """Every name of a field anywhere in a schema."""
    if isinstance(schema, list):
        return set().union(*(fields(each) for each in schema))
    if not isinstance(schema, dict):
        return set()
    inside = set().union(*(fields(value) for value in schema.values())) if schema else set()
    return inside | set(schema.get("properties", {}))


async def send(
    found: Neighbourhood, op: Operation, who: Caller, objects: dict[str, str], side: Side | None = None
) -> Any:
    """One request with the given objects; what is not given is made up from the schema."""
    path = re.sub(
        r"\{(\w+)\}", lambda m: str(objects.get(m[1]) or {"code": "S1", "version": 1}.get(m[1]) or new_id()), op.path
    )
    params = {p["name"]: objects[p["name"]] for p in op.query if p["name"] in objects}
    params |= {p["name"]: example(p["schema"], {}) for p in op.query if p.get("required") and p["name"] not in params}
    if op.method == "GET":
        return await who.get(path, params=params)
    body: Any = None
    if op.name in BODIES:
        body = filled(BODIES[op.name], found, objects, side)
        body |= {n: v for n, v in objects.items() if n in (op.body or {}).get("properties", {})}
    elif op.body is not None:
        body = example(op.body, objects)
    target = path + ("?" + "&".join(f"{n}={v}" for n, v in params.items()) if params else "")
    return await who.write(op.method, target, body, key=key())


def filled(value: Any, found: Neighbourhood, objects: dict[str, str], side: Side | None) -> Any:
    if isinstance(value, dict):
        return {
            n: objects[n]
            if n in objects and isinstance(v, str) and v.startswith("{")
            else filled(v, found, objects, side)
            for n, v in value.items()
        }
    if isinstance(value, list):
        return [filled(v, found, objects, side) for v in value]
    if value == "{sku}":
        return str(found.sku)
    if isinstance(value, str) and value.startswith("{"):
        return str(getattr(side, value[1:-1])) if side is not None else "S1"
    return value


# --- the tests ------------------------------------------------------------------------------------------


async def test_every_endpoint_is_classified(world: World) -> None:
    """Fails for a new endpoint until its door says who may come in and what its parameters point at."""
    every = operations(world)
    assert len(every) > 60
    problems = []
    for op in every:
        known = {p["name"] for p in op.query} | fields(op.body) | set(re.findall(r"\{(\w+)\}", op.path))
        problems += [
            f"{op.name}: {kind!r} is no kind of object this test knows"
            for kind in op.objects.values()
            if kind not in KINDS
        ]
        problems += [
            f"{op.name}: the door names {name}, which the request does not have" for name in op.objects.keys() - known
        ]
        problems += [
            f"{op.name}: {name} points at something; name it in the door"
            for name in sorted(known - op.objects.keys() - POINTS_AT_NOTHING.keys())
            if POINTS_AT.search(name)
        ]
    described = {(op.method, op.path) for op in every}
    for path, method, handler in describe.handlers(world.app):
        if (method, describe._described(path)) not in described and (method, path) not in PAGES:
            problems.append(f"{method} {path} is neither described nor a page")
        if (method, path) in PAGES and handler.opt[doors.KEY].who not in ("public", "visitor", "development"):
            problems.append(f"{method} {path} has a door but no description")
    unknown = [name for name in BODIES if name not in {op.name for op in every}]
    problems += [f"{name}: a body for an endpoint that is not there" for name in unknown]
    assert not problems, "\n".join(problems)


async def test_nobody_gets_through_a_door_that_is_not_theirs(place: Neighbourhood) -> None:
    before = await fingerprint(place)
    tried, leaks = await try_every_door(place)
    assert not leaks, "\n".join(leaks)
    assert await fingerprint(place) == before
    assert tried > 1000, tried


async def test_a_door_left_open_is_noticed(place: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test itself is tested: with every scope as wide as the chain, it must find the leaks, at a third of them."""
    monkeypatch.setattr(rights, "scope", lambda *_: rights.EVERYWHERE)
    _, leaks = await try_every_door(place, streams=False, every=3)  # a stream that opens would not end by itself
    open_doors = {leak.split(" as ")[0] for leak in leaks}
    assert len(open_doors) > 15, open_doors


async def try_every_door(place: Neighbourhood, *, streams: bool = True, every: int = 1) -> tuple[int, list[str]]:
    """How many requests were tried, and those that got further than they may."""
    tried, leaks = 0, []
    for op in operations(place.world)[::every]:
        if op.path.endswith("/events") and not streams:
            continue
        for name, who in place.callers.items():
            if name == "victim":
                continue
            for objects, side, expected in attempts(place, op, name):
                tried += 1
                try:
                    answer = await asyncio.wait_for(send(place, op, who, objects, side), 5)
                except TimeoutError:
                    leaks.append(f"{op.name} as {name} with {objects}: it streams")
                    continue
                if op.name in WISH_FULFILLED and 404 in expected:
                    expected = (200, 404)
                if answer.status_code not in expected:
                    leaks.append(
                        f"{op.name} as {name} with {objects}: {answer.status_code}, not {expected}: {answer.text[:300]}"
                    )
    return tried, leaks


def attempts(
    place: Neighbourhood, op: Operation, name: str
) -> Iterator[tuple[dict[str, str], Side | None, tuple[int, ...]]]:
    """What a caller should not get through: objects to send, and the statuses that keep the door shut."""
    is_member, is_staff = name in place.MEMBERS, name in place.ROLES
    if op.who == "signed":
        if name == "anonymous":
            yield {}, None, (400, 401, 403, 404)
        return
    if op.who in ("public", "visitor", "development") and not (is_member and op.foreign):
        return
    if op.who == "system":
        # No session of anybody is a key; and a key opens no other door, as it is tried at all of them.
        if name != "system":
            yield {}, None, (401,)
        return
    foreign_side = place.sides[place.FOREIGN.get(name, "S4")]
    if op.who == "staff":
        everything = {n: str(getattr(foreign_side, kind)) for n, kind in op.foreign.items()}
        if not is_staff:
            yield everything, foreign_side, (401,)
        elif op.permission is not None and op.permission not in PERMISSIONS[place.ROLES[name]]:
            yield everything, foreign_side, (403,)
        elif name != "hq" and op.foreign:
            own_side = place.sides[place.OWN[name]]
            yield everything, foreign_side, (403, 404) if "unit" in op.foreign.values() else (404,)
            for each, kind in op.foreign.items():
                mixed = {n: str(getattr(own_side, k)) for n, k in op.foreign.items()}
                mixed[each] = str(getattr(foreign_side, kind))
                # Lines are looked up inside their order: one that is not in it may be refused as bad input.
                expected = (404, 409, 422) if kind == "order_line" else (403, 404) if kind == "unit" else (404,)
                yield mixed, own_side, expected
        return
    victim = place.members["victim"]
    everything = {n: str(getattr(victim, kind)) for n, kind in op.foreign.items()}
    if op.who == "member" and not is_member:
        yield everything, None, (401,)
    elif op.foreign:
        own = place.members[name]
        yield everything, None, (404,)
        for each, kind in op.foreign.items():
            mixed = {n: str(getattr(own, k)) for n, k in op.foreign.items()}
            mixed[each] = str(getattr(victim, kind))
            yield mixed, None, (404, 409, 422) if kind == "order_line" else (404,)


async def fingerprint(place: Neighbourhood) -> dict[str, Any]:
    """Everything that an intruder could change."""
    tables = (
        "addresses", "cart_lines", "orders", "order_lines", "fulfilments", "holds", "levels", "movements", "staff",
        "staff_grants", "stores", "store_hour_exceptions", "regions", "companies", "prices", "products", "policies", "favourites", "favourite_holds",
        "audit_log", "counts", "count_lines", "shortages", "members", "payment_intents", "refunds", "returns", "transfers",
        "transfer_lines", "drawer_sessions", "drawer_entries", "parked_sales", "touchpoints",
        "bindings", "binding_asks", "binding_disputes",
        "system_keys", "payees", "accruals", "statements", "statement_approvals", "statement_notes", "payouts", "payout_runs", "payee_accounts",
        "plan_sign_offs",
        "preorders", "presales", "presale_counters", "presale_bookings",
    )  # fmt: skip
    return {
        table: await place.world.db.fetchval(
            f"SELECT md5(COALESCE(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
        )
        for table in tables
    }


async def test_lists_show_nothing_of_the_other_side(place: Neighbourhood) -> None:
    victim = place.members["victim"]
    problems, read = [], 0
    for op in operations(place.world):
        if op.method != "GET" or "{" in op.path or op.path.endswith("/events"):
            continue
        for name, who in place.callers.items():
            if name in ("victim", "hq"):
                continue
            secrets = [
                str(v)
                for v in (
                    victim.address,
                    victim.cart_line,
                    victim.order,
                    victim.favourite,
                    victim.share_of,
                    victim.outfit_of,
                    victim.guide_ask,
                )
            ]
            objects: dict[str, str] = {}
            if name in place.ROLES:
                foreign, own = place.sides[place.FOREIGN[name]], place.sides[place.OWN[name]]
                reach = place.REACH[name].split()
                secrets = [
                    str(v)
                    for v in (
                        foreign.order,
                        foreign.fulfilment,
                        foreign.hold,
                        foreign.order_no,
                        foreign.staff,
                        foreign.transfer,
                        foreign.drawer,
                        foreign.parked_sale,
                        foreign.sale,
                        foreign.sale_no,
                        foreign.till_order,
                        foreign.tender,
                        foreign.till_top_up,
                        foreign.touchpoint,
                        foreign.outfit,
                        foreign.bound,
                        foreign.dispute,
                        # Whoever sends it knows of it.
                        *((foreign.home_sale, foreign.home_sale_no) * (foreign.home_sale_from not in reach)),
                    )
                ]
                objects = {n: str(getattr(own, kind)) for n, kind in op.foreign.items()}
            answer = await send(place, op, who, objects)
            if answer.status_code != 200:
                assert answer.status_code in (400, 401, 403, 404, 422), (op.name, name, answer.text)
                continue
            read += 1
            problems += [f"{op.name} as {name} shows {secret}" for secret in secrets if secret in answer.text]
    assert not problems, "\n".join(problems)
    assert read > 80, read


async def test_the_right_people_do_get_in(place: Neighbourhood) -> None:
    """The other half: a test that is refused everywhere would prove nothing."""
    problems, admitted = [], 0
    for op in operations(place.world):
        if op.method != "GET" or op.path.endswith("/events") or not op.foreign:
            continue
        if op.who == "member":
            cases = [(place.callers["other"], place.members["other"]), (place.callers["guest"], place.members["guest"])]
        else:
            names = [n for n, role in place.ROLES.items() if op.permission in PERMISSIONS[role]]
            cases = [(place.callers[n], place.sides[place.OWN.get(n, "S4")]) for n in names]  # type: ignore[misc]
        for who, own in cases:
            objects = {n: str(getattr(own, kind)) for n, kind in op.foreign.items()}
            answer = await send(place, op, who, objects)
            admitted += 1
            if answer.status_code != 200:
                problems.append(f"{op.name}: {answer.status_code} {answer.text[:200]}")
    assert not problems, "\n".join(problems)
    assert admitted > 20, admitted


async def test_ended_sessions_open_nothing(place: Neighbourhood) -> None:
    world = place.world
    await world.db.execute("DELETE FROM member_sessions")
    await world.db.execute("DELETE FROM staff_sessions")
    sessions.forget_all()
    for op in operations(world):
        if op.who not in ("member", "staff") or op.path.endswith("/events"):
            continue
        caller = place.callers["victim" if op.who == "member" else "hq"]
        side = place.sides["S1"]
        objects = {
            n: str(getattr(side if op.who == "staff" else place.members["victim"], kind))
            for n, kind in op.foreign.items()
        }
        assert (await send(place, op, caller, objects, side)).status_code == 401, op.name


# --- orders over several companies' shops ----------------------------------------------------------------


def halves(place: Neighbourhood, name: str) -> Iterator[tuple[Part, Part]]:
    """The mixed orders of which somebody sees one part and not the other: theirs, and the other."""
    reach = place.REACH[name].split()
    for one, other in place.mixed:
        if (one.store in reach) != (other.store in reach):
            yield (one, other) if one.store in reach else (other, one)


async def try_the_wall(place: Neighbourhood) -> tuple[int, list[str]]:
    """Ask for own parts of mixed orders in every way there is; the answers that show the other part, or miss one's own."""
    read, leaks = 0, []
    for op in operations(place.world):
        if op.who != "staff" or op.method != "GET" or op.path.endswith("/events"):
            continue
        for name, role in place.ROLES.items():
            if op.permission is not None and op.permission not in PERMISSIONS[role]:
                continue
            for own, other in halves(place, name):
                kinds = op.foreign.values()
                if not all(hasattr(own, kind) for kind in kinds):
                    continue
                objects = {n: str(getattr(own, kind)) for n, kind in op.foreign.items()}
                answer = await send(place, op, place.callers[name], objects)
                if op.name in WHOLE_ONLY:
                    if (answer.status_code, answer.json().get("code")) != (403, "orders.served-elsewhere"):
                        leaks.append(f"{op.name} as {name}: {answer.status_code}")
                    continue
                if answer.status_code != 200:
                    if "order" in kinds or "fulfilment" in kinds:
                        leaks.append(f"{op.name} as {name}: not even the own part: {answer.status_code}")
                    continue
                read += 1
                secrets = other.secrets(own)
                if {"order", "fulfilment"} & set(kinds):
                    secrets |= {other.store, str(place.world.stores[other.store])}
                    if str(own.fulfilment) not in answer.text or str(own.order_line) not in answer.text:
                        leaks.append(f"{op.name} as {name} does not show the own part")
                leaks += [
                    f"{op.name} as {name} shows {secret} of {other.store}"
                    for secret in secrets
                    if re.search(rf"(?<![0-9A-Za-z.-]){re.escape(secret)}(?![0-9A-Za-z-])", answer.text)
                ]
    return read, leaks


async def test_of_a_mixed_order_everybody_sees_their_own_part_only(place: Neighbourhood) -> None:
    read, leaks = await try_the_wall(place)
    assert not leaks, "\n".join(leaks)
    assert read > 60, read


async def test_a_hole_in_the_wall_is_noticed(place: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "scope", lambda *_: rights.EVERYWHERE)
    _, leaks = await try_the_wall(place)
    holes = {leak.split(" as ")[0] for leak in leaks}
    assert holes >= {
        "GET /api/console/orders", "GET /api/console/orders.csv", "GET /api/console/orders/{order_id}",
        "GET /api/clerk/fulfilments/{fulfilment_id}",
    }  # fmt: skip


async def test_nobody_changes_the_other_part_of_a_mixed_order(place: Neighbourhood) -> None:
    before = await fingerprint(place)
    tried, leaks = 0, []
    for op in operations(place.world):
        if (
            op.who != "staff"
            or op.method == "GET"
            or not {"order", "order_line", "fulfilment"} & set(op.foreign.values())
        ):
            continue
        for name, role in place.ROLES.items():
            if op.permission is not None and op.permission not in PERMISSIONS[role]:
                continue
            for own, other in halves(place, name):
                for each, kind in op.foreign.items():
                    if kind == "order":
                        continue  # both parts are of one
                    objects = {n: str(getattr(own, k)) for n, k in op.foreign.items()}
                    objects[each] = str(getattr(other, kind))
                    answer = await send(place, op, place.callers[name], objects)
                    tried += 1
                    if answer.status_code not in (403, 404, 409, 422):
                        leaks.append(f"{op.name} as {name} with the other part's {each}: {answer.status_code}")
    assert not leaks, "\n".join(leaks)
    assert tried > 40, tried
    assert await fingerprint(place) == before


async def test_cancelling_a_mixed_order_ends_at_ones_own_shops(place: Neighbourhood) -> None:
    db, (one, other) = place.world.db, place.mixed[0]
    path = f"/api/console/orders/{one.order}/cancellation"

    async def states() -> dict[str, tuple[str, str]]:
        rows = await db.fetch(
            """SELECT s.code, f.state, h.state AS held FROM fulfilments f JOIN stores s ON s.id = f.location_id
               JOIN holds h ON h.location_id = f.location_id AND h.ref_id = f.order_id WHERE f.order_id = $1""",
            one.order,
        )
        return {row["code"]: (row["state"], row["held"]) for row in rows}

    manager, franchisee = place.callers["manager1"], place.callers["franchisee_b"]
    refused = await manager.post(path, {"reason": "x", "lines": [{"line_id": str(other.order_line), "quantity": 1}]})
    assert (refused.status_code, refused.json()["code"]) == (403, "orders.served-elsewhere")
    assert "本店" in refused.json()["detail"]
    assert await states() == {"S1": ("to_pick", "open"), "S4": ("to_pick", "open")}

    done = await manager.post(path, {"reason": "sold out here"})
    assert done.status_code == 200, done.text
    assert (done.json()["whole"], done.json()["order"]["state"]) == (False, "cancelled")
    assert await states() == {"S1": ("cancelled", "released"), "S4": ("to_pick", "open")}
    again = await manager.post(path, {"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (403, "orders.served-elsewhere")

    seen = (await franchisee.get(f"/api/console/orders/{one.order}")).json()
    assert (seen["whole"], seen["order"]["state"], seen["order"]["total"]["minor"]) == (False, "preparing", other.minor)
    assert [event["kind"] for event in seen["order"]["timeline"]] == ["placed"]
    assert seen["audit"] == []
    theirs = (await manager.get(f"/api/console/orders/{one.order}")).json()
    assert [event["kind"] for event in theirs["order"]["timeline"]] == ["placed", "cancelled"]
    assert [line["reason"] for line in theirs["audit"]] == ["sold out here"]

    all_of_it = (await place.callers["hq"].get(f"/api/console/orders/{one.order}")).json()
    assert (all_of_it["whole"], len(all_of_it["order"]["lines"]), len(all_of_it["holds"])) == (True, 2, 2)
    assert (await place.callers["hq"].post(path, {"reason": "all of it"})).status_code == 200
    assert await states() == {"S1": ("cancelled", "released"), "S4": ("cancelled", "released")}
    # This chain's one product was never given its page.
    assert [finding.id for finding in await broken(db) if not finding.id.startswith("CAT-")] == []


async def test_no_live_frame_tells_of_the_other_part(place: Neighbourhood) -> None:
    world = place.world
    watching = {
        ("franchisee_b", "/api/console/events"): "S4", ("manager1", "/api/console/events"): "S1",
        ("clerk1", "/api/clerk/events?store=S1"): "S1", ("south", "/api/console/events"): "S4",
    }  # fmt: skip
    streams = {key: await connect(world, place.callers[key[0]], key[1]) for key in watching}
    parts = {part.store: part for part in await mixed_order(place, place.callers["other"], {"S1": 9, "S4": 21})}
    for store, part in parts.items():
        done = await place.callers["hq"].post(f"/api/clerk/fulfilments/{part.fulfilment}/ready", {})
        assert done.status_code == 200, (store, done.text)
    while await world.relay():
        pass
    for who, store in watching.items():
        other = parts["S1" if store == "S4" else "S4"]
        text = ""
        while str(parts[store].fulfilment) not in text:
            text += (await streams[who].frames(1))[0]["data"]
        assert parts[store].order_no in text, who
        assert [secret for secret in other.secrets(parts[store]) if secret in text] == [], who
    await leave(*streams.values())
