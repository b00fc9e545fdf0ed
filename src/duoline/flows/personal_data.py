"""Every table in which something of a member stands: how their rows are found, what the member may take with them, and
what becomes of it when they ask to be forgotten.

One list for the privacy centre, the export and the erasure, so that none of the three can know less than the others. A
test walks all tables and fails for one that could hold a member's data and is not named here.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duoline.members import guests, phones

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

Kind = Literal["profile", "addresses", "consents", "orders", "payments", "points", "coupons", "favourites", "guides",
               "visits"]  # fmt: skip

MINE = "t.member_id = ANY ($1)"
OF_ORDERS = "t.order_id IN (SELECT o.id FROM orders o WHERE o.member_id = ANY ($1))"
COUPONS = """t.id IN (SELECT c.id FROM coupons c WHERE c.member_id = ANY ($1)
             UNION SELECT u.coupon_id FROM coupon_uses u JOIN orders o ON o.id = u.order_id
                   WHERE o.member_id = ANY ($1))"""
BY_PHONE = "$2::text IS NOT NULL AND t.phone = $2"


class Held(NamedTuple):
    """A table with rows of members, known as `t`.

    `mine` finds them: $1 are the member's ids, their own and those of guests they were; $2 their phone or NULL. `kind`
    is under which word they are shown and exported; without one they are not, because `why`. `hidden` columns are not
    exported: they are secrets that open something, or other people's names.

    `forget` is what an erasure does with the rows: an empty text keeps them, since they name nobody; `DELETE`; or what
    to SET. `history` rows are append-only and pseudonymised by `duo_forget_history` (forget_history.sql).
    """

    table: str
    kind: Kind | None = None
    mine: str = MINE
    hidden: tuple[str, ...] = ()
    why: str = ""
    forget: str = ""
    history: bool = False


COPY = "a copy of what is exported elsewhere, kept for some days"
TECHNICAL = "leads from a number to rows that are exported themselves"
ADDRESS = """address = t.address || '{"name": "", "phone": "", "district": "", "line": "", "lat": null, "lon": null}'"""
CONTACT = f"contact_name = '', contact_phone = '', note = '', {ADDRESS}"
NOBODY = "'00000000-0000-0000-0000-000000000000'"
GONE = '{"type": "/api/docs#members.erased", "title": "erased", "status": 410, "code": "members.erased"}'
"""What a repeat of a request about an erased member is answered, in place of the stored answer."""

# In the order in which an erasure goes through them: rows that refer to others before those.
HELD: tuple[Held, ...] = (
    Held("orders", "orders", forget=CONTACT),
    Held("order_lines", "orders"),
    Held("order_events", "orders", history=True),
    Held("order_discounts", "orders"),
    Held("order_gifts", "orders"),
    Held("order_numbers", why=TECHNICAL),
    Held("frozen_orders", why="a mark for the shop's work, without anything about the member"),
    Held("preorders", "orders"),
    Held("preorder_codes", why="a digest of a code that opens an order", hidden=("code_hash",)),
    Held("returns", "orders", history=True),
    Held("return_lines", "orders"),
    Held("return_refunds", why=TECHNICAL),
    Held("sourcing_decisions", why="which shop was chosen to send an order and at what cost, reckoned by the chain"),
    Held("fulfilments", "orders", mine=OF_ORDERS, hidden=("short_code",), forget=CONTACT),
    Held("presale_bookings", why="counts the units of an order that is exported"),
    Held("guest_orders", why="counted digests of a guest's number and network, kept for a day", forget="DELETE"),
    Held("parked_sales", "orders", mine=BY_PHONE, hidden=("parked_name", "taken_name"),
         forget="phone = '', note = ''"),
    Held("payment_intents", "payments", hidden=("pay_url",), forget="pay_url = NULL"),
    Held("payment_refs", why=TECHNICAL),
    Held("payment_exceptions", "payments", forget="note = ''"),
    Held("captures", "payments", hidden=("payer_key",), forget="payer_key = NULL"),
    Held("refunds", "payments", forget="reason = ''"),
    Held("provider_events", mine="t.ref IN (SELECT r.ref FROM payment_refs r WHERE r.member_id = ANY ($1))",
         why="the provider's own words of payments and refunds that are exported; they name nobody"),
    Held("journals", history=True, why="the firm's own postings, some of what others earn; what they book is exported"),
    Held("journal_entries", why="the firm's own postings, some of what others earn; what they book is exported"),
    Held("point_accounts", "points"),
    Held("point_lots", "points"),
    Held("point_rates", "points"),
    Held("point_uses", "points"),
    Held("point_shares", "points"),
    Held("wallet_lots", "points"),
    Held("wallet_shares", "points"),
    Held("wallet_top_ups", "payments", hidden=("pay_url", "actor", "payer_key"),
         forget="pay_url = NULL, payer_key = NULL"),
    Held("wallet_top_up_refunds", why="money that came when its member was forgotten: nothing is left to export"),
    Held("wallet_uses", "points"),
    Held("wallet_payouts", "payments", hidden=("actor",), history=True),
    Held("wallets", "points"),
    Held("coupons", "coupons", mine=COUPONS),
    Held("coupon_uses", "coupons", mine=OF_ORDERS),
    Held("promotion_uses", "coupons", mine=OF_ORDERS),
    Held("favourite_holds", "favourites", hidden=("device_id", "address_id"),
         forget=f"device_id = {NOBODY}, address_id = {NOBODY}"),
    Held("favourites", "favourites", forget="DELETE"),
    Held("bindings", "guides", hidden=("device_id",), forget="device_id = NULL"),
    Held("guide_tasks", "guides", hidden=("note", "guide_id"), forget="note = ''"),
    Held("binding_asks", "guides", forget="DELETE"),
    Held("binding_disputes", "guides", hidden=("reason", "decision_reason"),
         forget="reason = '', decision_reason = ''"),
    Held("sign_ups", "visits"),
    Held("order_touches", "visits"),
    Held("touches", "visits", history=True),
    Held("device_touches", "visits", forget="DELETE"),
    Held("scans", "visits", history=True),
    Held("order_credits", why="which ids are credited with an order, reckoned by the chain"),
    Held("order_places", why="whose company a shop was for an order, kept by the chain"),
    Held("referrals", mine="t.payee_id = ANY ($1) OR t.buyer_id = ANY ($1)",
         why="pairs of ids, one of them another member's"),
    Held("accruals", "payments", mine="t.payee_id = ANY ($1)", hidden=("member_id", "order_id", "line_id")),
    Held("payee_months", "payments", mine="t.payee_id = ANY ($1)"),
    Held("payees", "payments", mine="t.payee_id = ANY ($1)"),
    Held("statements", "payments", mine="t.payee_id = ANY ($1)"),
    Held("statement_lines", mine="t.payee_id = ANY ($1)", why="adds up rows that are exported"),
    Held("statement_notes", "payments", mine="t.payee_id = ANY ($1)", hidden=("actor",), history=True),
    Held("payouts", "payments", mine="t.payee_id = ANY ($1)", hidden=("actor", "account_by"),
         forget="receiver = '', holder = '', bank = '', branch = '', owner = ''"),
    Held("payee_accounts", "payments", mine="t.payee_id = ANY ($1)", hidden=("actor",), forget="DELETE"),
    Held("touchpoints", "visits", mine="t.owner_kind = 'member' AND t.owner_id = ANY ($1)", hidden=("device_id",),
         forget="note = '', device_id = NULL, ended_at = coalesce(t.ended_at, greatest(t.created_at, now())),"
                " name_zh = CASE WHEN target_kind = 'outfit' THEN '***' ELSE name_zh END,"
                " name_en = CASE WHEN target_kind = 'outfit' THEN '***' ELSE name_en END"),
    Held("outfit_pieces", "visits", mine="t.owner_id = ANY ($1)"),
    Held("outfits", "visits", mine="t.owner_kind = 'member' AND t.owner_id = ANY ($1)",
         forget="name = '***', note = '', ended_at = coalesce(t.ended_at, greatest(t.made_at, now()))"),
    Held("cart_lines", "orders", forget="DELETE"),
    Held("carts", "orders", forget="DELETE"),
    Held("addresses", "addresses", forget="DELETE"),
    Held("member_merges", "profile", mine="t.member_id = ANY ($1) OR t.other_id = ANY ($1)",
         hidden=("other_id", "reason", "actor", "undone_by", "undone_reason"),
         forget="reason = '***', undone_reason = ''"),
    Held("member_pairs", mine="t.member_id = ANY ($1) OR t.other_id = ANY ($1)", why="names another member",
         forget="DELETE"),
    Held("identities", "profile", forget="DELETE"),
    Held("match_keys", why="digests by which one person's accounts are found", forget="DELETE"),
    Held("signups_read", why="digests of rows of a file that was read", forget="DELETE"),
    Held("consents", "consents"),
    Held("home_stores", "profile"),
    Held("tier_changes", "profile", history=True),
    Held("members", "profile"),
    Held("adopted_guests", "profile"),
    Held("phone_index", why=TECHNICAL, forget="DELETE"),
    Held("member_codes", why=TECHNICAL, forget="DELETE"),
    Held("member_cards", why=TECHNICAL, forget="DELETE"),
    Held("login_codes", "profile", mine=BY_PHONE, hidden=("code_hash",), forget="DELETE"),
    Held("member_sessions", "profile", hidden=("token_hash",), forget="DELETE"),
    Held("erasures", why="there is one when nothing is left to export"),
    Held("idempotency", mine="t.actor_id = ANY ($1) AND t.status <> 0", why=COPY,
         forget=f"status = 410, response = '{GONE}'"),
    Held("member_outbox", mine="t.member_id = ANY ($1) OR t.for_member_id = ANY ($1)", why=COPY),
    Held("stock_outbox", mine="t.for_member_id = ANY ($1)", why=COPY),
    Held("local_outbox", mine="t.for_member_id = ANY ($1)", why=COPY),
    Held("event_log", mine="t.for_member_id = ANY ($1)", why=COPY),
    Held("audit_log", "profile", history=True, hidden=("actor_name",),
         mine="t.subject_kind = 'member' AND t.subject = ANY ($1::uuid[]::text[])"),
)  # fmt: skip

# Columns that sound like a member's and are not.
NOT_PERSONAL: dict[str, str] = {
    "staff": "the phone is of somebody who works here",
    "stores": "the phone is the shop's",
}


class Whose(NamedTuple):
    """Whose rows are meant: the ids they stand under, and the phone."""

    ids: list[UUID]
    phone: str | None


async def whose(db: Database | Tx, member_id: UUID, *, secret: str, strangers: bool = False) -> Whose:
    """Everything a member's data stands under: their own id, the guests they were, and the guest of their number that
    shops have sold to. With `strangers` also guests who ordered with that number and never logged in: that it is theirs
    is not proved, so nothing of those is shown to the member; their contact is the member's number all the same.
    """
    row = await db.fetchrow(
        """SELECT m.phone, ARRAY(SELECT g.guest_id FROM adopted_guests g WHERE g.member_id = m.member_id) AS guests
           FROM members m WHERE m.member_id = $1""",
        member_id,
    )
    if row is None:
        return Whose([member_id], None)
    ids = [member_id, *row["guests"]]
    if row["phone"]:
        guest_id = await guests.guest_of_phone(db, row["phone"], secret=secret)
        if guest_id not in ids and await guests.exists(db, guest_id):
            ids.append(guest_id)
        if strangers:
            found = await db.fetch(_STRANGERS, [each[::-1] for each in written(row["phone"])])
            ids += [each["member_id"] for each in found if each["member_id"] not in ids]
    return Whose(ids, row["phone"])


_STRANGERS = """
SELECT DISTINCT o.member_id FROM orders o JOIN members m ON m.member_id = o.member_id AND m.kind = 'guest'
WHERE reverse(o.contact_phone) = ANY ($1) ORDER BY o.member_id
"""


def written(phone: str) -> list[str]:
    """A number (E.164) as people write it."""
    bare = phones.national(phone)
    if bare == phone:
        return [phone, phone.removeprefix("+")]
    spaced = f"{bare[:3]} {bare[3:7]} {bare[7:]}"
    return [phone, bare, f"86{bare}", f"+86 {bare}", spaced, spaced.replace(" ", "-"), bare.translate(_WIDE)]


_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def digits_of(text: str) -> str:
    """The digits of what somebody wrote, full-width ones too, whatever stands between them."""
    return "".join(each for each in unicodedata.normalize("NFKC", text) if each.isdecimal())


# Guests who ordered with a number in whatever spelling, as $2 are its digits at the end; of those with nothing open,
# which need it. Reads all orders of guests.
_SPELT = """
SELECT DISTINCT o.member_id FROM orders o JOIN members m ON m.member_id = o.member_id AND m.kind = 'guest'
WHERE NOT o.member_id = ANY ($1)
  AND (right(regexp_replace(normalize(o.contact_phone, NFKC), '[^0-9]', '', 'g'), length($2::text)) = $2::text
       OR right(regexp_replace(normalize(o.address ->> 'phone', NFKC), '[^0-9]', '', 'g'), length($2::text)) = $2::text)
  AND NOT EXISTS (SELECT FROM orders x WHERE x.member_id = o.member_id
                  AND NOT x.state IN ('completed', 'cancelled', 'expired'))
