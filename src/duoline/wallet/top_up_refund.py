"""Give back what came for a wallet that nobody has any more: noted with the payment, asked of the provider next, booked
when it is done.

It never was in the wallet. What came lies between the provider and who paid it (`stored:returning`) until it is back.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import audit, clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.machine import Machine
from duoline.kernel.money import CURRENCY

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.wallet.top_up import TopUp

RETURNING = ledger.accounts.RETURNING
CAME, GONE = "top-up-ownerless", "top-up-returned"
"""The journals of one, each once: what came in, and what went out."""


class Step(Enum):
    """How far one is. `failed` waits for a person, who has it asked for again or gives it back `by_hand`."""

    REQUESTED = "requested"
    DONE = "done"
    FAILED = "failed"
    BY_HAND = "by_hand"


# Failed and done after all: the provider is believed when it says that it has given the money back.
STEPS = Machine(
    "top-up refund",
    Step.REQUESTED,
    {
        Step.REQUESTED: frozenset({Step.DONE, Step.FAILED}),
        Step.FAILED: frozenset({Step.REQUESTED, Step.DONE, Step.BY_HAND}),
        Step.DONE: frozenset(),
        Step.BY_HAND: frozenset(),
    },
)


class TopUpRefund(NamedTuple):
    """One with what the provider needs to know: its own reference is `id`, the payment's `top_up_id`."""

    member_id: UUID
    id: UUID
    top_up_id: UUID
    amount_minor: int
    state: str
    tender: str

    @property
    def over(self) -> bool:
        """Whether the money is back."""
        return STEPS.final(Step(self.state))


_REFUND = """
SELECT r.member_id, r.id, r.top_up_id, r.amount_minor, r.state, t.tender
FROM wallet_top_up_refunds r JOIN wallet_top_ups t ON t.member_id = r.member_id AND t.id = r.top_up_id
WHERE r.member_id = $1 AND r.id = $2
"""
_LOCKED = f"{_REFUND} FOR UPDATE OF r"


async def load(db: Database | Tx, member_id: UUID, refund_id: UUID, *, lock: bool = False) -> TopUpRefund:
    """One as it stands. Refuses `kernel.not-found`."""
    row = await db.fetchrow(_LOCKED if lock else _REFUND, member_id, refund_id)
    if row is None:
        raise NotFound
    return TopUpRefund(*row)


async def forgotten(tx: Tx, member_id: UUID) -> bool:
    """Whether the member is forgotten, as it stays until the transaction ends: locks their row, shared, which an
    erasure takes alone; before the top-up and the wallet, as an erasure does."""
    gone: bool | None = await tx.fetchval(
        "SELECT erased_at IS NOT NULL FROM members WHERE member_id = $1 FOR SHARE", member_id
    )
    return gone is True


