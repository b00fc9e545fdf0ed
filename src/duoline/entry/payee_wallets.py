"""Where the demo chain pays its people: wallets that the development provider opens for them when it starts."""

from __future__ import annotations

PROVIDER = "sandbox"
PAYEES = tuple(f"payee-{n}" for n in range(1, 21))
"""Each is seen under `/sandbox/wallet?w=payee-1`."""