ORDER BY o.member_id
"""


async def strangers_spelt(tx: Tx, ids: Sequence[UUID], phones: Sequence[str]) -> list[UUID]:
    """Guests who ordered with one of these numbers, written in a way of their own. Regular work, and no part of a
    request: what new orders keep is written in one way."""
    found: list[UUID] = []
    for digits in sorted({digits_of(phone) for phone in phones if phone.startswith("+")}):
        tail = digits.removeprefix("86") if len(digits) == HOME_DIGITS else digits
        found += [row["member_id"] for row in await tx.fetch(_SPELT, [*ids, *found], tail)]
    return found


HOME_DIGITS = 13
"""Of a mainland number with its 86."""


async def counts(db: Database | Tx, whose: Whose) -> dict[Kind, int]:
    """How many rows of each kind there are, in the order they are shown."""
    found: dict[Kind, int] = {}
    for held in HELD:
        if held.kind is not None:
            n = await db.fetchval(_sql(held, "SELECT count(*)::integer"), whose.ids, whose.phone)
            found[held.kind] = found.get(held.kind, 0) + n
    return found


async def rows(db: Database | Tx, whose: Whose) -> AsyncIterator[tuple[Held, list[dict[str, Any]]]]:
    """Everything that is exported, table by table, without what is hidden; tables without rows are passed over."""
    for held in HELD:
        if held.kind is None:
            continue
        found = await db.fetch(
            _sql(held, "SELECT to_jsonb(t) - $3::text[] AS row"), whose.ids, whose.phone, list(held.hidden)
        )
        if found:
            yield held, [each["row"] for each in found]


async def forget(tx: Tx, whose: Whose) -> None:
    """Delete or blank the rows that name the member, but those of append-only tables."""
    for held in HELD:
        if held.forget:
            verb = "DELETE" if held.forget == "DELETE" else ""
            sql = _sql(held, verb) if verb else f"UPDATE {held.table} t SET {held.forget} WHERE {_given(held.mine)}"  # noqa: S608 - our own text
            await tx.execute(sql, whose.ids, whose.phone)


_OF_GUESTS = """WHERE m.member_id = t.member_id AND m.kind = 'guest'
                  AND t.state IN ('completed', 'cancelled', 'expired') AND t.address ->> 'phone' = ANY ($2)"""

# Copies that pass through or are kept for some days: in which table, of which column, whose rows. $1 ids, $2 what names
# the member, $3 patterns of their number, $4 patterns of what a row about them says.
_COPIES = (
    "UPDATE idempotency SET status = 410, response = $5 WHERE response LIKE ANY ($3 || $4)",
    "UPDATE event_log SET payload = duo_redact(payload, $2)"
    " WHERE for_member_id = ANY ($1) OR payload::text LIKE ANY ($3)",
    "UPDATE member_outbox SET payload = duo_redact(payload, $2) WHERE member_id = ANY ($1) OR for_member_id = ANY ($1)",
    "UPDATE stock_outbox SET payload = duo_redact(payload, $2) WHERE for_member_id = ANY ($1)",
    "UPDATE local_outbox SET payload = duo_redact(payload, $2) WHERE for_member_id = ANY ($1)",
    "UPDATE flow_records SET data = duo_redact(data, $2) WHERE data::text LIKE ANY ($3 || $4)",
    "UPDATE holds SET note = duo_redact_text(note, $2) WHERE note LIKE ANY ($3)",
    "UPDATE drawer_sessions SET note = duo_redact_text(note, $2) WHERE note LIKE ANY ($3)",
    "UPDATE parked_sales SET phone = '', note = '' WHERE phone = ANY ($2)",
    "DELETE FROM login_codes WHERE phone = ANY ($2)",
    "DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = 'members.send-code' AND status <> 'picked'"
    " AND convert_from(payload, 'UTF8') LIKE ANY ($3)",
    f"UPDATE orders t SET {CONTACT} FROM members m {_OF_GUESTS}",  # noqa: S608 - our own text
)


async def redact_copies(tx: Tx, traces: dict[str, Any]) -> None:
    """Take what names a forgotten member out of copies that no id of theirs leads to. Reads whole tables: it is regular
    work and no part of a request."""
    numbers = [f"%{each}%" for each in traces["phones"]]
    about = [f"%{each}%" for each in traces["subjects"]]
    given = ([*traces["ids"]], traces["values"], numbers, about, GONE)
    for sql in _COPIES:
        await tx.execute(f"WITH asked AS (SELECT {_TYPES}) {sql}", *given)


_TYPES = "$1::uuid[], $2::text[], $3::text[], $4::text[], $5::text"


def _sql(held: Held, verb: str) -> str:
    return f"{verb} FROM {held.table} t WHERE {_given(held.mine)}"


def _given(mine: str) -> str:
    """The condition with both parameters in it, whichever it asks for: a parameter without a type is refused."""
    both = mine if "$1" in mine else f"({mine}) AND $1::uuid[] IS NOT NULL"
    return both if "$2" in both else f"({both}) AND ($2::text IS NULL OR true)"
