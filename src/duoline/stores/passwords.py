"""Passwords of staff: argon2id, computed outside the event loop."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from duoline.stores.errors import WeakPassword

LENGTH_MIN = 10
LENGTH_MAX = 200
# RFC 9106's second choice in spirit, sized for a shop's machine: 19 MiB, two passes (OWASP's minimum for argon2id).
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# One at a time in a process: a burst of log-ins must not take the memory of a hundred computations.
_one_at_a_time = asyncio.Semaphore(2)

# Long enough for the rule and tried first by everybody who guesses.
_COMMON = frozenset(
    {"1234567890", "0123456789", "0987654321", "1111111111", "qwertyuiop", "password12", "password123", "a123456789",
     "abcdefghij", "woaini1314", "5201314520", "1q2w3e4r5t", "qwerty1234", "abc1234567", "administrator"}
)  # fmt: skip


def check(password: str, *, login: str) -> None:
    """Refuse with `WeakPassword` what is too short, too long, common, one character repeated, or the log-in."""
    plain = password.lower()
    weak = (
        not LENGTH_MIN <= len(password) <= LENGTH_MAX
        or plain in _COMMON
        or len(set(plain)) < 4
        or plain == login.lower()
    )
    if weak:
        raise WeakPassword


async def hashed(password: str) -> str:
    """What is stored."""
    async with _one_at_a_time:
        return await asyncio.to_thread(_hasher.hash, password)


async def fits(password: str, stored: str | None) -> bool:
    """Whether it is the password. With `stored` None the same work is done in vain, so that time tells nothing."""
    async with _one_at_a_time:
        return await asyncio.to_thread(_fits, password, stored)


def _fits(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _decoy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@lru_cache(maxsize=1)
def _decoy() -> str:
    return _hasher.hash("nobody has this password")


def outdated(stored: str) -> bool:
    """Whether it was made with weaker settings and should be made anew at the next log-in."""
    return _hasher.check_needs_rehash(stored)
