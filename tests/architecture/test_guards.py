"""Each invariant three times: a constraint, an `ensure` at the write, a query; or the table says why not."""

from __future__ import annotations

import pytest

from duoline.entry import guards
from duoline.entry.check import INVARIANTS
from duoline.entry.metadata import metadata

NAMES = {name for name, _, _ in INVARIANTS}


def test_every_invariant_has_its_constraint_or_a_reason():
    assert set(guards.CONSTRAINTS) | set(guards.NO_CONSTRAINT) == NAMES
    assert set(guards.CONSTRAINTS) & set(guards.NO_CONSTRAINT) == set()


def test_every_invariant_is_ensured_at_the_write_or_there_is_a_reason():
    ensured = set(guards.ensured())
    assert NAMES - ensured - set(guards.NO_ENSURE) == set()
    assert ensured & set(guards.NO_ENSURE) == set(), "it is ensured now: the reason why not is out of date"
    assert set(guards.NO_ENSURE) <= NAMES


def test_the_constraints_are_there():
    tables = metadata.tables.values()
    declared = {str(each.name) for table in tables for each in table.constraints}
    declared |= {str(each.name) for table in tables for each in table.indexes if each.unique}
    assert {each for named in guards.CONSTRAINTS.values() for each in named} - declared == set()


@pytest.mark.parametrize(
    "name", ["INV-1", "INV-2", "INV-3", "LED-2", "PAY-2", "PAY-4", "PAY-5", "FUL-2", "FUL-3", "ORD-2"]
)
def test_the_books_of_stock_and_money_are_ensured(name: str):
    """These are what the chain stands on: no reason would do for them."""
    assert guards.ensured()[name]
