"""Duoline (双线): one omnichannel commerce system for store chains."""

__version__ = "0.1.0"
