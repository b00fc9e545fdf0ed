"""Serve the provider alone: `python -m duoline.adapters.sandbox --ledger /tmp/sandbox.sqlite --port 8100`.

One process, so that killing it kills the provider. Merchants are given as `id=secret`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from duoline.adapters.sandbox import Merchant, Provider, SandboxSettings, create_app


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    wanted = _arguments()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    provider = Provider(
        SandboxSettings(
            path=wanted.ledger,
            merchants=tuple(_merchant(text) for text in wanted.merchant),
            public_url=f"http://127.0.0.1:{wanted.port}",
            time_scale=wanted.time_scale,
        )
    )
    server = Server(
        create_app(provider), address="127.0.0.1", port=wanted.port, interface=Interfaces.ASGI, websockets=False
    )
    asyncio.run(serve(server))
    return 0


async def serve(server: Server) -> None:
    """Serve until the process is told to stop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m duoline.adapters.sandbox", description=__doc__)
    parser.add_argument("--ledger", type=Path, required=True, help="the SQLite file of the provider")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--merchant", action="append", required=True, metavar="ID=SECRET")
    parser.add_argument("--time-scale", type=float, default=1.0, help="multiplies every wait")
    return parser.parse_args()


def _merchant(text: str) -> Merchant:
    merchant_id, _, secret = text.partition("=")
    return Merchant(id=merchant_id, secret=secret, name_zh=merchant_id, name_en=merchant_id)


if __name__ == "__main__":
    sys.exit(main())
