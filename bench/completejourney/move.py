"""Units that move between shops: what a shop sends for because it is short or has sold it, and what an order has brought.

Once the day's customers are served, shops send for what they had too little of, one shop after the other. What becomes
of a box follows from the basket's number: of sixteen one is called off, one refused, one comes short and the rest later,
one comes short and the rest is lost, one has a broken unit in it, and one a unit too many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.completejourney.talk import code_of

if TYPE_CHECKING:
    from bench.completejourney.derive import Basket
    from bench.completejourney.talk import Book, Talk

_TURNS = ("called-off", "declined", "late", "lost", "damaged", "surplus")
_EVERY = 16
REFILLED_EVERY = 8
"""After every so many baskets the shop sends for what the till has just sold."""


async def send_for(talk: Talk, staff: str, basket: Basket, sku: str, wanted: int, book: Book) -> None:
    """The shop sends for units of an article, if another place has them."""
    number = basket.number
    source = await who_has(talk, staff, basket, sku, wanted)
    if source is None:
        book.tell(number, "transfer.nobody-has-it")
        return
    body = {"store": basket.store, "source_code": source, "lines": [{"sku_id": sku, "quantity": wanted}]}
    reply = await talk.ask(staff, "POST", "/api/clerk/transfers", body, key=f"ask-{number}")
    if reply.status != 201:
        book.tell(number, f"transfer.turned-down.{code_of(reply)}")
        return
    book.tell(number, "transfer.asked")
    box = reply.json()
    drawn = number // REFILLED_EVERY % _EVERY
    turn = _TURNS[drawn] if drawn < len(_TURNS) else "whole"
    path = f"/api/staff/transfers/{box['id']}"
    if turn == "called-off" or (turn == "declined" and box["state"] == "requested"):
        step = "cancellation" if turn == "called-off" else "refusal"
        if await talk.must(number, step, staff, "POST", f"{path}/{step}", {"reason": "replay"}, key=f"{step}-{number}"):
            book.tell(number, f"transfer.{turn}")
        return
    if box["state"] == "requested":
        box = await talk.must(number, "approval", staff, "POST", f"{path}/approval", {}, key=f"approve-{number}")
        if box is None:
            return
        book.tell(number, "transfer.approved")
    sent = {"version": box["version"], "lines": [{"sku_id": sku, "quantity": wanted}]}
    shipment = f"/api/clerk/transfers/{box['id']}/shipment"
    box = await talk.must(number, "send", staff, "POST", shipment, sent, key=f"send-{number}")
    if box is not None:
        await _unpack(talk, staff, number, box, sku, wanted, turn, book)


async def _unpack(
    talk: Talk, staff: str, number: int, box: dict[str, Any], sku: str, wanted: int, turn: str, book: Book
) -> None:
    came, damaged = wanted, 0
    if turn in ("late", "lost"):
        came = wanted - 1
    elif turn == "damaged":
        came, damaged = wanted - 1, 1
    elif turn == "surplus":
        came = wanted + 1
    if came or damaged:
        box = await receive(talk, staff, number, box, sku, came, damaged, key=f"receive-{number}")
    if box is None:
        return
    book.tell(number, f"transfer.{turn if turn in ('damaged', 'surplus') else 'received'}")
    if turn == "late":
        if await receive(talk, staff, number, box, sku, 1, 0, key=f"later-{number}"):
            book.tell(number, "transfer.late")
    elif turn == "lost":
        body = {"version": box["version"], "reason": "replay"}
        path = f"/api/staff/transfers/{box['id']}/loss"
        if await talk.must(number, "loss", staff, "POST", path, body, key=f"loss-{number}"):
            book.tell(number, "transfer.lost")


async def receive(
    talk: Talk, staff: str, number: int, box: dict[str, Any], sku: str, came: int, damaged: int, *, key: str
) -> Any:
    """Open a box at its destination."""
    body = {"version": box["version"], "lines": [{"sku_id": sku, "received": came, "damaged": damaged}]}
    path = f"/api/clerk/transfers/{box['id']}/receipt"
    return await talk.must(number, "receive", staff, "POST", path, body, key=key)


async def bring(talk: Talk, staff: str, number: int, store: str, order_id: str, job_id: str, book: Book) -> None:
    """Send the packed box of an order to the shop where it is collected, and open it there: all of it came."""
    name = job_id[-12:]
    path = f"/api/clerk/fulfilments/{job_id}/sending"
    if await talk.must(number, "bring", staff, "POST", path, {}, key=f"bring-{name}") is None:
        return
    listed = await talk.must(number, "boxes", staff, "GET", f"/api/clerk/transfers?store={store}&side=in&limit=100")
    for box in listed["items"] if listed else ():
        if box["for_order"] and box["for_order"]["order_id"] == order_id:
            lines = [{"sku_id": line["sku_id"], "received": line["on_the_way"], "damaged": 0} for line in box["lines"]]
            body, receipt = {"version": box["version"], "lines": lines}, f"/api/clerk/transfers/{box['id']}/receipt"
            if await talk.must(number, "receive", staff, "POST", receipt, body, key=f"box-{name}"):
                book.tell(number, "order.brought")
            return
    book.tell(number, "failed.box.not-found")


async def who_has(talk: Talk, staff: str, basket: Basket, sku: str, wanted: int) -> str | None:
    """The nearest other place with so many units, as the clerk's stock page shows it."""
    path = f"/api/clerk/stock?store={basket.store}&sku={sku}"
    found = await talk.must(basket.number, "stock", staff, "GET", path)
    places = found["items"][0]["elsewhere"] if found and found["items"] else []
    return next((str(place["store"]["code"]) for place in places if place["available"] >= wanted), None)


async def missing(talk: Talk, staff: str, basket: Basket, wishes: dict[str, int]) -> tuple[str, int] | None:
    """The first article of a refused basket that its shop has too little of, with what was wanted."""
    for sku, wanted in wishes.items():
        found = await talk.must(
            basket.number, "stock", staff, "GET", f"/api/clerk/stock?store={basket.store}&sku={sku}"
        )
        if found and found["items"] and found["items"][0]["here"]["available"] < wanted:
            return sku, wanted
    return None
