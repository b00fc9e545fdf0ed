"""Logs belong to a request and hold nothing that nobody may read there."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from duoline.kernel.log import HumanLines, JsonLines, masked, request_id, set_up


@pytest.fixture
def request_one() -> Iterator[None]:
    token = request_id.set("r-1")
    yield
    request_id.reset(token)


def _record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("duoline.test", logging.INFO, __file__, 1, message, arguments, None)
    vars(record).update(extra)
    return record


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call 13812345678 now", "call 138****5678 now"),
        ("+8613812345678", "+86138****5678"),
        ("+86 138-1234-5678", "+86 138****5678"),
        ("barcode 6913812345678 stays", "barcode 6913812345678 stays"),
        ("id 0193d1a2-13812345678-x stays", "id 0193d1a2-13812345678-x stays"),
        ("password=hunter2&x=1", "password=***&x=1"),
        ("Authorization: Bearer abcdef.ghijk", "Authorization: Bearer ***"),
        ("postgresql://duoline:hunter2@db/duoline", "postgresql://duoline:***@db/duoline"),
        ('{"token": "abcdef"}', '{"token": "***"}'),
        ("nothing secret here", "nothing secret here"),
    ],
)
def test_what_nobody_may_read_is_cut_out(text: str, shown: str):
    assert masked(text) == shown


@pytest.mark.usefixtures("request_one")
def test_json_lines_carry_the_request_and_the_fields():
    record = _record("order %s placed by %s", "A1", "13812345678", order_no="A1", password="hunter2", quantity=2)
    line = json.loads(JsonLines().format(record))
    assert line["message"] == "order A1 placed by 138****5678"
    assert line["request_id"] == "r-1"
    assert (line["order_no"], line["quantity"], line["password"]) == ("A1", 2, "***")
    assert line["level"] == "INFO"


@pytest.mark.usefixtures("request_one")
def test_human_lines_carry_the_request_and_the_fields():
    line = HumanLines().format(_record("placed", order_no="A1", session_token="abc"))
    assert line.endswith("INFO    placed order_no=A1 session_token=*** [r-1]")


def test_an_error_is_masked_too():
    try:
        raise ValueError("no member 13812345678")
    except ValueError as error:
        record = _record("failed")
        record.exc_info = (type(error), error, error.__traceback__)
    line = json.loads(JsonLines().format(record))
    assert "no member 138****5678" in line["error"]
    assert "13812345678" not in line["error"]


def test_set_up_twice_writes_once(capsys: pytest.CaptureFixture[str]):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        set_up("json", "INFO")
        set_up("json", "INFO")
        logging.getLogger("duoline.test").info("once")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert len(capsys.readouterr().err.splitlines()) == 1
