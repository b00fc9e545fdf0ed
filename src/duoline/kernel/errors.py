"""The three ways a request can fail, and the check that stays on in production.

A `Refusal` was understood and refused: the caller can act on it. `Unavailable` means try again. A
`Fault` is ours: a broken invariant or a bug, and somebody has to look.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Refusal(Exception):
    """A request that was understood and refused; nothing was changed.

    Subclasses set `code` (stable for ever), `status` (HTTP) and two sentences for a person, `zh` and
    `en`, which may name the fields given to the constructor in braces.
    """

    code: ClassVar[str] = "kernel.refused"
    status: ClassVar[int] = 409
    zh: ClassVar[str] = "这个操作现在不能进行。"
    en: ClassVar[str] = "This cannot be done now."

    def __init__(self, **fields: Any) -> None:
        super().__init__(self.code)
        self.fields = fields

    def sentence(self, language: str = "zh") -> str:
        """The refusal as a person reads it, in `zh` or `en`."""
        template = self.zh if language == "zh" else self.en
        try:
            return template.format(**self.fields)
        except (KeyError, IndexError):
            return template

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('en')}"


class NotFound(Refusal):
    """There is no such object, or it is not the caller's: the two answers are the same on purpose."""

    code = "kernel.not-found"
    status = 404
    zh = "没有找到。"
    en = "There is no such thing here."


class Forbidden(Refusal):
    """The caller is known, and may not do this anywhere."""

    code = "kernel.forbidden"
    status = 403
    zh = "您的账号没有这项权限。"
    en = "Your account may not do this."


class Unauthorised(Refusal):
    """Nobody is logged in, or the session has ended."""

    code = "kernel.unauthorised"
    status = 401
    zh = "请先登录。"
    en = "Please log in first."


class UnknownKey(Refusal):
    """A key of another system that nobody made, that was revoked, or whose time is over."""

    code = "kernel.unknown-key"
    status = 401
    zh = "这个密钥不存在,或者已经撤销、过期。请向总部要一个新的密钥。"
    en = "This key is unknown, was revoked, or has ended; ask headquarters for a new one."


class BadInput(Refusal):
    """The payload is readable and wrong; `problems` lists field and reason."""

    code = "kernel.bad-input"
    status = 422
    zh = "填写的内容有误,请检查后再提交。"
    en = "Some of what was sent is not right; check it and send it again."


class IdempotencyMismatch(Refusal):
    """The key was used before with another request."""

    code = "idempotency.mismatch"
    status = 409
    zh = "这个请求编号已经用于另一个请求,请换一个新的编号。"
    en = "This Idempotency-Key was used for another request; use a new one."


class Unavailable(Exception):
    """Something we need does not answer; the same request may succeed later."""

    def __init__(self, what: str, *, retry_after_s: int = 2) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_s = retry_after_s


class Fault(Exception):
    """A broken invariant or a bug. Never shown to a member in detail, always logged."""

    def __init__(self, invariant: str, detail: str = "") -> None:
        super().__init__(f"{invariant}: {detail}" if detail else invariant)
        self.invariant = invariant


def ensure(condition: object, invariant: str, detail: str = "") -> None:
    """Raise `Fault` unless `condition` holds. Stays on in production: a wrong count must stop the write."""
    if not condition:
        raise Fault(invariant, detail)
