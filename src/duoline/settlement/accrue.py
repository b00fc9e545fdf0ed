"""Bring what payees have earned by orders up to what it is now. Told twice, it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.settlement import accounts
from duoline.settlement.months import Months
from duoline.settlement.types import HEADQUARTERS, NOWHERE, Earned, Key, Payee

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.ledger import Entry, Journal
    from duoline.settlement.types import Book


class Told(NamedTuple):
    """What an order's shares come to by now. `done_at` says of lines of which nothing is still to come when what they
    earn becomes due."""

    member_id: UUID
    order_id: UUID
    earned: Sequence[Earned]
    done_at: Mapping[UUID, datetime]


class _Share(NamedTuple):
    """A share as it is written, and where it has got to; `reversed_minor` is all that was ever taken back of it."""

    one: Earned
    sign_off_id: UUID | None
    matures_at: datetime | None
    state: str = "pending"
    month: str | None = None
    reversed_minor: int = 0

    def come_to(self, one: Earned) -> _Share:
        """The same share with what it comes to now; what is less than before was taken back."""
        less = max(0, self.one.earned_minor - one.earned_minor)
        return self._replace(one=one, reversed_minor=self.reversed_minor + less)


async def tell_all(tx: Tx, orders: Sequence[Told], *, sign_off_id: UUID | None, actor: Actor) -> int:
    """What the shares of orders, each once, come to by now; returns how many of them changed.

    The difference to what was told before is booked: as pending, or, of what is due already, as due, so that a refund
    after a payout is carried against what comes. One journal a book and order, under the buyer. As many statements
    for five hundred orders as for one. Locks the payees, with the other accounts of the same people, in the order of
    their ids.
    """
    ids = [told.order_id for told in orders]
    new = {told.order_id: {one.key: one for one in told.earned} for told in orders}
    ensure(len(new) == len(ids), "STL-3", "an order is told of twice at once")
    for told in orders:
        _check(told, new[told.order_id])
    rows = await tx.fetch("SELECT DISTINCT payee_kind, payee_id FROM accruals WHERE order_id = ANY ($1)", ids)
    payees = {Payee(*row) for row in rows} | {key.payee for those in new.values() for key in those}
    if not payees:
        return 0
    if members := [payee.id for payee in payees if payee.kind == "member"]:
        payees |= {Payee("member", one) for one in await accounts.of_persons(tx, members)}
    await accounts.lock(tx, payees)
    before = await _before(tx, ids)
    now = {
        told.order_id: _now(new[told.order_id], before.get(told.order_id, {}), told.done_at, sign_off_id)
        for told in orders
    }
    await _write(tx, orders, now, before)
    await _book(tx, orders, now, before, actor)
    return sum(
        share.one.earned_minor != was.one.earned_minor if (was := before.get(order_id, {}).get(key)) else True
        for order_id, shares in now.items()
        for key, share in shares.items()
    )


def _check(told: Told, new: Mapping[Key, Earned]) -> None:
    ensure(len(new) == len(told.earned), "STL-3", f"{told.order_id} has a share twice")
    for one in told.earned:
        ensure(one.level in (1, 2), "STL-5", f"{one.key.role} is of level {one.level}")
        own = one.key.payee.id == told.member_id
        ensure(one.flag is not None or not own, "STL-5", f"{told.member_id} pays themselves")
        ensure(one.flag is None or one.earned_minor == 0, "STL-3", f"{one.key.role} is flagged and earns")


async def _before(tx: Tx, order_ids: Sequence[UUID]) -> dict[UUID, dict[Key, _Share]]:
    """What the shares were, now that their payees are locked."""
    rows = await tx.fetch(
        """SELECT order_id, payee_kind, payee_id, line_id, book, role, location_id, basis_minor, gross_minor, rate_bp,
                  earned_minor, level, flag, sign_off_id, matures_at, state, month, reversed_minor
           FROM accruals WHERE order_id = ANY ($1)""",
        order_ids,
    )
    found: dict[UUID, dict[Key, _Share]] = {}
    for order_id, kind, payee_id, *row in rows:
        key = Key(Payee(kind, payee_id), *row[:4])
        found.setdefault(order_id, {})[key] = _Share(Earned(key, *row[4:10]), *row[10:])
    return found


def _now(
    new: Mapping[Key, Earned],
    before: Mapping[Key, _Share],
    done_at: Mapping[UUID, datetime],
    sign_off_id: UUID | None,
) -> dict[Key, _Share]:
    """The shares of an order as they are to stand: what nobody has any more comes to nothing and stays to be seen.

    When a line's shares become due is told anew while they wait, since a parcel that arrives late may come back longer;
    while something is still to come of it, it is unknown. What is due stays due.
    """
    shares = {}
    for key, one in new.items():
        was, done = before.get(key), done_at.get(key.line_id)
        if was is None:
            # What was earned behind a sign-off that is revoked since is taken back; nothing new is earned behind it.
            ensure(one.level == 1 or sign_off_id is not None, "STL-5", f"nobody answers for {one.key.role}")
            shares[key] = _Share(one, sign_off_id if one.level > 1 else None, done)
        else:
            matures_at = was.matures_at if was.state == "matured" and done else done
            told = was.one._replace(
                basis_minor=one.basis_minor,
                gross_minor=one.gross_minor,
                rate_bp=one.rate_bp,
                earned_minor=one.earned_minor,
            )
            shares[key] = was.come_to(told)._replace(matures_at=matures_at)
    for key, was in before.items():
        if key not in new:
            nothing = was.one._replace(basis_minor=0, gross_minor=0, earned_minor=0)
            matures_at = was.matures_at if was.state == "matured" else done_at.get(key.line_id)
            shares[key] = was.come_to(nothing)._replace(matures_at=matures_at)
    return shares


async def _write(
    tx: Tx,
    orders: Iterable[Told],
    now: Mapping[UUID, Mapping[Key, _Share]],
    before: Mapping[UUID, Mapping[Key, _Share]],
) -> None:
    """The shares that are new or other than before, in one statement."""
    rows = [
        (
            key.payee.id,
            told.order_id,
            key.line_id,
            key.book,
            key.role,
            key.location_id,
            told.member_id,
            key.payee.kind,
            share.one.level,
            share.sign_off_id,
            share.one.rate_bp,
            share.one.flag,
            share.one.basis_minor,
            share.one.gross_minor,
            share.one.earned_minor,
            share.reversed_minor,
            share.matures_at,
        )
        for told in orders
        for key, share in now[told.order_id].items()
        if share != before.get(told.order_id, {}).get(key)
    ]
    if rows:
        await tx.execute(_UPSERT, *zip(*rows, strict=True), clock.now())


_UPSERT = """
INSERT INTO accruals AS a (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, level,
                           sign_off_id, rate_bp, flag, basis_minor, gross_minor, earned_minor, reversed_minor,
                           matures_at, at, updated_at)
