"""A late payment of a top-up and the worker's job, in a process that can be killed: run by the tests of it, never
collected. The provider repeats its notice each time; the job stays in the queue until all of it went well."""

import asyncio
import os
import sys

import msgspec

from duoline.adapters.sandbox_client import SandboxClient
from duoline.flows import top_up, top_up_refund
from duoline.kernel import clock, policies
from duoline.kernel.db import Database
from duoline.payments import payers, providers
from duoline.payments.provider import EventKind, PaymentEvent


async def main(url: str, secret: str, ref: str, amount: str) -> None:
    db = await Database.connect(os.environ["DUOLINE_DATABASE_URL"], size_max=2)
    await policies.refresh(db)
    payers.connect(secret)
    client = SandboxClient(base_url=url, merchant_id="shop", secret=secret)
    providers.connect(client)
    event = PaymentEvent(
        event_id=f"late-{ref}", kind=EventKind.PAYMENT_PAID, ref=ref, refund_ref=None, amount_minor=int(amount),
        currency="CNY", occurred_at=clock.now(),
    )  # fmt: skip
    await top_up.receive(db, "sandbox", event)
    for row in await db.fetch("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = $1", top_up_refund.SEND):
        await top_up_refund.send(db, msgspec.json.decode(row["payload"], type=top_up_refund.SendBack))
    await client.close()
    await db.close()


asyncio.run(main(*sys.argv[1:]))
