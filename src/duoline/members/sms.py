"""What Duoline needs of a sender of text messages: the port, and the sender that this installation has.

Gateways in this market send approved templates, not free text; so a message names its template and gives
the fields, and the adapter knows the gateway's own number of the template. The composition root connects the sender;
an installation without one says so instead of pretending that a message is on its way.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from duoline.members.errors import NoSender


class SmsTemplate(StrEnum):
    """The messages there are, with the fields each one needs."""

    LOGIN_CODE = "login_code"  # code, minutes
    ERASURE_CODE = "erasure_code"  # code, minutes: to delete one's account, and nothing else
    BALANCE_REMINDER = "balance_reminder"  # order, amount, until: the number, what is to be paid, its last day and time
    PICKUP_REMINDER = "pickup_reminder"  # order, store, until: the number, the shop's name, its day and time


class SmsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one telephone. `phone` in E.164 form or as the member typed it and we checked it.

    `id` is the same when the message is sent again, so that a gateway can drop the repeat.
    """

    id: str = ""
    phone: str
    template: SmsTemplate
    fields: dict[str, str]
    locale: Literal["zh", "en"] = "zh"


class SmsSender(Protocol):
    """Hands messages to a gateway."""

    async def send(self, message: SmsMessage) -> None:
        """Return when the gateway has taken the message on; delivery itself is never certain.

        Raises `Unavailable` when the gateway does not answer, `MessageRefused` when it will never take this one.
        A repeat may send twice. Ends within seconds, and is never called inside a transaction.
        """
        ...


class MessageRefused(Exception):
    """The gateway understood the message and will not take it, however often it is sent."""


_connected: list[SmsSender] = []


def connect(sender: SmsSender | None) -> None:
    """Say who sends the messages of this process; None for nobody."""
    _connected[:] = [] if sender is None else [sender]


def sender() -> SmsSender:
    """Who sends the messages. Refuses with `NoSender` when nobody does."""
    if not _connected:
        raise NoSender
    return _connected[0]
