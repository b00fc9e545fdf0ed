import type { Card, OptionText } from "@duoline/client"
import { clockTime, dayOf, dayTime, i18n, pick, t } from "@duoline/i18n"
import { session, zone } from "../state/session"

/** "800 g · Stage 2" of an article's chosen options. */
export function optionWords(options: OptionText[]): string {
  return options.map((option) => pick(option.value)).join(" · ")
}

/** The clock alone for today, else day and clock; in the shop's zone. */
export function shortTime(at: string, now: Date): string {
  return dayOf(at, zone.value) === dayOf(now, zone.value) ? clockTime(at, zone.value) : dayTime(at, zone.value, now)
}

export function shopName(code: string | null): string {
  if (!code) return t("work.other_shop")
  return pick([...(session.me?.stores ?? []), ...(session.far ? [session.far] : [])].find((one) => one.code === code)?.name) || code
}

/** The message under `key`; the plain one where the server used a word that has no message yet. */
export function said(key: string, otherwise: string): string {
  return i18n.global.te(key) ? t(key) : otherwise
}

/** Whom an order is for: the customer, or the shop that a box goes to. */
export function whoOf(card: Card): string {
  return card.to ? t("queue.to_shop", { shop: pick(card.to.name) }) : card.customer_name
}

/** Where an order stands, in the words of what becomes of it. */
export function stateWord(card: Card): string {
  if (card.kind === "ship" && card.state === "ready") return t("state.packed")
  return card.kind === "transfer" ? said(`state.box.${card.state}`, t(`state.${card.state}`)) : t(`state.${card.state}`)
}
