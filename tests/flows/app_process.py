"""The application in a process that can be killed: run by the crash tests, never collected."""

import asyncio
import os

from granian.constants import Interfaces
from granian.server.embed import Server

from duoline.entry.api import make
from duoline.kernel.config import from_environment


async def main() -> None:
    app = make(from_environment())
    await Server(app, address="127.0.0.1", port=int(os.environ["DUOLINE_PORT"]), interface=Interfaces.ASGI).serve()


asyncio.run(main())
