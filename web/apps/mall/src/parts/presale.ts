import type { CancelTerms, Money, Order, UnpaidTerms } from "@duoline/client"
import { countdown, date, dayTime, t } from "@duoline/i18n"

interface Terms {
  cancel_terms: CancelTerms
  unpaid_terms: UnpaidTerms
  balance_from: string
  balance_until: string
}

const DAY = 86_400_000

/** What becomes of the deposit, in plain words, one sentence each. */
export function termsWords(terms: Terms): string[] {
  const said = { from: dayTime(terms.balance_from), until: dayTime(terms.balance_until) }
  const own =
    terms.unpaid_terms === "given_back"
      ? [t("presale.terms_back")]
      : terms.cancel_terms === "never"
        ? [t("presale.terms_never")]
        : [t("presale.terms_before", said), t("presale.terms_after", said)]
  return [...own, t("presale.terms_ours")]
}

/** How long is left: days while there are some, then to the second. */
export function leftWords(until: string, now: Date): string {
  const left = Date.parse(until) - now.getTime()
  if (left >= 2 * DAY) return t("presale.left_days", { d: Math.floor(left / DAY), h: Math.floor((left % DAY) / 3_600_000) })
  return t("presale.left", { time: countdown(until, now) })
}

/** A day that comes without a time: when the goods are there. */
export const dayWords = (day: string) => date(`${day}T12:00:00+08:00`)

/** What is to be paid next: of a pre-order its deposit or its balance, else what points have left of it. */
export function toPay(order: Pick<Order, "total" | "paid" | "preorder">): Money {
  if (order.preorder?.step === "deposit") return order.preorder.deposit
  if (order.preorder?.step === "balance") return order.preorder.balance
  return { ...order.total, minor: order.total.minor - order.paid.minor }
}
