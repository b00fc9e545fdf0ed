"""The worker's judging by new rules in a process that can be killed: run by the tests of it, never collected."""

import asyncio
import os
import sys
from uuid import UUID

from duoline.flows import judge_by_new_rules
from duoline.kernel import policies
from duoline.kernel.db import Database


async def main(run_id: str, size: str) -> None:
    judge_by_new_rules.CHUNK = int(size)
    db = await Database.connect(os.environ["DUOLINE_DATABASE_URL"], size_max=2)
    await policies.refresh(db)
    await judge_by_new_rules.judge_everybody(db, judge_by_new_rules.Judging(UUID(run_id)))
    await db.close()


asyncio.run(main(*sys.argv[1:]))
