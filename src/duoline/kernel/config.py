"""Every setting of Duoline, read once from the environment, checked, and explained.

A value that cannot be used stops the start with a sentence that names the variable and says what it takes.
`VARIABLES` is the reference: the documentation page and `duoline doctor` are made from it.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = TypeVar("Value")

Environment = Literal["development", "production"]
LogFormat = Literal["human", "json"]

# src/duoline/kernel/config.py stands three folders below the checkout.
CHECKOUT = Path(__file__).resolve().parents[3]
SECRET_CHARACTERS_MIN = 32
_APP_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


class BadSetting(Exception):
    """A setting that cannot be used; the text names the variable and says what it takes."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable} {problem}")
        self.variable = variable


@dataclass(frozen=True)
class Variable:
    """One line of the reference of settings."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("DUOLINE_HOME", ".duoline in the checkout", "Where data lives: database, pictures, keys, sandbox ledger."),
    Variable("DUOLINE_ENV", "development", "development (demo log-ins, inbox, sandbox) or production."),
    Variable("DUOLINE_HOST", "127.0.0.1", "Address to listen on; 0.0.0.0 for every network of the machine."),
    Variable("DUOLINE_PORT", "8000", "Port to listen on, 1 to 65535."),
    Variable("DUOLINE_PUBLIC_URL", "http://localhost:PORT", "How members reach the mall; links are built from it."),
    Variable("DUOLINE_DATABASE_URL", "the embedded server", "Another PostgreSQL, 16 or newer (postgresql://…)."),
    Variable(
        "DUOLINE_OWNER_URL",
        "as DUOLINE_DATABASE_URL",
        "The same database as the role that owns the tables; used by migrate, backup and restore only.",
    ),
    Variable(
        "DUOLINE_SECRET", "made once, kept in home", "Key for signatures, 32 characters or more; production: set it."
    ),
    Variable(
        "DUOLINE_SMS_WEBHOOK",
        "the inbox; nobody in production",
        "Where text messages are posted, signed (https://…); without it production sends no log-in codes.",
    ),
    Variable("DUOLINE_SMS_SECRET", "none", "Key of that signature, 32 characters or more; set it with the address."),
    Variable(
        "DUOLINE_WECHAT_APP_ID",
        "the sandbox; none in production",
        "Number of the chain's Official Account: members log in by WeChat, inside WeChat.",
    ),
    Variable("DUOLINE_WECHAT_SECRET", "none", "Its secret; set it with the number."),
    Variable(
        "DUOLINE_WECHAT_SITE_APP_ID",
        "the sandbox; none in production",
        "Number of the chain's website application: members log in by WeChat in other browsers.",
    ),
    Variable("DUOLINE_WECHAT_SITE_SECRET", "none", "Its secret; set it with the number."),
    Variable("DUOLINE_WECHAT_URL", "WeChat's own", "Where WeChat is, for pages and questions, if it is elsewhere."),
    Variable(
        "DUOLINE_WECHAT_SCRIPT",
        "WeChat's own",
        "Where pages inside WeChat get its script (https://…/jweixin-1.6.0.js), if it is elsewhere.",
    ),
    Variable("DUOLINE_WORKERS", "1 for every 2 processors", "Processes that answer requests, 1 to 64."),
    Variable("DUOLINE_POOL", "10", "Database connections of each process, 2 to 100."),
    Variable(
        "DUOLINE_GUEST_LIMITS", "1", "0: count no guests and no orders of theirs, for measuring; refused in production."
    ),
    Variable("DUOLINE_STREAMS", "2000", "Open live-update streams that one process must bear, 10 to 100000."),
    Variable("DUOLINE_JOBS", "8", "Background jobs that run at the same time, 1 to 100."),
    Variable("DUOLINE_DEMO", "1 in development", "1: fill an empty database with the demo chain; 0: do not."),
    Variable("DUOLINE_LOG_FORMAT", "human; json in production", "human or json."),
    Variable("DUOLINE_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Make it with `from_environment`."""

    env: Environment
    home: Path
    host: str
    port: int
    public_url: str
    database_url: str | None
    owner_url: str | None
    secret: str
    sms_webhook: str | None
    sms_secret: str
    wechat_app_id: str | None
    wechat_secret: str
    wechat_site_app_id: str | None
    wechat_site_secret: str
    wechat_url: str | None
    wechat_script: str | None
    workers: int
    pool: int
    streams: int
    guest_limits: bool
    jobs: int
    demo: bool
    log_format: LogFormat
    log_level: str

    @property
    def development(self) -> bool:
        """Whether demo log-ins, the development inbox and the sandbox provider are there."""
        return self.env == "development"

    @property
    def media_dir(self) -> Path:
        """Where pictures are kept, content-addressed."""
        return self.home / "media"

    @property
    def sandbox_dir(self) -> Path:
        """Where the sandbox payment provider keeps its own ledger."""
        return self.home / "sandbox"

    @property
    def imports_dir(self) -> Path:
        """Where uploaded import files and their error files are kept."""
        return self.home / "imports"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting. Raises `BadSetting` at the first one that cannot be used.

    In development a missing DUOLINE_SECRET is made once and kept in the home directory (mode 0600), so that
    sessions survive a restart; production refuses to start without one of its own.
    """
    read = _Reader(os.environ if environment is None else environment)
    env: Environment = read.choice("DUOLINE_ENV", ("development", "production"), "development")
    development = env == "development"
    home = Path(read.text("DUOLINE_HOME") or CHECKOUT / ".duoline").expanduser().resolve()
    port = read.integer("DUOLINE_PORT", 8000, 1, 65535)
    if not development:
        read.refuse_test_switches()
    sms_webhook = read.webhook("DUOLINE_SMS_WEBHOOK", plain=development)
    return Settings(
        env=env,
        home=home,
        host=read.text("DUOLINE_HOST") or "127.0.0.1",
        port=port,
        public_url=read.web_address("DUOLINE_PUBLIC_URL") or f"http://localhost:{port}",
        database_url=read.database("DUOLINE_DATABASE_URL"),
        owner_url=read.database("DUOLINE_OWNER_URL") or read.database("DUOLINE_DATABASE_URL"),
        secret=_secret(read, home, development=development),
        sms_webhook=sms_webhook,
        sms_secret=_sms_secret(read, needed=sms_webhook is not None),
        **_wechat(read, plain=development),
        workers=read.integer("DUOLINE_WORKERS", max(1, (os.cpu_count() or 2) // 2), 1, 64),
        pool=read.integer("DUOLINE_POOL", 10, 2, 100),
        streams=read.integer("DUOLINE_STREAMS", 2000, 10, 100_000),
        guest_limits=read.flag("DUOLINE_GUEST_LIMITS", default=True),
        jobs=read.integer("DUOLINE_JOBS", 8, 1, 100),
        demo=read.flag("DUOLINE_DEMO", default=development),
        log_format=read.choice("DUOLINE_LOG_FORMAT", ("human", "json"), "human" if development else "json"),
        log_level=read.choice("DUOLINE_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
    )


@cache
def settings() -> Settings:
    """The settings of this process, read at the first call. Only entry points call it; others take what they need."""
    return from_environment()


class _Reader:
    """Reads one variable at a time and says what is wrong with it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        known = {variable.name for variable in VARIABLES} | {"DUOLINE_FAULT", "DUOLINE_PLANT"}
        for name in sorted(environment):
            if name.startswith("DUOLINE_") and name not in known and not name.startswith("DUOLINE_TEST_"):
                raise BadSetting(name, f"is no setting of Duoline; the settings are {', '.join(sorted(known))}.")

    def text(self, name: str) -> str:
        return self.environment.get(name, "").strip()

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        return self._parsed(name, default, int, lambda n: low <= n <= high, f"a whole number from {low} to {high}")

    def flag(self, name: str, *, default: bool) -> bool:
        text: str = self.choice(name, ("0", "1"), "1" if default else "0")
        return text == "1"

    def choice(self, name: str, choices: tuple[Any, ...], default: Any) -> Any:
        return self._parsed(name, default, str, lambda text: text in choices, f"one of {', '.join(choices)}")

    def web_address(self, name: str) -> str | None:
        def good(text: str) -> bool:
            parts = urlsplit(text)
            return parts.scheme in ("http", "https") and bool(parts.netloc) and parts.path in ("", "/")

        text = self._parsed(name, "", str, good, "an address such as https://shop.example, without a path")
        return text.rstrip("/") or None

    def webhook(self, name: str, *, plain: bool) -> str | None:
        """The address of a service of somebody else's. Without TLS only in development, or on this machine."""

        def good(text: str) -> bool:
            parts = urlsplit(text)
            near = plain or parts.hostname in ("localhost", "127.0.0.1", "::1")
            return parts.scheme in (("http", "https") if near else ("https",)) and bool(parts.hostname)

        return self._parsed(name, "", str, good, "an address such as https://gateway.example/duoline") or None

    def script(self, name: str, *, plain: bool) -> str | None:
        """The address of a script of somebody else's, as it may stand in a Content-Security-Policy."""
        schemes = "https?" if plain else "https"
        good = re.compile(rf"{schemes}://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~-]+)+\.js", re.ASCII)
        takes = "an address such as https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
        return self._parsed(name, "", str, lambda text: good.fullmatch(text) is not None, takes) or None

    def app_id(self, name: str) -> str | None:
        takes = "letters, digits and hyphens, such as wx520c15f417810387"
        return self._parsed(name, "", str, lambda text: _APP_ID.fullmatch(text) is not None, takes) or None

    def database(self, name: str) -> str | None:
        def good(text: str) -> bool:
            return urlsplit(text).scheme in ("postgresql", "postgres") and len(urlsplit(text).path) > 1

        takes = "an address such as postgresql://user:password@host:5432/duoline"
        return self._parsed(name, "", str, good, takes) or None

    def refuse_test_switches(self) -> None:
        """Fault points, planted bugs and a clock that is ahead are for tests; a shop never runs with one armed."""
        for name in ("DUOLINE_FAULT", "DUOLINE_PLANT", "DUOLINE_TEST_AHEAD_S"):
            if self.text(name):
                raise BadSetting(name, "is a switch for tests and must not be set in production.")
        if self.text("DUOLINE_GUEST_LIMITS") == "0":
            raise BadSetting("DUOLINE_GUEST_LIMITS", "is for measuring: production keeps its limits.")

    def _parsed(
        self, name: str, default: Value, parse: Callable[[str], Any], good: Callable[[Any], bool], takes: str
    ) -> Value:
        text = self.text(name)
        if not text:
            return default
        try:
            value = parse(text)
            fine = good(value)
        except ValueError:
            fine = False
        if not fine:
            # An address may hold a password, so the value itself is not repeated for those.
            shown = "" if name.endswith(("_URL", "_SECRET", "_WEBHOOK")) else f" ({text!r})"
            raise BadSetting(name, f"cannot be used{shown}: it takes {takes}.")
        return value  # type: ignore[no-any-return]


