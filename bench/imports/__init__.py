"""Measurements of the import."""
