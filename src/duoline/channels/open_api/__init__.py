"""What other systems ask Duoline, by a key that headquarters made for them (docs/guides/other-systems.md)."""