def _secret(read: _Reader, home: Path, *, development: bool) -> str:
    text = read.text("DUOLINE_SECRET")
    if text:
        if len(text) < SECRET_CHARACTERS_MIN:
            raise BadSetting("DUOLINE_SECRET", f"is too short: it takes {SECRET_CHARACTERS_MIN} characters or more.")
        return text
    if not development:
        raise BadSetting("DUOLINE_SECRET", "must be set in production: 32 random characters or more, kept secret.")
    return _kept_secret(home / "secret")


def _sms_secret(read: _Reader, *, needed: bool) -> str:
    text = read.text("DUOLINE_SMS_SECRET")
    if (text or needed) and len(text) < SECRET_CHARACTERS_MIN:
        takes = f"takes {SECRET_CHARACTERS_MIN} characters or more, known to the gateway too"
        raise BadSetting("DUOLINE_SMS_SECRET", f"{takes}; it goes with DUOLINE_SMS_WEBHOOK.")
    return text


def _wechat(read: _Reader, *, plain: bool) -> dict[str, Any]:
    """The chain's applications at WeChat: each has a number and a secret, or is not there."""
    account = (read.app_id("DUOLINE_WECHAT_APP_ID"), read.text("DUOLINE_WECHAT_SECRET"))
    site = (read.app_id("DUOLINE_WECHAT_SITE_APP_ID"), read.text("DUOLINE_WECHAT_SITE_SECRET"))
    for (app_id, secret), name in ((account, "DUOLINE_WECHAT"), (site, "DUOLINE_WECHAT_SITE")):
        if bool(app_id) != bool(secret):
            missing = f"{name}_SECRET" if app_id else f"{name}_APP_ID"
            raise BadSetting(missing, f"is missing: {name}_APP_ID and {name}_SECRET go together.")
    url = read.webhook("DUOLINE_WECHAT_URL", plain=plain)
    return {
        "wechat_app_id": account[0],
        "wechat_secret": account[1],
        "wechat_site_app_id": site[0],
        "wechat_site_secret": site[1],
        "wechat_url": None if url is None else url.rstrip("/"),
        "wechat_script": read.script("DUOLINE_WECHAT_SCRIPT", plain=plain),
    }


def _kept_secret(path: Path) -> str:
    """The secret of this home directory; two processes that start together agree on the first one written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    text = path.read_text(encoding="ascii").strip()
    if len(text) < SECRET_CHARACTERS_MIN:
        raise BadSetting("DUOLINE_SECRET", f"is not set, and the file {path} that should hold it is damaged.")
    return text
