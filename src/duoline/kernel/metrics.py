"""What Prometheus is told. Names are a promise: dashboards are built on them.

`duoline serve` sets `PROMETHEUS_MULTIPROC_DIR` for the processes it starts: the library then keeps counts in files
there, and `/metrics` of any process tells of all, the background worker included. Without it each process tells of
itself, and the metric `duoline_process` says which one answered.
"""

from __future__ import annotations

import os

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

REQUESTS = Counter("duoline_http_requests", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "duoline_http_request_seconds",
    "Time from request to the end of the answer (streams: to their beginning).",
    ["method", "route"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
REFUSALS = Counter("duoline_refusals", "Requests understood and refused, by code.", ["code"])
CONSENT_REFUSALS = Counter(
    "duoline_consent_refusals",
    "Uses of a member's data refused, or data not shown, for want of consent, by purpose and door.",
    ["purpose", "door"],
)
UNAVAILABLE = Counter("duoline_unavailable", "Requests answered with 503.")
FAULTS = Counter("duoline_faults", "Broken invariants and bugs. Any at all is worth a look.", ["invariant"])
BROKEN = Gauge(
    "duoline_invariant_broken_rows",
    "Rows that broke an invariant when all were last checked. Any at all needs a person.",
    ["invariant"],
    multiprocess_mode="mostrecent",
)
CRONS_FAILED = Counter("duoline_crons_failed", "Runs of regular work that raised.", ["cron"])
REPLAYS = Counter("duoline_idempotent_replays", "Writes answered from the stored answer.")
RETRIES = Counter("duoline_transaction_retries", "Transactions begun again after a deadlock or serialisation failure.")
STREAMS = Gauge("duoline_live_streams", "Open live-update streams.", multiprocess_mode="livesum")
STREAMS_KICKED = Counter("duoline_live_streams_kicked", "Streams closed because their reader was too slow.")
EVENTS_RELAYED = Counter("duoline_events_relayed", "Events moved from the outboxes to the log.")
EVENTS_PUT_ASIDE = Counter("duoline_events_put_aside", "Events a consumer failed on for good.", ["consumer"])
SWEEP_FAILURES = Counter(
    "duoline_sweep_failures", "Rows that regular work failed on; it goes on with the others.", ["work"]
)
FLOWS_FAILED = Counter("duoline_flows_failed", "Flows that gave up and wait for a person.", ["flow"])
PROCESS = Gauge("duoline_process", "The process that answered, by its number.", ["pid"], multiprocess_mode="liveall")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render() -> bytes:
    """All metrics in the text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        PROCESS.labels(str(os.getpid())).set(1)
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def retire() -> None:
    """Take this process's live gauges out of the sum; called when it ends."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
