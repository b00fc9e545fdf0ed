"""Payouts as a file for the bank: whom, to which account, how much, what for; and in words what to look at first."""

from __future__ import annotations

from typing import NamedTuple

from duoline.channels.console.payout_shapes import AccountSet, PayoutRow, statement_number
from duoline.channels.http.table import Column, Table
from duoline.settlement import bank_numbers
from duoline.settlement.months import ZONE

COLUMNS = [
    Column("参考号 Reference", width=6),
    Column("收款方类型 Payee kind", width=4),
    Column("收款方编号 Payee id", width=6),
    Column("收款方 Payee", width=5),
    Column("户名 Account holder", width=5),
    Column("对公对私 Whose account", width=4),
    Column("银行 Bank", width=5),
    Column("支行 Branch", width=5),
    Column("账号 Account number", width=7),
    Column("金额 Amount", "money", 4),
    Column("币种 Currency", width=3),
    Column("结算单 Statement", width=5),
    Column("附言 Purpose", width=7),
    Column("请留意 To look at", width=15),
]
KINDS = {
    "staff": "员工 staff", "member": "会员 member", "store": "门店 shop", "company": "公司 company", "chain": "总部 HQ",
}  # fmt: skip
OWNERS = {"": "", "person": "对私 person", "company": "对公 company"}
NONE = (
    "没有银行账户:请先登记账户,再把这一笔登记为失败,下一批会打到新账户。 No bank account: enter one, then say that this"
    " one failed; the next run pays to it."
)


class ForBank(NamedTuple):
    """A payout with the month of its statement, and the whole account; empty where none was known."""

    payout: PayoutRow
    month: str
    holder: str
    bank: str
    branch: str
    owner: str
    account: str


def cells(row: ForBank, *, number: str) -> list[str | int]:
    """A line, with the number of the account as it is to be written."""
    payee, amount = row.payout.payee, row.payout.amount
    no = statement_number(row.month, row.payout.statement_id)
    return [
        str(row.payout.id),
        KINDS[payee.kind],
        str(payee.id),
        f"{payee.name.zh} {payee.note}".strip(),
        row.holder,
        OWNERS[row.owner],
        row.bank,
        row.branch,
        number,
        amount.minor,
        amount.currency,
        no,
        f"{row.month} 结算 {no}",
        _look_at(row),
    ]


def csv_cells(row: ForBank) -> list[str | int]:
    """A line of CSV, which has no types: in fours the number stays the text it is in every spreadsheet."""
    return cells(row, number=bank_numbers.grouped(row.account))


def table(month: str, no: str, rows: list[ForBank]) -> Table:
    """The workbook, in which the number is text."""
    return Table(
        title=f"打款 {month} {no}",
        facts=[
            ("批次 Run", f"{month} {no}"),
            ("笔数 Payouts", str(len(rows))),
            ("合计 Total", sum(row.payout.amount.minor for row in rows)),
        ],
        columns=COLUMNS,
        rows=[cells(row, number=row.account) for row in rows],
    )


def _look_at(row: ForBank) -> str:
    if not row.account:
        return NONE
    doubts = ["卡号校验位不对,请核对。 The check digit is wrong."] if _doubtful(row) else []
    return " ".join([*([changed(row.payout.account_set)] if row.payout.account_set else []), *doubts])


def changed(one: AccountSet) -> str:
    """Who set an account to which nothing has been paid yet."""
    at = f"{one.at.astimezone(ZONE):%Y-%m-%d %H:%M}"
    return (
        f"账户于 {at} 由{one.by or '他人'}更改,首次打款,请先电话核实。"
        f" Account changed on {at} by {one.by or 'somebody else'}, first payout to it: call the payee before."
    )


def _doubtful(row: ForBank) -> bool:
    return bank_numbers.doubtful(row.account, owner=row.owner)
