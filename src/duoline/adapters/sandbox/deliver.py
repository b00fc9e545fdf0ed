"""Deliver callbacks: sign each anew, send it, record the answer, try again on the schedule.

One process delivers for a ledger: whoever holds the lock on the file beside it. The operating system
gives the lock back however that process ends, kill -9 included, and the next one goes on within a second.
Nothing is kept in memory but what is on its way, so a restart continues the queue.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import secrets
import sqlite3
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

import httpx

from duoline.adapters.sandbox import callbacks, payments, refunds, rules, signing
from duoline.adapters.sandbox.callbacks import Answer
from duoline.adapters.sandbox.faults import Forgery

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from duoline.adapters.sandbox.books import Books
    from duoline.adapters.sandbox.provider import Provider

log = logging.getLogger("duoline.sandbox")

AT_ONCE_MAX = 32
LOOK_EVERY_S = 1.0
NONCES_KEPT_S = 2 * signing.TOLERANCE_S


async def run(provider: Provider, wake: asyncio.Event) -> None:
    """Deliver until cancelled. Deliveries cut off by the cancellation stay in the queue."""
    lock = await _delivery_lock(provider.settings.path)
    on_the_way: dict[int, asyncio.Task[None]] = {}

    def send_off(row: sqlite3.Row) -> None:
        def landed(_task: asyncio.Task[None]) -> None:
            del on_the_way[row["id"]]
            wake.set()

        task = on_the_way[row["id"]] = asyncio.create_task(_deliver(provider, http, row))
        task.add_done_callback(landed)

    async with httpx.AsyncClient(follow_redirects=False, trust_env=False) as http:
        try:
            while True:
                wake.clear()
                batch, wait_s = await _look(provider, busy=frozenset(on_the_way))
                for row in batch:
                    send_off(row)
                # Not wait_for: before Python 3.12 it loses a cancellation that comes with the wake-up.
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await wake.wait()
        finally:
            tasks = list(on_the_way.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            lock.close()


async def _delivery_lock(path: Path) -> IO[bytes]:
    """Wait until no other process delivers for this ledger; the lock ends with the file."""
    # Opened here and not in a thread: cancelled while a thread opens it, nobody would be left to close it.
    file = path.with_name(path.name + ".delivering").open("wb")
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                return file
    except BaseException:
        file.close()
        raise


async def _look(provider: Provider, *, busy: Collection[int]) -> tuple[list[sqlite3.Row], float]:
    """What should leave now, and how many seconds until somebody has to look again."""
    try:
        return await provider.transact(lambda books: _round(books, busy))
    except sqlite3.Error:
        log.exception("the sandbox ledger cannot be used")
        return [], LOOK_EVERY_S


def _round(books: Books, busy: Collection[int]) -> tuple[list[sqlite3.Row], float]:
    payments.expire_due(books)
    refunds.settle_due(books)
    books.run("DELETE FROM nonces WHERE at_ms < ?", books.now_ms - NONCES_KEPT_S * 1000)
    batch = callbacks.due(books, limit=AT_ONCE_MAX - len(busy), busy=busy)
    next_ms = books.one(
        "SELECT min(due_ms) AS due_ms FROM callbacks WHERE state = 'waiting' AND due_ms > ?", books.now_ms
    )
    if next_ms is None or next_ms["due_ms"] is None:
        return batch, LOOK_EVERY_S
    return batch, min(LOOK_EVERY_S, max(0.005, (next_ms["due_ms"] - books.now_ms) / 1000))


async def _deliver(provider: Provider, http: httpx.AsyncClient, row: sqlite3.Row) -> None:
    answer = await _send(provider, http, row)
    try:
        await provider.transact(lambda books: callbacks.record(books, row["id"], answer))
    except sqlite3.Error:
        # It stays due and will be sent again: at least once, but not in a tight circle.
        log.exception("the sandbox ledger cannot record a delivery")
        await asyncio.sleep(LOOK_EVERY_S)
    log.info(
        "sandbox callback %s %s: %s",
        row["kind"],
        row["forgery"] or "",
        answer.status or answer.problem,
        extra={"event_id": row["event_id"], "attempt": row["attempts"] + 1},
    )


async def _send(provider: Provider, http: httpx.AsyncClient, row: sqlite3.Row) -> Answer:
    at_ms, started = provider.now_ms(), time.monotonic()
    status: int | None = None
    problem: str | None = None
    try:
        body = row["body"].encode()
        headers = _headers(provider, row, body)
        async with asyncio.timeout(rules.ANSWER_WITHIN_S):
            for _ in range(2 if row["forgery"] == Forgery.REPLAY else 1):
                answer = await http.post(row["notify_url"], content=body, headers=headers)
                status = answer.status_code
    except TimeoutError:
        status, problem = None, "no answer in time"
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError) as error:
        status, problem = None, f"{type(error).__name__}: {error}"[:200]
    return Answer(status, problem, at_ms, round((time.monotonic() - started) * 1000))


def _headers(provider: Provider, row: sqlite3.Row, body: bytes) -> dict[str, str]:
    """The signature of one delivery, true or forged as the row says."""
    forgery = row["forgery"]
    merchant = provider.merchants[row["merchant_id"]]
    named = "another-merchant" if forgery == Forgery.MERCHANT else merchant.id
    secret = secrets.token_hex(32) if forgery == Forgery.SIGNATURE else merchant.secret
    timestamp = provider.now_ms() // 1000 - (3600 if forgery == Forgery.TIMESTAMP else 0)
    nonce = secrets.token_urlsafe(24)
    return {
        "content-type": "application/json",
        signing.MERCHANT_HEADER: named,
        signing.TIMESTAMP_HEADER: str(timestamp),
        signing.NONCE_HEADER: nonce,
        signing.SIGNATURE_HEADER: signing.sign(secret, signing.callback_text(named, timestamp, nonce, body)),
    }
