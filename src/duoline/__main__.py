"""`python -m duoline` is the same as `duoline`."""

from __future__ import annotations

from duoline.entry.cli import main

main()