async def request(tx: Tx, top_up: TopUp, *, account: str, actor: Actor) -> TopUpRefund:
    """All of a locked top-up that has just come in, in a ledger's `account`, is to go back. Once for a top-up, by its
    key. The caller has made it `paid` in this transaction, and holds the row of its member (`forgotten`)."""
    ensure(await forgotten(tx, top_up.member_id), "WAL-7", f"{top_up.id} is of somebody who can have it")
    made = TopUpRefund(
        top_up.member_id, new_id(), top_up.id, top_up.principal_minor, Step.REQUESTED.value, top_up.tender
    )
    await tx.execute(
        """INSERT INTO wallet_top_up_refunds (member_id, id, top_up_id, amount_minor, state, created_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        made.member_id,
        made.id,
        made.top_up_id,
        made.amount_minor,
        made.state,
        clock.now(),
    )
    await _post(tx, made, CAME, ledger.Entry(account, RETURNING, made.amount_minor), actor=actor)
    await _trace(tx, "wallet.return", made, Step.REQUESTED, actor=actor)
    return made


async def finish(tx: Tx, refund: TopUpRefund, *, provider_ref: str, actor: Actor) -> bool:
    """The provider has given it back. False when that was known. Locks it."""
    locked = await load(tx, refund.member_id, refund.id, lock=True)
    if locked.state == Step.DONE.value:
        return False
    ensure(locked.state != Step.BY_HAND.value, "WAL-7", f"{locked.id} was given by hand, and by the provider too")
    await _end(
        tx, locked, Step.DONE, account=ledger.accounts.clearing(locked.tender), provider_ref=provider_ref, actor=actor
    )
    await _trace(tx, "wallet.returned", locked, Step.DONE, actor=actor)
    return True


async def give_by_hand(tx: Tx, *, member_id: UUID, refund_id: UUID, reason: str, actor: Actor) -> None:
    """What the provider does not give back was given in another way: `reason` says how.

    Refuses `kernel.not-found`, `kernel.wrong-state`. Locks it.
    """
    locked = await load(tx, member_id, refund_id, lock=True)
    await _end(tx, locked, Step.BY_HAND, account=ledger.accounts.BY_HAND, actor=actor)
    await _trace(tx, "wallet.return-by-hand", locked, Step.BY_HAND, actor=actor, reason=reason)


async def ask_again(tx: Tx, *, member_id: UUID, refund_id: UUID, reason: str, actor: Actor) -> None:
    """One that failed is to be asked for once more, under the same reference.

    Refuses `kernel.not-found`, `kernel.wrong-state`. Locks it.
    """
    locked = await load(tx, member_id, refund_id, lock=True)
    STEPS.check(Step(locked.state), Step.REQUESTED)
    await tx.execute(
        "UPDATE wallet_top_up_refunds SET state = 'requested' WHERE member_id = $1 AND id = $2", member_id, refund_id
    )
    await _trace(tx, "wallet.return-again", locked, Step.REQUESTED, actor=actor, reason=reason)


async def note_problem(tx: Tx, refund: TopUpRefund, *, problem: str, final: bool) -> None:
    """The provider did not give it back (yet). A final failure waits for a person; what is back stays back."""
    noted = await tx.fetchval(
        """UPDATE wallet_top_up_refunds SET attempts = attempts + 1, problem = $3,
                  state = CASE WHEN $4 THEN 'failed' ELSE state END
           WHERE member_id = $1 AND id = $2 AND state = 'requested' RETURNING true""",
        refund.member_id,
        refund.id,
        problem,
        final,
    )
    if noted and final:
        await _trace(tx, "wallet.return-failed", refund, Step.FAILED, actor=SYSTEM, reason=problem)


async def _end(
    tx: Tx, locked: TopUpRefund, step: Step, *, account: str, actor: Actor, provider_ref: str | None = None
) -> None:
    STEPS.check(Step(locked.state), step)
    await tx.execute(
        """UPDATE wallet_top_up_refunds SET state = $3, resolved_at = $4, provider_ref = nullif($5, ''),
                  problem = CASE WHEN $3 = 'done' THEN NULL ELSE problem END
           WHERE member_id = $1 AND id = $2""",
        locked.member_id,
        locked.id,
        step.value,
        clock.now(),
        provider_ref,
    )
    await _post(tx, locked, GONE, ledger.Entry(RETURNING, account, locked.amount_minor), actor=actor)


async def _post(tx: Tx, refund: TopUpRefund, kind: str, entry: ledger.Entry, *, actor: Actor) -> None:
    posted = await ledger.post(
        tx,
        member_id=refund.member_id,
        kind=kind,
        ref_kind="top-up-refund",
        ref_id=refund.id,
        entries=[entry],
        currency=CURRENCY,
        actor=actor,
    )
    ensure(posted is not None, "WAL-7", f"{kind} {refund.id} is posted once")


async def _trace(tx: Tx, action: str, refund: TopUpRefund, step: Step, *, actor: Actor, reason: str = "") -> None:
    """From the state in which `refund` was found; the first step comes from none."""
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="refund",
        subject=str(refund.id),
        reason=reason,
        before=None if action == "wallet.return" else {"state": refund.state},
        after={"state": step.value, "amount_minor": refund.amount_minor, "tender": refund.tender},
    )
