import { count, pick, t } from "@duoline/i18n"
import type { IconName } from "@duoline/ui"
import { shallowReactive } from "vue"
import type { CouponBatch, CouponWay, Promotion } from "../api/types"
import { offerWords } from "./offers"
import { everything, type Choice, type ChoiceSource } from "./sources"

/** Every way to get a coupon, with its picture. */
export const WAYS: { way: CouponWay; icon: IconName }[] = [
  { way: "claim", icon: "bag" },
  { way: "code", icon: "keyboard" },
  { way: "touchpoint", icon: "qr" },
  { way: "print", icon: "receipt" },
  { way: "given", icon: "users" },
]
export const wayIcon = (way: CouponWay): IconName => WAYS.find((one) => one.way === way)!.icon

/** The way in words, with the place or the end of the word where there is one. */
export function wayWords(batch: Pick<CouponBatch, "way" | "touchpoint" | "code_tail">): string {
  const more = batch.touchpoint ?? (batch.way === "code" && batch.code_tail ? `\u2026${batch.code_tail}` : "")
  return [t(`coupon_way.${batch.way}`), more].filter(Boolean).join(" \u00b7 ")
}
/** All are out: nobody gets another one. */
export const allGone = (batch: CouponBatch) => batch.state === "open" && batch.issued_max !== null && batch.issued >= batch.issued_max
export const outOf = (batch: CouponBatch) => (batch.issued_max === null ? count(batch.issued) : t("coupons.of", { n: count(batch.issued), all: count(batch.issued_max) }))
/** Out, neither used nor void: what is lost when the batch is made void. */
export const stillOut = (batch: CouponBatch) => Math.max(0, batch.issued - batch.used - batch.void)

/** Promotions that ask for a coupon and are not over. */
export function couponOffers(): ChoiceSource {
  let asked: Promise<Promotion[]> | null = null
  const all = () =>
    (asked ??= everything<Promotion>("promotions")
      .then((found) => found.filter((one) => one.when.coupon && one.state !== "over"))
      .catch((error: unknown) => {
        asked = null
        throw error
      }))
  const choice = (one: Promotion): Choice => ({ value: one.id, label: pick(one.name), hint: t(`offer_state.${one.state}`), data: one })
  return {
    find: async (q) => {
      const words = q.toLowerCase()
      return (await all()).filter((one) => `${one.name.zh} ${one.name.en} ${offerWords(one.effect, one.of, one.without)}`.toLowerCase().includes(words)).map(choice)
    },
    named: async (value) => {
      const found = (await all()).find((one) => one.id === value)
      return found ? choice(found) : null
    },
  }
}

/** What the API tells once, kept until the page is loaded anew, so that going back and forth loses nothing. */
export interface Told {
  url?: string
  picture?: string
  codes?: string[]
}
export const told = shallowReactive(new Map<string, Told>())
export const keepTold = (batch_id: string, more: Told) => told.set(batch_id, { ...told.get(batch_id), ...more })

const PHONE = /^\+?\d{6,15}$/
/** One phone a line, with or without blanks and dashes; what is none is named. */
export function readPhones(text: string): { phones: string[]; bad: string[] } {
  const lines = text.split(/[\n,;\uFF0C\uFF1B\u3001]/).map((line) => line.replace(/[\s()-]/g, "")).filter(Boolean)
  return { phones: [...new Set(lines.filter((line) => PHONE.test(line)))], bad: lines.filter((line) => !PHONE.test(line)) }
}
