"""Who paid, as a merchant is told: the same number for the same account, each merchant its own, and never a name."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from duoline.adapters.sandbox import Merchant, Provider, SandboxSettings, create_app
from duoline.adapters.sandbox.schema import STEPS
from duoline.kernel import clock
from duoline.payments.provider import EventKind, PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duoline.adapters.sandbox_client import SandboxClient

NOWHERE = "http://127.0.0.1:9/callbacks"


async def paid(provider: Any, client: SandboxClient, ref: str, kit: Any, url: str = NOWHERE, **who: Any) -> str | None:
    """A payment that was made, and who made it."""
    await kit.open_payment(client, ref, url)
    await provider.control("pay", ref=ref, **who)
    return (await client.query_payment(ref)).payer


async def test_an_account_is_told_by_the_same_number_each_time(
    provider: Any, client: SandboxClient, refs: Iterator[str], kit: Any
) -> None:
    mine = f"w{next(refs)[-12:].lower()}"
    first, again = [await paid(provider, client, next(refs), kit, account=mine) for _ in range(2)]
    other = await paid(provider, client, next(refs), kit, account="another")
    strangers = {await paid(provider, client, next(refs), kit) for _ in range(2)}
    assert first == again
    assert first is not None
    assert mine not in first
    assert len({first, other, *strangers}) == 4


async def test_each_merchant_is_told_another_number(
    provider: Any, client: SandboxClient, refs: Iterator[str], kit: Any
) -> None:
    ours = await paid(provider, client, next(refs), kit, account="linlin")
    async with provider.client(merchant_id="other", secret=kit.OTHER_SECRET) as elsewhere:
        theirs = await paid(provider, elsewhere, next(refs), kit, account="linlin")
    assert ours
    assert theirs
    assert ours != theirs


async def test_the_notice_of_a_payment_names_the_payer_and_no_other_does(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    payer = await paid(provider, client, ref, kit, shop.url, account="linlin")
    await shop.wait_for(1)
    await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=990, currency="CNY", reason="")
    heard = [one.judged for one in await shop.wait_for(2)]
    assert [(event.kind, event.payer) for event in heard] == [
        (EventKind.PAYMENT_PAID, payer),
        (EventKind.REFUND_DONE, None),
    ]


async def test_nobody_has_paid_what_is_open_or_closed(client: SandboxClient, ref: str, kit: Any) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    assert (await client.query_payment(ref)).payer is None
    assert (await client.close_payment(ref)).payer is None
    assert (await client.query_payment("none")).payer is None


async def test_whoever_pays_first_has_paid(provider: Any, client: SandboxClient, ref: str, kit: Any) -> None:
    payer = await paid(provider, client, ref, kit, account="first")
    await provider.control("pay", ref=ref, account="second")
    assert (await client.query_payment(ref)).payer == payer


async def test_a_wallet_and_the_pay_page_are_one_account(
    provider: Any, client: SandboxClient, refs: Iterator[str], kit: Any
) -> None:
    name = f"w{next(refs)[-12:].lower()}"
    async with kit.web() as phone:
        page = (await phone.get(f"{provider.url}/wallet?w={name}")).text
        code = re.search(r'data-code="(\d{18})"', page)
        assert code
        charged = await client.charge_code(
            next(refs), auth_code=code[1], amount_minor=990, currency="CNY", subject="s", notify_url=NOWHERE,
            expires_at=clock.now() + timedelta(minutes=5),
        )  # fmt: skip
        ref = next(refs)
        opened = await kit.open_payment(client, ref, NOWHERE)
        assert (await phone.post(opened.pay_url, data={"account": f" {name.upper()} "})).status_code == 303
    assert charged.payer
    assert (await client.query_payment(ref)).payer == charged.payer


async def test_a_wallet_that_was_asked_pays_whoever_else_is_named(
    provider: Any, client: SandboxClient, refs: Iterator[str], kit: Any
) -> None:
    name = f"w{next(refs)[-12:].lower()}"
    async with kit.web() as phone:
        page = (await phone.get(f"{provider.url}/wallet?w={name}")).text
    code = re.search(r'data-code="(\d{18})"', page)
    assert code
    ref = next(refs)
    asked = await client.charge_code(
        ref, auth_code=code[1], amount_minor=100_001, currency="CNY", subject="s", notify_url=NOWHERE,
        expires_at=clock.now() + timedelta(minutes=5),
    )  # fmt: skip
    assert (asked.status, asked.payer) == (PaymentStatus.OPEN, None)
    await provider.control("pay", ref=ref, account="another")
    payer = (await client.query_payment(ref)).payer
    assert payer == await paid(provider, client, next(refs), kit, account=name)


async def test_a_browser_stays_the_same_payer_until_it_says_otherwise(
    provider: Any, client: SandboxClient, refs: Iterator[str], kit: Any
) -> None:
    numbers = []
    async with kit.web() as browser, kit.web() as elsewhere:
        for who, said in ((browser, {}), (browser, {}), (elsewhere, {}), (browser, {"account": "mama"}), (browser, {})):
            ref = next(refs)
            opened = await kit.open_payment(client, ref, NOWHERE)
            page = await who.get(opened.pay_url + "?lang=en")
            field = re.search(r'name="account" value="([a-z0-9-]{1,20})"', page.text)
            assert field, page.text
            assert who.cookies["sandbox_account"] == field[1]
            assert (await who.post(opened.pay_url, data=said)).status_code == 303
            numbers.append((await client.query_payment(ref)).payer)
            assert f"<dd>{numbers[-1]}</dd>" in (await who.get(opened.pay_url)).text
    first, second, third, mama, again = numbers
    assert (first, mama) == (second, again)
    assert len({first, third, mama}) == 3


async def test_what_is_no_account_pays_nothing(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, NOWHERE)
    async with kit.web() as browser:
        for wrong in ("王芳", "a b", "x" * 21, "<script>", "'; --"):
            page = await browser.post(opened.pay_url + "?lang=en", data={"account": wrong})
            assert page.status_code == 422
            assert 'role="alert">An account is up to 20' in page.text
            assert "<script" not in page.text
        wrong = await browser.post(f"{provider.url}/control", json={"do": "pay", "ref": ref, "account": "a b"})
        assert wrong.status_code == 400
        # A cookie that is none of ours is a browser without one.
        page = await browser.get(opened.pay_url, headers={"cookie": 'sandbox_account="><b>'})
        assert '"><b>' not in page.text
    assert (await client.query_payment(ref)).status is PaymentStatus.OPEN


async def test_a_ledger_of_before_goes_on_and_its_payments_have_no_payer(tmp_path: Path, kit: Any) -> None:
    path = tmp_path / "sandbox.sqlite"
    db = sqlite3.connect(path)
    for step in STEPS[:2]:
        for statement in step:
            db.execute(statement)
    db.execute(
        """INSERT INTO payments (merchant_id, out_trade_no, provider_ref, amount_minor, currency, subject, notify_url,
                                 return_url, state, created_ms, expires_ms, paid_ms)
           VALUES ('shop', 'old', 'sbx_old', 1990, 'CNY', 's', 'n', '/', 'paid', 1, 2, 1)"""
    )
    db.execute("PRAGMA user_version=2")
    db.commit()
    db.close()
    provider = Provider(
        SandboxSettings(path=path, merchants=(Merchant("shop", kit.SECRET, "双线", "Duoline"),), public_url="")
    )
    async with provider.running(), kit.serving(create_app(provider, mounted=True)) as url, kit.client_at(url) as client:
        old = await client.query_payment("old")
        assert (old.status, old.payer, old.paid_at) == (PaymentStatus.PAID, None, datetime.fromtimestamp(0.001, UTC))
        opened = await kit.open_payment(client, "new", NOWHERE)
        async with kit.web() as browser:
            assert (await browser.post(url + opened.pay_url, data={"account": "a"})).status_code == 303
        assert (await client.query_payment("new")).payer