SELECT s.*, $18, $18
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
            $9::integer[], $10::uuid[], $11::integer[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[],
            $16::bigint[], $17::timestamptz[]) AS s
ON CONFLICT (payee_id, order_id, line_id, book, role, location_id) DO UPDATE
SET basis_minor = excluded.basis_minor, gross_minor = excluded.gross_minor, earned_minor = excluded.earned_minor,
    reversed_minor = excluded.reversed_minor, rate_bp = excluded.rate_bp, matures_at = excluded.matures_at,
    updated_at = excluded.updated_at
"""


async def _book(
    tx: Tx,
    orders: Iterable[Told],
    now: Mapping[UUID, Mapping[Key, _Share]],
    before: Mapping[UUID, Mapping[Key, _Share]],
    actor: Actor,
) -> None:
    months = await Months.read(
        tx,
        {
            (key.payee.id, was.month)
            for shares in before.values()
            for key, was in shares.items()
            if was.month is not None and key.book == "commission"
        },
    )
    changes: dict[UUID, tuple[int, int]] = {}
    journals: list[Journal] = []
    for told in orders:
        entries: dict[Book, list[Entry]] = {"commission": [], "allocation": []}
        was = before.get(told.order_id, {})
        for key in sorted(now[told.order_id], key=lambda one: (one.payee.id, one.line_id, one.role, one.location_id)):
            share = now[told.order_id][key]
            earned, back = (was[key].one.earned_minor, was[key].reversed_minor) if key in was else (0, 0)
            more = share.one.earned_minor - earned
            if not more:
                continue
            taken = share.reversed_minor - back
            ensure(taken == max(0, -more) or key not in was, "STL-9", f"{key.role}: {taken} taken back of {more}")
            other, payee_id = accounts.BOOKS[key.book], key.payee.id
            pending, due = changes.get(payee_id, (0, 0))
            if share.month is None:
                changes[payee_id] = (pending + more, due)
                entries[key.book].append(accounts.entry(other, accounts.pending(payee_id), more))
                continue
            paid = months.add(payee_id, share.month, more) if key.book == "commission" else {payee_id: more}
            changes[payee_id] = (pending, due + paid[payee_id])
            entries[key.book].append(accounts.entry(other, accounts.due(payee_id), paid.pop(payee_id)))
            # What this makes room for under the cap, in the same person's other accounts.
            for account_id, room in paid.items():
                pending, due = changes.get(account_id, (0, 0))
                changes[account_id] = (pending, due + room)
                entry = accounts.entry(other, accounts.due(account_id), room)
                journals.append(accounts.journal(account_id, "settlement-cap", [entry]))
        for book, those in entries.items():
            kind = f"settlement-{book}"
            journals.append(accounts.journal(told.member_id, kind, those, order_id=told.order_id))
    await months.write(tx)
    await accounts.change_all(tx, changes)
    await accounts.book_all(tx, journals, actor=actor)


async def tell_bringing(
    tx: Tx,
    *,
    member_id: UUID,
    guide_id: UUID,
    binding_id: UUID,
    minor: int,
    due_at: datetime,
    actor: Actor,
) -> None:
    """A guide is credited once for a new member who chose them, before any purchase. Repeating it changes nothing.

    The binding stands where an order does. Locks the payee.
    """
    payee = Payee("staff", guide_id)
    await accounts.lock(tx, [payee])
    fresh = await tx.fetchval(
        """INSERT INTO accruals (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, rate_bp,
                                 basis_minor, gross_minor, earned_minor, matures_at, at, updated_at)
           VALUES ($1, $2, $3, 'commission', 'bringing', $4, $5, 'staff', 0, 0, 0, $6, $7, $8, $8)
           ON CONFLICT DO NOTHING RETURNING true""",
        guide_id,
        binding_id,
        member_id,
        NOWHERE,
        member_id,
        minor,
        due_at,
        clock.now(),
    )
    if not fresh:
        return
    await accounts.change(tx, guide_id, pending_minor=minor)
    await accounts.book(
        tx,
        under=member_id,
        kind="settlement-bringing",
        entries=[accounts.entry(accounts.BOOKS["commission"], accounts.pending(guide_id), minor)],
        actor=actor,
    )


async def take_back_bringing(tx: Tx, binding_id: UUID, *, actor: Actor) -> bool:
    """What a guide was credited for a new member is theirs no more: the binding was wrong. Only while it is pending;
    what is due stays theirs. Repeating it changes nothing. Locks the payee."""
    row = await tx.fetchrow("SELECT payee_id FROM accruals WHERE order_id = $1 AND role = 'bringing'", binding_id)
    if row is None:
        return False
    await accounts.lock(tx, [Payee("staff", row["payee_id"])])
    minor: int | None = await tx.fetchval(
        """UPDATE accruals a SET earned_minor = 0, reversed_minor = a.reversed_minor + a.earned_minor, updated_at = $3
           FROM (SELECT earned_minor FROM accruals WHERE payee_id = $1 AND order_id = $2 AND role = 'bringing') was
           WHERE a.payee_id = $1 AND a.order_id = $2 AND a.role = 'bringing' AND a.state = 'pending'
             AND a.earned_minor > 0 RETURNING was.earned_minor""",
        row["payee_id"],
        binding_id,
        clock.now(),
    )
    if minor is None:
        return False
    await accounts.change(tx, row["payee_id"], pending_minor=-minor)
    await accounts.book(
        tx,
        under=row["payee_id"],
        kind="settlement-bringing",
        entries=[accounts.entry(accounts.BOOKS["commission"], accounts.pending(row["payee_id"]), -minor)],
        actor=actor,
    )
    return True


async def tell_bringing_store(
    tx: Tx,
    *,
    member_id: UUID,
    store_id: UUID,
    sign_up_id: UUID,
    minor: int,
    due_at: datetime,
    actor: Actor,
) -> None:
    """A shop is credited once for a new member whom its touchpoint brought, before any purchase, and headquarters bears
    it: the parts come to nothing together (STL-4). Repeating it changes nothing.

    The sign-up, by the id of its touch, stands where an order does. Locks both payees.
    """
    shop = Payee("store", store_id)
    await accounts.lock(tx, [shop, HEADQUARTERS])
    parts = [(shop, "bringing_store", minor), (HEADQUARTERS, "headquarters", -minor)]
    fresh = await tx.fetch(
        """INSERT INTO accruals (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, rate_bp,
                                 basis_minor, gross_minor, earned_minor, matures_at, at, updated_at)
           SELECT p.payee_id, $4, $5, 'allocation', p.role, $6, $5, p.kind, 0, 0, 0, p.minor, $7, $8, $8
           FROM unnest($1::uuid[], $2::text[], $3::text[], $9::bigint[]) AS p(payee_id, kind, role, minor)
           ON CONFLICT DO NOTHING RETURNING payee_id""",
        [payee.id for payee, _, _ in parts],
        [payee.kind for payee, _, _ in parts],
        [role for _, role, _ in parts],
        sign_up_id,
        member_id,
        store_id,
        due_at,
        clock.now(),
        [amount for _, _, amount in parts],
    )
    if not fresh:
        return
    ensure(len(fresh) == len(parts), "STL-4", f"one side of what {store_id} has for {member_id} was there")
    await accounts.change_all(tx, {payee.id: (amount, 0) for payee, _, amount in parts})
    await accounts.book(
        tx,
        under=member_id,
        kind="settlement-bringing",
        entries=[
            accounts.entry(accounts.BOOKS["allocation"], accounts.pending(payee.id), amount)
            for payee, _, amount in parts
        ],
        actor=actor,
    )
