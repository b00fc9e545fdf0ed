"""Ids sort as they were made, whatever the machine's clock does, and are what RFC 9562 calls version 7."""

from __future__ import annotations

import time
from uuid import UUID

from duoline.kernel import ids


def test_later_ids_are_greater_also_within_a_millisecond(monkeypatch):
    monkeypatch.setattr(ids, "_last", 0)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    made = [ids.new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len({one.int >> 64 for one in made}) == len(made)


def test_ids_go_on_while_the_clock_goes_back(monkeypatch):
    monkeypatch.setattr(ids, "_last", 0)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    before = ids.new_id()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3_600_000_000_000)
    assert before < ids.new_id()


def test_an_id_says_when_it_was_made():
    started = time.time_ns() // 1_000_000
    one = ids.new_id()
    assert started <= one.int >> 80 <= time.time_ns() // 1_000_000 + 1
    assert (one.version, one.variant) == (7, UUID(int=0x2 << 62).variant)
