"""An order over several shops as some of them see it: their own part, and nothing of the others'.

Franchisees buy from the same mall as headquarters' shops, so one order may be served by companies that must not see
each other's trade. Whoever does not reach all locations of an order sees the fulfilments at their own, the lines served
there with the units served there, and the money of those units; of the story what happened at their shops, and what
concerns every shop (placed, paid, expired) without amounts. What is not known to be theirs is left out.

The customer's name and phone are shown to every shop that hands something over; the address to those that send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from duoline import orders
from duoline.fulfilment import serves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from duoline.kernel.db import Database, Tx

# Steps of the story that are everybody's, and what may be told of any step.
_COMMON = frozenset({"placed", "paid", "paid_late", "expired", "answered"})
_TELL = frozenset({"carrier", "tracking_no", "note", "reason", "choice", "pay_mode", "channel"})
_LEFT = frozenset({"handed_over", "shipped", "delivered"})


class Share(NamedTuple):
    """Units of a line at one of the order's locations; none any more after a rejection or cancellation there.

    `to_location_id` is the shop that they are brought to, as long as they have not come: they are its part as well.
    """

    location_id: UUID
    job_id: UUID
    line_id: UUID
    quantity: int
    state: str
    paid: bool
    to_location_id: UUID | None

    def at(self, locations: Collection[UUID]) -> bool:
        """Whether it is the part of these locations."""
        return self.location_id in locations or self.to_location_id in locations


async def shares(db: Database | Tx, order_id: UUID, location_ids: Sequence[UUID]) -> list[Share]:
    """Who serves or served what of an order."""
    rows = await db.fetch(
        """SELECT f.location_id, f.id, w.line_id, w.quantity, f.state, f.paid,
                  CASE WHEN f.state IN ('waiting', 'to_pick', 'ready', 'shipped') THEN f.to_location_id END
           FROM fulfilments f
           JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
           WHERE f.location_id = ANY ($2) AND f.order_id = $1 ORDER BY f.id, w.line_id""",
        order_id,
        list(location_ids),
    )
    return [Share(*row) for row in rows]


class Own(NamedTuple):
    """What of an order belongs to some locations. `alone` are the lines that nobody else has to do with."""

    locations: frozenset[UUID]
    codes: frozenset[str]
    jobs: frozenset[UUID]
    lines: frozenset[UUID]
    alone: frozenset[UUID]
    units: Mapping[UUID, int]
    left: Mapping[UUID, int]
    paid: Mapping[UUID, int]


def own(
    every: Sequence[Share],
    *,
    locations: Collection[UUID],
    codes: Iterable[str],
    line_stores: Mapping[UUID, UUID | None],
) -> Own:
    """Work out the part of `locations`, given who serves what and for which shop each line was ordered."""
    mine = [share for share in every if share.at(locations)]
    touched = {share.line_id for share in mine}
    others = {share.line_id for share in every if not share.at(locations)}
    for line, store in line_stores.items():
        if store is not None:
            (touched if store in locations else others).add(line)
    units: dict[UUID, int] = {}
    left: dict[UUID, int] = {}
    paid: dict[UUID, int] = {}
    for share in mine:
        gone = share.state in _LEFT and share.to_location_id not in locations  # nothing has left that comes here
        counts = [units] + [left] * gone + [paid] * share.paid
        for count in counts:
            count[share.line_id] = count.get(share.line_id, 0) + share.quantity
    return Own(
        frozenset(locations),
        frozenset(codes),
        frozenset(share.job_id for share in mine if share.location_id in locations),
        frozenset(touched),
        frozenset(touched - others),
        units,
        left,
        paid,
    )


def part_of(doc: dict[str, Any], mine: Own) -> dict[str, Any]:
    """The document of `duo_order` cut down to a part."""
    returns = [part for one in doc["returns"] if (part := _return(one, mine)) is not None]
    lines = [_line(line, mine, returns) for line in doc["lines"] if UUID(line["id"]) in mine.lines]
    jobs = [job for job in doc["fulfilments"] if _theirs(job, mine)]
    goods = sum(line["amount_minor"] for line in lines)
    total = sum(line["net_minor"] for line in lines)
    at_store = doc["pay_mode"] == "at_store"
    taken = sum(_value(line, mine.paid.get(UUID(line["id"]), 0)) for line in lines)
    paid = taken if at_store else total if doc["paid_minor"] else 0
    cancelled = total - sum(_value(line, line["quantity"] - line["cancelled"]) for line in lines)
    returned = sum(one["refund_minor"] for one in returns)
    return doc | {
        "stored_state": _state(doc["stored_state"], lines),
        "lines": lines,
        "fulfilments": jobs,
        "returns": returns,
        "timeline": story(doc["timeline"], mine),
        "address": doc["address"] if any(job["kind"] == "ship" for job in jobs) else None,
        "subtotal_minor": goods,
        "delivery_fee_minor": 0,
        "discount_minor": goods - total,
        "total_minor": total,
        "paid_minor": paid,
        # At the counter only what is handed over is paid for, so nothing that was cancelled before goes back.
        "refunded_minor": min(paid, returned + (0 if at_store else cancelled)),
    }


def _theirs(job: dict[str, Any], mine: Own) -> bool:
    """Work of these locations, or what is on its way to one of them."""
    coming = job["to_location_id"] is not None and UUID(job["to_location_id"]) in mine.locations
    return UUID(job["location_id"]) in mine.locations or (coming and serves(job["kind"], job["state"]))


def _return(one: dict[str, Any], mine: Own) -> dict[str, Any] | None:
    """The units that these locations had sold, with what they were sold for; what was kept of it is the order's."""
    lines = [line for line in one["lines"] if UUID(line["sold_location_id"]) in mine.locations]
    if len(lines) == len(one["lines"]) and UUID(one["location_id"]) in mine.locations:
        return one
    if not lines:
        return None
    return one | {
        "lines": lines,
        "note": "",
        "refund_minor": sum(line["value_minor"] for line in lines),
        "kept_minor": 0,
        "ways": [],
    }


