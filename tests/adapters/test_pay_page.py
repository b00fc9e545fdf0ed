"""The pay page: what a buyer reads, what a developer can choose, what an attacker cannot do."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from litestar import Litestar

from duoline.adapters.sandbox import Merchant, Provider, SandboxSettings, create_app, mount
from duoline.adapters.sandbox.faults import Forgery
from duoline.payments.provider import PaymentStatus

if TYPE_CHECKING:
    from pathlib import Path

    from duoline.adapters.sandbox_client import SandboxClient

NOWHERE = "http://127.0.0.1:9/callbacks"


@pytest.mark.parametrize(
    ("headers", "query", "words"),
    [
        ({}, "", ["支付 ¥19.90", "取消", "付款给 shop", "剩余时间"]),
        ({"accept-language": "en-GB,en"}, "", ["Pay ¥19.90", "Cancel", "Pay shop", "Time left"]),
        ({"accept-language": "en"}, "?lang=zh", ["支付 ¥19.90"]),
        ({}, "?lang=en", ["Pay ¥19.90"]),
    ],
)
async def test_the_page_shows_what_is_paid_in_the_buyers_language(
    client: SandboxClient, ref: str, kit: Any, headers: dict[str, str], query: str, words: list[str]
) -> None:
    opened = await kit.open_payment(client, ref, NOWHERE)
    async with kit.web() as browser:
        page = await browser.get(opened.pay_url + query, headers=headers)
    assert page.status_code == 200
    for word in [*words, ref, "双线商城订单 20261121-0042", "14"]:
        assert word in page.text
    language = "en" if "Cancel" in page.text else "zh"
    assert (language == "en") == ("Pay ¥19.90" in words)


async def test_what_a_shop_sends_is_text_never_markup(client: SandboxClient, ref: str, kit: Any) -> None:
    opened = await kit.open_payment(
        client, ref, NOWHERE, subject="<script>alert(1)</script>", return_url="http://shop.example/?a=1&b='\"<i>"
    )
    async with kit.web() as browser:
        page = await browser.get(opened.pay_url)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert 'href="http://shop.example/?a=1&amp;b=&#x27;&quot;&lt;i&gt;"' in page.text


async def test_the_page_runs_no_script_and_no_foreign_style(client: SandboxClient, ref: str, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, NOWHERE)
    async with kit.web() as browser:
        page = await browser.get(opened.pay_url)
    policy = page.headers["content-security-policy"]
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:8000;" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"


async def test_only_the_secret_address_pays(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    """A payment's number stands on receipts and in logs; knowing it does not open the page."""
    await kit.open_payment(client, ref, NOWHERE)
    async with kit.web() as browser:
        for guess in (ref, "sbx_" + "0" * 26, "nothing"):
            assert (await browser.get(f"{provider.url}/pay/{guess}")).status_code == 404
            assert (await browser.post(f"{provider.url}/pay/{guess}", data={})).status_code == 404
    assert (await client.query_payment(ref)).status is PaymentStatus.OPEN


async def test_each_state_says_what_to_do_next(client: SandboxClient, provider: Any, refs: Any, kit: Any) -> None:
    paid, closed = next(refs), next(refs)
    pages = {}
    async with kit.web() as browser:
        for ref in (paid, closed):
            opened = await kit.open_payment(client, ref, NOWHERE)
            if ref == paid:
                await provider.control("pay", ref=ref)
            else:
                await client.close_payment(ref)
            pages[ref] = (await browser.get(opened.pay_url)).text
    assert "已支付" in pages[paid]
    assert "付款已关闭" in pages[closed]
    for text in pages.values():
        assert '<form method="post"' not in text
        assert "返回商家" in text


async def test_cancel_leaves_the_payment_open(client: SandboxClient, ref: str, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, NOWHERE, return_url="/orders/42")
    async with kit.web() as browser:
        page = await browser.get(opened.pay_url)
    assert '<a class="button quiet" href="/orders/42">取消</a>' in page.text
    assert (await client.query_payment(ref)).status is PaymentStatus.OPEN


