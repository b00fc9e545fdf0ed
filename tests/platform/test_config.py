"""Settings are checked once, and a bad one is named in a sentence."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from duoline.entry import reference
from duoline.kernel.config import CHECKOUT, VARIABLES, BadSetting, from_environment

SECRET = "s" * 32


def test_defaults_are_for_a_developer(tmp_path: Path):
    settings = from_environment({"DUOLINE_HOME": str(tmp_path)})
    assert settings.development
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8000, "http://localhost:8000")
    assert settings.database_url is None
    assert settings.demo
    assert settings.log_format == "human"
    assert settings.media_dir == tmp_path / "media"


def test_home_is_in_the_checkout_by_default(monkeypatch: pytest.MonkeyPatch):
    settings = from_environment({"DUOLINE_SECRET": SECRET})
    assert settings.home == CHECKOUT / ".duoline"


def test_production_changes_what_a_shop_must_not_have():
    settings = from_environment({"DUOLINE_ENV": "production", "DUOLINE_SECRET": SECRET, "DUOLINE_PORT": "80"})
    assert not settings.development
    assert not settings.demo
    assert settings.log_format == "json"
    assert settings.public_url == "http://localhost:80"


def test_a_gateway_for_messages_is_reached_safely_and_has_a_key():
    production = {"DUOLINE_ENV": "production", "DUOLINE_SECRET": SECRET}
    assert from_environment(production).sms_webhook is None
    gateway = production | {"DUOLINE_SMS_WEBHOOK": "https://gateway.example/duoline?shop=1"}
    with pytest.raises(BadSetting, match="DUOLINE_SMS_SECRET"):
        from_environment(gateway)
    settings = from_environment(gateway | {"DUOLINE_SMS_SECRET": SECRET})
    assert (settings.sms_webhook, settings.sms_secret) == ("https://gateway.example/duoline?shop=1", SECRET)
    near = gateway | {"DUOLINE_SMS_SECRET": SECRET, "DUOLINE_SMS_WEBHOOK": "http://localhost:9000/sms"}
    assert from_environment(near).sms_webhook == "http://localhost:9000/sms"
    with pytest.raises(BadSetting, match="DUOLINE_SMS_WEBHOOK") as caught:
        from_environment(near | {"DUOLINE_SMS_WEBHOOK": "http://gateway.example/?key=hidden"})
    assert "hidden" not in str(caught.value)


def test_an_application_at_wechat_is_a_number_and_a_secret():
    production = {"DUOLINE_ENV": "production", "DUOLINE_SECRET": SECRET}
    none = from_environment(production)
    assert (none.wechat_app_id, none.wechat_site_app_id, none.wechat_url) == (None, None, None)
    own = production | {"DUOLINE_WECHAT_APP_ID": "wx520c15f417810387", "DUOLINE_WECHAT_SECRET": "hidden-1"}
    settings = from_environment(own)
    assert (settings.wechat_app_id, settings.wechat_secret) == ("wx520c15f417810387", "hidden-1")
    for missing in ("DUOLINE_WECHAT_APP_ID", "DUOLINE_WECHAT_SECRET"):
        with pytest.raises(BadSetting, match=missing) as caught:
            from_environment({name: value for name, value in own.items() if name != missing})
        assert "hidden" not in str(caught.value)
    with pytest.raises(BadSetting, match="DUOLINE_WECHAT_SITE_SECRET"):
        from_environment(own | {"DUOLINE_WECHAT_SITE_APP_ID": "wx1"})
    elsewhere = from_environment(own | {"DUOLINE_WECHAT_URL": "https://proxy.example/wechat/"})
    assert elsewhere.wechat_url == "https://proxy.example/wechat"
    with pytest.raises(BadSetting, match="DUOLINE_WECHAT_URL"):
        from_environment(own | {"DUOLINE_WECHAT_URL": "http://proxy.example/wechat"})


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("DUOLINE_PORT", "eighty", "a whole number from 1 to 65535"),
        ("DUOLINE_PORT", "0", "a whole number from 1 to 65535"),
        ("DUOLINE_PORT", "65536", "a whole number from 1 to 65535"),
        ("DUOLINE_WORKERS", "-1", "a whole number from 1 to 64"),
        ("DUOLINE_ENV", "staging", "one of development, production"),
        ("DUOLINE_DEMO", "yes", "one of 0, 1"),
        ("DUOLINE_LOG_LEVEL", "info", "one of DEBUG, INFO, WARNING, ERROR"),
        ("DUOLINE_PUBLIC_URL", "shop.example", "an address such as https://shop.example"),
        ("DUOLINE_PUBLIC_URL", "https://shop.example/mall", "without a path"),
        ("DUOLINE_DATABASE_URL", "mysql://a/b", "postgresql://"),
        ("DUOLINE_DATABASE_URL", "postgresql://host", "postgresql://"),
        ("DUOLINE_SECRET", "short", "32 characters or more"),
        ("DUOLINE_SMS_WEBHOOK", "gateway.example", "an address such as https://gateway.example"),
        ("DUOLINE_SMS_WEBHOOK", "ftp://gateway.example/x", "an address such as https://gateway.example"),
        ("DUOLINE_SMS_SECRET", "short", "32 characters or more"),
        ("DUOLINE_WECHAT_APP_ID", "wx 1", "letters, digits and hyphens"),
        ("DUOLINE_WECHAT_URL", "wechat", "an address such as https://"),
        ("DUOLINE_PROT", "8000", "is no setting of Duoline"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, variable: str, value: str, says: str):
    with pytest.raises(BadSetting) as caught:
        from_environment({"DUOLINE_HOME": str(tmp_path), variable: value})
    assert caught.value.variable == variable
    assert str(caught.value).startswith(variable)
    assert says in str(caught.value)


def test_a_bad_address_is_not_repeated_because_it_may_hold_a_password():
    with pytest.raises(BadSetting) as caught:
        from_environment({"DUOLINE_SECRET": SECRET, "DUOLINE_DATABASE_URL": "postgres//u:hunter2@h/db"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("switch", ["DUOLINE_FAULT", "DUOLINE_PLANT", "DUOLINE_TEST_AHEAD_S"])
def test_production_refuses_test_switches(switch: str):
    environment = {"DUOLINE_ENV": "production", "DUOLINE_SECRET": SECRET, switch: "anything"}
    with pytest.raises(BadSetting, match="must not be set in production"):
        from_environment(environment)


def test_production_keeps_its_limits():
    with pytest.raises(BadSetting, match="production keeps its limits"):
        from_environment({"DUOLINE_ENV": "production", "DUOLINE_SECRET": SECRET, "DUOLINE_GUEST_LIMITS": "0"})


def test_production_refuses_to_make_its_own_secret():
    with pytest.raises(BadSetting, match="must be set in production"):
        from_environment({"DUOLINE_ENV": "production"})


def test_the_secret_of_a_developer_is_made_once_and_private(tmp_path: Path):
    environment = {"DUOLINE_HOME": str(tmp_path / "home")}
    first, second = from_environment(environment), from_environment(environment)
    assert first.secret == second.secret
    assert len(first.secret) >= 32
    assert stat.S_IMODE((tmp_path / "home" / "secret").stat().st_mode) == 0o600


def test_every_variable_that_is_read_is_explained():
    text = (CHECKOUT / "src" / "duoline" / "kernel" / "config.py").read_text(encoding="utf-8")
    read = set(re.findall(r'read\.\w+\("(DUOLINE_\w+)"', text)) | {"DUOLINE_SECRET"}
    assert read == {variable.name for variable in VARIABLES}


def test_the_reference_page_is_up_to_date():
    for page, text in reference.pages().items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run python -m duoline.entry.reference"
