"""Pre-sales: listed, looked at with what came of them, added, changed, withdrawn."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import Parameter, QueryParameter

from duoline.catalog import sku_facts
from duoline.channels.console.promotion_shapes import Instant, PromotionName, Reason, Version
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.order_view import Image, image_of
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money, minor_of
from duoline.kernel.text import Text, plain
from duoline.pricing import presales
from duoline.pricing.presales import save
from duoline.pricing.presales.types import MEMBER_MAX, UNITS_MAX
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

PATH = "/api/console/presales"
READ = doors.staff("prices.read")
READ_ONE = doors.staff("prices.read", presale_id=doors.SHARED)
ADD = doors.staff("prices.edit", sku_code=doors.SHARED, store_codes=doors.SHARED)
CHANGE = doors.staff("prices.edit", presale_id=doors.SHARED, sku_code=doors.SHARED, store_codes=doors.SHARED)
WITHDRAW = doors.staff("prices.edit", presale_id=doors.SHARED)

State = Literal["coming", "deposits", "between", "balances", "over", "withdrawn"]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class PresaleFields(Input, frozen=True):
    """A pre-sale of one article. Amounts of a unit; instants with their zone."""

    sku_code: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    name: PromotionName
    price: Money
    deposit: Money
    deposit_from: Instant
    deposit_until: Instant
    balance_from: Instant
    balance_until: Instant
    expected_on: date
    units_max: Annotated[int, msgspec.Meta(ge=1, le=UNITS_MAX)]
    member_max: Annotated[int, msgspec.Meta(ge=1, le=MEMBER_MAX)]
    delivery: bool
    pickup: Literal["none", "all", "chosen"]
    cancel_terms: Literal["until_balance", "never"]
    unpaid_terms: Literal["kept", "given_back"]
    store_codes: Annotated[list[Code], msgspec.Meta(max_length=500)] = msgspec.field(default_factory=list)


class NewPresale(Input, frozen=True):
    """A pre-sale to add, and why."""

    presale: PresaleFields
    reason: Reason


class PresaleChange(Input, frozen=True, kw_only=True):
    """What a pre-sale is from now on, the version that was read, and why."""

    presale: PresaleFields
    version: Version
    reason: Reason


class PresaleWithdrawal(Input, frozen=True):
    """The version that was read, and why."""

    version: Version
    reason: Reason


class PresaleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A pre-sale in a list: `booked` of `units_max` units."""

    id: UUID
    version: int
    name: Text
    sku_code: str
    product_name: Text
    image: Image | None
    state: State
    price: Money
    deposit: Money
    deposit_from: datetime
    deposit_until: datetime
    balance_from: datetime
    balance_until: datetime
    units_max: int
    booked: int


class PresaleSteps(msgspec.Struct, frozen=True, kw_only=True):
    """Units of its orders, by how far they are; `forfeited` of those whose deposit was kept, `given_back` of the other
    ones that came to nothing."""

    waiting: int
    booked: int
    paid: int
    forfeited: int
    given_back: int


class PresaleMoney(msgspec.Struct, frozen=True, kw_only=True):
    """Deposits that are held, the whole of what was paid in full, deposits that were kept, and what went back."""

    deposits: Money
    paid: Money
    forfeited: Money
    refunded: Money


class PresaleDay(msgspec.Struct, frozen=True):
    """Units that were booked on a day, and units whose balance was paid."""

    on: date
    booked: int
    paid: int


class PresaleCase(msgspec.Struct, frozen=True, kw_only=True):
    """A pre-sale with everything that came of it."""

    row: PresaleRow
    expected_on: date
    member_max: int
    delivery: bool
    pickup: Literal["none", "all", "chosen"]
    store_codes: list[str]
    cancel_terms: Literal["until_balance", "never"]
    unpaid_terms: Literal["kept", "given_back"]
    may_keep: bool
    withdrawn_at: datetime | None
    steps: PresaleSteps
    money: PresaleMoney
    days: list[PresaleDay]
    history: list[dict[str, Any]]


# $1 now
_STATE = """CASE WHEN p.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN $1::timestamptz < p.deposit_from THEN 'coming'
                 WHEN $1 < p.deposit_until THEN 'deposits' WHEN $1 < p.balance_from THEN 'between'
                 WHEN $1 < p.balance_until THEN 'balances' ELSE 'over' END"""
_WHERE = f"""
FROM presales p JOIN presale_counters c ON c.presale_id = p.id
JOIN skus k ON k.id = p.sku_id JOIN products d ON d.id = k.product_id
WHERE ($2 = 'all' OR {_STATE} = $2)
  AND ($3 = '' OR p.name_zh ILIKE '%' || $3 || '%' OR p.name_en ILIKE '%' || $3 || '%' OR k.code ILIKE $3 || '%'
       OR d.name_zh ILIKE '%' || $3 || '%' OR d.name_en ILIKE '%' || $3 || '%')
"""
_ROWS = f"""
SELECT {presales.COLUMNS}, c.booked, {_STATE} AS state
{_WHERE} AND ($4::timestamptz IS NULL OR (p.deposit_from, p.id) < ($4, $5::uuid))
ORDER BY p.deposit_from DESC, p.id DESC LIMIT $6
"""
_TOTAL = f"SELECT count(*) {_WHERE}"
_ONE = f"""
SELECT {presales.COLUMNS}, c.booked, {_STATE} AS state FROM presales p
JOIN presale_counters c ON c.presale_id = p.id WHERE p.id = $2
"""  # noqa: S608 - our own words


