"""Signatures of the sandbox: what is signed, and how. Pure; the provider and its client share it.

HMAC-SHA256 over lines that begin with what they are, so that a request's signature is never good for a
callback or an answer. Each names its time and a nonce; an answer repeats the nonce of its request, so
that an old answer is never good for a new question.
"""

from __future__ import annotations

import hashlib
import hmac
import re

import msgspec

SCHEME = "SANDBOX-HMAC-SHA256"
TOLERANCE_S = 300

MERCHANT_HEADER = "Sandbox-Merchant"
TIMESTAMP_HEADER = "Sandbox-Timestamp"
NONCE_HEADER = "Sandbox-Nonce"
SIGNATURE_HEADER = "Sandbox-Signature"

_AUTHORIZATION = re.compile(
    SCHEME + r' merchant="([\w.-]{1,64})",timestamp="(\d{1,12})",nonce="([\w-]{16,64})",signature="([0-9a-f]{64})"'
)
_DIGITS = re.compile(r"\d{1,12}")


class Credentials(msgspec.Struct, frozen=True):
    """What an Authorization header claims. `timestamp` in seconds since 1970."""

    merchant_id: str
    timestamp: int
    nonce: str
    signature: str


def request_text(method: str, target: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """What a merchant signs. `target` is path and query below the provider's own address."""
    return _lines("request", method, target, str(timestamp), nonce, _digest(body))


def answer_text(status: int, timestamp: int, nonce: str, body: bytes) -> bytes:
    """What the provider signs of an answer; `nonce` is the request's."""
    return _lines("answer", str(status), str(timestamp), nonce, _digest(body))


def callback_text(merchant_id: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """What the provider signs of a callback."""
    return _lines("callback", merchant_id, str(timestamp), nonce, _digest(body))


def sign(secret: str, text: bytes) -> str:
    """The signature, in hexadecimal digits."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def matches(secret: str, text: bytes, signature: str) -> bool:
    """Whether the signature is right, in a time that does not tell how much of it was."""
    return hmac.compare_digest(sign(secret, text).encode(), signature.encode())


def fresh(timestamp: int, now_s: float) -> bool:
    """Whether a signed time is near enough to ours, before or after."""
    return abs(now_s - timestamp) <= TOLERANCE_S


def authorization(credentials: Credentials) -> str:
    """The Authorization header of a signed request."""
    c = credentials
    return f'{SCHEME} merchant="{c.merchant_id}",timestamp="{c.timestamp}",nonce="{c.nonce}",signature="{c.signature}"'


def parse_authorization(header: str) -> Credentials | None:
    """What an Authorization header claims, or None when it has another form."""
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        return None
    merchant_id, timestamp, nonce, signature = match.groups()
    return Credentials(merchant_id, int(timestamp), nonce, signature)


def parse_timestamp(text: str) -> int | None:
    """A signed time as it stands in a header, or None when it is none."""
    return int(text) if _DIGITS.fullmatch(text) and text.isascii() else None


def _lines(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
