"""Draft an order: every row to write and the answer to give, with all ids and codes chosen. Pure but for new ids."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import attribution, fulfilment, orders, pricing
from duoline.flows import basket as baskets
from duoline.flows.places import distance_km, place_of
from duoline.kernel import audit
from duoline.kernel.errors import Fault, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.payments import providers
from duoline.pricing.promotions.types import BuyGet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.catalog.types import SkuFacts
    from duoline.favourites import KeptUnit
    from duoline.flows.basket import Basket, BasketLine
    from duoline.flows.gifts import Gift, GiftWord
    from duoline.flows.offers import Taken
    from duoline.kernel.auth import Actor
    from duoline.members.guests import Guest
    from duoline.pricing.promotions.types import Promotion
    from duoline.stores.directory import Chain

Row = dict[str, Any]


class Request(NamedTuple):
    """An order to place. `key` and `request_hash` make it happen once; `expected_minor` is the total the buyer saw.

    `guest` is the buyer, when the order is what makes them a guest. `limits` are for somebody who has not logged in.
    """

    member_id: UUID
    actor: Actor
    key: str
    request_hash: bytes
    wishes: Sequence[orders.Wanted]
    pay_mode: str
    contact: orders.Contact
    address: orders.Address | None
    expected_minor: int | None
    note: str
    channel: str
    store_id: UUID | None = None
    guest: Guest | None = None
    bring: bool = False
    """The buyer has seen and accepts that what a shop has not is brought there later."""
    limits: Sequence[orders.GuestLimit] = ()
    sold: orders.Sold | None = None
    """The shop and the clerk who make it for a customer (`flows.sell_home`)."""
    in_shop: UUID | None = None
    """The shop in which the buyer stands and waits (scan-and-go)."""
    gifts: Sequence[GiftWord] | None = None
    """What the buyer was shown as gifts and said to them; other ones are refused. None wants all that are due."""
    touch: attribution.OrderTouch | None = None
    """What the buyer met last: written down with the order, which makes nothing of it."""


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as placed."""

    id: UUID
    n: int
    sku_id: UUID
    sku_code: str
    product_code: str
    name: Text
    quantity: int
    unit_price: Money
    amount: Money
    net: Money
    method: str
    store_code: str | None


class ReceiptFulfilment(msgspec.Struct, frozen=True, kw_only=True):
    """Who does what, and by when."""

    id: UUID
    kind: str
    state: str
    store_code: str
    promise_at: datetime
    to_store_code: str | None = None
    """Of a `transfer` the shop where it will be collected."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to placing: the order's first state. A repeat of the request gets the very same bytes."""

    id: UUID
    order_no: str
    channel: str
    state: str
    pay_mode: str
    pay_state: str
    placed_at: datetime
    pay_by_at: datetime | None
    subtotal: Money
    delivery_fee: Money
    discount: Money
    total: Money
    lines: list[ReceiptLine]
    fulfilments: list[ReceiptFulfilment]
    actions: list[str]


class LevelNeed(NamedTuple):
    """Units that an order needs of one level, and how many of them leave the shop for a delivery."""

    units: int
    outward: int


class Draft(NamedTuple):
    """An order ready to be written: what it needs of which (location, SKU), its rows by table, and its answer."""

    request: Request
    needs: dict[tuple[UUID, UUID], LevelNeed]
    rows: dict[str, list[Row]]
    answer: bytes
    kept: Sequence[KeptUnit] = ()
    """Units kept for the buyer that the order uses: given back by the statement that holds them for the order."""

    @property
    def first_location(self) -> UUID:
        """The location whose levels it locks first."""
        return min(location for location, _ in self.needs)

    @property
    def pickup_locations(self) -> frozenset[UUID]:
        """The shops that the buyer has chosen: nothing else will do for what is collected there."""
        return frozenset(row["location_id"] for row in self.rows["fulfilments"] if row["kind"] == "pickup")


def draft(basket: Basket, request: Request, chain: Chain, secret: bytes) -> Draft:
    """The rows and the answer of an order for a basket without problems."""
    order = _Order(basket, request, chain, secret)
    order.prove()
    answer = msgspec.json.encode(order.receipt())
    needs: dict[tuple[UUID, UUID], LevelNeed] = {}
    for hold in order.holds:
        level, units = (hold["location_id"], hold["sku_id"]), hold["quantity"]
        before = needs.get(level, LevelNeed(0, 0))
        needs[level] = LevelNeed(before.units + units, before.outward + (units if hold["outward"] else 0))
    kept = [use.unit for use in basket.uses]
    for level in {(unit.location_id, unit.sku_id) for unit in kept}:
        mine = sum((unit.location_id, unit.sku_id) == level for unit in kept)
        held = needs.get(level, LevelNeed(0, 0)).units
        ensure(mine <= held, "FAV-1", f"{order.order_no} gives back {mine} kept units, and holds fewer")
    return Draft(request, needs, order.rows(), answer, kept)


