"""Serve the sandbox alone: `python -m duoline.adapters.wechat_sandbox --books F --port N --app ID=SECRET --domain D`.

One Official Account, and with `--site ID=SECRET` a website application.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from duoline.adapters.sandbox.__main__ import serve
from duoline.adapters.wechat_sandbox import SandboxApp, WechatSandbox, create_app


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m duoline.adapters.wechat_sandbox", description=__doc__)
    parser.add_argument("--books", type=Path, required=True, help="the SQLite file of the sandbox")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--domain", default="localhost", help="where people may be sent back to")
    parser.add_argument("--app", required=True, metavar="ID=SECRET", help="the Official Account")
    parser.add_argument("--site", metavar="ID=SECRET", help="the website application")
    wanted = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    apps = [_app(wanted.app, "account", wanted.domain)]
    apps += [_app(wanted.site, "website", wanted.domain)] if wanted.site else []
    sandbox = WechatSandbox(wanted.books, tuple(apps))
    server = Server(
        create_app(sandbox), address="127.0.0.1", port=wanted.port, interface=Interfaces.ASGI, websockets=False
    )
    asyncio.run(serve(server))
    return 0


def _app(text: str, kind: str, domain: str) -> SandboxApp:
    app_id, _, secret = text.partition("=")
    return SandboxApp(app_id, secret, app_id, app_id, domain, "website" if kind == "website" else "account")


if __name__ == "__main__":
    sys.exit(main())