async def test_the_panel_makes_go_wrong_what_was_chosen(client: SandboxClient, ref: str, shop: Any, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, shop.url)
    chosen = {
        "panel": "1",
        "callback": "normal",
        "delay_s": "30",
        "repeat": "2",
        "forge": ["signature", "amount"],
        "after_capture": "error",
        "refund": "failed",
    }
    async with kit.web() as browser:
        page = await browser.get(opened.pay_url)
        for forgery in Forgery:
            assert f'name="forge" value="{forgery}"' in page.text
        answer = await browser.post(opened.pay_url, data=chosen)
        assert answer.status_code == 502
        heard = await shop.wait_for(5)
        assert [one.kind for one in heard][:1] == ["refused:signature"]
        assert [one.judged.amount_minor for one in heard[1:]] == [1, 1990, 1990, 1990]
        refund = await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=1, currency="CNY", reason="")
        assert refund.status == "failed"
        after = await browser.get(opened.pay_url + "?lang=en")
    assert "Forged: Bad signature" in after.text
    assert "Taken by the shop" in after.text


async def test_a_panel_full_of_nonsense_still_pays(client: SandboxClient, ref: str, shop: Any, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, shop.url)
    nonsense = {"panel": "1", "callback": "late", "delay_s": "-5", "repeat": "many", "forge": ["nothing"]}
    async with kit.web() as browser:
        assert (await browser.post(opened.pay_url, data=nonsense)).status_code == 303
    assert [one.kind for one in await shop.wait_for(1)] == ["payment.paid"]


async def test_without_the_panel_the_page_cannot_misbehave(tmp_path: Path, kit: Any, ref: str) -> None:
    provider = Provider(
        SandboxSettings(
            path=tmp_path / "sandbox.sqlite",
            merchants=(Merchant("shop", kit.SECRET, "安心母婴", "Anxin Baby"),),
            public_url="",
            panel=False,
        )
    )
    async with (
        provider.running(),
        kit.serving(create_app(provider, mounted=True)) as url,
        kit.client_at(url) as client,
        kit.web() as browser,
    ):
        opened = await kit.open_payment(client, ref, NOWHERE)
        page = await browser.get(url + opened.pay_url)
        assert "付款给 安心母婴" in page.text
        assert "<details" not in page.text
        chosen = {"panel": "1", "callback": "lost", "after_capture": "error"}
        assert (await browser.post(url + opened.pay_url, data=chosen)).status_code == 303
        assert (await browser.get(url + opened.pay_url + "?lang=en")).text.count("Anxin Baby") == 1


async def test_the_provider_works_mounted_in_another_application(tmp_path: Path, kit: Any, ref: str) -> None:
    provider = Provider(
        SandboxSettings(path=tmp_path / "sandbox.sqlite", merchants=(Merchant("shop", kit.SECRET, "双线", "Duoline"),))
    )
    application = Litestar([mount(provider)], openapi_config=None, logging_config=None)
    async with (
        provider.running(),
        kit.serving(application) as url,
        kit.client_at(url + "/sandbox") as client,
        kit.web() as browser,
    ):
        shop = kit.Shop(client)
        async with kit.listening(shop.serve) as shop.port:
            opened = await kit.open_payment(client, ref, shop.url, return_url="/orders/42")
            assert opened.pay_url == f"/sandbox/pay/{opened.provider_ref}"
            page = await browser.get(url + opened.pay_url)
            assert 'action="?lang=zh"' in page.text
            answer = await browser.post(url + opened.pay_url + "?lang=zh", data={})
            assert (answer.status_code, answer.headers["location"]) == (303, "/orders/42")
            assert [one.kind for one in await shop.wait_for(1)] == ["payment.paid"]
