"""One order at headquarters, with all that belongs to it; and cancelling it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import orders
from duoline.channels.console.member_scope import reached
from duoline.channels.console.orders import NAMED
from duoline.channels.http import doors, partners
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.cancel_quote import CancelledLine, CancelQuote, by_line, cancel_quote
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import order_view, own_part
from duoline.flows.cancel import cancel, quote_cancel
from duoline.flows.order_view import OrderView
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.ledger import accounts
from duoline.members import consents, phones
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope

STORE = "store"  # the provider of what is paid at a counter, under the fulfilment's own id


class MemberLine(msgspec.Struct, frozen=True, kw_only=True):
    """Whose order it is; `page` is who they are now, where the reader may open the member's page."""

    id: UUID
    kind: str
    name: str
    phone_masked: str | None
    page: UUID | None = None


class EntryView(msgspec.Struct, frozen=True):
    """An amount that moved from one account to another."""

    debit: str
    credit: str
    amount: Money


class JournalView(msgspec.Struct, frozen=True, kw_only=True):
    """A balanced posting."""

    at: datetime
    kind: str
    actor: str
    reason: str
    entries: list[EntryView]


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """An intent with its capture and refunds."""

    intent_id: UUID
    provider: str
    state: str
    amount: Money
    captured_at: datetime | None
    tender: str | None
    refunds: list[dict[str, Any]]


class HoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units held for the order."""

    location_code: str
    sku_code: str
    quantity: int
    state: str
    created_at: datetime
    resolved_at: datetime | None


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """The transfer in which units travel to the shop where they are collected, by the fulfilment that sent them."""

    id: UUID
    fulfilment_id: UUID
    number: str
    state: str
    expected_at: datetime | None


class SoldView(msgspec.Struct, frozen=True):
    """The shop and the clerk who made the order for a customer."""

    store_code: str
    store_name: Text
    by: str


class OrderCase(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one order, or with `whole` false, everything about what one's own shops serve of it.

    `sold` of an order that a clerk made, for whoever sees all of it or that shop. `shared` false: a franchisee who is
    told no name, number and address, because the buyer did not agree to it and nothing is left to hand over.
    """

    whole: bool
    shared: bool
    order: OrderView
    sold: SoldView | None
    member: MemberLine
    journals: list[JournalView]
    payments: list[PaymentView]
    holds: list[HoldLine]
    transfers: list[Brought]
    sourcing: list[dict[str, Any]]
    audit: list[dict[str, Any]]