class _Order:
    """The parts of one order while it is drafted."""

    def __init__(self, basket: Basket, request: Request, chain: Chain, secret: bytes) -> None:
        self.basket, self.request, self.chain = basket, request, chain
        self.id, self.order_no = new_id(), orders.new_order_no(basket.at)
        self.line_ids = [new_id() for _ in basket.lines]
        self.total_minor = basket.totals.total_minor
        self.paid = self.total_minor == 0
        self.online = request.pay_mode == "online" and not self.paid
        minutes = fulfilment.PICKUP.current().body.pay_minutes
        self.pay_by_at = basket.at + timedelta(minutes=minutes) if self.online else None
        self.decisions: list[Row] = []
        self.jobs: list[Row] = []
        self.codes: list[Row] = []
        self.holds: list[Row] = []
        self._split(secret)

    @property
    def job_state(self) -> str:
        """What a location sees of it: nothing before it is paid, when it is paid online."""
        return "waiting" if self.online else "to_pick"

    def _split(self, secret: bytes) -> None:
        """What each location has to do, and the units that are held for it."""
        basket, chain = self.basket, self.chain
        for bring in basket.brings:
            decision_id = self._decided(bring.decision)
            job_id = self._job(bring.source.id, "transfer", bring.promised, decision_id, to=bring.store.id)
            for n in bring.line_ns:
                wish = basket.lines[n].wanted
                self._hold(bring.source.id, job_id, self.line_ids[n], wish.sku_id, wish.quantity)
        for group in basket.groups:
            if group.method == "pickup" and group.store is not None and group.bring is None:
                job_id = self._job(group.store.id, "pickup", group.promised, in_shop=group.in_shop)
                code = fulfilment.code_of(job_id, secret)
                self.jobs[-1]["short_code"] = code.short
                self.codes.append(
                    {"code_hash": code.digest.hex(), "location_id": group.store.id, "fulfilment_id": job_id}
                )
                for n in group.line_ns:
                    wish = basket.lines[n].wanted
                    self._hold(group.store.id, job_id, self.line_ids[n], wish.sku_id, wish.quantity)
        place = place_of(chain, self.request.address)
        why = self._decided(basket.decision) if basket.decision else None
        for parcel in basket.plan.parcels if basket.plan else ():
            sender = chain.stores[parcel.location_id]
            arrival = baskets.parcel_arrival(sender, place, basket.at, basket.lags)
            job_id = self._job(parcel.location_id, "ship", arrival, why)
            self.jobs[-1]["away_km"] = round(distance_km(sender, place))
            for piece in parcel.pieces:
                self._hold(parcel.location_id, job_id, self.line_ids[piece.line_id.int], piece.sku_id, piece.quantity)

    def _job(
        self,
        location_id: UUID,
        kind: str,
        promised: fulfilment.Promised | None,
        decision_id: UUID | None = None,
        *,
        to: UUID | None = None,
        in_shop: bool = False,
    ) -> UUID:
        job_id, request = new_id(), self.request
        here = self.chain.stores[location_id]
        # What stays with the company costs it nothing.
        away = kind == "ship" or (to is not None and self.chain.stores[to].company_id != here.company_id)
        self.jobs.append(
            {
                "location_id": location_id,
                "id": job_id,
                "member_id": request.member_id,
                "order_id": self.id,
                "order_no": self.order_no,
                "kind": kind,
                "state": self.job_state,
                "pay_mode": request.pay_mode,
                "paid": self.paid,
                "in_shop": in_shop,
                "contact_name": request.contact.name,
                "contact_phone": request.contact.phone,
                "address": request.address if kind == "ship" else None,
                "note": request.note,
                "promise_at": promised.at if promised else self.basket.at,
                "plain_at": promised.plain_at if promised else None,
                "placed_at": self.basket.at,
                "work_at": None if self.online else self.basket.at,
                "decision_id": decision_id,
                "unit_fee_minor": here.share.fee_minor if away else 0,
                "to_location_id": to,
            }
        )
        return job_id

    def _hold(self, location_id: UUID, job_id: UUID, line_id: UUID, sku_id: UUID, quantity: int) -> None:
        self.holds.append(
            {
                "location_id": location_id,
                "id": new_id(),
                "sku_id": sku_id,
                "quantity": quantity,
                "outward": self.jobs[-1]["kind"] != "pickup",
                "order_id": self.id,
                "fulfilment_id": job_id,
                "line_id": line_id,
                "actor": self.request.actor.label,
            }
        )

    def prove(self) -> None:
        """Every unit that is charged for is held once, and the total is what the lines cost."""
        totals, held = self.basket.totals, dict.fromkeys(self.line_ids, 0)
        for hold in self.holds:
            held[hold["line_id"]] += hold["quantity"]
        wanted = {self.line_ids[line.n]: line.wanted.quantity for line in self.basket.lines}
        ensure(held == wanted, "FUL-3", f"{self.order_no} holds {held} for {wanted}")
        for line in self.basket.lines:
            if line.wanted.gift is not None:
                ensure(line.net_minor == 0, "ORD-6", f"{self.order_no} asks {line.net_minor} for a gift")
        lines_minor = sum(line.amount_minor for line in self.basket.lines)
        nets_minor = sum(line.net_minor for line in self.basket.lines)
        ensure(
            lines_minor == totals.subtotal_minor
            and nets_minor == lines_minor - totals.discount_minor
            and self.total_minor == nets_minor + totals.delivery_fee_minor,
            "ORD-1",
            f"{self.order_no}: lines of {lines_minor}, {nets_minor} after offers, make {self.total_minor}",
        )

    # --- what is written ------------------------------------------------------------------------

    def rows(self) -> dict[str, list[Row]]:
        """Every row, by the name under which `duo_write_orders` looks for it."""
        request = self.request
        own = {"member_id": request.member_id, "order_id": self.id}
        intents = self._intents()
        wishes = [wish.cart_line_id for wish in request.wishes if wish.cart_line_id]
        return {
            "guests": [] if request.guest is None else [request.guest._asdict()],
            "limits": [own | limit._asdict() | {"units": self._unpaid_units()} for limit in request.limits],
            "orders": [self._order()],
            "order_lines": [own | self._line(line) for line in self.basket.lines],
            "promotion_uses": [self._use(*used) for used in self.basket.offers.limited],
            "coupons": [own | {"id": coupon.id} for coupon in self.basket.offers.coupons],
            "order_gifts": [
                own | gift_of(gift, self.line_ids[line.n], [self.line_ids[n] for n in gift.bought])
                for gift, line in gift_lines(self.basket)
            ],
            "order_discounts": [own | row for line in self.basket.lines for row in self._discounts(line)],
            "fulfilments": self.jobs,
            "holds": self.holds,
            "kept": [self._kept(use.unit) for use in self.basket.uses],
            "pickup_codes": self.codes,
            "intents": [own | intent for intent in intents],
            "payment_refs": [
                {"member_id": request.member_id, "intent_id": intent["id"]}
                for intent in intents
                if intent["provider"] != "store"
            ],
            "order_touches": self._touch(own),
            "decisions": [own | decision for decision in self.decisions],
            "events": [own | self._event()],
            "audit": self._audit(),
            "outbox": [own | self._notice()],
            "cart_lines": [{"member_id": request.member_id, "id": line_id} for line_id in wishes],
        }

    def _kept(self, unit: KeptUnit) -> Row:
        return {"location_id": unit.location_id, "id": unit.hold_id, "sku_id": unit.sku_id, "order_id": self.id}

    def _use(self, promotion: Promotion, amount_minor: int) -> Row:
        return use_of(promotion, amount_minor, order_id=self.id, member_id=self.request.member_id)

    def _touch(self, own: Row) -> list[Row]:
        """What was met last, if it still counts at the very instant that the order has."""
        touch = self.request.touch
        if touch is None or not attribution.counts(touch, at=self.basket.at):
            return []
        return [own | attribution.row_of(touch, at=self.basket.at)]

    def _unpaid_units(self) -> int:
        """Units that are held before anybody has paid for them."""
        return 0 if self.paid else sum(line.wanted.quantity for line in self.basket.lines)

    def _order(self) -> Row:
        request, totals = self.request, self.basket.totals
        return {
            "member_id": request.member_id,
            "id": self.id,
            "order_no": self.order_no,
            "channel": request.channel,
            "store_id": request.store_id,
            "state": "awaiting_payment" if self.online else "confirmed",
            "pay_mode": request.pay_mode,
            "currency": self.basket.currency,
            "subtotal_minor": totals.subtotal_minor,
            "delivery_fee_minor": totals.delivery_fee_minor,
            "discount_minor": totals.discount_minor,
            "total_minor": self.total_minor,
            "contact_name": request.contact.name,
            "contact_phone": request.contact.phone,
            "address": request.address,
            "note": request.note,
            "placed_at": self.basket.at,
            "pay_by_at": self.pay_by_at,
            "location_ids": self._location_ids(),
            "sold_store_id": request.sold.store_id if request.sold else None,
            "sold_by": request.sold.staff_id if request.sold else None,
        }

    def _location_ids(self) -> list[UUID]:
        """Where something is done for it, and where it is collected."""
        ends = {job["location_id"] for job in self.jobs} | {bring.store.id for bring in self.basket.brings}
        return sorted(ends)

    def _line(self, line: BasketLine) -> Row:
        facts = facts_of(line)
        return {
            "id": self.line_ids[line.n],
            "n": line.n + 1,
            "sku_id": facts.sku_id,
            "sku_code": facts.sku_code,
            "product_code": facts.product_code,
            "name": {"zh": facts.name.zh, "en": facts.name.en},
            "options": baskets.as_options(facts),
            "image_sha": facts.image_sha,
            "method": line.wanted.method,
            "store_id": line.wanted.store_id if line.wanted.method == "pickup" else None,
            "quantity": line.wanted.quantity,
            "unit_price_minor": line.unit_price_minor,
            "amount_minor": line.amount_minor,
            "net_minor": line.net_minor,
            "price_scope": line.price_scope,
            "price_tier": line.price_tier,
            "gift": line.wanted.gift is not None,
        }

    def _discounts(self, line: BasketLine) -> list[Row]:
        return discounts_of(self.line_ids[line.n], line.amount_minor - line.net_minor, line.offers)

    def _intents(self) -> list[Row]:
        """Online, one intent for the order. At the shop, one for each shop, under the fulfilment's own id."""
        if self.paid:
            return []
        if self.online:
            provider = providers.online()
            if provider is None:
                raise orders.NoOnlinePayment
            return [self._intent(new_id(), provider, self.total_minor)]
        amounts = {
            group.store.id: sum(self.basket.lines[n].net_minor for n in group.line_ns)
            for group in self.basket.groups
            if group.store
        }
        return [
            self._intent(job["id"], "store", amounts[job["location_id"]])
            for job in self.jobs
            if amounts[job["location_id"]] > 0
        ]

    def _intent(self, intent_id: UUID, provider: str, amount_minor: int) -> Row:
        return {
            "id": intent_id,
            "provider": provider,
            "amount_minor": amount_minor,
            "currency": self.basket.currency,
            "expires_at": self.pay_by_at,
        }

    def _decided(self, decision: fulfilment.Decision) -> UUID:
        """Keep a decision with the order's own line ids in place of the positions it was made with."""
        row: Row = msgspec.to_builtins(decision)
        named = {str(UUID(int=n)): str(line_id) for n, line_id in enumerate(self.line_ids)}
        for entry in row["chosen"]:
            entry["line_ids"] = [named[line] for line in entry["line_ids"]]
        for entry in row["candidates"]:
            entry["covers"] = [named[line] for line in entry["covers"]]
        self.decisions.append({"id": new_id(), **row})
        decision_id: UUID = self.decisions[-1]["id"]
        return decision_id

    def _event(self) -> Row:
        request = self.request
        sold = {"sold_store_code": request.sold.store_code} if request.sold else {}
        return {
            "id": new_id(),
            "actor": request.actor.label,
            "data": {"total_minor": self.total_minor, "pay_mode": request.pay_mode, "channel": request.channel, **sold},
        }

    def _audit(self) -> list[Row]:
        """What buyers do themselves stands in the order's story; what a clerk does for them is audited too."""
        if self.request.sold is None:
            return []
        lines = [
            {
                "sku_code": facts_of(line).sku_code,
                "quantity": line.wanted.quantity,
                "unit_price_minor": line.unit_price_minor,
                "net_minor": line.net_minor,
            }
            for line in self.basket.lines
        ]
        return [
            audit.as_row(
                audit.Line(
                    self.request.actor,
                    "order.sell-home",
                    "order",
                    self.order_no,
                    after={"total_minor": self.total_minor, "currency": self.basket.currency, "lines": lines},
                    store_id=self.request.sold.store_id,
                )
            )
        ]

    def _notice(self) -> Row:
        return {
            "id": new_id(),
            "store_ids": self._location_ids(),
            "payload": {
                "order_id": self.id,
                "order_no": self.order_no,
                "state": self.job_state,
                "total_minor": self.total_minor,
            },
        }

    # --- what is answered -----------------------------------------------------------------------

    def receipt(self) -> Receipt:
        """The order's first state, as the buyer gets it."""
        totals, currency = self.basket.totals, self.basket.currency
        return Receipt(
            id=self.id,
            order_no=self.order_no,
            channel=self.request.channel,
            state="awaiting_payment" if self.online else "preparing",
            pay_mode=self.request.pay_mode,
            pay_state="paid" if self.paid else "unpaid",
            placed_at=self.basket.at,
            pay_by_at=self.pay_by_at,
            subtotal=Money(totals.subtotal_minor, currency),
            delivery_fee=Money(totals.delivery_fee_minor, currency),
            discount=Money(totals.discount_minor, currency),
            total=Money(self.total_minor, currency),
            lines=[_receipt_line(line, self.line_ids[line.n], currency) for line in self.basket.lines],
            fulfilments=[
                ReceiptFulfilment(
                    id=job["id"],
                    kind=job["kind"],
                    state=job["state"],
                    store_code=self.chain.stores[job["location_id"]].code,
                    promise_at=job["promise_at"],
                    to_store_code=self.chain.stores[job["to_location_id"]].code if job["to_location_id"] else None,
                )
                for job in self.jobs
            ],
            actions=["pay", "cancel"] if self.online else ["cancel"],
        )


