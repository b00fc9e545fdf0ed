"""What favourites refuse."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class TooManyKept(Refusal):
    """One unit more would be too many: `limit` says of what, `maximum` how many may be, `retry_at` when to come back.

    `limit` is `member_open`, `member_day`, `device_day` or `address_day`.
    """

    code = "favourites.too-many"
    status = 429
    zh = "已收藏。为了让大家都买得到,留货名额({maximum} 件)已用完,请稍后再留或直接下单。"
    en = "It is a favourite. You have used all {maximum} units we can keep for you; buy it now or try again later."
