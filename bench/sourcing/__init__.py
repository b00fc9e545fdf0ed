"""How good sourcing is, on a public network and on a chain of 300 stores. What it does and means: docs/reference/sourcing.md."""