@get(PATH, opt=READ)
async def list_presales(
    db: Database,
    q: Annotated[str, Parameter(max_length=60, description="A part of a name, or the beginning of a SKU.")] = "",
    which: Annotated[State | Literal["all"], QueryParameter(name="state", description="How far it is.")] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PresaleRow]:
    """Pre-sales, those that begin last first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    asked = clock.now(), which, plain(q)
    rows = await db.fetch_filtered(_ROWS, *asked, *before, limit + 1)
    shown = await _shown(db, rows[:limit])
    return Page(
        shown,
        cursors.pack(shown[-1].deposit_from, shown[-1].id) if len(rows) > limit else None,
        await db.fetchval(_TOTAL, *asked),
    )


@get(f"{PATH}/{{presale_id:uuid}}", opt=READ_ONE)
async def show_presale(db: Database, chain: Chain, presale_id: UUID) -> PresaleCase:
    """One pre-sale: its terms, its units by how far they are, its money, its days, who changed it."""
    return await _case(db, chain, presale_id)


@post(PATH, opt=ADD)
async def add_presale(write: Write, staff: Staff, chain: Chain, data: NewPresale) -> Answer[PresaleCase]:
    """Add a pre-sale. Refuses by field what cannot be kept (a deposit that may be kept is 20 % of the price at the
    most), and `pricing.presale-overlap`."""

    async def work(tx: Tx) -> PresaleCase:
        presale = await _decoded(tx, chain, data.presale, presale_id=new_id(), version=1)
        await save.add(tx, presale, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, chain, presale.id)

    return await write.run(work, status=201)


@put(f"{PATH}/{{presale_id:uuid}}", opt=CHANGE)
async def change_presale(
    write: Write, staff: Staff, chain: Chain, presale_id: UUID, data: PresaleChange
) -> Answer[PresaleCase]:
    """Say what a pre-sale is for whoever books from now on; what was booked keeps its terms. Refused when somebody else
    has changed it since `version` was read."""

    async def work(tx: Tx) -> PresaleCase:
        presale = await _decoded(tx, chain, data.presale, presale_id=presale_id, version=data.version)
        await save.change(tx, presale, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, chain, presale_id)

    return await write.run(work)


@post(f"{PATH}/{{presale_id:uuid}}/withdrawal", opt=WITHDRAW, status_code=200)
async def withdraw_presale(
    write: Write, staff: Staff, chain: Chain, presale_id: UUID, data: PresaleWithdrawal
) -> Answer[PresaleCase]:
    """Withdraw a pre-sale for good. Whoever has not paid the balance gets the deposit back in full within moments."""

    async def work(tx: Tx) -> PresaleCase:
        await save.withdraw(tx, presale_id, version=data.version, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, chain, presale_id)

    return await write.run(work)


async def _decoded(tx: Tx, chain: Chain, fields: PresaleFields, *, presale_id: UUID, version: int) -> presales.Presale:
    """What was sent, by ids. Refuses codes that nothing has."""
    problems = []
    sku_id = await tx.fetchval("SELECT id FROM skus WHERE code = $1", fields.sku_code.strip())
    if sku_id is None:
        problems.append({"field": "sku_code", "zh": "没有这个 SKU。", "en": "There is no such SKU."})
    unknown = [code for code in fields.store_codes if (one := chain.by_code.get(code)) is None or one.kind != "store"]
    if unknown:
        said = ", ".join(unknown)
        problems.append({"field": "stores", "zh": f"没有这些门店:{said}", "en": f"There are no such shops: {said}"})
    if problems:
        raise BadInput(problems=problems)
    return presales.Presale(
        id=presale_id,
        version=version,
        sku_id=sku_id,
        name=Text(fields.name.zh.strip(), fields.name.en.strip()),
        price_minor=minor_of(fields.price),
        deposit_minor=minor_of(fields.deposit),
        currency=fields.price.currency,
        deposit_from=fields.deposit_from,
        deposit_until=fields.deposit_until,
        balance_from=fields.balance_from,
        balance_until=fields.balance_until,
        expected_on=fields.expected_on,
        units_max=fields.units_max,
        member_max=fields.member_max,
        delivery=fields.delivery,
        pickup=fields.pickup,
        store_ids=sorted({chain.by_code[code].id for code in fields.store_codes}) if fields.pickup == "chosen" else [],
        cancel_terms=fields.cancel_terms,
        unpaid_terms=fields.unpaid_terms,
    )


async def _shown(db: Database | Tx, rows: list[Any]) -> list[PresaleRow]:
    facts = await sku_facts(db, {row["sku_id"] for row in rows})
    return [
        PresaleRow(
            id=row["id"],
            version=row["version"],
            name=Text(row["name_zh"], row["name_en"]),
            sku_code=facts[row["sku_id"]].sku_code,
            product_name=Text(facts[row["sku_id"]].name.zh, facts[row["sku_id"]].name.en),
            image=image_of(facts[row["sku_id"]].image_sha),
            state=row["state"],
            price=Money(row["price_minor"], row["currency"]),
            deposit=Money(row["deposit_minor"], row["currency"]),
            deposit_from=row["deposit_from"],
            deposit_until=row["deposit_until"],
            balance_from=row["balance_from"],
            balance_until=row["balance_until"],
            units_max=row["units_max"],
            booked=row["booked"],
        )
        for row in rows
    ]


_SUMS = """
SELECT coalesce(sum(l.quantity) FILTER (WHERE o.state = 'awaiting_payment'
                                          AND o.paid_minor - o.refunded_minor < r.deposit_minor), 0) AS waiting,
       coalesce(sum(l.quantity) FILTER (WHERE o.state IN ('booked', 'awaiting_payment')
                                          AND o.paid_minor - o.refunded_minor >= r.deposit_minor), 0) AS booked,
       coalesce(sum(l.quantity) FILTER (WHERE o.state IN ('confirmed', 'completed')), 0) AS paid,
       coalesce(sum(l.quantity) FILTER (WHERE o.forfeited_minor > 0), 0) AS forfeited,
       coalesce(sum(l.quantity) FILTER (WHERE o.state IN ('cancelled', 'expired') AND o.forfeited_minor = 0), 0)
           AS given_back,
       coalesce(sum(k.minor) FILTER (WHERE o.state IN ('booked', 'awaiting_payment')), 0)::bigint AS deposits_minor,
       coalesce(sum(k.minor) FILTER (WHERE o.state IN ('confirmed', 'completed')), 0)::bigint AS paid_minor,
       coalesce(sum(o.forfeited_minor), 0)::bigint AS forfeited_minor,
       coalesce(sum(o.refunded_minor), 0)::bigint AS refunded_minor
