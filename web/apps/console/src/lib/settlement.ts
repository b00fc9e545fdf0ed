import type { Money } from "@duoline/client"
import { date, dayTime, money, nameOr, pick, t, textKey } from "@duoline/i18n"
import type { IconName } from "@duoline/ui"
import type { AccountSet, PayeeKind, PayeeOf, PayoutRow, ShareRow, StatementState } from "../api/types"

export const KINDS: readonly PayeeKind[] = ["staff", "member", "store", "company", "chain"]
export const STATES: readonly StatementState[] = ["closing", "closed", "approved", "paying", "paid", "carried"]

export const payeeName = (payee: PayeeOf): string => pick(payee.name) || t("settle.nameless")
export const KIND_ICONS: Record<PayeeKind, IconName> = { staff: "user", member: "users", store: "shop", company: "shop", chain: "home" }

/** `2026-11` in words. */
export const monthName = (month: string): string => new Intl.DateTimeFormat(textKey() === "en" ? "en-GB" : "zh-CN", { year: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${month}-01T00:00:00Z`))
export const shortMonth = (month: string): string => new Intl.DateTimeFormat(textKey() === "en" ? "en-GB" : "zh-CN", { month: "short", timeZone: "UTC" }).format(new Date(`${month}-01T00:00:00Z`))
/** `250` as 2.5%. */
export const percent = (bp: number): string => `${bp / 100}%`
/** A payment provider in words; one that we have no word for as it calls itself. */
export const providerName = (name: string): string => nameOr(`tender.${name}`, name)
export const negative = (value: Money): Money => ({ ...value, minor: -value.minor })
export const yuanOf = (minor: number): Money => ({ minor, currency: "CNY" })

/** What a share is reckoned from: the role, the rate, and of how much. */
export function reckoned(share: ShareRow): string {
  const basis = money(share.basis)
  if (share.role === "bringing") return t("settle.why_bringing")
  // Headquarters bears what a shop has for a new member: there is no order either way.
  if (share.role === "bringing_store" || (share.role === "headquarters" && !share.order_no)) return t("settle.why_bringing_store")
  const role = t(`pay_role.${share.role}`)
  const rate = percent(share.rate_bp)
  if (share.book === "commission") return t("settle.why_commission", { role, rate, basis })
  if (!share.margin) return share.role === "owner" ? t("settle.why_owner_short", { basis }) : t("settle.why_margin_short", { role, rate, basis })
  const { worth, goods, margin, goods_percent, funded, rest } = share.margin
  const facts = { role, rate, worth: money(worth), goods: money(goods), margin: money(margin), percent: percent(goods_percent * 100) }
  if (share.role === "owner") return t("settle.why_owner", { ...facts, rest: money(rest) })
  const said = t("settle.why_margin", facts)
  return share.role === "headquarters" && funded.minor ? t("settle.why_bears", { said, funded: money(funded) }) : said
}
/** When a share is its payee's, or why it pays nothing. */
export function becomes(share: ShareRow): string {
  if (share.flag) return t("settle.pays_nothing", { why: t(`pay_flag.${share.flag}`) })
  if (share.paid_at) return share.booked ? t("settle.was_booked", { at: date(share.paid_at) }) : t("settle.was_paid", { at: date(share.paid_at), run: share.run_no ?? "" })
  if (share.state === "matured") return t("settle.was_due", { month: share.month ? monthName(share.month) : "" })
  return share.matures_at ? t("settle.due_at", { at: dayTime(share.matures_at) }) : t("settle.due_later")
}
/** Both in one sentence. */
export const why = (share: ShareRow): string => t("settle.why", { what: reckoned(share), when: becomes(share) })

const REFUSED: Record<string, string> = { "payments.receiver-unknown": "receiver_unknown", "payments.balance-too-small": "balance_too_small", "payments.provider-refused": "provider_refused", "payments.amount-differs": "amount_differs" }
/** What the provider refused has a word of its own; what somebody wrote, or the provider said, stands as it is. */
export const problemOf = (row: PayoutRow): string => (REFUSED[row.problem] ? t(`settle.refusal.${REFUSED[row.problem]}`) : row.problem.startsWith("provider: ") ? t("settle.refusal.provider_failed", { why: row.problem.slice(10) }) : row.problem)
/** Where a payout goes: the provider or the bank, and an end of the account; or by file to nobody knows where. */
export const wayOf = (row: PayoutRow): string => (row.provider ? `${providerName(row.provider)} ${row.receiver}`.trim() : row.bank ? `${row.bank} ${row.receiver}` : t(row.state === "requested" ? "settle.way_none" : "settle.way_file"))
/** Who set an account to which nothing has been paid yet. */
export const accountSet = (one: AccountSet): string => t(one.by ? "settle.account_set_by" : "settle.account_set", { at: dayTime(one.at), by: one.by })
