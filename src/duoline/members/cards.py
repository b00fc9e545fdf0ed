"""The electronic card: a number of its own and a code that changes every half a minute.

The code is that of RFC 6238 (time-based one-time passwords) over HMAC-SHA-256 with eight digits. The key is computed
from the card's number with our secret and never leaves us: a phone is given the codes of the next hours, so that it
shows the card without a network, and a copy of it is worth nothing the day after. Numbers on old plastic cards are
the chain's own (`member_codes`); a member may have several.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from duoline.kernel import clock
from duoline.kernel.errors import NotFound, Refusal, ensure
from duoline.kernel.ids import code
from duoline.members.group import head_of
from duoline.members.match import id_of

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx

PREFIX = "DLC1"
NUMBER_LENGTH = 10
STEP = timedelta(seconds=30)
DIGITS = 8
DRIFT = 1
"""So many steps before and after now count too: clocks differ, and a clerk takes a moment."""
AHEAD = 1440
"""Codes that a phone is given: of the next twelve hours."""
HOLDS = timedelta(hours=2)
"""For how long a till that has read a card may sell for its member."""
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
CHECKS = 1000
"""So many values a till tells codes apart by while it has no network."""
SPENDS = timedelta(minutes=15)
"""For how long it may spend what the member has: whoever shows the card is standing there."""


class NoSuchCard(Refusal):
    """A number that is on no card of ours."""

    code = "members.no-such-card"
    status = 404
    zh = "没有这张会员卡。可以改用手机号。"
    en = "There is no such member card. The phone number can be used instead."


class CardCodeOver(Refusal):
    """The code on the card is not that of now."""

    code = "members.card-code-over"
    status = 409
    zh = "会员码已过期,请顾客刷新后再扫。"
    en = "This code has run out; ask the customer to show the card anew."


class TooManyWrongCards(Refusal):
    """The limit against trying out numbers; `retry_at` says when the next may be."""

    code = "members.too-many-wrong-cards"
    status = 429
    zh = "输错的会员卡号太多,请 10 分钟后再试。"
    en = "Too many wrong card numbers; wait ten minutes."


class CardNotShared(Refusal):
    """A number that was typed in a franchisee's shop, of a member who did not agree to sharing."""

    code = "members.card-not-shared"
    status = 403
    zh = "这位会员没有同意向加盟店提供资料。请顾客出示手机上的会员码。"
    en = "This member has not agreed to share with franchised shops. Ask them to show the card on their phone."


class CardNeeded(Refusal):
    """What a member has is spent by who shows the card on their phone, now: not by a number that anybody may know."""

    code = "members.card-needed"
    status = 409
    zh = "用积分或储值付款,请顾客出示手机上的会员码,扫码后在 15 分钟内完成。"
    en = "To pay with points or stored value, scan the card on the customer's phone, and finish within 15 minutes."


class Card(NamedTuple):
    """A card: its number, and its codes from an instant on, one for each step."""

    number: str
    starts_at: datetime
    codes: list[str]


async def card_of(tx: Tx, member_id: UUID, *, secret: bytes) -> Card:
    """A member's card with the codes of the next hours; it is made when it is asked for first.

    Locks the member's row. Refuses `kernel.not-found` for who is no member.
    """
    row = await tx.fetchrow(
        "SELECT card_no FROM members WHERE member_id = $1 AND kind = 'member' FOR NO KEY UPDATE", member_id
    )
    if row is None:
        raise NotFound(kind="member")
    number: str = row["card_no"] or await _make(tx, member_id)
    step = _step(clock.now())
    codes = [code_at(number, step + n, secret=secret) for n in range(AHEAD)]
    return Card(number, datetime.fromtimestamp(step * STEP.total_seconds(), UTC), codes)


async def _make(tx: Tx, member_id: UUID) -> str:
    number = code(NUMBER_LENGTH)
    made = await tx.execute(
        "INSERT INTO member_cards (card_no, member_id) VALUES ($1, $2) ON CONFLICT (card_no) DO NOTHING",
        number,
        member_id,
    )
    ensure(made == "INSERT 0 1", "MEM-4", f"{number} is another member's")  # one in 10^15: asked again, another is made
    await tx.execute("UPDATE members SET card_no = $2 WHERE member_id = $1", member_id, number)
    return number