class Cancellation(Input, frozen=True):
    """Units to cancel (all that is due when absent), and why: a reason is required of staff."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    lines: Annotated[list[CancelledLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)] | None = None


_CASE = """
SELECT o.location_ids,
  (SELECT to_jsonb(m) FROM members m WHERE m.member_id = o.member_id) AS member,
  (SELECT s.name FROM staff s WHERE s.id = o.sold_by) AS sold_by,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('at', j.at, 'kind', j.kind, 'actor', j.actor, 'reason', j.reason,
            'entries', (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.n) FROM journal_entries e
                        WHERE e.member_id = j.member_id AND e.journal_id = j.id)) ORDER BY j.at, j.id), '[]')
   FROM journals j WHERE j.member_id = o.member_id AND j.order_id = o.id) AS journals,
  (SELECT coalesce(jsonb_agg(to_jsonb(i) || jsonb_build_object(
            'capture', (SELECT to_jsonb(c) FROM captures c WHERE c.member_id = i.member_id AND c.intent_id = i.id),
            'refunds', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'amount_minor', r.amount_minor,
                          'currency', r.currency, 'state', r.state, 'reason', r.reason, 'problem', r.problem,
                          'created_at', r.created_at, 'resolved_at', r.resolved_at) ORDER BY r.id), '[]')
                        FROM refunds r JOIN captures c ON c.member_id = r.member_id AND c.id = r.capture_id
                        WHERE c.member_id = i.member_id AND c.intent_id = i.id)) ORDER BY i.id), '[]')
   FROM payment_intents i WHERE i.member_id = o.member_id AND i.order_id = o.id) AS payments,
  (SELECT coalesce(jsonb_agg(to_jsonb(h) || jsonb_build_object('sku_code', s.code) ORDER BY h.created_at, h.id), '[]')
   FROM holds h JOIN skus s ON s.id = h.sku_id WHERE h.location_id = ANY (o.location_ids) AND h.ref_id = o.id) AS holds,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'fulfilment_id', f.id, 'number', t.number,
            'state', t.state, 'expected_at', t.expected_at) ORDER BY t.id), '[]')
   FROM fulfilments f JOIN transfers t ON t.location_id = f.location_id AND t.ref_id = f.id
   WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND f.kind = 'transfer') AS transfers,
  (SELECT coalesce(jsonb_agg(to_jsonb(d) - 'member_id' ORDER BY d.at, d.id), '[]')
   FROM sourcing_decisions d WHERE d.member_id = o.member_id AND d.order_id = o.id) AS sourcing,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('at', a.at, 'actor', a.actor_name, 'action', a.action,
            'reason', a.reason, 'before', a.before, 'after', a.after, 'store_id', a.store_id) ORDER BY a.at), '[]')
   FROM (SELECT 'order' AS kind, $3 AS subject
         UNION ALL SELECT 'refund', r.id::text FROM refunds r WHERE r.member_id = $1 AND r.order_id = $2) s
   JOIN audit_log a ON a.subject_kind = s.kind AND a.subject = s.subject) AS audit
