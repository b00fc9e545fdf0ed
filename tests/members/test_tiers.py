"""Tiers by what was spent: a table of cases, and what holds of any history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.kernel.errors import BadInput
from duoline.kernel.text import Text
from duoline.members.policy import Tier, TierPolicy
from duoline.members.tiers import Standing, judge

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
RULES = TierPolicy(keep_days=100, grace_days=30)


def days(n: int) -> datetime:
    return NOW + timedelta(days=n)


@pytest.mark.parametrize(
    ("before", "spent", "after", "because"),
    [
        # A new member with nothing has the first tier, one with old purchases what they earned.
        (Standing(""), 0, Standing("member"), "joined"),
        (Standing(""), 600_000, Standing("gold", days(100)), "joined"),
        # To the cent.
        (Standing("member"), 99_999, Standing("member"), None),
        (Standing("member"), 100_000, Standing("silver", days(100)), "reached"),
        (Standing("silver", days(5)), 2_000_000, Standing("black", days(100)), "reached"),
        # Kept for the time promised, then for the grace, then what was earned.
        (Standing("gold", days(5)), 0, Standing("gold", days(5), days(35)), None),
        (Standing("gold", days(-5)), 0, Standing("gold", days(-5), days(30)), None),
        (Standing("gold", days(-40), days(1)), 0, Standing("gold", days(-40), days(1)), None),
        (Standing("gold", days(-40), days(0)), 0, Standing("member"), "lapsed"),
        (Standing("gold", days(-40), days(0)), 150_000, Standing("silver"), "lapsed"),
        # Earned again within the grace: it stays, and nothing lapses.
        (Standing("gold", days(-5), days(20)), 500_000, Standing("gold", days(-5)), None),
        # A tier that the rules do not know any more.
        (Standing("platinum", days(50)), 500_000, Standing("gold", days(100)), "rules"),
        (Standing("platinum", days(50)), 0, Standing("member"), "rules"),
    ],
)
def test_a_case(before: Standing, spent: int, after: Standing, because: str | None):
    assert judge(RULES, before, spent, NOW) == (after, because)


def test_what_is_kept_as_good_as_for_ever_is_judged_like_any():
    """The day after the last one there is stopped the judging of everybody who came after that member."""
    for_ever = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    held, because = judge(RULES, Standing("gold", for_ever), 0, NOW)
    assert (held.tier, held.keeps_until, because) == ("gold", for_ever, None)
    assert held.lapses_at is not None
    assert held.lapses_at > for_ever
    assert judge(RULES, held, 0, NOW) == (held, None)


def test_no_grace_and_no_keeping_means_at_once():
    rules = TierPolicy(keep_days=0, grace_days=0)
    held, _ = judge(rules, Standing("member"), 100_000, NOW)
    assert held == Standing("silver", NOW)
    assert judge(rules, held, 99_999, NOW) == (Standing("member"), "lapsed")


standings = st.builds(
    Standing,
    st.sampled_from(["", "member", "silver", "gold", "black", "gone"]),
    st.none() | st.integers(-50, 50).map(days),
    st.none() | st.integers(-50, 50).map(days),
)


@given(standings, st.integers(0, 3_000_000), st.integers(0, 3_000_000))
def test_more_never_gives_less_and_twice_is_once(before: Standing, spent: int, more: int):
    first, _ = judge(RULES, before, spent, NOW)
    again, because = judge(RULES, first, spent, NOW)
    assert (again, because) == (first, None)
    richer, _ = judge(RULES, before, spent + more, NOW)
    assert RULES.rank(richer.tier) >= RULES.rank(first.tier)


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [("a", 1)],
        [("a", 0), ("b", 0)],
        [("a", 0), ("b", 2), ("c", 1)],
        [("a", 0), ("a", 1)],
        [("A b", 0)],
        [("a", 0), ("b", -1)],
    ],
)
def test_rules_that_cannot_be_judged_by_are_refused(tiers: list[tuple[str, int]]):
    body = {"tiers": [{"code": code, "name": {"zh": code, "en": code}, "from_minor": start} for code, start in tiers]}
    with pytest.raises((msgspec.ValidationError, BadInput)):
        msgspec.convert(body, TierPolicy)


def test_tiers_have_names_in_both_languages():
    assert all(tier.name.zh and tier.name.en for tier in TierPolicy().tiers)
    assert TierPolicy(tiers=(Tier(code="only", name=Text("唯一", "Only")),)).earned(10**9) == "only"
