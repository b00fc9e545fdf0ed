"""Place an order: look at the basket, then hold the units and write the order in one database transaction.

The payment provider is not asked here; an order to be paid online leaves with an open intent (see `flows.pay`).

Orders that draw on the same first location and arrive together share one transaction (kernel.batch), so a hot SKU
sells as fast as the database commits, and a lone order waits for nobody. The idempotency key is written by the same
statement as its effect.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import inventory, orders, pricing
from duoline.flows import basket as baskets
from duoline.flows.draft import Draft, Request, draft
from duoline.flows.gifts import differ
from duoline.flows.refused import note_refusal
from duoline.kernel import clock, faults
from duoline.kernel.batch import Batcher
from duoline.kernel.errors import IdempotencyMismatch, Refusal
from duoline.kernel.money import Money
from duoline.payments import providers

if TYPE_CHECKING:
    from collections.abc import Sequence

faults.register("place.before_write", "place.after_commit")

TRIES = 3
"""How often a delivery whose units were taken meanwhile is sourced anew."""

_rows = msgspec.json.Encoder()


class Placed(NamedTuple):
    """The stored answer, and whether it was stored by an earlier request."""

    body: bytes
    replayed: bool


class Placing:
    """The way to place orders. One instance a process."""

    def __init__(self, look: baskets.Look, *, secret: bytes) -> None:
        self._look = look
        self._secret = secret
        self._batcher: Batcher[UUID, Draft, dict[str, Any]] = Batcher(self._flush)

    async def place(self, request: Request) -> Placed:
        """Place the order, once. Units kept for the member in shops serve it first.

        Refuses, in this order: `orders.empty`, `orders.too-many-lines`, `orders.address-missing`,
        `orders.pay-online-for-delivery`, the first problem of a line, `orders.pay-online-to-bring`,
        `pricing.gifts-changed`, `pricing.total-changed`,
        `inventory.insufficient-stock`, `orders.too-many-orders`, `orders.too-many-unpaid`, `inventory.hold-gone` and
        `pricing.offer-gone` when kept units or offers keep going while it is tried; `idempotency.mismatch` when the key
        is known with another request.
        What was refused although favourites keep some is written down afterwards.
        """
        try:
            return await self._place(request)
        except inventory.InsufficientStock as refused:
            await note_refusal(self._look, refused, channel=request.channel, who=request.member_id)
            raise

    async def _place(self, request: Request) -> Placed:
        refused = _check(request)
        if refused is not None:
            return await self._stored_or(request, refused)
        gone = ""
        for attempt in range(1, TRIES + 1):
            basket = await baskets.look_at(
                self._look,
                request.wishes,
                channel=request.channel,
                member_id=request.member_id,
                address=request.address,
                use_kept=True,
                bring=request.bring,
                in_shop=request.in_shop,
                gifts=request.gifts or (),
            )
            refused = _refusal(basket, request)
            if refused is not None:
                return await self._stored_or(request, refused)
            order = draft(basket, request, self._look.chain, self._secret)
            answer = await self._batcher.submit(order.first_location, order)
            match answer["result"]:
                case "placed":
                    faults.point("place.after_commit")
                    return Placed(order.answer, replayed=False)
                case "replay":
                    return Placed(answer["response"].encode(), replayed=True)
                case "mismatch":
                    raise IdempotencyMismatch
                case "limited":
                    raise _limited(answer)
                case "kept_gone" | "offer_gone":
                    gone = answer["result"]
                    continue  # its time was over, or its last use was taken, meanwhile: look again, without it
            if _only_gifts(answer["short"], basket) and attempt < TRIES:
                continue  # others were given the last of them: look again, and tell
            if attempt == TRIES or not _only_parcels(answer["short"], order):
                raise self._short(answer["short"])
        if gone == "offer_gone":
            raise pricing.OfferGone
        raise inventory.HoldGone(holds=[str(unit.hold_id) for unit in order.kept])

    async def _flush(self, _location: UUID, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
        """Write what came together. Of a request that came twice the second finds what the first has left."""
        first: dict[tuple[UUID, str], int] = {}
        for n, order in enumerate(drafts):
            first.setdefault((order.request.actor.id, order.request.key), n)
        answers = dict(zip(first.values(), await self._write([drafts[n] for n in first.values()]), strict=True))
        for n in range(len(drafts)):
            if n not in answers:
                answers[n] = (await self._write([drafts[n]]))[0]
        return [answers[n] for n in range(len(drafts))]

    async def _write(self, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
        """One statement; see place.sql for what it takes."""
        levels = sorted({level for order in drafts for level in order.needs})
        position = {level: n for n, level in enumerate(levels, start=1)}
        needs = [
            (o, position[level], need.units, need.outward)
            for o, order in enumerate(drafts, start=1)
            for level, need in order.needs.items()
        ]
        rows: dict[str, list[dict[str, Any]]] = {}
        for o, order in enumerate(drafts, start=1):
            for table, own in order.rows.items():
                if own:
                    rows.setdefault(table, []).extend({"o": o, **row} for row in own)
        faults.point("place.before_write")
        answers: list[dict[str, Any]] = await self._look.db.fetchval(
            "SELECT duo_place($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            [order.request.actor.id for order in drafts],
            [order.request.key for order in drafts],
            [order.request.request_hash for order in drafts],
            [order.answer.decode() for order in drafts],
            [order.request.channel for order in drafts],
            [location for location, _ in levels],
            [sku for _, sku in levels],
            *(list(column) for column in zip(*needs, strict=True)),
            _rows.encode(rows).decode(),
            clock.now(),
        )
        return answers

    async def _stored_or(self, request: Request, refused: Refusal) -> Placed:
        """The answer that is stored under the key, or the refusal.

        The same request may have gone through before its goods were sold out and its cart was emptied: then its
        answer stands.
        """
        row = await self._look.db.fetchrow(
            "SELECT request_hash, response FROM idempotency WHERE actor_id = $1 AND key = $2",
            request.actor.id,
            request.key,
        )
        if row is None:
            raise refused
        if row["request_hash"] != request.request_hash:
            raise IdempotencyMismatch
        return Placed(row["response"].encode(), replayed=True)

    def _short(self, short: Sequence[dict[str, Any]]) -> Refusal:
        stores = self._look.chain.stores
        return inventory.InsufficientStock(
            short=[
                {
                    "sku_id": need["sku_id"],
                    "location_code": stores[UUID(need["location_id"])].code,
                    "wanted": need["wanted"],
                    "available": need["available"],
                }
                for need in short
            ]
        )


def _limited(answer: dict[str, Any]) -> Refusal:
    refused = orders.TooManyOrders if answer["limit"] == "orders" else orders.TooManyUnpaid
    return refused(maximum=answer["maximum"], retry_at=datetime.fromisoformat(answer["retry_at"]))


def _check(request: Request) -> Refusal | None:
    """What can be refused without looking at anything."""
    if not request.wishes:
        return orders.EmptyOrder()
    delivered = any(wish.method == "delivery" for wish in request.wishes)
    if delivered and request.address is None:
        return orders.AddressMissing()
    if delivered and request.pay_mode != "online":
        return orders.PayOnline()
    return None


def _refusal(basket: baskets.Basket, request: Request) -> Refusal | None:
    problems = [line.problem for line in basket.problems if line.problem is not None]
    if problems:
        short = [entry for problem in problems for entry in problem.fields.get("short", [])]
        if isinstance(problems[0], inventory.InsufficientStock):
            return inventory.InsufficientStock(short=short)
        return problems[0]
    if basket.brings and request.pay_mode != "online":
        return orders.PayOnlineToBring()
    if request.pay_mode == "online" and basket.totals.total_minor > 0 and providers.online() is None:
        return orders.NoOnlinePayment()
    if differ(basket.gifts, request.gifts):
        return pricing.GiftsChanged()
    if request.expected_minor is not None and request.expected_minor != basket.totals.total_minor:
        return pricing.TotalChanged(
            expected=Money(request.expected_minor, basket.currency),
            total=Money(basket.totals.total_minor, basket.currency),
        )
    return None


def _only_gifts(short: Sequence[dict[str, Any]], basket: baskets.Basket) -> bool:
    """Whether everything that is short is among the gifts; of an article that is bought too, the next look knows."""
    given = {gift.sku_id for gift in basket.gifts}
    return bool(short) and all(UUID(need["sku_id"]) in given for need in short)


def _only_parcels(short: Sequence[dict[str, Any]], order: Draft) -> bool:
    """Whether everything that is short was to be sent, so that other locations may be asked."""
    return all(UUID(need["location_id"]) not in order.pickup_locations for need in short)
