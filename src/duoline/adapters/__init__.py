"""Adapters: the outside world behind the ports that the domains declare."""
