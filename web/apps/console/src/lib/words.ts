import { i18n, pick, t } from "@duoline/i18n"
import { shopWithId } from "./shops"

/** An account of the ledger in plain words: `cash:<shop id>` is the drawer of that shop. */
export function accountName(account: string): string {
  const [kind = "", rest = ""] = account.split(":")
  const shop = shopWithId(rest)
  if (kind === "cash" || kind === "sales") return t(`account.${kind}`, { shop: shop ? pick(shop.name) : t("account.some_shop") })
  if (kind === "clearing") return t("account.clearing", { provider: tenderName(rest) })
  if (kind === "income") return t(`account.income_${rest === "delivery" || rest === "forfeited" ? rest : "other"}`)
  if (kind === "pending" || kind === "due" || kind === "paying") return t(`account.share_${kind}`)
  return kind === "deposits" || account === "commission" || account === "allocation" ? t(`account.${kind}`) : account
}

const TENDERS = new Set(["sandbox", "cash", "card", "online", "by-hand"])
export function tenderName(tender: string): string {
  return TENDERS.has(tender) ? t(`tender.${tender}`) : tender
}

/** Who did something, from the label the back end keeps: `staff:<id>`, `member:<id>`, `system:<id>`. */
export function actorName(label: string): string {
  const kind = label.split(":")[0] ?? ""
  return ["staff", "member", "system"].includes(kind) && label.includes(":") ? t(`actor.${kind}`) : label
}

/** A field of an audited record in words; its own name where it has none yet. */
export function fieldName(field: string): string {
  return i18n.global.te(`audit_field.${field}`) ? t(`audit_field.${field}`) : field
}

/** What was done, as a sentence (`payout.done`: "Payout paid"); the code itself where there is none, which a test of the
 * back end does not let happen. */
export function actionName(action: string): string {
  const key = `audit_says.${action}`
  return i18n.global.te(key) ? t(key) : action
}
/** What audit lines are about. */
export const SUBJECTS = [
  "order", "refund", "member", "staff", "store", "region", "company", "product", "sku", "brand", "category", "assortment", "transfer", "count", "promotion", "presale", "coupon_batch",
  "touchpoint", "outfit", "month", "statement", "payout_run", "payout", "payee", "sign_off", "drawer", "sale", "policy", "consent", "import", "system", "invariant", "event",
] as const
