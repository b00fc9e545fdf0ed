"""Who gets a member, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.attribution.rules import Binds, Held, Keeps, Replaces, Same, decide
from duoline.kernel.ids import new_id

ANN, BOB, S1, S2 = new_id(), new_id(), new_id(), new_id()
START = datetime(2026, 11, 1, tzinfo=UTC)
ENDS = START + timedelta(days=365)


def held(guide: Any = ANN, store: Any = S1, expires: datetime | None = ENDS) -> Held:
    return Held(guide, store, START, expires)


# who holds, who comes, where, the rule (last touch, protected days), after how many days, what comes of it
TABLE = [
    ("nobody there", None, ANN, S1, True, 90, 0, Binds()),
    ("nobody there, first touch", None, ANN, S1, False, 90, 0, Binds()),
    ("run out", held(), BOB, S1, False, 90, 365, Binds()),
    ("not yet run out", held(), BOB, S1, False, 90, 364, Keeps(ENDS)),
    ("the same again", held(), ANN, S1, True, 0, 10, Same()),
    ("the same guide in another shop", held(), ANN, S2, False, 90, 10, Replaces()),
    ("the shop's own member", held(None), BOB, S1, False, 90, 10, Replaces()),
    ("the shop's own, another shop's guide", held(None), BOB, S2, True, 90, 0, Replaces()),
    ("protected", held(), BOB, S1, True, 90, 89, Keeps(START + timedelta(days=90))),
    ("protection just over", held(), BOB, S1, True, 90, 90, Replaces()),
    ("no protection", held(), BOB, S2, True, 0, 0, Replaces()),
    ("first touch never moves", held(expires=None), BOB, S1, False, 0, 3000, Keeps(None)),
]


@pytest.mark.parametrize(
    ("what", "now", "guide", "store", "last", "days", "after", "comes"), TABLE, ids=[row[0] for row in TABLE]
)
def test_the_table(what: str, now: Any, guide: Any, store: Any, last: bool, days: int, after: int, comes: Any):
    at = START + timedelta(days=after)
    found = decide(now, guide_id=guide, store_id=store, last_touch=last, protect_days=days, at=at)
    assert (type(found), tuple(found)) == (type(comes), tuple(comes)), what


@given(after=st.integers(0, 400), days=st.integers(0, 400), last=st.booleans())
def test_another_guide_is_kept_out_for_so_long_and_no_longer(after: int, days: int, last: bool):
    """Who is told to wait until an instant gets in at that instant, and not a moment before."""
    at = START + timedelta(days=after)
    found = decide(held(), guide_id=BOB, store_id=S1, last_touch=last, protect_days=days, at=at)
    if isinstance(found, Keeps):
        assert found.until is not None
        assert found.until > at
        again = decide(held(), guide_id=BOB, store_id=S1, last_touch=last, protect_days=days, at=found.until)
        before = decide(
            held(), guide_id=BOB, store_id=S1, last_touch=last, protect_days=days, at=found.until - timedelta(seconds=1)
        )
        assert not isinstance(again, Keeps)
        assert isinstance(before, Keeps)
