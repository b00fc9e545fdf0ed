"""Settlement: who is paid for an order, how much, when, and how they can see why."""

from duoline.settlement.accrue import Told, tell_all, tell_bringing, tell_bringing_store
from duoline.settlement.closing import begin_closing, close_month, pays
from duoline.settlement.closing_runs import ClosingRun
from duoline.settlement.contracts import Terms, place_of, price_right, terms_at
from duoline.settlement.errors import (
    ApprovedBefore,
    Disputed,
    MonthNotOver,
    NotClosed,
    OwnStatement,
    PayAlone,
    PayeeBusy,
    PayoutAtProvider,
    PayoutOver,
    SignOffMissing,
    SignOffThere,
    StillClosing,
    TwoLevelsInForce,
)
from duoline.settlement.mature import mature, mature_of
from duoline.settlement.months import month_of
from duoline.settlement.parts import close_one
from duoline.settlement.payee_accounts import BANK, Account, PayeeAccount, account_of, drop_account, masked, set_account
from duoline.settlement.payouts import begin, pay_all, pay_one, resolve
from duoline.settlement.policy import (
    ALLOCATION,
    COMMISSION,
    CONTRACTS,
    STATEMENTS,
    AllocationPolicy,
    CommissionPolicy,
    Contract,
    ContractPolicy,
    StatementPolicy,
)
from duoline.settlement.reckon import allocation_of, commission_of, in_money, payable, times_of
from duoline.settlement.refer import closes_circle, refer, release
from duoline.settlement.sign_offs import live as live_sign_off
from duoline.settlement.sign_offs import revoke, sign_off
from duoline.settlement.simulate import Draft, Simulated, simulate
from duoline.settlement.statements import approve, check_over, say
from duoline.settlement.take_back import take_back_bringing
from duoline.settlement.types import HEADQUARTERS, NOWHERE, ONLINE, Earned, Facts, Kept, Key, LineFacts, Payee, Place
from duoline.settlement.write_off import write_off_debt

__all__ = [
    "ALLOCATION",
    "BANK",
    "COMMISSION",
    "CONTRACTS",
    "HEADQUARTERS",
    "NOWHERE",
    "ONLINE",
    "STATEMENTS",
    "Account",
    "AllocationPolicy",
    "ApprovedBefore",
    "ClosingRun",
    "CommissionPolicy",
    "Contract",
    "ContractPolicy",
    "Disputed",
    "Draft",
    "Earned",
    "Facts",
    "Kept",
    "Key",
    "LineFacts",
    "MonthNotOver",
    "NotClosed",
    "OwnStatement",
    "PayAlone",
    "Payee",
    "PayeeAccount",
    "PayeeBusy",
    "PayoutAtProvider",
    "PayoutOver",
    "Place",
    "SignOffMissing",
    "SignOffThere",
    "Simulated",
    "StatementPolicy",
    "StillClosing",
    "Terms",
    "Told",
    "TwoLevelsInForce",
    "account_of",
    "allocation_of",
    "approve",
    "begin",
    "begin_closing",
    "check_over",
    "close_month",
    "close_one",
    "closes_circle",
    "commission_of",
    "drop_account",
    "in_money",
    "live_sign_off",
    "masked",
    "mature",
    "mature_of",
    "month_of",
    "pay_all",
    "pay_one",
    "payable",
    "pays",
    "place_of",
    "price_right",
    "refer",
    "release",
    "resolve",
    "revoke",
    "say",
    "set_account",
    "sign_off",
    "simulate",
    "take_back_bringing",
    "tell_all",
    "tell_bringing",
    "tell_bringing_store",
    "terms_at",
    "times_of",
    "write_off_debt",
]
