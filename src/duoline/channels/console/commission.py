"""Plans of commission: what the law says of one, who signed off a second level, what another would have paid."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline import settlement
from duoline.channels.console.evidence import SIGN_OFFS
from duoline.channels.console.payee_scope import NAMED, NAMES, PayeeOf, money, payee_of
from duoline.channels.console.statements import Month
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import policies
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.settlement import lawful
from duoline.settlement.months import ZONE
from duoline.settlement.types import Book
from duoline.stores.directory import Chain

Minor = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
Bp = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Times = Annotated[int, msgspec.Meta(ge=100, le=1_000)]
Since = Annotated[int, Parameter(ge=1, le=24, description="Of the last so many months.")]
PAYEES_MAX = 500
"""Of a kind: so many shops, guides and members each are named."""


class ShapeInput(Input, frozen=True, kw_only=True):
    """A plan in whatever shape somebody thinks of: rates in hundredths of a percent, amounts in minor units."""

    levels: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    referrer_bp: Bp = 0
    second_bp: Bp = 0
    others_bp: Bp = 0
    mature_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 8
    month_cap_minor: Minor = 0
    entry_fee_minor: Minor = 0
    purchase_to_join_minor: Minor = 0
    per_recruit_minor: Minor = 0
    team_bp: Bp = 0
    line_percent_max: Times = 100
    tier_percent_max: Times = 100


class PlanFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a plan (`refused`) or worth a second look, at which field, and what that rests on."""

    rule: str
    field: str
    refused: bool
    says: Text
    source: str


class PlanCheck(msgspec.Struct, frozen=True):
    """Whether a plan can be saved, the most that one line can pay in all by it (hundredths of a percent), and
    everything there is to say of it."""

    lawful: bool
    most_bp: int
    findings: list[PlanFinding]


class SignOffInput(Input, frozen=True):
    """Which document says so, and why."""

    document: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"\S")]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class RevokeInput(Input, frozen=True):
    """Why it is taken back."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class SignOffRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's word for two levels."""

    id: UUID
    levels: int
    document: str
    reason: str
    by: str
    at: datetime
    revoked_at: datetime | None


class SimulationInput(Input, frozen=True, kw_only=True):
    """A month, and the rules to try on it: those that are empty are those in force."""

    month: Month
    commission: dict[str, Any] = msgspec.field(default_factory=dict)
    allocation: dict[str, Any] = msgspec.field(default_factory=dict)
    contracts: dict[str, Any] = msgspec.field(default_factory=dict)


class SimulatedPayee(msgspec.Struct, frozen=True, kw_only=True):
    """What a payee had of the month, and would have had."""

    payee: PayeeOf
    book: Book
    before: Money
    after: Money


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A month under other rules: the payees whose part changes most first, five hundred of a kind at most, and all
    together. `net` is what is left to headquarters: its part of the allocation less the commission, which it bears."""

    month: str
    orders: int
    commission_before: Money
    commission_after: Money
    allocation_before: Money
    allocation_after: Money
    net_before: Money
    net_after: Money
    payees: list[SimulatedPayee]
    more: int


UNSIGNED = lawful.Finding(
    "sign_off",
    "levels",
    True,
    "改为两级前,请先登记批准文件。",
    "Record a sign-off before there are two levels.",
    "Duoline: sign-offs",
)


@post("/api/console/commission/checks", opt=doors.staff("policies.read"), status_code=200)
async def check_plan(write: Write, db: Database, data: ShapeInput) -> Answer[PlanCheck]:
    """What the law says of a plan, and whether somebody answers for its second level. Nothing is stored."""
    del write  # takes part in the rule that every POST names its key
    shape = lawful.Shape(**msgspec.structs.asdict(data))
    found = lawful.check(shape)
    if data.levels == lawful.LEVELS_MAX and await settlement.live_sign_off(db) is None:
        found.append(UNSIGNED)
    return answer(
        PlanCheck(
            not any(one.refused for one in found),
            shape.most_bp,
            [
                PlanFinding(
                    rule=one.rule, field=one.field, refused=one.refused, says=Text(one.zh, one.en), source=one.source
                )
                for one in found
            ],
        )
    )


@get("/api/console/commission/sign-offs", opt=doors.staff("policies.read"))
async def list_sign_offs(db: Database) -> Page[SignOffRow]:
    """Who answers for two levels, and who did."""
    return Page([SignOffRow(**row) for row in await db.fetch(SIGN_OFFS, None)])


@post("/api/console/commission/sign-offs", opt=doors.staff("policies.edit"))
async def record_sign_off(write: Write, staff: Staff, data: SignOffInput) -> Answer[SignOffRow]:
    """Record somebody's word for two levels; from then on a plan may have them."""

    async def work(tx: Tx) -> SignOffRow:
        made = await settlement.sign_off(
            tx, document=data.document.strip(), reason=data.reason.strip(), actor=staff.actor
        )
        return SignOffRow(**(await tx.fetch(SIGN_OFFS, made))[0])

    return await write.run(work, status=201)


