"""Stored value: paid in by members, given on top by the chain, spent like money, and never lost between the two."""

from duoline.wallet import top_up as top_ups
from duoline.wallet import top_up_refund as top_up_refunds
from duoline.wallet.account import balance_of
from duoline.wallet.errors import StoredNotTaken, TopUpOver
from duoline.wallet.pay_out import pay_out
from duoline.wallet.policy import WALLET, WalletPolicy
from duoline.wallet.reckon import Shares, bonus_for
from duoline.wallet.spend import give_back, spendable, use
from duoline.wallet.top_up import TopUp
from duoline.wallet.top_up_refund import TopUpRefund

__all__ = [
    "WALLET",
    "Shares",
    "StoredNotTaken",
    "TopUp",
    "TopUpOver",
    "TopUpRefund",
    "WalletPolicy",
    "balance_of",
    "bonus_for",
    "give_back",
    "pay_out",
    "spendable",
    "top_up_refunds",
    "top_ups",
    "use",
]
