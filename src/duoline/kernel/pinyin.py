"""Names in the order in which people look for them: Latin first, small and capital alike, then Chinese by pinyin.

No collation of the server does it: the embedded PostgreSQL has no ICU, and the C library's Chinese is rarely installed.
The table `hanzi` has the place of each Han character; one that is read in several ways has one place all the same. The
longer a name, the less its end matters: eight signs count by pinyin, the rest as it is written.
"""

from __future__ import annotations

from typing import Final

SIGNS = 8
FIRST: Final = 0x3400
"""The first of the characters that have a place; they follow each other without a gap."""
PLACES: Final = 0xF0000
"""The sign of the first place: behind all that is not Han, and nothing that a name has."""


def by_pinyin(name: str) -> str:
    """What a statement is joined with to sort by `by_pinyin.key`, made from a name given as SQL. One row stays one.

    The characters' places are read once a statement, as one array: joined to each sign of 100,000 names they cost more
    than all the rest of a list.
    """
    signs = (
        f"CASE WHEN n.signs < {at} THEN '' ELSE coalesce(chr({PLACES} + n.places[ascii(substr(n.name, {at}, 1)) - "
        f"{FIRST - 1}]), substr(n.name, {at}, 1)) END"
        for at in range(1, SIGNS + 1)
    )
    return f"""
CROSS JOIN LATERAL (
    SELECT ({" || ".join(signs)} || substr(n.name, {SIGNS + 1})) COLLATE "C" AS key
    FROM (SELECT lower({name}) AS name, length({name}) AS signs,
                 (SELECT array_agg(h.place ORDER BY h.code) FROM hanzi h) AS places OFFSET 0) n) by_pinyin
"""  # noqa: S608 - our own text
