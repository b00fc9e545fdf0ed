"""The ledger: balanced journals, never changed. It knows none of those who use it."""

from duoline.ledger import accounts
from duoline.ledger.post import Entry, post

__all__ = ["Entry", "accounts", "post"]
