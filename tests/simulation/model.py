"""What must come of trade, said a second time and as simply as it can be: units on shelves, orders, money. No database.

The machine (test_machine.py) does everything twice, to the program and to this model, and compares. The model knows no
tables and no SQL; where the program has a choice, such as which shop sends a parcel, it is told what was chosen and says
whether that was possible.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

LISTED = {"milk": 19900, "bottle": 4990, "sock": 0}
"""What the chain asks."""
PRICES = LISTED | {"bottle": 4671}
"""What a unit costs: bottles are on offer, so that every order of them has a discount to carry."""

Shelf = tuple[str, str]  # place, article


@dataclass
class Line:
    """Units of an article in an order."""

    id: UUID
    article: str
    method: str
    quantity: int
    shop: str | None = None
    """Where it was to be collected when it was ordered."""
    handed: int = 0
    cancelled: int = 0
    back: int = 0
    """Of those handed over, brought back."""

    @property
    def due(self) -> int:
        return self.quantity - self.handed - self.cancelled

    @property
    def price(self) -> int:
        return PRICES[self.article]


@dataclass
class Job:
    """What one place does for an order: `waiting`, `to_pick`, `ready`, `shipped` to the shop `to`, or `over`."""

    id: UUID
    place: str
    kind: str
    state: str
    units: Counter[UUID]
    promise_at: datetime
    keep_until: datetime | None = None
    to: str | None = None

    @property
    def live(self) -> bool:
        return self.state != "over"

    @property
    def keeps(self) -> bool:
        """Whether its units are kept at its place; what has been sent to a shop is on its way."""
        return self.live and self.state != "shipped"


@dataclass
class Sale:
    """An order of a member. `bought` is what the buyer gave the provider, whether we know of it or not."""

    id: UUID
    no: str
    mode: str
    lines: dict[UUID, Line]
    jobs: list[Job]
    fee: int
    state: str
    pay_by: datetime | None
    paid: int = 0
    returned: int = 0
    sent_back: int = 0
    bought: bool = False
    refused_by: set[str] = field(default_factory=set)
    rejections: int = 0

    @property
    def total(self) -> int:
        return sum(line.price * line.quantity for line in self.lines.values()) + self.fee

    @property
    def over(self) -> bool:
        return self.state in ("completed", "cancelled", "expired")

    @property
    def earned(self) -> int:
        """What the customer has had and kept, in money."""
        goods = sum(line.price * (line.handed - line.back) for line in self.lines.values())
        sent = any(line.method == "delivery" and line.handed for line in self.lines.values())
        return goods + (self.fee if sent else 0)

    def served(self, line_id: UUID) -> int:
        return sum(job.units[line_id] for job in self.jobs if job.live)

    def unserved(self, *methods: str) -> Counter[UUID]:
        """Units that are due and that nobody serves: the member is asked about those to be collected, a person looks
        after those to be delivered."""
        return Counter(
            {
                each.id: n
                for each in self.lines.values()
                if each.method in (methods or ("pickup", "delivery")) and (n := each.due - self.served(each.id)) > 0
            }
        )


@dataclass
class Move:
    """Units that one place gives another: `requested`, `approved`, `sent` (also when short) or `over`.

    What is brought for an order names the order and the job that sent it.
    """

    id: UUID
    units: Counter[str]
    source: str
    to: str
    state: str
    asked_at: datetime
    on_the_way: Counter[str] = field(default_factory=Counter)
    sale: Sale | None = None
    job: Job | None = None

    @property
    def way(self) -> str:
        """Where its units are once they are sent."""
        return f"to {self.to}"


@dataclass
class Counted:
    """What somebody saw on a shelf, and what the book said then. It is booked when they are done."""

    id: UUID
    shelf: Shelf
    units: int
    book: int
    at: datetime


class Model:
    """The chain."""

    def __init__(self) -> None:
        self.on_hand: Counter[Shelf] = Counter()
        self.held: Counter[Shelf] = Counter()
        self.kept: dict[UUID, tuple[Shelf, int, datetime]] = {}
        self.favourites: dict[
            Shelf, tuple[UUID, datetime]
        ] = {}  # the one unit kept there for the member, and until when
        self.given: list[datetime] = []
        self.sales: dict[UUID, Sale] = {}
        self.moves: list[Move] = []
        self.counts: list[Counted] = []
        self.counted_at: dict[Shelf, datetime] = {}
        self.corrections: list[tuple[Shelf, datetime, int]] = []
        self.counter: list[tuple[UUID, Line]] = []
        """What was sold over a till, by order."""
        self.cash: Counter[str] = Counter()
        self.till: Counter[str] = Counter()

    def free(self, place: str, article: str) -> int:
        return self.on_hand[place, article] - self.held[place, article]

    def forget(self, shelf: Shelf) -> None:
        """The unit that was kept for the member is kept no more."""
        del self.favourites[shelf]
        self.held[shelf] -= 1

    # --- units ----------------------------------------------------------------------------------

    def hold(self, sale: Sale, job: Job) -> None:
        """A job begins: its units are kept. They must have been free."""
        for line_id, n in job.units.items():
            shelf = job.place, sale.lines[line_id].article
            assert self.free(*shelf) >= n, f"{shelf} had {self.free(*shelf)} free units, {n} were promised"
            self.held[shelf] += n

    def let_go(self, sale: Sale, job: Job, line_id: UUID, n: int) -> None:
        """Units of a job become free again; a job without units is over."""
        assert 0 < n <= job.units[line_id]
        job.units[line_id] -= n
        if job.keeps:
            self.held[job.place, sale.lines[line_id].article] -= n
        if not +job.units:
            job.state = "over"

    def take_back(self, sale: Sale, jobs: list[Job], wanted: Counter[UUID]) -> None:
        """Free units of order lines, from the jobs in the order given, as far as they serve them."""
        left = Counter(wanted)
        for job in jobs:
            for line_id in list(+job.units):
                n = min(left[line_id], job.units[line_id])
                if n:
                    left[line_id] -= n
                    self.let_go(sale, job, line_id, n)

    def leave(self, sale: Sale, job: Job) -> int:
        """The goods go out of the door; returns what they are worth."""
        for line_id, n in (+job.units).items():
            shelf = job.place, sale.lines[line_id].article
            self.on_hand[shelf] -= n
            self.held[shelf] -= n
            sale.lines[line_id].handed += n
        worth = sum(sale.lines[line_id].price * n for line_id, n in (+job.units).items())
        job.units.clear()
        job.state = "over"
        self.close(sale)
        return worth

    def stay(self, move: Move) -> None:
        """What was asked for does not leave."""
        for article, n in move.units.items():
            self.held[move.source, article] -= n
        move.state = "over"

    def set_out(self, move: Move, picked: Counter[str]) -> None:
        """The picked units leave; the others that were asked for are free again."""
        for article, n in move.units.items():
            self.held[move.source, article] -= n
            self.on_hand[move.source, article] -= picked[article]
            self.on_hand[move.way, article] += picked[article]
        move.on_the_way, move.state = +picked, "sent"

    def arrive(self, move: Move, came: dict[str, tuple[int, int]]) -> Counter[str]:
        """Good units, as many as there may be, and broken ones of those that were sent. Returns the good ones that had
        been sent."""
        good: Counter[str] = Counter()
        for article, (fine, damaged) in came.items():
            good[article] = min(fine, move.on_the_way[article] - damaged)
            self.on_hand[move.way, article] -= good[article] + damaged
            self.on_hand[move.to, article] += fine
            move.on_the_way[article] -= good[article] + damaged
        if not +move.on_the_way:
            move.state = "over"
        return +good

    def end_of_the_way(self, move: Move, good: Counter[str]) -> Counter[UUID]:
        """What came of a box for an order serves its lines as far as it goes; the rest its member is asked about.

        Returns the units that serve lines: those of the job, or once that has ended those that still wait for an answer.
        """
        sale, job = move.sale, move.job
        assert sale is not None
        assert job is not None
        if job.state == "shipped":
            wanted = +job.units
            job.units.clear()
            job.state = "over"
        else:
            wanted = Counter({i: n for i, n in sale.unserved("pickup").items() if sale.lines[i].shop == move.to})
        came: Counter[UUID] = Counter()
        left = Counter(good)
        for line_id, n in wanted.items():
            came[line_id] = min(n, left[sale.lines[line_id].article])
            left[sale.lines[line_id].article] -= came[line_id]
        return +came

    # --- counting -------------------------------------------------------------------------------

    def correct(self, shelf: Shelf, at: datetime, delta: int) -> None:
        """The book is corrected because of what somebody saw on the shelf."""
        self.on_hand[shelf] += delta
        self.corrections.append((shelf, at, delta))

    def difference(self, counted: Counted) -> int:
        """What was seen less the book then, less what has been corrected since; none when it was counted again since."""
        if counted.at < self.counted_at.get(counted.shelf, counted.at):
            return 0
        since = sum(n for shelf, at, n in self.corrections if shelf == counted.shelf and at > counted.at)
        return counted.units - counted.book - since

    # --- money ----------------------------------------------------------------------------------

    def settle(self, sale: Sale) -> None:
        """We learn that the buyer has paid. Once; for an order that is over all of it goes back."""
        if sale.paid:
            return
        sale.paid = sale.total
        if sale.state != "awaiting_payment":
            sale.returned = sale.total
            return
        sale.state = "confirmed"
        for job in sale.jobs:
            if job.state == "waiting":
                job.state = "to_pick"

    def cancel(self, sale: Sale, units: Counter[UUID], *, empty_as: str = "cancelled") -> int:
        """Units are not delivered. Returns what goes back: what they cost, if it was paid before they are handed over.

        The fee for delivery goes back when nothing is delivered.
        """
        delivered = [line for line in sale.lines.values() if line.method == "delivery"]
        had_delivery = any(line.cancelled < line.quantity for line in delivered)
        back = sum(sale.lines[line_id].price * n for line_id, n in units.items())
        for line_id, n in units.items():
            assert n <= sale.lines[line_id].due
            sale.lines[line_id].cancelled += n
        if had_delivery and all(line.cancelled == line.quantity for line in delivered):
            back += sale.fee
        if sale.mode != "online" or not sale.paid:
            back = 0
        sale.returned += back
        self.close(sale, empty_as=empty_as)
        return back

    def bring_back(self, sale: Sale | None, line: Line, n: int, shop: str, *, damaged: bool) -> None:
        """Units come back to a shop, and what they cost goes back: in cash out of its drawer, or by the provider."""
        line.back += n
        if not damaged:
            self.on_hand[shop, line.article] += n
        back = line.price * n
        if sale is None:
            assert line.shop is not None
            self.till[line.shop] -= back
        else:
            sale.returned += back
        if sale is None or sale.mode == "at_store":
            self.cash[shop] -= back
            if sale is not None:
                sale.sent_back += back

    def close(self, sale: Sale, *, empty_as: str = "cancelled") -> None:
        if not sale.over and all(line.due == 0 for line in sale.lines.values()):
            sale.state = "completed" if any(line.handed for line in sale.lines.values()) else empty_as

    # --- the books as they must be --------------------------------------------------------------

    def levels(self) -> dict[Shelf, tuple[int, int]]:
        shelves = set(self.on_hand) | set(self.held)
        return {shelf: (self.on_hand[shelf], self.held[shelf]) for shelf in shelves}

    def deposits(self) -> int:
        """What customers have paid and not yet had."""
        return sum(sale.paid - sale.earned - sale.sent_back for sale in self.sales.values())

    def clearing(self) -> int:
        """What the provider has of ours."""
        return sum(sale.paid - sale.sent_back for sale in self.sales.values() if sale.mode == "online")
