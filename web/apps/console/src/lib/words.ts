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

const ROLES_OF_ACTIONS = /^([a-z]+)\.([a-z-]+)$/
/** `price.set` in words; the word itself where there is none. */
export function actionName(action: string): string {
  const found = ROLES_OF_ACTIONS.exec(action)
  if (!found) return action
  const [, kind = "", verb = ""] = found
  const subject = SUBJECTS.has(kind) ? t(`subject.${kind}`) : kind
  return VERBS.has(verb) ? t("action.sentence", { subject, verb: t(`verb.${verb}`) }) : `${subject} ${verb}`
}
export const SUBJECTS = new Set(["product", "sku", "brand", "category", "price", "stock", "order", "staff", "store", "region", "company", "policy", "import", "refund", "member", "invariant", "favourite", "count", "transfer", "promotion", "presale", "coupons", "drawer", "sale", "touchpoint", "binding", "statement", "payout", "settlement", "commission", "system"])
const VERBS = new Set([
  "revoke", "told",
  "make", "bind", "unbind", "dispute", "dispute-stands", "dispute-moves",
  "added", "edited", "changed", "set", "end", "renamed", "moved", "opened", "published", "withdrawn", "draft", "cancel", "count", "damage", "receipt", "missing",
  "opening", "return", "safety", "buffers", "hired", "grants-set", "exceptions-set", "barcodes-set", "picture-added", "picture-removed", "pictures-arranged", "run", "hold", "release", "broken",
  "sell", "sell-home", "ring-up", "take-preorder", "preorder-untaken", "forfeit", "split", "cash", "hand-over", "ship", "reject", "request", "done", "failed", "import", "payment-resolved", "source-again", "refund-frozen", "replan", "shadow-run", "sent-again", "given-by-hand", "keep", "give-up",
  "count-open", "count-submit", "count-approve", "count-reject", "count-cancel", "shortage-found", "approve", "decline", "send", "receive", "lose", "send-to-shop", "arrive", "open", "give", "print", "void", "float", "paid-in", "paid-out", "close", "discard", "back", "sign-off", "sign-off-revoked",
])