def _line(line: dict[str, Any], mine: Own, returns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The line as it stands, or of one that others serve too, the units here."""
    line_id = UUID(line["id"])
    if line_id in mine.alone:
        return line
    units = mine.units.get(line_id, 0)
    return line | {
        "quantity": units,
        "handed": mine.left.get(line_id, 0),
        "cancelled": 0,
        "returned": sum(
            units["quantity"] for one in returns for units in one["lines"] if units["line_id"] == line["id"]
        ),
        "amount_minor": units * line["unit_price_minor"],
        "net_minor": _value(line, units),
        "offers": [],
        "store_id": line["store_id"] if line["store_id"] and UUID(line["store_id"]) in mine.locations else None,
    }


def _value(line: dict[str, Any], units: int) -> int:
    """What units of a line cost after offers, to the cent as if they were its first."""
    return orders.value_of(line["net_minor"], line["quantity"], units) if line["quantity"] else 0


def _state(stored: str, lines: Sequence[dict[str, Any]]) -> str:
    """The state that the order would be in, were this part all of it."""
    if stored in ("awaiting_payment", "booked", "expired"):
        return stored
    if any(line["quantity"] > line["handed"] + line["cancelled"] for line in lines):
        return "confirmed"
    return "completed" if any(line["handed"] for line in lines) else "cancelled"


def story(events: Iterable[dict[str, Any]], mine: Own) -> list[dict[str, Any]]:
    """What of the order's story happened at these locations, or concerns them all."""
    told = (event | {"data": _told(event["kind"], event["data"], mine)} for event in events)
    return [event for event in told if event["data"] is not None]


def _told(kind: str, data: dict[str, Any], mine: Own) -> dict[str, Any] | None:
    """What may be told of one step; None when it is none of theirs."""
    found: dict[str, Any] = {name: value for name, value in data.items() if name in _TELL}
    ours = kind in _COMMON
    if "fulfilment_id" in data:
        if UUID(data["fulfilment_id"]) not in mine.jobs:
            return None
        ours, found["fulfilment_id"] = True, data["fulfilment_id"]
    if "location_code" in data or "location_codes" in data:
        codes = [code for code in data.get("location_codes", [data.get("location_code")]) if code in mine.codes]
        if not codes:
            return None
        ours, found["location_codes"] = True, codes
    if "lines" in data:
        lines = [_told_units(line, mine) for line in data["lines"] if UUID(line["line_id"]) in mine.lines]
        if not lines:
            return None
        ours, found["lines"] = True, lines
    return found if ours else None


def _told_units(units: dict[str, Any], mine: Own) -> dict[str, Any]:
    """Units of a line; how many is left out when others serve the line too."""
    alone = UUID(units["line_id"]) in mine.alone
    return units if alone else {name: value for name, value in units.items() if name != "quantity"}


def reason_of(decision: dict[str, Any], codes: Collection[str]) -> dict[str, Any]:
    """A sourcing decision (as `to_jsonb`) with what it says of these locations only, when it split the order."""
    kept = [parcel for parcel in decision["chosen"] if parcel["location_code"] in codes]
    if len(kept) == len(decision["chosen"]):
        return decision
    lines = {line for parcel in kept for line in parcel["line_ids"]}
    candidates = [
        one | {"covers": [line for line in one["covers"] if line in lines]}
        for one in decision["candidates"]
        if one["location_code"] in codes
    ]
    return decision | {
        "chosen": kept,
        "candidates": candidates,
        "summary": split_summary(len(decision["chosen"])),
        "cost_minor": sum(parcel["cost_minor"] for parcel in kept),
    }


def split_summary(parcels: int) -> dict[str, str]:
    """Why a shop got part of a delivery, without saying who got the rest."""
    return {
        "zh": f"没有一处更便宜地配齐,分 {parcels} 个包裹,本店负责其中一部分。",
        "en": f"No single place serves it for less; {parcels} parcels, of which yours is one.",
    }
