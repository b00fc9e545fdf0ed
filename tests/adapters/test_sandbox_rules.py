"""The sandbox provider's pure decisions: schedule, fees, days, signatures, words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.adapters.sandbox import rules, signing
from duoline.adapters.sandbox.faults import AfterCapture, Forgery
from duoline.adapters.sandbox.pay_html import amount_text
from duoline.adapters.sandbox.pay_texts import TEXTS, language_of


def test_the_retries_are_wechat_pays() -> None:
    waits = [rules.retry_wait_s(attempts) for attempts in range(1, 17)]
    assert waits[:6] == [15, 15, 30, 180, 600, 1200]
    assert waits[-1] is None
    assert sum(wait for wait in waits if wait) == (24 * 60 + 4) * 60


@given(st.lists(st.integers(min_value=1, max_value=10**7), min_size=1, max_size=12))
def test_refunds_in_any_steps_give_back_the_whole_fee(parts: list[int]) -> None:
    returned = before = 0
    for part in parts:
        fee = rules.returned_fee_minor(part, refunded_before_minor=before)
        assert fee >= 0
        returned, before = returned + fee, before + part
    assert returned == rules.capture_fee_minor(sum(parts))


def test_a_settlement_day_is_a_day_in_shanghai() -> None:
    start, end = rules.day_bounds_ms(date(2026, 11, 21))
    assert rules.from_ms(start) == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert rules.from_ms(end) == datetime(2026, 11, 21, 16, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_instants_survive_the_ledger_to_the_millisecond(at: datetime) -> None:
    assert rules.from_ms(rules.to_ms(at)) == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_a_signature_is_good_for_one_purpose_only() -> None:
    body = b'{"amount_minor":1990}'
    texts = [
        signing.request_text("POST", "/v1/payments", 1_700_000_000, "n" * 24, body),
        signing.request_text("GET", "/v1/payments", 1_700_000_000, "n" * 24, body),
        signing.request_text("POST", "/v1/refunds", 1_700_000_000, "n" * 24, body),
        signing.answer_text(200, 1_700_000_000, "n" * 24, body),
        signing.callback_text("shop", 1_700_000_000, "n" * 24, body),
    ]
    signatures = {signing.sign("secret", text) for text in texts}
    assert len(signatures) == len(texts)
    assert not signing.matches("secret", texts[0], signing.sign("secret", texts[1]))
    assert not signing.matches("another", texts[0], signing.sign("secret", texts[0]))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer abc",
        'SANDBOX-HMAC-SHA256 merchant="shop",timestamp="1",nonce="short",signature="' + "0" * 64 + '"',
        'SANDBOX-HMAC-SHA256 merchant="shop",timestamp="x",nonce="' + "n" * 24 + '",signature="' + "0" * 64 + '"',
        'SANDBOX-HMAC-SHA256 merchant="shop",timestamp="1",nonce="' + "n" * 24 + '",signature="' + "g" * 64 + '"',
        'SANDBOX-HMAC-SHA256 merchant="sh op",timestamp="1",nonce="' + "n" * 24 + '",signature="' + "0" * 64 + '"',
    ],
)
def test_another_form_of_authorization_is_none(header: str) -> None:
    assert signing.parse_authorization(header) is None


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1990, "CNY", "¥19.90"),
        (1, "CNY", "¥0.01"),
        (123456789, "CNY", "¥1,234,567.89"),
        (500, "JPY", "JP¥500"),
        (1990, "SEK", "19.90 SEK"),
    ],
)
def test_amounts_read_as_buyers_read_them(minor: int, currency: str, text: str) -> None:
    assert amount_text(minor, currency) == text


def test_no_word_of_the_pay_page_is_untranslated() -> None:
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()
    for key, zh in TEXTS["zh"].items():
        assert zh.strip()
        assert TEXTS["en"][key].strip()
        assert zh != TEXTS["en"][key] or key == "html_lang"
    named = {f"forge_{forgery}" for forgery in Forgery} | {f"after_{after}" for after in AfterCapture}
    assert named <= TEXTS["zh"].keys()


@pytest.mark.parametrize(
    ("accept", "asked", "language"),
    [
        ("", None, "zh"),
        ("en-GB,en;q=0.9", None, "en"),
        ("fr-FR,en;q=0.5,zh;q=0.3", None, "en"),
        ("zh-TW", None, "zh"),
        ("en", "zh", "zh"),
        ("zh", "en", "en"),
        ("zh", "de", "zh"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_browsers(accept: str, asked: str | None, language: str) -> None:
    assert language_of(accept, asked) == language
