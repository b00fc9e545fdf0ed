"""The text messages of a development machine: logged, and kept in an inbox that a page shows.

The embedded default of `SmsSender`. The last messages stand in a small SQLite file, so that every process
of the installation shows the same ones. Only in development, where it is both mounted and used: whoever sees the
page or the file can log in as anybody, so the file is its owner's alone.
"""

import asyncio
import logging
import os
import secrets
import sqlite3
from contextlib import closing, suppress
from html import escape
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from duoline.kernel import clock
from duoline.members.sms import SmsMessage, SmsTemplate

log = logging.getLogger("duoline.sms")

KEPT = 200
TEXTS = {
    (SmsTemplate.LOGIN_CODE, "zh"): "【双线】验证码 {code}，{minutes} 分钟内有效。请不要告诉他人。",
    (SmsTemplate.LOGIN_CODE, "en"): "[Duoline] Your code is {code}, valid for {minutes} minutes. Tell it to nobody.",
    (
        SmsTemplate.ERASURE_CODE,
        "zh",
    ): "【双线】注销账号的验证码 {code}，{minutes} 分钟内有效。请勿告诉任何人。",
    (SmsTemplate.ERASURE_CODE, "en"): (
        "[Duoline] Your code to delete your account is {code}, valid for {minutes} minutes. Tell it to nobody."
    ),
    (
        SmsTemplate.BALANCE_REMINDER,
        "zh",
    ): "【双线】您预订的 {order} 可以付尾款了:{amount} 元,请在 {until} 前到网上或门店付清。",
    (SmsTemplate.BALANCE_REMINDER, "en"): (
        "[Duoline] The balance of pre-order {order}, {amount}, can be paid now, online or in a shop, until {until}."
    ),
    (
        SmsTemplate.PICKUP_REMINDER,
        "zh",
    ): "【双线】您的订单 {order} 已在{store}备好，请在 {until} 前取货，过时将放回货架。",
    (SmsTemplate.PICKUP_REMINDER, "en"): (
        "[Duoline] Order {order} is ready at {store}. Please collect it before {until}; then it goes back on the shelf."
    ),
}
_SCHEMA = """CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, phone TEXT NOT NULL, template TEXT NOT NULL,
    locale TEXT NOT NULL, code TEXT, text TEXT NOT NULL) STRICT"""


class InboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the inbox shows it. `code` is there where the message carries one."""

    id: int
    at: str
    phone: str
    template: str
    locale: str
    code: str | None
    text: str


class InboxPage(msgspec.Struct, frozen=True):
    """The newest messages first."""

    items: list[InboxMessage]


class DevInbox:
    """An `SmsSender` that sends nothing: it writes the message where a developer finds it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def send(self, message: SmsMessage) -> None:
        """See `SmsSender.send`."""
        text = TEXTS[message.template, message.locale].format(**message.fields)
        log.info("SMS to %s: %s", message.phone, text)
        await asyncio.to_thread(self._keep, message, text)

    async def messages(self, *, phone: str | None = None, limit: int = KEPT) -> list[InboxMessage]:
        """The newest messages first, to one telephone or to all."""
        return await asyncio.to_thread(self._messages, phone, limit)

    def _keep(self, message: SmsMessage, text: str) -> None:
        with closing(self._open()) as db, db:
            db.execute(
                "INSERT INTO messages (at, phone, template, locale, code, text) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    message.phone,
                    message.template,
                    message.locale,
                    message.fields.get("code"),
                    text,
                ),
            )
            db.execute("DELETE FROM messages WHERE id <= (SELECT max(id) FROM messages) - ?", (KEPT,))

    def _messages(self, phone: str | None, limit: int) -> list[InboxMessage]:
        with closing(self._open()) as db:
            rows = db.execute(
                """SELECT id, at, phone, template, locale, code, text FROM messages
                   WHERE ? IS NULL OR phone = ? ORDER BY id DESC LIMIT ?""",
                (phone, phone, limit),
            ).fetchall()
        return [msgspec.convert(dict(row), InboxMessage) for row in rows]

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            self._make()
        if self.path.stat().st_mode & 0o077:
            self.path.chmod(0o600)
        db = sqlite3.connect(self.path, timeout=5)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    def _make(self) -> None:
        """Make the file for its owner alone, which SQLite would not; its side files take over the mode.

        It is made beside its place and put there complete. Opening and closing a file that SQLite has open would drop
        the locks of this process, and two that switch one file to the write-ahead log at a time may fail.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        making = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        os.close(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(making)) as db, db:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute(_SCHEMA)
            with suppress(FileExistsError):
                os.link(making, self.path)
        finally:
            making.unlink()


def routes(inbox: DevInbox) -> list[HTTPRouteHandler]:
    """GET /api/dev/inbox and the page /dev/inbox. Mount them in development only."""

    @get("/api/dev/inbox", tags=["dev"], cache_control=None)
    async def dev_inbox(
        phone: FromQuery[str | None] = None, limit: Annotated[int, QueryParameter(ge=1, le=KEPT)] = 50
    ) -> Response[InboxPage]:
        """The messages that were "sent", one-time codes among them, newest first."""
        page = InboxPage(await inbox.messages(phone=phone, limit=limit))
        return Response(page, headers={"cache-control": "no-store"})

    @get("/dev/inbox", include_in_schema=False)
    async def dev_inbox_page(request: Request[Any, Any, Any], lang: FromQuery[str | None] = None) -> Response[str]:
        accept = request.headers.get("accept-language", "")
        english = lang == "en" or (lang != "zh" and accept.lower().startswith("en"))
        html = _page(await inbox.messages(), english=english)
        return Response(html, media_type=MediaType.HTML, headers={"cache-control": "no-store"})

    return [dev_inbox, dev_inbox_page]


def _page(messages: list[InboxMessage], *, english: bool) -> str:
    title, empty, other = (
        ("Development inbox", "No message yet. Ask for a log-in code and it appears here.", "中文")
        if english
        else ("开发收件箱", "还没有短信。去登录页获取验证码，就会出现在这里。", "English")
    )
    rows = "".join(
        f"<li><div><b>{escape(message.code or '')}</b><span>{escape(message.phone)}</span>"
        f'<time>{escape(message.at[11:19])} UTC</time></div><p lang="{message.locale}">{escape(message.text)}</p></li>'
        for message in messages
    )
    content = f"<ul>{rows}</ul>" if rows else f"<p>{empty}</p>"
    return f"""<!doctype html>
<html lang="{"en" if english else "zh-CN"}"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
body {{ margin: 0 auto; max-width: 640px; padding: 24px 16px; background: #fff; color: #17202a;
  font: 16px/1.5 system-ui, "PingFang SC", "Noto Sans SC", sans-serif; }}
header {{ display: flex; justify-content: space-between; align-items: center; gap: 16px; }}
h1 {{ font-size: 20px; margin: 0; }} ul {{ list-style: none; margin: 16px 0 0; padding: 0; }}
a {{ color: #17788c; min-height: 44px; display: inline-flex; align-items: center; }}
li {{ border-top: 1px solid #e6e9ec; padding: 16px 0; }} p {{ margin: 4px 0 0; color: #5b6672; font-size: 14px; }}
li div {{ display: flex; align-items: baseline; gap: 16px; font-variant-numeric: tabular-nums; }}
li b {{ font-size: 28px; letter-spacing: .06em; }} time {{ margin-left: auto; color: #66707c; font-size: 14px; }}
</style></head><body><header><h1>{title}</h1><a href="?lang={"zh" if english else "en"}">{other}</a></header>
{content}</body></html>
"""
