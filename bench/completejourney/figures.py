"""The figures of a run as one flat object."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.completejourney.derive import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.completejourney.replay import Replayed


FIRST = ("rows", "seconds", "rows_per_s", "process_cpu_s", "postgres_cpu_s", "others_cores", "peak_mb", "bad")
LONG_ROWS = 1_000_000
"""Files for which it is told what the process held early and late."""


def of_run() -> dict[str, Any]:
    """Of which code, when, on what."""
    return {
        "commit": _git("describe", "--always", "--dirty", "--exclude=*"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def of_imports(first: Iterable[dict[str, Any]], again: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Of each file: the first import, then what the second one did and changed."""
    found: dict[str, Any] = {}
    for one in first:
        for name in FIRST:
            found[f"{one['kind']}_{name}"] = one[name]
        if one["rows"] >= LONG_ROWS:
            found |= {f"{one['kind']}_{name}": one[name] for name in ("mb_at_a_tenth", "mb_at_the_end")}
    for one in again:
        for name in ("seconds", "rows_per_s", "peak_mb", "changed"):
            found[f"{one['kind']}_again_{name}"] = one[name]
        found[f"{one['kind']}_again_rows_written"] = one["rows_written"]
    found["imports_rows"] = sum(one["rows"] for one in first)
    found["imports_bad"] = sum(one["bad"] for one in first)
    return found


def of_replay(replayed: Replayed) -> dict[str, Any]:
    """Of the week: how fast, and how often each step happened."""
    counts = replayed.book.counts()
    seconds = replayed.shops_s + replayed.evenings_s
    refused = {word: n for word, n in counts.items() if ".refused." in word}
    online = counts["pickup.placed"] + counts["delivery.placed"] + counts["brought.placed"]
    by_code: dict[str, int] = {}
    for word, n in sorted(refused.items()):
        code = word.partition(".refused.")[2]
        by_code[f"refused_{_word(code)}"] = by_code.get(f"refused_{_word(code)}", 0) + n
    return {
        "baskets": len(replayed.book.stories),
        "replay_s": round(seconds, 1),
        "baskets_per_s": _per(len(replayed.book.stories), seconds),
        "sales": counts["sale.sold"],
        "sales_per_s": _per(counts["sale.sold"], replayed.shops_s),
        "sale_p50_ms": _quantile_ms(replayed.sale_s, 0.5),
        "sale_p99_ms": _quantile_ms(replayed.sale_s, 0.99),
        "online_orders": online,
        "log_in_s": round(replayed.log_in_s, 1),
        **replayed.cpu,
        **{_word(word): n for word, n in sorted(counts.items()) if word not in refused and word != "sale.sold"},
        **by_code,
        "refused": sum(refused.values()),
        "failed": sum(n for word, n in counts.items() if word.startswith("failed.")),
        "tried_again": sum(replayed.book.again.values()),
        "fingerprint": replayed.book.fingerprint(),
    }


def _word(step: str) -> str:
    return step.replace(".", "_").replace("-", "_")


def _per(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0


def _quantile_ms(times: Sequence[float], share: float) -> float:
    ordered = sorted(times)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    return done.stdout.strip()
