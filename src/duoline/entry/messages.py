"""Who sends the text messages of this installation, and the development inbox's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.adapters import dev_inbox
from duoline.adapters.dev_inbox import DevInbox
from duoline.adapters.sms_webhook import SmsWebhook
from duoline.channels.http import doors
from duoline.channels.http.app import Parts
from duoline.members import send_code, sms

if TYPE_CHECKING:
    from duoline.kernel.config import Settings


def connect(settings: Settings) -> None:
    """The gateway if there is one, the inbox in development, else nobody."""
    send_code.connect(settings.secret)
    if settings.sms_webhook is not None:
        sms.connect(SmsWebhook(settings.sms_webhook, settings.sms_secret))
    else:
        sms.connect(_inbox(settings) if settings.development else None)


def parts(settings: Settings) -> Parts:
    """The inbox's pages, in development only: elsewhere nobody writes into it and nothing shows it."""
    if not settings.development:
        return Parts()
    pages = dev_inbox.routes(_inbox(settings))
    for page in pages:
        page.opt.update(doors.development())
    return Parts(routes=pages)


def _inbox(settings: Settings) -> DevInbox:
    return DevInbox(settings.home / "inbox.sqlite3")
