"""The pages of the guide that are made from the column dictionary: `python -m duoline.channels.imports.guide`."""

from __future__ import annotations

from pathlib import Path

from duoline.channels.imports.dictionary import KINDS, TYPES, Column, Kind
from duoline.kernel.config import CHECKOUT

PAGE = CHECKOUT / "docs" / "guides" / "import.md"
BEGIN = "<!-- Made from channels/imports/dictionary; run `python -m duoline.channels.imports.guide` after a change. -->"
END = "<!-- End of what is made. -->"


def columns() -> str:
    """The dictionary as Markdown."""
    return "\n\n".join([_types(), *map(_kind, KINDS.values())])


def page(old: str) -> str:
    """The guide with its made part made anew."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{columns()}\n\n{END}{after}"


def _types() -> str:
    lines = ["### What the types take", "", "| type | takes |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(en)} |" for name, (_, en) in TYPES.items()]
    return "\n".join(lines)


def _kind(kind: Kind) -> str:
    lines = [
        f"### `{kind.name}`: {kind.en} ({kind.zh})",
        "",
        kind.note,
        "",
        f"A row is recognised by: {', '.join(f'`{name}`' for name in kind.key)}.",
        "",
        "| column | 名称 | meaning | type | needed | rule | example |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, kind.columns)])


def _row(column: Column) -> str:
    cells = [
        f"`{column.name}`",
        column.zh,
        column.en,
        f"`{column.type}`",
        "yes" if column.required else "",
        _rule(column),
        f"`{column.example}`",
    ]
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _rule(column: Column) -> str:
    said = [column.rule] if column.rule else []
    if column.choices and not column.rule:
        said.append("One of " + ", ".join(f"`{choice}`" for choice in column.choices) + ".")
    if column.type in ("whole", "money", "degrees") and column.high is not None:
        said.append(f"{column.low:,.0f} to {column.high:,.0f}.")
    if column.type in ("text", "named") and column.high is not None:
        said.append(f"At most {column.high:,.0f} characters.")
    return " ".join(said)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page anew."""
    Path(PAGE).write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