FROM orders o
JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
JOIN preorders r ON r.member_id = o.member_id AND r.order_id = o.id
CROSS JOIN LATERAL (SELECT o.paid_minor - o.refunded_minor AS minor) k
WHERE o.presale_id = $1
"""
# The day of the deposit, and the day on which the last of the balance came.
_DAYS = """
SELECT day AS on, sum(booked)::integer AS booked, sum(paid)::integer AS paid FROM (
    SELECT (e.at AT TIME ZONE $2)::date AS day, CASE WHEN e.kind = 'deposit_paid' THEN l.quantity ELSE 0 END AS booked,
           CASE WHEN e.kind = 'deposit_paid' THEN 0 ELSE l.quantity END AS paid
    FROM orders o
    JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
    JOIN order_events e ON e.member_id = o.member_id AND e.order_id = o.id
    WHERE o.presale_id = $1 AND (e.kind = 'deposit_paid' OR (e.kind = 'paid' AND o.pay_mode = 'online')
                                 OR e.kind = 'sold')) d
GROUP BY 1 ORDER BY 1
"""
_HISTORY = """
SELECT a.at, a.actor_name AS actor, a.action, a.reason, a.before, a.after FROM audit_log a
WHERE a.subject_kind = 'presale' AND a.subject = $1 ORDER BY a.at DESC, a.id DESC LIMIT 100
"""


async def _case(db: Database | Tx, chain: Chain, presale_id: UUID) -> PresaleCase:
    presale = await presales.find(db, presale_id)
    row = await db.fetchrow(_ONE, clock.now(), presale_id)
    sums = await db.fetchrow(_SUMS, presale_id)
    days = await db.fetch(_DAYS, presale_id, CHAIN_ZONE)
    history = await db.fetch(_HISTORY, str(presale_id))
    if row is None or sums is None:
        raise NotFound(kind="presale")
    amount = {name: Money(sums[f"{name}_minor"], presale.currency) for name in PresaleMoney.__struct_fields__}
    return PresaleCase(
        row=(await _shown(db, [row]))[0],
        expected_on=presale.expected_on,
        member_max=presale.member_max,
        delivery=presale.delivery,
        pickup=presale.pickup,
        store_codes=sorted(chain.stores[store].code for store in presale.store_ids if store in chain.stores),
        cancel_terms=presale.cancel_terms,
        unpaid_terms=presale.unpaid_terms,
        may_keep=presale.may_keep,
        withdrawn_at=presale.withdrawn_at,
        steps=PresaleSteps(**{name: sums[name] for name in PresaleSteps.__struct_fields__}),
        money=PresaleMoney(**amount),
        days=[PresaleDay(day["on"], day["booked"], day["paid"]) for day in days],
        history=[dict(entry) for entry in history],
    )


ROUTES = [list_presales, show_presale, add_presale, change_presale, withdraw_presale]