FROM orders o WHERE o.member_id = $1 AND o.id = $2
"""


@get("/api/console/orders/{order_id:uuid}", opt=doors.staff("orders.read", order_id="order"))
async def read_order(db: Database, staff: Staff, chain: Chain, order_id: UUID) -> OrderCase:
    """One order as a case: its story, its money, its units, why its locations were chosen, who changed it.

    Of an order that other shops serve too, only the part of the shops one may see (`whole` is false).
    """
    member_id = await owner(db, staff, order_id, "orders.read")
    return await told(db, staff, chain, await case_of(db, chain, member_id, order_id, staff.scope("orders.read")))


# $1, $2 the scope, of which a franchisee never has everything.
_IS_NAMED = f"SELECT NOT $1 AND {NAMED} FROM orders o WHERE o.member_id = $3 AND o.id = $4"  # noqa: S608 - our own words


async def told(db: Database | Tx, staff: Staff, chain: Chain, case: OrderCase) -> OrderCase:
    """The case as it is told to this person: to a franchisee without whom it is for, unless they may know."""
    partner = partners.of_a_partner(chain, staff)
    page = await page_of(db, staff.scope("members.read"), case.member.id, partner=partner)
    case = msgspec.structs.replace(case, member=msgspec.structs.replace(case.member, page=page))
    if not partner:
        return case
    if await db.fetchval(_IS_NAMED, *staff.scope("orders.read").sql, case.member.id, case.order.id):
        return case
    consents.count_refused("sharing", door="console.order")
    nobody = order_view.ContactView(name="", phone="")
    return msgspec.structs.replace(
        case,
        shared=False,
        order=msgspec.structs.replace(case.order, contact=nobody, address=None, note=""),
        member=msgspec.structs.replace(case.member, name="", phone_masked=None),
    )


async def page_of(db: Database | Tx, scope: Scope, member_id: UUID, *, partner: bool) -> UUID | None:
    """Who somebody is now, if they are a member whom this scope reaches; to a franchisee, if they agreed to sharing."""
    now: UUID = await db.fetchval("SELECT duo_now($1)", member_id)
    if partner and not await consents.allowed(db, now, "sharing"):
        return None
    try:
        await reached(db, scope, now)
    except NotFound:
        return None
    return now


async def owner(db: Database, staff: Staff, order_id: UUID, permission: str) -> UUID:
    """The member of an order that this person may see at least in part. Refuses with `NotFound` when none is theirs."""
    everything, locations = staff.scope(permission).sql
    member_id: UUID | None = await db.fetchval(
        "SELECT member_id FROM orders WHERE id = $1 AND ($2 OR location_ids && $3 OR store_id = ANY ($3))",
        order_id,
        everything,
        locations,
    )
    if member_id is None:
        raise NotFound
    return member_id


async def case_of(db: Database | Tx, chain: Chain, member_id: UUID, order_id: UUID, scope: Scope) -> OrderCase:
    """One order as a case, or of it what somebody with this scope may see."""
    doc = await order_view.document(db, member_id, order_id)
    row = await db.fetchrow(_CASE, member_id, order_id, doc["order_no"])
    if row is None:
        raise NotFound
    mine = None if scope.everything else await _part(db, chain, doc, row["location_ids"], scope)
    member = row["member"]
    order = order_view.of(doc if mine is None else own_part.part_of(doc, mine))
    shown = {job.id for job in order.fulfilments}
    brought: list[Brought] = msgspec.convert(row["transfers"], list[Brought])
    return OrderCase(
        whole=mine is None,
        shared=True,
        order=order,
        sold=_sold(doc, row["sold_by"], chain, None if mine is None else scope),
        member=MemberLine(
            id=member_id,
            kind=member["kind"],
            name=member["display_name"],
            phone_masked=phones.masked(member["phone"]) if member["phone"] else None,
        ),
        journals=[_journal(journal) for journal in _own_journals(row["journals"], mine)],
        payments=[_payment(intent) for intent in _own_payments(row["payments"], doc, mine)],
        holds=[_hold(hold, chain) for hold in row["holds"] if mine is None or UUID(hold["location_id"]) in scope],
        transfers=[transfer for transfer in brought if transfer.fulfilment_id in shown],
        sourcing=row["sourcing"] if mine is None else _own_decisions(row["sourcing"], mine),
        audit=[
            {name: value for name, value in line.items() if name != "store_id"}
            for line in row["audit"]
            if mine is None or (line["store_id"] is not None and UUID(line["store_id"]) in scope)
        ],
    )


def _sold(doc: dict[str, Any], by: str | None, chain: Chain, scope: Scope | None) -> SoldView | None:
    """Who sold it, unless nobody did or the shop is not in scope."""
    store_id = UUID(doc["sold_store_id"]) if doc["sold_store_id"] else None
    if store_id is None or (scope is not None and store_id not in scope):
        return None
    store = chain.store(store_id)
    return SoldView(store.code, Text(store.name.zh, store.name.en), by or "")


async def _part(
    db: Database | Tx, chain: Chain, doc: dict[str, Any], location_ids: Sequence[UUID], scope: Scope
) -> own_part.Own | None:
    """What of an order is at the shops of a scope; None when everything is."""
    everywhere = {*location_ids, *([UUID(doc["store_id"])] if doc["store_id"] else [])}
    if everywhere <= scope.store_ids:
        return None
    locations = everywhere & scope.store_ids
    return own_part.own(
        await own_part.shares(db, UUID(doc["id"]), location_ids),
        locations=locations,
        codes=[chain.store(location).code for location in locations],
        line_stores={UUID(line["id"]): UUID(line["store_id"]) if line["store_id"] else None for line in doc["lines"]},
    )


def _own_journals(journals: list[dict[str, Any]], mine: own_part.Own | None) -> list[dict[str, Any]]:
    """Postings that name an account of one's own shops; what names none belongs to the whole order."""
    if mine is None:
        return journals
    own = {name(location) for location in mine.locations for name in (accounts.cash, accounts.sales)}
    return [
        journal
        for journal in journals
        if any(own & {entry["debit"], entry["credit"]} for entry in journal["entries"] or [])
    ]


