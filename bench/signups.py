"""`python -m bench.signups`: does a mixed file of sign-ups load to the right number of members?

A file of 100,000 rows of four channels, made from a seed, of people who are known: written as people and systems write
(spaces, full width, capitals, +86), with numbers that families share, wrong digits, nicknames and changed numbers. It goes through the
import, twice. Right is a pair of rows that belong to one person and to one member. *Precision*: of pairs with one
member, how many are one person. *Recall*: of pairs of one person, how many have one member; `reachable` counts only
pairs that are tied by identities at all, by way of other rows of that person. Pairs that wait for somebody to decide count as not merged; how
many of the missing ones wait in the queue is said beside it. `--quick` takes 5,000 rows and writes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import platform
import resource
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.load_signups import plan_of
from duoline.channels.imports.run import run
from duoline.channels.imports.source import open_source
from duoline.channels.imports.validate import Checker, staging
from duoline.entry.check import broken
from duoline.entry.migrate import migrate
from duoline.flows.merge_members import merge_members
from duoline.kernel import postgres
from duoline.kernel.auth import SYSTEM
from duoline.kernel.db import Database
from duoline.members import pairs as members_pairs
from duoline.members.group import head_of
from duoline.members.match import STRONG
from duoline.members.policy import MATCHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESULTS = Path(__file__).parent / "results" / "signups.json"
SEED, ROWS = 20261130, 100_000
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文海燕晓雪小满子涵梓轩欣怡浩然思远佳宁雨桐"
COLUMNS = ("channel", "phone", "openid", "unionid", "mail", "card_no", "marketplace", "buyer_id", "name")
TABLES = ("members", "phone_index", "member_codes", "identities", "match_keys", "member_pairs", "signups_read")
FULL = str.maketrans({str(n): chr(0xFF10 + n) for n in range(10)})


class Person(NamedTuple):
    """Who somebody really is."""

    id: int
    name: str
    phone: str
    unionid: str
    mail: str
    card: str
    buyers: dict[str, str]


def people(random: Random) -> Iterable[Person]:
    """People without end; one in fifty shares the number of the one before."""
    last = ""
    for n in range(10**9):
        name = random.choice(SURNAMES) + "".join(random.choices(GIVEN, k=random.choice((1, 2, 2))))
        phone = f"1{random.choice('3578')}{random.randrange(10**9):09d}"
        if last and random.random() < 0.02:
            phone = last
        last = phone
        buyers = {place: f"{place[:2]}{n:07d}" for place in random.sample(("tmall", "jd", "douyin"), 2)}
        yield Person(n, name, phone, f"u{n:08x}", f"user{n}@{random.choice(('qq.com', '163.com', 'example.com'))}",
                     f"6201{n:08d}", buyers)  # fmt: skip


def rows_of(person: Person, random: Random) -> list[dict[str, str]]:
    """The sign-ups of a person: one to four, of channels that know different things."""
    made = []
    for channel in random.choices(
        ("mall", "wechat", "till", "marketplace"), k=random.choices((1, 2, 3, 4), (55, 25, 13, 7))[0]
    ):
        row = {"channel": channel, "name": person.name, "phone": person.phone}
        if channel == "mall":
            row["mail"] = person.mail if random.random() < 0.5 else ""
        elif channel == "wechat":
            row |= {"openid": f"o{person.unionid}", "unionid": person.unionid if random.random() < 0.9 else ""}
            row["name"] = person.name if random.random() < 0.3 else ""
            row["phone"] = person.phone if random.random() < 0.85 else ""
        elif channel == "till":
            row["card_no"] = person.card if random.random() < 0.7 else ""
        else:
            place = random.choice(sorted(person.buyers))
            row |= {"marketplace": place, "buyer_id": person.buyers[place]}
            row["mail"] = person.mail if random.random() < 0.3 else ""
        made.append(dirty(row, random))
    return made


def dirty(row: dict[str, str], random: Random) -> dict[str, str]:
    """As people and systems write it."""
    phone, name = row["phone"], row["name"]
    if phone and random.random() < 0.01:  # a wrong digit
        at = random.randrange(2, 11)
        phone = phone[:at] + str((int(phone[at]) + random.randrange(1, 10)) % 10) + phone[at + 1 :]
    if phone and random.random() < 0.25:
        phone = random.choice(("+86 {}", "0086{}", "86-{}", " {} ", "+86{}")).format(phone)
    if phone and random.random() < 0.1:
        phone = phone.translate(FULL)
    if name and random.random() < 0.1:
        name = random.choice((f" {name}", f"{name[0]} {name[1:]}", f"{name[0]}\u3000{name[1:]}"))
    if name and random.random() < 0.02:  # as the shop calls them
        name = random.choice((name[0] + "先生", name[0] + "女士", "小" + name[-1]))
    mail = row.get("mail", "")
    if mail and random.random() < 0.2:
        mail = random.choice((mail.upper(), f" {mail} ", mail.replace("@", "+shop@")))
    return row | {"phone": phone, "name": name, "mail": mail}


def write(path: Path, count: int) -> list[int]:
    """The file, shuffled; says whose each row is."""
    random = Random(SEED)
    made: list[tuple[int, dict[str, str]]] = []
    for person in people(random):
        made += [(person.id, row) for row in rows_of(person, random)]
        if len(made) >= count:
            break
    made = made[:count]
    random.shuffle(made)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(row for _, row in made)
    return [person for person, _ in made]


# --- what came of it -----------------------------------------------------------------------------------------


async def whose(db: Database, path: Path) -> list[Any]:
    """Which member each row of the file is now, asked of the rules without writing; None for a row that was refused."""
    kind, source = KINDS["signups"], open_source("signups", path, None)
    checker, columns = Checker(kind, source.present), [name for name, _ in staging(kind)]
    staged: list[dict[str, Any] | None] = []
    for item in source.rows():
        found = checker.check(*item) if isinstance(item, tuple) and len(item) == 2 else None
        staged.append(dict(zip(columns, found, strict=True)) | {"n": len(staged)} if isinstance(found, tuple) else None)
    answer: list[Any] = [None] * len(staged)
    good = [row for row in staged if row is not None]
    for start in range(0, len(good), 2_000):
        part = good[start : start + 2_000]
        async with db.begin() as tx:
            plan = await plan_of(tx, part, MATCHING.current().body)
        assert not plan.made, "a row that is in would make a member again"
        for row, member in zip(part, plan.whose, strict=True):
            answer[row["n"]] = member
    return answer


def tied(path: Path, truth: Sequence[int]) -> list[int]:
    """For each row a number that rows of one person have in common if identities tie them, by way of others too."""
    parent = list(range(len(truth)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    seen: dict[tuple[int, str, str], int] = {}
    source, checker = open_source("signups", path, None), Checker(KINDS["signups"], COLUMNS)
    columns = [name for name, _ in staging(KINDS["signups"])]
    kinds = {"unionid": STRONG[0], "openid": STRONG[1], "phone": STRONG[2], "card_no": STRONG[3], "buyer_id": STRONG[4]}
    for n, item in enumerate(source.rows()):
        found = checker.check(*item)  # type: ignore[misc]
        if not isinstance(found, tuple):
            continue
        row = dict(zip(columns, found, strict=True))
        for column, kind in kinds.items():
            if row[column] is not None:
                key = (truth[n], kind + str(row["marketplace"] if column == "buyer_id" else ""), row[column])
                parent[root(n)] = root(seen.setdefault(key, n))
    return [root(n) for n in range(len(truth))]


def pairs(*labels: Sequence[Any]) -> int:
    """How many pairs of rows have all these labels in common."""
    return sum(n * (n - 1) // 2 for n in Counter(zip(*labels, strict=True)).values())


async def state(db: Database) -> dict[str, Any]:
    """A digest of every table that the import writes."""
    return {
        name: tuple(
            await db.fetchrow(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t") or ()
        )
        for name in TABLES
    }


async def measure(db: Database, path: Path, truth: list[int]) -> dict[str, Any]:
    """Load twice, and compare with what is known."""

    async def load() -> tuple[Any, float]:
        began = time.perf_counter()
        return await run(db, "signups", open_source("signups", path, None), actor=SYSTEM), time.perf_counter() - began

    first, seconds = await load()
    before = await state(db)
    second, again_s = await load()
    same = await state(db) == before
    wrong = await broken(db)
    member = await whose(db, path)
    kept = [n for n, one in enumerate(member) if one is not None]
    members, persons = [member[n] for n in kept], [truth[n] for n in kept]
    ties = tied(path, truth)
    both, one_member, one_person = pairs(members, persons), pairs(members), pairs(persons)
    reachable, reached = pairs([ties[n] for n in kept]), pairs([ties[n] for n in kept], members)
    queue = await queued(db, members, persons)
    decided = await decide_queue(db, members, persons)
    return {
        "rows": first.rows,
        "refused_rows": first.bad,
        "seconds": round(seconds, 1),
        "rows_per_s": round(first.rows / seconds),
        "again_seconds": round(again_s, 1),
        "again_changed_rows": second.changed,
        "again_tables_same": same,
        "checker_findings": len(wrong),
        "persons": len(set(persons)),
        "persons_by_identities": len({ties[n] for n in kept}),
        "members": await db.fetchval("SELECT count(*) FROM members WHERE kind = 'member'"),
        "precision": round(both / one_member, 6),
        "recall": round(both / one_person, 4),
        "recall_reachable": round(reached / reachable, 4),
        **queue,
        **decided,
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


async def queued(db: Database, members: list[Any], persons: list[int]) -> dict[str, Any]:
    """Of pairs that wait, how many are one person; of people who are several members, how many of those pairs wait."""
    main = _main_person(members, persons)
    waiting = await db.fetch("SELECT member_id, other_id FROM member_pairs")
    right = sum(main.get(row["member_id"]) == main.get(row["other_id"]) for row in waiting)
    several: dict[int, set[Any]] = defaultdict(set)
    for one, person in main.items():
        several[person].add(one)
    split = sum(len(some) * (len(some) - 1) // 2 for some in several.values())
    return {"queue": len(waiting), "queue_one_person": right, "split_pairs": split,
            "split_pairs_in_queue": round(right / split, 4) if split else None}  # fmt: skip


def _main_person(members: list[Any], persons: list[int]) -> dict[Any, int]:
    """Whose most rows of each member are."""
    of: dict[Any, Counter[int]] = defaultdict(Counter)
    for one, person in zip(members, persons, strict=True):
        of[one][person] += 1
    return {one: some.most_common(1)[0][0] for one, some in of.items()}


async def decide_queue(db: Database, members: list[Any], persons: list[int]) -> dict[str, Any]:
    """What there is once somebody who knows the people has decided every pair that waits: merged, or told apart."""
    main = _main_person(members, persons)
    began, merged, apart = time.perf_counter(), 0, 0
    for row in await db.fetch("SELECT member_id, other_id FROM member_pairs ORDER BY member_id, other_id"):
        one, other = row["member_id"], row["other_id"]
        async with db.begin() as tx:
            if main.get(one) != main.get(other):
                await members_pairs.settle(
                    tx, member_id=one, other_id=other, state="different", reason="known", actor=SYSTEM
                )
                apart += 1
                continue
            heads = [await head_of(tx, one), await head_of(tx, other)]
            if heads[0] == heads[1]:
                continue
            others: list[int] = [
                await tx.fetchval("SELECT merged_others FROM members WHERE member_id = $1", head) for head in heads
            ]
            survivor, gone = heads if others[0] >= others[1] else reversed(heads)
            await merge_members(tx, survivor_id=survivor, other_id=gone, reason="known", actor=SYSTEM)
            merged += 1
    left = [await head_of(db, member) for member in members]
    both, one_member, one_person = pairs(left, persons), pairs(left), pairs(persons)
    return {
        "decided_same": merged,
        "decided_different": apart,
        "decided_seconds": round(time.perf_counter() - began, 1),
        "members_decided": await db.fetchval(
            "SELECT count(*) FROM members WHERE kind = 'member' AND merged_into IS NULL"
        ),
        "precision_decided": round(both / one_member, 6),
        "recall_decided": round(both / one_person, 4),
        "checker_findings_decided": len(await broken(db)),
    }


async def _work(home: Path, count: int) -> dict[str, Any]:
    path = home / "signups.csv"
    truth = write(path, count)
    with postgres.embedded(home / "chain", postgres.THROWAWAY_SETTINGS) as access:
        await migrate(access)
        db = await Database.connect(access.dsn, size_max=4)
        try:
            return await measure(db, path, truth)
        finally:
            await db.close()


def main() -> None:
    """Make, load, compare, write."""
    options = argparse.ArgumentParser(prog="bench.signups")
    options.add_argument("--quick", action="store_true", help="5,000 rows, and write nothing")
    asked = options.parse_args()
    home = Path(tempfile.mkdtemp(prefix="duoline-signups-"))
    home.chmod(0o755)
    try:
        found = asyncio.run(_work(home, 5_000 if asked.quick else ROWS))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    found = {"seed": SEED, "python": platform.python_version()} | found
    print(json.dumps(found, indent=2))
    if not asked.quick:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
