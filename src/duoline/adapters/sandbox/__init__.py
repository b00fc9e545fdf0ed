"""A payment provider of our own, for development and tests, that behaves like a real one.

It shares nothing with Duoline but the wire: its own ledger, its own application, signed requests in and
signed callbacks out. It can be told to be late, to repeat itself, to lose and to lie. See README.md.
"""

from duoline.adapters.sandbox.app import create_app, mount
from duoline.adapters.sandbox.provider import Provider
from duoline.adapters.sandbox.settings import Merchant, SandboxSettings, merchant_secret

__all__ = ["Merchant", "Provider", "SandboxSettings", "create_app", "merchant_secret", "mount"]
