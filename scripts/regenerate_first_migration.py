"""Write the first revision anew from the declared tables, against an empty throw-away database.

Every revision there is becomes part of the first one. The old files stay until the new one is whole.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from alembic import command

from duoline.entry.migrate import alembic_config, engine
from duoline.entry.schema import MIGRATIONS
from duoline.kernel import postgres


async def write(owner_dsn: str, scripts: Path) -> None:
    """Compare the declared tables with an empty database and write the difference as revision 0001."""
    database = engine(owner_dsn)
    async with database.connect() as connection:

        def compare(sync: object) -> None:
            config = alembic_config(sync)
            config.set_main_option("script_location", str(scripts))
            command.revision(config, "The first tables", autogenerate=True, rev_id="0001")

        await connection.run_sync(compare)
    await database.dispose()


with tempfile.TemporaryDirectory(prefix="duoline-") as place:
    home, scripts = Path(place) / "home", Path(place) / "migrations"
    Path(place).chmod(0o755)
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("versions", "__pycache__"))
    (scripts / "versions").mkdir()
    with postgres.embedded(home, postgres.THROWAWAY_SETTINGS) as access:
        asyncio.run(write(access.owner_dsn, scripts))
    (written,) = (scripts / "versions").glob("0001_*.py")
    for old in (MIGRATIONS / "versions").glob("[0-9]*.py"):
        old.unlink()
    shutil.copyfile(written, MIGRATIONS / "versions" / written.name)
