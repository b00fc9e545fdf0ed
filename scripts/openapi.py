"""Write the description of the API to a file, for the typed client: `python scripts/openapi.py openapi.json`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec

from duoline.channels.http import describe
from duoline.entry.api import make
from duoline.kernel.config import from_environment

with tempfile.TemporaryDirectory(prefix="duoline-") as home:
    document = describe.document(make(from_environment({"DUOLINE_HOME": home})))
Path(sys.argv[1]).write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
