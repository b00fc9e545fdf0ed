"""What is refused of engagement."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class NoNumber(Refusal):
    """There is no number of this member."""

    code = "engagement.no-number"
    status = 404
    zh = "这位会员没有留手机号。"
    en = "There is no number of this member."


class TaskGone(Refusal):
    """It is not suggested any more."""

    code = "engagement.task-gone"
    status = 409
    zh = "这件事已经有人做了,或者不需要做了。"
    en = "Somebody has done this, or it need not be done any more."


class TooLate(Refusal):
    """What was noted stands."""

    code = "engagement.too-late"
    status = 409
    zh = "已经过了可以撤销的时间。"
    en = "It is too late to undo this."