async def read_card(db: Database | Tx, text: str, *, secret: bytes) -> UUID:
    """Whose card this is: an electronic one as its picture says it, or the number of any card, old or new.

    Refuses `members.card-code-over` for a code that is not that of now, then `members.no-such-card`.
    """
    prefix, _, rest = text.strip().partition(".")
    if prefix == PREFIX:
        number, _, shown = rest.upper().partition(".")
        now = _step(clock.now())
        good = [code_at(number, now + n, secret=secret) for n in range(-DRIFT, DRIFT + 1)]
        if sum(hmac.compare_digest(shown.encode(), one.encode()) for one in good) == 0:
            raise CardCodeOver
        found = await db.fetchval("SELECT member_id FROM member_cards WHERE card_no = $1", number)
    else:
        # As it was typed, else as files are read: half width, without spaces; then as the number under the picture of
        # an electronic card, which somebody reads aloud: it names its member as an old card does, and spends nothing.
        plain = text.strip()
        read = id_of(plain) or plain
        found = await db.fetchval(
            """SELECT member_id FROM (
                   SELECT member_id, CASE WHEN code = $2 THEN 0 ELSE 1 END AS n FROM member_codes WHERE code = ANY ($1)
                   UNION ALL SELECT member_id, 2 FROM member_cards WHERE card_no = $3) c
               ORDER BY n LIMIT 1""",
            [plain, read],
            plain,
            number_of(read),
        )
    if found is None:
        raise NoSuchCard
    return await head_of(db, UUID(str(found)))


def number_of(text: str) -> str:
    """The number of an electronic card as it was meant: no dashes, capitals, digits for the letters like them."""
    return text.replace("-", "").upper().translate(_LOOKALIKES)


def shown_text(number: str, shown: str) -> str:
    """What the picture of a card says."""
    return f"{PREFIX}.{number}.{shown}"


def code_at(number: str, step: int, *, secret: bytes) -> str:
    """The code of a card in a step of time. Pure."""
    key = hmac.digest(secret, b"member card\0" + number.encode(), "sha256")
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha256")
    at = digest[-1] & 0xF
    return str((int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF) % 10**DIGITS).zfill(DIGITS)


class Checks(NamedTuple):
    """What a till without a network knows a card again by: for each step from `starts_at` on, `CHECKS` of one number
    that the code of that step has."""

    number: str
    starts_at: datetime
    values: list[int]


def checks_of(text: str, *, secret: bytes) -> Checks | None:
    """For a card that was just read on a phone, as long as its pass holds; None for an old one.

    A made-up code passes once in `CHECKS` times, and so does a picture of an hour ago. Of the codes themselves nothing
    can be learned that spends anything: a hundred thousand of them share each value.
    """
    if not is_shown(text):
        return None
    number = text.strip().upper().split(".")[1]
    first = _step(clock.now()) - DRIFT
    steps = range(first, first + int(HOLDS / STEP) + 2 * DRIFT + 1)
    values = [check_of(number, step, code_at(number, step, secret=secret)) for step in steps]
    return Checks(number, datetime.fromtimestamp(first * STEP.total_seconds(), UTC), values)


def check_of(number: str, step: int, shown: str) -> int:
    """The value of a code by which a till knows it: the first 32 bits of a digest, modulo `CHECKS`. Pure."""
    digest = hashlib.sha256(f"{number}.{step}.{shown}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % CHECKS


def _step(at: datetime) -> int:
    return int(at.timestamp() // STEP.total_seconds())


# --- what a till holds after it has read a card ----------------------------------------------------------------


def is_shown(text: str) -> bool:
    """Whether this is the picture of a card, which its member alone can show, and not a number that was typed."""
    return text.strip().partition(".")[0] == PREFIX


def hold(member_id: UUID, *, shown: bool, secret: bytes) -> str:
    """A pass for a till to sell for this member for a while; `shown` when it read the card on a phone (`is_shown`).
    Nothing is stored of it."""
    until = int((clock.now() + HOLDS).timestamp())
    return f"{member_id.hex}.{until}.{_proof(member_id.hex, until, secret, shown=shown)}"


def present_by(text: str | None, *, secret: bytes) -> UUID | None:
    """The member who has shown the card of this pass a moment ago (`SPENDS`), and may spend what they have. None for
    every other pass, and for none."""
    member, _, rest = (text or "").partition(".")
    until, _, proof = rest.partition(".")
    if not (len(member) == 32 and until.isascii() and until.isdigit() and len(until) <= 12):
        return None
    good = hmac.compare_digest(proof.encode(), _proof(member, int(until), secret, shown=True).encode())
    lasts = int(until) - (HOLDS - SPENDS).total_seconds() >= clock.now().timestamp()
    return UUID(member) if good and lasts else None


def holder_of(text: str, *, secret: bytes) -> UUID:
    """Whose pass this is. Refuses `members.card-code-over` when it has run out or we have not made it."""
    member, _, rest = text.partition(".")
    until, _, proof = rest.partition(".")
    if not (len(member) == 32 and until.isascii() and until.isdigit() and len(until) <= 12):
        raise CardCodeOver
    good = any(
        hmac.compare_digest(proof.encode(), _proof(member, int(until), secret, shown=shown).encode())
        for shown in (True, False)
    )
    if not good or int(until) < clock.now().timestamp():
        raise CardCodeOver
    return UUID(member)


def _proof(member: str, until: int, secret: bytes, *, shown: bool) -> str:
    what = "card shown" if shown else "card holder"
    return hmac.digest(secret, f"{what}\0{member}\0{until}".encode(), "sha256")[:16].hex()
