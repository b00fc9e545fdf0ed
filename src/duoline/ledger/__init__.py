"""The ledger: balanced journals, never changed. It knows none of those who use it."""

from duoline.ledger import accounts
from duoline.ledger.post import Entry, Journal, post, post_all

__all__ = ["Entry", "Journal", "accounts", "post", "post_all"]
