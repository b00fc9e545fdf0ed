"""A share of an order line with everything its payee needs to reckon it again: the goods' worth by contract, the
margin, the rate; and when it was paid, by which run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from duoline import settlement
from duoline.channels.console.payee_scope import money
from duoline.channels.console.payout_shapes import number
from duoline.kernel.money import Money, Rounding
from duoline.kernel.text import Text
from duoline.settlement.types import Book, Flag, Role

if TYPE_CHECKING:
    from duoline.settlement.policy import Contract
    from duoline.stores.directory import Chain

# Of accruals `a`, with the order's number and time, the line's name, the contracts the order was placed under, and
# whose the location was then.
SHARE = """a.order_id, a.book, a.role, a.location_id, a.rate_bp, a.basis_minor, a.gross_minor, a.earned_minor, a.state,
       a.matures_at, a.month, a.flag, a.at, a.line_id, o.order_no, o.placed_at, l.name, c.contracts_version,
       w.company_id, w.franchised"""
SHARE_JOINS = """
LEFT JOIN orders o ON o.member_id = a.member_id AND o.id = a.order_id
LEFT JOIN order_lines l ON l.member_id = a.member_id AND l.order_id = a.order_id AND l.id = a.line_id
LEFT JOIN order_credits c ON c.member_id = a.member_id AND c.order_id = a.order_id
LEFT JOIN order_places w ON w.member_id = a.member_id AND w.order_id = a.order_id AND w.location_id = a.location_id
"""
# The statement `had` that was the first to have the share, and the payout that paid it.
PAID = "had.way, had.state AS statement_state, had.done_at, had.run_id"
PAID_JOIN = """
LEFT JOIN LATERAL (
    SELECT s.way, s.state, s.done_at, p.run_id FROM statements s
    LEFT JOIN payouts p ON p.payee_id = s.payee_id AND p.statement_id = s.id AND p.state = 'done'
    WHERE a.settled_minor <> 0 AND s.payee_id = a.payee_id AND s.month >= a.month AND EXISTS (
        SELECT FROM statement_lines n
        WHERE n.payee_id = a.payee_id AND n.statement_id = s.id AND n.order_id = a.order_id AND n.line_id = a.line_id
          AND n.book = a.book AND n.role = a.role AND n.location_id = a.location_id)
    ORDER BY s.month LIMIT 1) had ON true
"""


class ShareMargin(msgspec.Struct, frozen=True, kw_only=True):
    """How an organisation's share follows from the line: `worth` is what it is reckoned from, with offers that
    headquarters bears put back (`funded`); `goods` of it, a percentage by contract, are the owner's; the rest is the
    margin, of which each has its rate. `rest` is what of the margin the owner has beside the goods."""

    worth: Money
    goods_percent: int
    goods: Money
    margin: Money
    funded: Money
    rest: Money


class ShareRow(msgspec.Struct, frozen=True, kw_only=True):
    """One share of one order line: for what (`role`), by which rate (hundredths of a percent) of how much (`basis`:
    what the buyer keeps and paid in money; for organisations of the `margin`), when it is due or in which month it was,
    why it pays nothing (`flag`), when it was paid or booked, by which run."""

    order_id: UUID
    order_no: str | None
    placed_at: datetime | None
    article: Text | None
    book: Book
    role: Role
    store_code: str | None
    rate_bp: int
    basis: Money
    earned: Money
    state: Literal["pending", "matured"]
    matures_at: datetime | None
    month: str | None
    flag: Flag | None
    margin: ShareMargin | None
    paid_at: datetime | None
    booked: bool
    run_id: UUID | None
    run_no: str | None


def share_of(row: Any, chain: Chain) -> ShareRow:
    """From a row of `SHARE`, with `PAID` or without."""
    store = chain.stores.get(row["location_id"])
    run_id = row.get("run_id")
    return ShareRow(
        order_id=row["order_id"],
        order_no=row["order_no"],
        placed_at=row["placed_at"],
        article=msgspec.convert(row["name"], Text) if row["name"] else None,
        book=row["book"],
        role=row["role"],
        store_code=store.code if store else None,
        rate_bp=row["rate_bp"],
        basis=money(row["basis_minor"]),
        earned=money(row["earned_minor"]),
        state=row["state"],
        matures_at=row["matures_at"],
        month=row["month"],
        flag=row["flag"],
        margin=_margin(row),
        paid_at=row.get("done_at") if row.get("statement_state") == "paid" else None,
        booked=row.get("way") == "internal",
        run_id=run_id,
        run_no=number(run_id) if run_id else None,
    )


def _margin(row: Any) -> ShareMargin | None:
    """None of commission, of what a new member brings, and where the contract is not known."""
    if row["book"] != "allocation" or row["contracts_version"] is None or row["company_id"] is None:
        return None
    try:
        contracts = settlement.CONTRACTS.version(row["contracts_version"]).body
        place = settlement.Place(row["company_id"], row["franchised"])
        contract = settlement.terms_at(place, contracts, regions=()).contract
    except KeyError:
        return None
    return margin_of(
        row["basis_minor"], row["gross_minor"], row["earned_minor"], contract, owner=row["role"] == "owner"
    )


def margin_of(net_minor: int, gross_minor: int, earned_minor: int, contract: Contract, *, owner: bool) -> ShareMargin:
    """As `settlement.reckon.allocation_of` shares a line."""
    funded = gross_minor - net_minor if contract.promo_payer == "chain" else 0
    worth = net_minor + funded
    goods = Money(worth).scale(contract.goods_percent * 100, rounding=Rounding.HALF_UP).minor
    return ShareMargin(
        worth=money(worth),
        goods_percent=contract.goods_percent,
        goods=money(goods),
        margin=money(worth - goods),
        funded=money(funded),
        rest=money(earned_minor - goods if owner else 0),
    )
