"""Names stand where people look for them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from duoline.kernel.pinyin import FIRST, by_pinyin

if TYPE_CHECKING:
    from duoline.kernel.db import Database


@pytest.mark.parametrize(
    "names",
    [
        # Latin first, small and capital alike.
        ("", "12 号", "amy", "Ann", "Zoe", "zoey", "白云"),
        # Family names, also rare ones, and one that is read otherwise as a word.
        ("白", "岑", "陈", "褚", "丁", "鲁", "吕", "仇", "阮", "佟", "王", "闫", "曾", "翟", "张", "赵", "邹"),
        # The same family, by the name; the shorter before the longer.
        ("陈琪", "陈婷", "陈妍", "王芳", "王芳芳", "王芳婷", "王雷"),
        ("龙湖金街店", "龙湖天街店"),
        ("共八个字以内都作数乙", "共八个字以内都作数甲"),
    ],
)
async def test_names_are_sorted_by_pinyin(shared_db: Database, names: tuple[str, ...]):
    rows = await shared_db.fetch(
        f"""SELECT t.name FROM unnest($1::text[]) AS t(name) {by_pinyin("t.name")}
            ORDER BY by_pinyin.key""",
        Random(1).sample(names, len(names)),
    )
    assert tuple(row["name"] for row in rows) == names


async def test_every_character_has_one_place_of_its_own_without_a_gap(shared_db: Database):
    row = await shared_db.fetchrow(
        "SELECT min(code) AS first, max(code) - min(code) + 1 AS codes, count(*) AS n, max(place) AS last, count(DISTINCT place)"
        " AS places FROM hanzi"
    )
    assert row is not None
    assert tuple(row) == (FIRST, *[0x9FFF - FIRST + 1] * 4)
