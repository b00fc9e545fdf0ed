"""Benchmarks: the whole system measured on the machine at hand, beside the machine's own limit."""
