"""Write the next revision: what the declared tables have and the revisions so far have not.

    .venv/bin/python scripts/new_revision.py "Keep payments that do not fit"

Compares on an empty throw-away database. Read what it wrote: checks, exclusions and data are not compared.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command

from duoline.entry import migrate as migrating
from duoline.entry.migrate import alembic_config, engine, migrate
from duoline.entry.schema import MIGRATIONS
from duoline.kernel import postgres


async def write(access: postgres.Access, title: str, number: str) -> None:
    """Migrate the empty database as far as the revisions go, and write the difference as the next one."""
    await migrate(access)
    database = engine(access.owner_dsn)
    async with database.connect() as connection:
        await connection.run_sync(
            lambda sync: command.revision(alembic_config(sync), title, autogenerate=True, rev_id=number)
        )
    await database.dispose()


# Tables that no revision has made yet cannot be closed to changes.
migrating.append_only_tables = list
with tempfile.TemporaryDirectory(prefix="duoline-") as place:
    Path(place).chmod(0o755)
    made = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
    with postgres.embedded(Path(place) / "home", postgres.THROWAWAY_SETTINGS) as access:
        asyncio.run(write(access, sys.argv[1], f"{int(made[-1].name.split('_')[0]) + 1:04d}"))
    for tidy in (["format"], ["check", "--fix"]):
        subprocess.run([sys.executable, "-m", "ruff", *tidy, "--quiet", str(MIGRATIONS)], check=True)  # noqa: S603
