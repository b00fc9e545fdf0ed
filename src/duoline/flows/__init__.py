"""Flows: what spans packages. The only code in which stock, orders, payments and fulfilment change together."""
