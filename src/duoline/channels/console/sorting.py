"""What a list can be sorted by, a page after the other."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """What a list is sorted by: as SQL, its type there and here, and what it is joined from."""

    sql: str
    there: str
    here: type
    joined: str = ""


def direction(sort: str) -> tuple[str, str]:
    """How rows follow each other, and how those of the next page compare with the last of this one; a minus is for
    descending."""
    return ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