def discounts_of(line_id: UUID, off_minor: int, offers: Sequence[Taken]) -> list[Row]:
    """What each promotion, in the version that was in force, takes off a line of an order: `off_minor` together."""
    named = sum(taken.amount_minor for taken in offers)
    ensure(named == off_minor, "ORD-4", f"{off_minor} come off a line of which promotions take {named}")
    return [
        {
            "line_id": line_id,
            "promotion_id": taken.promotion.id,
            "version": taken.promotion.version,
            "amount_minor": taken.amount_minor,
        }
        for taken in offers
    ]


def gift_lines(basket: Basket) -> list[tuple[Gift, BasketLine]]:
    """The gifts of a basket with their lines."""
    by_promotion = {line.wanted.gift: line for line in basket.lines if line.wanted.gift is not None}
    return [(gift, by_promotion[gift.promotion.id]) for gift in basket.gifts if gift.sku_id is not None]


def gift_of(gift: Gift, line_id: UUID, bought: Sequence[UUID]) -> Row:
    """What a gift's line was given for, as it was when it was ordered."""
    effect = gift.promotion.effect
    if not isinstance(effect, BuyGet):
        raise Fault("ORD-6", f"{gift.promotion.id} gives nothing")
    return {
        "line_id": line_id,
        "promotion_id": gift.promotion.id,
        "version": gift.promotion.version,
        "bought": list(bought),
        "buy_units": effect.buy_units,
        "get_units": effect.get_units,
        "clawback": gift.promotion.clawback,
    }


