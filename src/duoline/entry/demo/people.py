"""Staff accounts of the demo chain: one of every role, and one a shop. The password is for development only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from duoline.channels.imports.identify import natural_id
from duoline.entry.demo.shops import shops
from duoline.entry.demo.words import FAMILY_NAMES, GIVEN_NAMES
from duoline.kernel import clock
from duoline.stores import passwords
from duoline.stores.types import CHAIN_ID

if TYPE_CHECKING:
    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database

PASSWORD = "duoline-demo"  # noqa: S105 - printed at the start, refused in production with the rest of the demo

Account = tuple[str, str, str, str, UUID]
"""Login, name, role, kind of unit, unit."""


def accounts(size: Size) -> list[Account]:
    """Every account: headquarters, then regions, shops with their clerks, franchisees."""
    places = shops(size)
    selling = [shop for shop in places if not shop.dc]
    width = len(str(max(len(selling), 10)))
    chance = size.chance("staff")

    def name() -> str:
        return chance.choice(FAMILY_NAMES) + chance.choice(GIVEN_NAMES)

    found: list[Account] = [("hq", name(), "headquarters", "chain", CHAIN_ID)]
    areas = list(dict.fromkeys(shop.region for shop in places))
    found += [
        (f"region{n:02d}", name(), "region", "region", natural_id("region", code))
        for n, code in enumerate(areas, start=1)
    ]
    for n, shop in enumerate(selling, start=1):
        store_id = natural_id("store", shop.code)
        found.append((f"store{n:0{width}d}", name(), "store", "store", store_id))
        found.append((f"clerk{n:0{width}d}", name(), "clerk", "store", store_id))
    for n, shop in enumerate((shop for shop in places if shop.dc), start=1):
        found.append((f"dc{n:02d}", name(), "clerk", "store", natural_id("store", shop.code)))
    companies = list(dict.fromkeys(shop.company for shop in selling if shop.company != "HQ"))
    found += [
        (f"franchise{n:02d}", name(), "franchisee", "company", natural_id("company", code))
        for n, code in enumerate(companies, start=1)
    ]
    return found


async def add_staff(db: Database, size: Size) -> int:
    """Add the accounts that are missing; the answer is how many. One hash serves all, since all share a password."""
    found, now = accounts(size), clock.now()
    password_hash = await passwords.hashed(PASSWORD)
    async with db.begin() as tx:
        added = await tx.fetch(
            """INSERT INTO staff (id, login, name, password_hash, created_at, updated_at)
               SELECT w.id, w.login, w.name, $4, $5, $5
               FROM unnest($1::uuid[], $2::text[], $3::text[]) w(id, login, name)
               ON CONFLICT (login) DO NOTHING RETURNING login""",
            [natural_id("staff", login) for login, *_ in found],
            [login for login, *_ in found],
            [name for _, name, *_ in found],
            password_hash,
            now,
        )
        await tx.execute(
            """INSERT INTO staff_grants (staff_id, role, unit_kind, unit_id, created_at)
               SELECT s.id, w.role, w.unit_kind, w.unit_id, $5
               FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) w(login, role, unit_kind, unit_id)
               JOIN staff s ON s.login = w.login
               ON CONFLICT DO NOTHING""",
            [login for login, *_ in found],
            [role for _, _, role, _, _ in found],
            [unit_kind for _, _, _, unit_kind, _ in found],
            [unit_id for *_, unit_id in found],
            now,
        )
    return len(added)
