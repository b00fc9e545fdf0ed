"""Members, recognised by their code or their phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.channels.imports.problems import Bad, problem
from duoline.channels.imports.stage import Tally, report_repeated, report_unknown, take_out_reported
from duoline.channels.imports.upsert import upsert
from duoline.members import homes
from duoline.members.policy import TIERS

if TYPE_CHECKING:
    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx

CHUNK = 5000
GROUPED = False


async def arrange(session: Session) -> None:
    """Report what is unknown or repeated; the rest keeps the order of the file."""
    await report_unknown(session, "home_store_code", "stores")
    for column in ("code", "phone"):
        if session.has(column):
            await report_repeated(session, [column], shown=column)
    await take_out_reported(session)
    await session.connection.execute(
        """CREATE TEMP TABLE import_arranged AS
            SELECT row_number() OVER (ORDER BY r.line) AS n, s.id AS home_store_id, r.*
            FROM import_rows r LEFT JOIN stores s ON s.code = r.home_store_code ORDER BY n"""
    )


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Add or bring up to date the members of rows `first` to `last`.

    A phone or code that two members claim, or that would replace another, is reported and left alone: who a
    person is, an import does not decide.
    """
    rows = await tx.fetch(_WHO, first, last)
    bad = [
        problem(row["line"], row["at_fault"], row[row["at_fault"]], Bad(row["reason"])) for row in rows if row["reason"]
    ]
    await session.report(bad)
    good = [row for row in rows if not row["reason"]]
    # First the numbers and codes that are new: who claims one at the same moment makes this fail and be tried again,
    # and the second time the other's member is found. A member row alone would not clash.
    for table, column in (("phone_index", "phone"), ("member_codes", "code")):
        new = [row for row in good if row[column] is not None and row[f"by_{column}"] is None]
        await tx.execute(
            f"INSERT INTO {table} ({column}, member_id) SELECT * FROM unnest($1::text[], $2::uuid[])",  # noqa: S608
            [row[column] for row in new],
            [row["member_id"] for row in new],
        )
    base = TIERS.current().body.tiers[0].code
    numbers, ids = [row["n"] for row in good], [row["member_id"] for row in good]
    changed = {row["member_id"] for row in await tx.fetch(_statement(session), numbers, ids, session.at, base)}
    await homes.follow(tx, changed, source="import")
    return Tally(len(changed), len(good) - len(changed))


# Who each row is, and why it may not be: asked anew in each chunk, since people register meanwhile.
_WHO = """
SELECT n, line, code, phone, by_code, by_phone, member_id,
       CASE WHEN by_phone <> by_code THEN 'member-identity'
            WHEN phone_had <> phone THEN 'phone-taken'
            WHEN code_had <> code THEN 'member-identity' END AS reason,
       CASE WHEN by_phone IS DISTINCT FROM by_code OR phone_had <> phone THEN 'phone' ELSE 'code' END AS at_fault
FROM (SELECT a.n, a.line, a.code, a.phone, p.member_id AS by_phone, c.member_id AS by_code,
             coalesce(p.member_id, c.member_id, a.new_id) AS member_id, m.phone AS phone_had,
             m.external_code AS code_had
      FROM import_arranged a
      LEFT JOIN phone_index p ON p.phone = a.phone
      LEFT JOIN member_codes c ON c.code = a.code
      LEFT JOIN members m ON m.member_id = coalesce(p.member_id, c.member_id)
      WHERE a.n BETWEEN $1 AND $2) x
ORDER BY n
"""


def _statement(session: Session) -> str:
    fields = {
        "display_name": "coalesce(a.name, '')",
        "locale": "coalesce(a.locale, 'zh')",
        "home_store_id": "a.home_store_id",
        # An empty cell does not take a phone or a code away.
        "phone": "coalesce(a.phone, m.phone)",
        "external_code": "coalesce(a.code, m.external_code)",
    }
    column_of = {"display_name": "name", "home_store_id": "home_store_code", "external_code": "code"}
    return upsert(
        "members",
        key="member_id",
        values={
            "member_id": "w.member_id",
            "kind": "'member'",
            **fields,
            "tier": "coalesce(nullif(m.tier, ''), $4)",
            "created_at": "coalesce(a.joined_at, $3::timestamptz)",
        },
        update=[field for field in fields if session.has(column_of.get(field, field))],
        source="""unnest($1::bigint[], $2::uuid[]) w(n, member_id) JOIN import_arranged a ON a.n = w.n
                   LEFT JOIN members m ON m.member_id = w.member_id""",
        returning="t.member_id",
    )
