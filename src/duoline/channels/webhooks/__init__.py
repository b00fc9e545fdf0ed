"""Webhooks: what other systems tell us, proved by signature."""
