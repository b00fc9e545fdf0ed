"""Limits by network address, for doors that anybody may knock at: log-in codes, log-ins.

Counted in each process, in memory: a chain with four processes allows four times as much, and a restart forgives. That
is enough against one machine that guesses or runs up a bill; limits that must be exact (attempts at a code, failed
log-ins of an account) are counted in the database by the verbs themselves.
"""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from datetime import timedelta
from typing import Any

from litestar import Request

from duoline.kernel import clock
from duoline.kernel.errors import Refusal

KEYS_MAX = 50_000


class TooManyRequests(Refusal):
    """This address asked too often; `retry_at` says when it may again."""

    code = "http.too-many-requests"
    status = 429
    zh = "操作太频繁,请稍后再试。"
    en = "Too many requests from here; try again later."


class Limit:
    """At most `times` in `seconds` for each key."""

    def __init__(self, times: int, seconds: float) -> None:
        self.times, self.seconds = times, seconds
        self._seen: dict[str, deque[float]] = {}

    def check(self, key: str) -> None:
        """Count one; refuse with `TooManyRequests` when there were as many already."""
        now = time.monotonic()
        seen = self._seen.get(key)
        if seen is None:
            if len(self._seen) >= KEYS_MAX:
                self._seen.clear()
            seen = self._seen[key] = deque(maxlen=self.times)
        while seen and seen[0] <= now - self.seconds:
            seen.popleft()
        if len(seen) >= self.times:
            raise TooManyRequests(retry_at=clock.now() + timedelta(seconds=seen[0] + self.seconds - now))
        seen.append(now)

    def forget(self) -> None:
        """Begin anew, for tests."""
        self._seen.clear()


def address_of(request: Request[Any, Any, Any]) -> str:
    """The caller's network address.

    `X-Forwarded-For` counts only when the connection comes from this machine or a private network, that is, from the
    reverse proxy, and then only its last entry, which the proxy itself wrote. An IPv6 caller is its /64 network.
    """
    client = request.client
    peer = client.host if client is not None else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    address = forwarded if forwarded and _is_near(peer) else peer
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return peer or "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


# Where a reverse proxy of ours may stand: this machine, and the networks that belong to nobody on the internet.
_NEAR = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]


def _is_near(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return True  # a socket on this machine
    return any(address in network for network in _NEAR)
