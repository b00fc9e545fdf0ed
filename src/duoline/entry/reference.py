"""Reference pages that are made from the code. `python -m duoline.entry.reference` writes them; a test finds drift."""

from __future__ import annotations

from pathlib import Path

from duoline.entry import guards
from duoline.entry.findings import INVARIANTS
from duoline.kernel.config import CHECKOUT, VARIABLES

REFERENCE = CHECKOUT / "docs" / "reference"
SETTINGS_PAGE = REFERENCE / "settings.md"
INVARIANTS_PAGE = REFERENCE / "invariants.md"


def settings_page() -> str:
    """Every setting as a Markdown table."""
    rows = "\n".join(f"| `{each.name}` | {each.default} | {each.meaning} |" for each in VARIABLES)
    return f"""# Settings

Every setting is an environment variable. A value that cannot be used stops the start with a sentence that names the
variable, and a variable that begins with `DUOLINE_` and is not listed here does so too: it is a typing error.
`duoline doctor --settings` prints this table. This page is made by `python -m duoline.entry.reference`.

| Variable | Default | Meaning |
|---|---|---|
{rows}
"""


def invariants_page() -> str:
    """Every invariant with its three guards as a Markdown table."""
    at_the_write = guards.ensured()
    rows = []
    for name, sentence, _ in INVARIANTS:
        constraints = ", ".join(f"`{each}`" for each in guards.CONSTRAINTS.get(name, ()))
        files = ", ".join(f"`{each}`" for each in at_the_write.get(name, ()))
        constraint = constraints or f"none: {guards.NO_CONSTRAINT[name]}"
        write = files or f"none: {guards.NO_ENSURE[name]}"
        rows.append(f"| {name} | {sentence} | {constraint} | {write} |")
    table = "\n".join(rows)
    return f"""# Invariants

What must always hold. Each is guarded three times: by constraints of the database, by `ensure` at the write (in SQL
`duo_fault`), which stops the transaction with a `Fault`, and by a named query that must return no rows. `duoline check`
runs the queries, the background worker runs them every night, and every story of the tests ends with them. A constraint
that is listed guards what one row can know of the invariant; where neither a row nor a statement can know, the table
says why. This page is made by `python -m duoline.entry.reference`.

| Name | What must hold | Constraint | At the write |
|---|---|---|---|
{table}
"""


def pages() -> dict[Path, str]:
    """Every page that is made here, with its text."""
    return {SETTINGS_PAGE: settings_page(), INVARIANTS_PAGE: invariants_page()}


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
