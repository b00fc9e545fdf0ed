"""What follows an order: cancelling, picking, rejecting, handing over, sending, answering. Steps go into the book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.completejourney import move
from bench.completejourney.talk import code_of

if TYPE_CHECKING:
    from bench.completejourney.derive import Basket
    from bench.completejourney.talk import Book, Talk

MUCH = {"minor": 100_000_000_00, "currency": "CNY"}
ROUNDS_MAX = 5


async def cancel(
    talk: Talk, buyer: str, basket: Basket, order_id: str, book: Book, *, word: str, one_line: bool = False
) -> None:
    """The buyer cancels the order, or its first line."""
    path, body = f"/api/mall/orders/{order_id}", dict[str, Any]()
    if one_line:
        order = await talk.must(basket.number, "read", buyer, "GET", path)
        if order is None:
            return
        line = order["lines"][0]
        body["lines"] = [{"line_id": line["id"], "quantity": line["quantity"]}]
    key = f"cancel-{basket.number}"
    if await talk.must(basket.number, "cancel", buyer, "POST", f"{path}/cancellation", body, key=key) is not None:
        book.tell(basket.number, f"order.{word}")


async def serve(
    talk: Talk, staff: str, buyer: str, basket: Basket, order_id: str, book: Book, *, rejects: bool
) -> bool:
    """Pick and give out whatever is to be picked or was brought, also what another shop got meanwhile. True when the buyer is asked.

    With `rejects` the first shop cannot find the first article of its list.
    """
    for _ in range(ROUNDS_MAX):
        order = await talk.must(basket.number, "read", buyer, "GET", f"/api/mall/orders/{order_id}")
        jobs = [] if order is None else _to_do(order)
        if not jobs:
            return bool(order and order["waiting"])
        if rejects:
            rejects = False
            await _reject(talk, staff, basket, order, jobs[0], book)
            continue
        for job in jobs:
            await _give_out(talk, staff, buyer, basket, order, job, book)
    book.tell(basket.number, "failed.serve.no-end")
    return False


def _to_do(order: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(
        (
            job
            for job in order["fulfilments"]
            if job["state"] == "to_pick" or (job["state"] == "ready" and job["kind"] == "pickup")
        ),
        key=lambda job: str(job["store"]["code"]),
    )


async def _reject(
    talk: Talk, staff: str, basket: Basket, order: dict[str, Any], job: dict[str, Any], book: Book
) -> None:
    """The first article by the order's own numbers: how a job's lines are sorted may differ from run to run."""
    n_of = {line["id"]: line["n"] for line in order["lines"]}
    share = min(job["lines"], key=lambda one: int(n_of[one["line_id"]]))
    body = {"lines": [{"line_id": share["line_id"], "quantity": share["quantity"], "reason": "missing"}]}
    path, key = f"/api/clerk/fulfilments/{job['id']}/rejection", f"reject-{basket.number}"
    done = await talk.must(basket.number, "reject", staff, "POST", path, body, key=key)
    if done is not None:
        book.tell(basket.number, "order.rejected")
        for outcome in done["outcome"]:
            book.tell(basket.number, f"rejected.{outcome['result']}")


async def _give_out(
    talk: Talk, staff: str, buyer: str, basket: Basket, order: dict[str, Any], job: dict[str, Any], book: Book
) -> None:
    number, path, name = basket.number, f"/api/clerk/fulfilments/{job['id']}", job["id"][-12:]
    to_pick = job["state"] == "to_pick"
    if to_pick and await talk.must(number, "ready", staff, "POST", f"{path}/ready", {}, key=f"ready-{name}") is None:
        return
    if job["kind"] == "ship":
        body = {"carrier": "Replay Express", "tracking_no": f"RE{name}"}
        if await talk.must(number, "ship", staff, "POST", f"{path}/shipment", body, key=f"ship-{name}") is not None:
            book.tell(number, "parcel.shipped")
            done = await talk.must(number, "deliver", staff, "POST", f"{path}/delivery", {}, key=f"deliver-{name}")
            book.tell(number, "parcel.delivered" if done is not None else "parcel.lost")
        return
    if job["kind"] == "transfer":
        await move.bring(talk, staff, number, basket.store, order["id"], job["id"], book)
        return
    code_path = f"/api/mall/orders/{order['id']}/pickup-code?fulfilment_id={job['id']}"
    code = await talk.must(number, "code", buyer, "GET", code_path)
    if code is None:
        return
    body = {"code": code["qr"]}
    if order["pay_mode"] == "at_store":
        body |= {"tender": "cash", "tendered": MUCH}
    if await talk.must(number, "hand", staff, "POST", f"{path}/handover", body, key=f"hand-{name}") is not None:
        book.tell(number, "order.collected")


async def answer(talk: Talk, staff: str, buyer: str, basket: Basket, order_id: str, book: Book) -> None:
    """The shop could not serve some units: the nearest other shop that has them, or else the money back."""
    path = f"/api/mall/orders/{order_id}"
    order = await talk.must(basket.number, "read", buyer, "GET", path)
    if order is None:
        return
    elsewhere = await _nearest(talk, staff, basket, order)
    choices = [{"choice": "move", "store_code": elsewhere}] if elsewhere else []
    for body in [*choices, {"choice": "refund"}]:
        key = f"answer-{body['choice']}-{basket.number}"
        reply = await talk.ask(buyer, "POST", f"{path}/answer", body, key=key)
        if reply.status == 200:
            book.tell(basket.number, f"answer.{body['choice']}")
            break
        book.tell(basket.number, f"answer.turned-down.{code_of(reply)}")
    await serve(talk, staff, buyer, basket, order_id, book, rejects=False)


async def _nearest(talk: Talk, staff: str, basket: Basket, order: dict[str, Any]) -> str | None:
    """The nearest other shop with all units the buyer waits for."""
    waits = {share["line_id"]: share["quantity"] for share in order["waiting"]}
    if len(waits) != 1:
        return None
    ((line_id, wanted),) = waits.items()
    sku = next(line["sku_id"] for line in order["lines"] if line["id"] == line_id)
    return await move.who_has(talk, staff, basket, sku, wanted)
