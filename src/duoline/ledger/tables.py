"""Tables of the ledger. An entry moves an amount from one account to another, so it balances by its shape."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, fk, index, integer, pk, text, uid, unique
from duoline.kernel.placement import MEMBER, table

PACKAGE = "ledger"

journals = table(
    PACKAGE,
    "journals",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("kind"),
    text("ref_kind"),
    uid("ref_id"),
    uid("order_id", null=True),
    at("at"),
    text("actor"),
    text("reason", default=""),
    pk("journals", "member_id", "id"),
    unique("journals_ref_uq", "member_id", "kind", "ref_id"),
    # What moved a member's points or wallet, by when: theirs to read page by page.
    index(
        "journals_member_ix",
        "member_id",
        "ref_kind",
        "at",
        postgresql_where=sql_text("ref_kind IN ('points', 'wallet')"),
    ),
    append_only=True,
    erasable=("reason",),
)

journal_entries = table(
    PACKAGE,
    "journal_entries",
    MEMBER,
    uid("member_id"),
    uid("journal_id"),
    integer("n"),
    text("debit"),
    text("credit"),
    big("amount_minor"),
    text("currency"),
    pk("journal_entries", "member_id", "journal_id", "n"),
    fk("journal_entries_journal_fk", ["member_id", "journal_id"], "journals", ["member_id", "id"]),
    check("journal_entries_amount_ck", "amount_minor > 0"),
    check("journal_entries_accounts_ck", "debit <> credit"),
    append_only=True,
)
