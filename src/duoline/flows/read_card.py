"""Read a member's card for a clerk: within a limit of wrong tries, and with a trace where it was only typed.

A picture that a phone shows is its member's own act: whoever stands there shows it to this shop. A number that somebody
types may be anybody's, also one that was guessed. Then each member found is in the audit log, and a franchisee's shop
is told of none who did not agree to sharing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import fulfilment
from duoline.kernel import audit
from duoline.kernel.errors import Refusal
from duoline.members import cards, consents

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.types import Store


async def read_card(
    tx: Tx, store: Store, text: str, *, franchised: bool, secret: bytes, actor: Actor
) -> UUID | Refusal:
    """Whose card a clerk has read or typed, or the refusal, which is returned so that what was counted is committed.

    Refuses `members.too-many-wrong-cards`, `members.card-code-over`, `members.no-such-card`, then for a typed number
    in a franchisee's shop `members.card-not-shared`. Wrong tries are counted with wrong pickup codes, so that nobody
    has twice as many. Locks the clerk's count.
    """

    async def look_up(tx: Tx) -> UUID | Refusal:
        try:
            return await cards.read_card(tx, text, secret=secret)
        except (cards.NoSuchCard, cards.CardCodeOver) as refusal:
            return refusal

    found = await fulfilment.try_code(tx, store.id, actor, look_up, wrong=(cards.NoSuchCard, cards.CardCodeOver))
    if isinstance(found, fulfilment.TooManyWrongCodes):
        return cards.TooManyWrongCards(**found.fields)
    if isinstance(found, Refusal) or cards.is_shown(text):
        return found
    shared = not franchised or await consents.allowed(tx, found, "sharing")
    await audit.record(
        tx,
        actor=actor,
        action="member.card-typed",
        subject_kind="member",
        subject=str(found),
        after={"told": shared},
        store_id=store.id,
    )
    if not shared:
        consents.count_refused("sharing", door="clerk.cards")
        return cards.CardNotShared()
    return found
