"""Names of small files in DUOLINE_HOME by which one command tells another what it did."""

from __future__ import annotations

DEMO_UNFINISHED = "demo-unfinished"
"""Loading the demo chain began and did not end; the next start goes on with it."""

DEMO_LOG_INS = "demo-log-ins.txt"
"""With what one can log in to the demo chain, as it is printed at every start."""
