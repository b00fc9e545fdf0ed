"""The worker's closing of a month in a process that can be killed: run by the tests of closing, never collected."""

import asyncio
import os
import sys
from datetime import datetime
from uuid import UUID

from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.settlement import closing, parts


async def main(run_id: str, shares: str, now: str) -> None:
    parts.SHARES = int(shares)
    db = await Database.connect(os.environ["DUOLINE_DATABASE_URL"], size_max=2)
    with clock.frozen(datetime.fromisoformat(now)):
        await closing.close(db, closing.Closing(UUID(run_id)))
    await db.close()


asyncio.run(main(*sys.argv[1:]))
