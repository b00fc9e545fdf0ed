"""The dictionary is whole, its examples are true, and the guide says what it says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from duoline.channels.imports.dictionary import KINDS, TYPES, Kind
from duoline.channels.imports.guide import PAGE, page
from duoline.channels.imports.run import LOADERS
from duoline.channels.imports.validate import EXTRAS, Checker

kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_the_guide_is_made_from_the_dictionary() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert page(written) == written


@kinds
def test_every_column_is_explained_and_its_example_is_good(kind: Kind) -> None:
    for column in kind.columns:
        assert column.type in TYPES
        assert column.zh
        assert column.en
        assert column.example
        assert bool(column.rule) == bool(column.rule_zh), column.name
    examples = {column.name: column.example for column in kind.columns}
    staged = Checker(kind, list(examples)).check(2, examples)
    assert isinstance(staged, tuple), staged
    assert len(staged) == 1 + len(kind.columns) + len(EXTRAS[kind.name])


@kinds
def test_titles_and_names_are_apart(kind: Kind) -> None:
    names = [column.name for column in kind.columns]
    assert len(set(names)) == len(names)
    for titles in ([column.zh for column in kind.columns], [column.en for column in kind.columns]):
        assert len(set(titles)) == len(titles)
    assert "line" not in names  # the line of the file is staged under this name
    assert kind.name in LOADERS


def test_the_processes_that_answer_requests_load_no_file_library() -> None:
    program = (
        "import sys, duoline.entry.api, duoline.entry.background;"
        "print([name for name in ('pyarrow', 'openpyxl', 'PIL', 'pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
