"""How the sandbox provider refuses a merchant's request."""

from __future__ import annotations


class Refused(Exception):
    """A request that was understood and refused; the books stay as they were.

    Raised before the first write of a verb, never after: the nonce of a refused request is kept all the
    same, in the same transaction.
    """

    def __init__(self, code: str, status: int, message: str, **fields: int | str) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.message = message
        self.fields = fields

    def as_json(self) -> dict[str, int | str]:
        """The body of the answer."""
        return {"code": self.code, "message": self.message, **self.fields}
