"""Accounts, and the ids by which applications hear of them. Pure.

An account is its name (`sandbox.accounts`). An application is told an open id, the same each time and another for
another application, and a union id, which is one for all applications of a sandbox.
"""

from __future__ import annotations

import base64
import hashlib

ID_LENGTH = 28
"""As long as WeChat's, which begin with an o too."""


def openid_of(app_id: str, account: str) -> str:
    """By which number one application hears of an account."""
    return _id("openid", app_id, account)


def unionid_of(account: str) -> str:
    """By which number every application of the sandbox hears of it."""
    return _id("unionid", account)


def _id(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[: ID_LENGTH - 1]
