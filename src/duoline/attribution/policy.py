"""Policies of attribution, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole

SAME_DEVICE_DAYS = 30
"""Members who come in one browser within these days are marked: it may be a counter's, or somebody's trick."""


class TouchPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which touch an order or a sign-up is put down to: the last one before it, of the last `window_days`.

    The order keeps it with the version that held, so that a later version changes nothing that was bought before. The
    same device opening the same touchpoint again within `repeat_minutes` counts once.
    """

    window_days: Annotated[int, whole(1, 365, zh="归因窗口(天)", en="A touch counts for (days)")] = 30
    repeat_minutes: Annotated[int, whole(1, 1440, zh="重复扫码合并(分钟)", en="Repeats count once in (minutes)")] = 10

    @property
    def window(self) -> timedelta:
        """For how long a touch counts."""
        return timedelta(days=self.window_days)


TOUCH = Policy("touch", TouchPolicy, TouchPolicy())


Leaver = str
"""`shop`, `manager`, `colleague` or `nobody`: a text with a pattern, so that a page can offer them."""


class BindingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a member belongs whom two guides want, and for how long.

    With `last_touch` the guide confirmed last has the member, once `protect_days` of the one before are over; without
    it the first keeps them. Without a purchase for `expires_days` a binding ends by itself; 0 is never. The member may
    end it whenever they like. Who is asked at the till has `ask_minutes` to answer.

    `leaver` says what becomes of members whose guide leaves the shop: they are the `shop`'s, its `manager`'s, a named
    `colleague`'s, or `nobody`'s. Colleagues are named by shop, as `S1:zhang S2:li` (the code of the shop and their
    log-in). Where there is no such manager or colleague who may be a guide there, the shop has them.
    """

    last_touch: bool = True
    protect_days: Annotated[int, whole(0, 3650, zh="保护期(天)", en="Protected for (days)")] = 90
    expires_days: Annotated[
        int, whole(0, 3650, zh="未消费自动解绑(天,0 为不解绑)", en="Ends without a purchase (days, 0 is never)")
    ] = 365
    ask_minutes: Annotated[int, whole(1, 1440, zh="顾客确认时限(分钟)", en="Time to answer (minutes)")] = 15
    leaver: Annotated[
        Leaver,
        msgspec.Meta(
            pattern="^(shop|manager|colleague|nobody)$",
            title="When a guide leaves",
            extra={"zh": "导购离职后会员归", "en": "When a guide leaves"},
        ),
    ] = "shop"
    colleagues: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^([^\s:]+:[^\s:]+( [^\s:]+:[^\s:]+)*)?$",
            max_length=4_000,
            title="Colleagues by shop",
            extra={"zh": "各门店接手同事(门店:登录名)", "en": "Colleagues by shop (shop:login)"},
        ),
    ] = ""

    def colleague_at(self, store_code: str) -> str | None:
        """The log-in of whoever takes over in a shop; None where nobody is named."""
        return dict(pair.split(":") for pair in self.colleagues.split()).get(store_code)

    @property
    def lasts(self) -> timedelta | None:
        """For how long without a purchase; None for ever."""
        return timedelta(days=self.expires_days) if self.expires_days else None


BINDING = Policy("binding", BindingPolicy, BindingPolicy())