def _own_payments(
    payments: list[dict[str, Any]], doc: dict[str, Any], mine: own_part.Own | None
) -> list[dict[str, Any]]:
    """What is paid at one's own counters, whole; of a payment for the whole order, the amount of one's part."""
    if mine is None:
        return payments
    part = sum(line["amount_minor"] for line in own_part.part_of(doc, mine)["lines"])
    return [
        payment if payment["provider"] == STORE else payment | {"amount_minor": part, "refunds": []}
        for payment in payments
        if payment["provider"] != STORE or UUID(payment["id"]) in mine.jobs
    ]


def _own_decisions(decisions: list[dict[str, Any]], mine: own_part.Own) -> list[dict[str, Any]]:
    found = [own_part.reason_of(decision, mine.codes) for decision in decisions]
    return [decision for decision in found if decision["chosen"]]


def _journal(journal: dict[str, Any]) -> JournalView:
    return JournalView(
        at=datetime.fromisoformat(journal["at"]),
        kind=journal["kind"],
        actor=journal["actor"],
        reason=journal["reason"],
        entries=[
            EntryView(entry["debit"], entry["credit"], Money(entry["amount_minor"], entry["currency"]))
            for entry in journal["entries"] or []
        ],
    )


def _payment(intent: dict[str, Any]) -> PaymentView:
    capture = intent["capture"]
    return PaymentView(
        intent_id=UUID(intent["id"]),
        provider=intent["provider"],
        state=intent["state"],
        amount=Money(intent["amount_minor"], intent["currency"]),
        captured_at=datetime.fromisoformat(capture["at"]) if capture else None,
        tender=capture["tender"] if capture else None,
        refunds=intent["refunds"],
    )


def _hold(hold: dict[str, Any], chain: Chain) -> HoldLine:
    return HoldLine(
        location_code=chain.store(UUID(hold["location_id"])).code,
        sku_code=hold["sku_code"],
        quantity=hold["quantity"],
        state=hold["state"],
        created_at=datetime.fromisoformat(hold["created_at"]),
        resolved_at=datetime.fromisoformat(hold["resolved_at"]) if hold["resolved_at"] else None,
    )


@post(
    "/api/console/orders/{order_id:uuid}/cancellation",
    opt=doors.staff("orders.cancel", order_id="order", line_id="order_line"),
    status_code=200,
)
async def cancel_order(
    write: Write, db: Database, staff: Staff, chain: Chain, order_id: UUID, data: Cancellation
) -> Answer[OrderCase]:
    """Cancel an order or units of it for the member, with a reason; the money goes back.

    Whoever does not reach all of an order's shops cancels what their own serve: 403 `orders.served-elsewhere` for
    units elsewhere.
    """
    member_id = await owner(db, staff, order_id, "orders.cancel")
    scope = staff.scope("orders.cancel")

    async def work(tx: Tx) -> OrderCase:
        await cancel(
            tx,
            member_id=member_id,
            order_id=order_id,
            quantities=by_line(data.lines),
            reason=data.reason,
            actor=staff.actor,
            at=None if scope.everything else scope.store_ids,
        )
        case = await case_of(tx, chain, member_id, order_id, staff.scope("orders.read"))
        return await told(tx, staff, chain, case)

    return await write.run(work)


class CancelAsk(Input, frozen=True):
    """Units to cancel; all that is due when absent."""

    lines: Annotated[list[CancelledLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)] | None = None


@post(
    "/api/console/orders/{order_id:uuid}/cancellation-quote",
    opt=doors.staff("orders.cancel", order_id="order", line_id="order_line"),
    status_code=200,
)
async def quote_cancellation(
    write: Write, db: Database, staff: Staff, order_id: UUID, data: CancelAsk
) -> Answer[CancelQuote]:
    """What cancelling gives back, before it is done."""
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    member_id = await owner(db, staff, order_id, "orders.cancel")
    scope = staff.scope("orders.cancel")
    async with db.begin() as tx:
        quoted = await quote_cancel(
            tx,
            member_id=member_id,
            order_id=order_id,
            quantities=by_line(data.lines),
            actor=staff.actor,
            at=None if scope.everything else scope.store_ids,
        )
    return answer(cancel_quote(*quoted))


ROUTES = [read_order, cancel_order, quote_cancellation]