def use_of(promotion: Promotion, amount_minor: int, *, order_id: UUID, member_id: UUID) -> Row:
    """What an order uses of a limited promotion, with the limits that it was priced under."""
    return {
        "promotion_id": promotion.id,
        "version": promotion.version,
        "order_id": order_id,
        "member_id": member_id,
        "amount_minor": amount_minor,
        "budget_minor": promotion.budget_minor,
        "orders_max": promotion.orders_max,
        "member_orders_max": promotion.each_max,
    }


def facts_of(line: BasketLine) -> SkuFacts:
    """The facts of a line without a problem."""
    if line.facts is None:
        raise pricing.NotForSale(sku_id=str(line.wanted.sku_id))
    return line.facts


def _receipt_line(line: BasketLine, line_id: UUID, currency: str) -> ReceiptLine:
    facts = facts_of(line)
    return ReceiptLine(
        id=line_id,
        n=line.n + 1,
        sku_id=facts.sku_id,
        sku_code=facts.sku_code,
        product_code=facts.product_code,
        name=Text(facts.name.zh, facts.name.en),
        quantity=line.wanted.quantity,
        unit_price=Money(line.unit_price_minor, currency),
        amount=Money(line.amount_minor, currency),
        net=Money(line.net_minor, currency),
        method=line.wanted.method,
        store_code=line.store.code if line.store and line.wanted.method == "pickup" else None,
    )