@post(
    "/api/console/commission/sign-offs/{sign_off_id:uuid}/revocation",
    opt=doors.staff("policies.edit", sign_off_id=doors.SHARED),
)
async def revoke_sign_off(write: Write, staff: Staff, sign_off_id: UUID, data: RevokeInput) -> Answer[SignOffRow]:
    """Take the word back; not while the plan in force pays two levels."""

    async def work(tx: Tx) -> SignOffRow:
        await settlement.revoke(tx, sign_off_id, reason=data.reason.strip(), actor=staff.actor)
        return SignOffRow(**(await tx.fetch(SIGN_OFFS, sign_off_id))[0])

    return await write.run(work)


@post("/api/console/settlement/simulations", opt=doors.staff("policies.edit"), status_code=200)
async def simulate_rules(write: Write, db: Database, chain: Chain, data: SimulationInput) -> Answer[Simulation]:
    """What each payee had of a month, and would have had under other rules. Nothing is stored.

    Refuses `kernel.bad-input` for rules that cannot be, as saving them does.
    """
    del write  # takes part in the rule that every POST names its key
    draft = settlement.Draft(
        *(
            policies.fit(kind, given) if given else policies.current(kind).body
            for kind, given in (
                ("commission", data.commission),
                ("allocation", data.allocation),
                ("contracts", data.contracts),
            )
        )
    )
    since = datetime(int(data.month[:4]), int(data.month[5:]), 1, tzinfo=ZONE)
    until = (since + timedelta(days=32)).replace(day=1)
    found = await settlement.simulate(db, draft, since=since, until=until)
    changed = sorted(found.sums, key=lambda one: (-abs(one.after_minor - one.before_minor), -one.before_minor))
    shown, of_kind = [], Counter[str]()
    for one in changed:
        of_kind[one.payee.kind] += 1
        if of_kind[one.payee.kind] <= PAYEES_MAX:
            shown.append(one)
    rows = await db.fetch(
        f"""SELECT p.payee_id, p.kind, {NAMED} FROM unnest($1::uuid[], $2::text[]) AS p(payee_id, kind) {NAMES}""",  # noqa: S608 - our own text
        [one.payee.id for one in shown],
        [one.payee.kind for one in shown],
    )
    named = {(row["kind"], row["payee_id"]): payee_of(row, chain) for row in rows}

    def total(book: Book, when: Literal["before_minor", "after_minor"]) -> Money:
        return money(sum(getattr(one, when) for one in found.sums if one.book == book))

    def net(when: Literal["before_minor", "after_minor"]) -> Money:
        own = sum(getattr(one, when) for one in found.sums if one.payee == settlement.HEADQUARTERS)
        return money(own - total("commission", when).minor)

    return answer(
        Simulation(
            month=data.month,
            orders=found.orders,
            commission_before=total("commission", "before_minor"),
            commission_after=total("commission", "after_minor"),
            allocation_before=total("allocation", "before_minor"),
            allocation_after=total("allocation", "after_minor"),
            net_before=net("before_minor"),
            net_after=net("after_minor"),
            payees=[
                SimulatedPayee(
                    payee=named[one.payee],
                    book=one.book,
                    before=money(one.before_minor),
                    after=money(one.after_minor),
                )
                for one in shown
            ],
            more=len(changed) - len(shown),
        )
    )


ROUTES = [
    check_plan,
    list_sign_offs,
    record_sign_off,
    revoke_sign_off,
    simulate_rules,
]
