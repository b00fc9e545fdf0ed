"""The control API: make the provider misbehave, and act as the buyer, without a browser.

For development and tests. The provider is only ever mounted there, so these calls are not signed; they
take JSON only, which a page of another site cannot send.
"""

from typing import Annotated, Any, Literal

import msgspec
from litestar import MediaType, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery, JSONBody

from duoline.adapters.sandbox import accounts, callbacks, payments, refunds, transfers, wallets
from duoline.adapters.sandbox.books import Books
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.faults import AnswerFault, Faults, RefundOutcome, TransferOutcome
from duoline.adapters.sandbox.provider import Provider


class Action(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", forbid_unknown_fields=True):
    """One thing to do. `ref` is the provider's reference or the merchant's out_trade_no."""


class SetDefaults(Action, frozen=True, tag="defaults"):
    """What goes wrong around every payment without a choice of its own."""

    faults: Faults


class SetFaults(Action, frozen=True, tag="faults"):
    """What goes wrong around one payment; null follows the defaults again."""

    ref: str
    faults: Faults | None


class SpoilAnswers(Action, frozen=True, tag="answer"):
    """Spoil the next answers to one kind of call."""

    fault: AnswerFault


class Pay(Action, frozen=True, tag="pay"):
    """The buyer pays, by the account of that name. Without one: somebody who never comes again. `late_capture`: even
    though the payment is closed."""

    ref: str
    account: Annotated[str, msgspec.Meta(pattern=f"^{accounts.PATTERN}$")] | None = None
    late_capture: bool = False


class SettleRefund(Action, frozen=True, tag="settle_refund"):
    """End a refund in progress."""

    out_refund_no: str
    outcome: RefundOutcome


class SettleTransfer(Action, frozen=True, tag="settle_transfer"):
    """End a transfer in progress."""

    out_transfer_no: str
    outcome: TransferOutcome


class TopUpMerchant(Action, frozen=True, tag="top_up_merchant"):
    """A merchant pays into its balance, to transfer out of it."""

    merchant_id: str
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=10**12)]


class OpenWallet(Action, frozen=True, tag="open_wallet"):
    """Somebody opens a wallet by that name, if there is none."""

    name: Annotated[str, msgspec.Meta(pattern=f"^{accounts.PATTERN}$")]


class Replay(Action, frozen=True, tag="replay"):
    """Send an event of any age again."""

    event_id: str
    times: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Release(Action, frozen=True, tag="release"):
    """Send everything lost, late or between retries now; all of it, or one payment's."""

    ref: str | None = None


class Scale(Action, frozen=True, tag="scale"):
    """Multiply every wait from now on."""

    factor: Annotated[float, msgspec.Meta(ge=0, le=1000)]


class Reset(Action, frozen=True, tag="reset"):
    """Behave again: forget defaults, spoilt answers and scale. The books and the queue stay."""


class Clear(Action, frozen=True, tag="clear"):
    """Empty the queue of callbacks, so that a test does not hear of the one before it."""


AnyAction = (
    SetDefaults
    | SetFaults
    | SpoilAnswers
    | Pay
    | SettleRefund
    | SettleTransfer
    | TopUpMerchant
    | OpenWallet
    | Replay
    | Release
    | Scale
    | Reset
    | Clear
)


class Done(msgspec.Struct):
    """The answer to every action, with the payment where there is one."""

    done: Literal[True] = True
    payment: dict[str, object] | None = None


def routes(provider: Provider) -> Router:
    """The control API of one provider, under /control."""

    @post("/", status_code=200, guards=[json_only])
    async def act(data: JSONBody[AnyAction]) -> Done:
        return await provider.write(lambda books: _act(books, data, provider.settings.public_url))

    @get("/")
    async def look(ref: FromQuery[str | None] = None) -> Response[dict[str, object]]:
        state = await provider.write(lambda books: _state(books, ref, provider.settings.public_url))
        return Response(state, media_type=MediaType.JSON, headers={"cache-control": "no-store"})

    return Router("/control", route_handlers=[act, look])


def json_only(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Browsers ask before they send JSON to another site, and nobody here says yes."""
    if connection.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Refused("bad_request", 415, "Send application/json.")


def _act(books: Books, action: AnyAction, public_url: str) -> Done:
    match action:
        case SetDefaults(faults=faults):
            _choose(books, "faults", msgspec.json.encode(faults).decode())
        case SetFaults(ref=ref, faults=faults):
            payments.choose_faults(books, payments.by_ref(books, ref), faults)
        case SpoilAnswers(fault=fault):
            books.insert(
                "INSERT INTO answer_faults (operation, how, seconds, times_left) VALUES (?, ?, ?, ?)",
                fault.operation,
                fault.how,
                fault.seconds,
                fault.times,
            )
        case Pay(ref=ref, account=account, late_capture=late_capture):
            payment = payments.pay(books, ref, account=account, late_capture=late_capture)
            return Done(payment=payments.as_json(payment, public_url))
        case SettleRefund(out_refund_no=out_refund_no, outcome=outcome):
            refunds.settle_now(books, out_refund_no, outcome)
        case SettleTransfer(out_transfer_no=out_transfer_no, outcome=outcome):
            transfers.settle_now(books, out_transfer_no, outcome)
        case TopUpMerchant(merchant_id=merchant_id, amount_minor=amount_minor):
            transfers.top_up(books, merchant_id, amount_minor)
        case OpenWallet(name=name):
            wallets.wallet(books, name)
        case Replay(event_id=event_id, times=times):
            callbacks.replay(books, event_id, times)
        case Release(ref=ref):
            callbacks.release(books, payments.by_ref(books, ref)["id"] if ref else None)
        case Scale(factor=factor):
            _choose(books, "scale", str(factor))
        case Reset():
            books.run("DELETE FROM choices")
            books.run("DELETE FROM answer_faults")
        case Clear():
            books.run("UPDATE callbacks SET state = 'given_up' WHERE state IN ('waiting', 'lost')")
    return Done()


def _choose(books: Books, name: str, value: str) -> None:
    books.run(
        "INSERT INTO choices (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


def _state(books: Books, ref: str | None, public_url: str) -> dict[str, object]:
    payment = payments.by_ref(books, ref) if ref else None
    spoilt = books.all("SELECT operation, how, seconds, times_left FROM answer_faults ORDER BY id")
    return {
        "defaults": books.faults,
        "scale": books.scale,
        "answers": [dict(row) for row in spoilt],
        "payment": payments.as_json(payment, public_url) if payment else None,
        "callbacks": callbacks.log(books, payment["id"] if payment else None),
    }


def refusal_answer(refusal: Refused) -> Response[dict[str, int | str]]:
    """A refusal outside the merchant API, unsigned."""
    return Response(refusal.as_json(), status_code=refusal.status, media_type=MediaType.JSON)
