import { joined, pick, t } from "@duoline/i18n"
import type { IconName } from "@duoline/ui"
import { list } from "../api"
import type { CouponBatch, ProductRow, Touchpoint, TouchKind, TouchTarget } from "../api/types"
import { categorySource, everything, shopSource, type Choice, type ChoiceSource } from "./sources"

/** Every kind of touchpoint with its picture; `made` are those that the console makes. */
export const TOUCHES: { kind: TouchKind; icon: IconName; made: boolean }[] = [
  { kind: "store", icon: "shop", made: true },
  { kind: "shelf", icon: "layers", made: true },
  { kind: "product", icon: "bag", made: true },
  { kind: "poster", icon: "image", made: true },
  { kind: "campaign", icon: "gift", made: true },
  { kind: "guide", icon: "user", made: false },
  { kind: "share", icon: "share", made: false },
]
export const touchIcon = (kind: TouchKind): IconName => TOUCHES.find((one) => one.kind === kind)!.icon

/** Where a code hangs, in words. */
export const placeWords = (one: Touchpoint): string => joined([one.store_name && pick(one.store_name), one.place])
export const ownerWords = (one: Touchpoint): string => (one.owner_kind === "chain" || one.owner_kind === "store" ? t(`touch_owner.${one.owner_kind}`) : one.owner_name || t(`touch_owner.${one.owner_kind}`))
/** Where it leads, in words. */
export const targetWords = (one: Touchpoint): string => [t(`touch_target.${one.target.kind}`), one.target.title ? pick(one.target.title) : one.target.name].filter(Boolean).join(" \u00b7 ")

export const TARGETS = ["home", "product", "category", "store", "coupon"] as const satisfies readonly TouchTarget[]

const products: ChoiceSource = {
  find: async (q) => (await list<ProductRow>("products", { q, limit: 30 })).items.map((row) => ({ value: row.code, label: pick(row.name), hint: row.code })),
  named: async (code) => {
    const found = (await list<ProductRow>("products", { q: code, limit: 10 })).items.find((row) => row.code === code)
    return found ? { value: found.code, label: pick(found.name), hint: found.code } : null
  },
}
/** Coupons that anybody may take, and can still be had. */
function batches(): ChoiceSource {
  const choice = (one: CouponBatch): Choice => ({ value: one.batch_id, label: pick(one.name), hint: t(`coupon_state.${one.state}`) })
  const all = async () => (await everything<CouponBatch>("coupon-batches")).filter((one) => one.way === "claim" && one.state !== "over")
  return {
    find: async (q) => (await all()).filter((one) => `${one.name.zh} ${one.name.en}`.toLowerCase().includes(q.toLowerCase())).map(choice),
    named: async (value) => {
      const found = (await all()).find((one) => one.batch_id === value)
      return found ? choice(found) : null
    },
  }
}

/** The things that a code of this target can lead to; none for the first page. */
export function targetSource(kind: TouchTarget): ChoiceSource | null {
  if (kind === "product") return products
  if (kind === "category") return categorySource()
  if (kind === "store") return shopSource("code", (shop) => shop.kind === "store")
  return kind === "coupon" ? batches() : null
}

/** One place a line; blanks and doubles are left out. */
export const readPlaces = (text: string): string[] => [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))]
