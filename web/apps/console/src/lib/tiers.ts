import { pick } from "@duoline/i18n"
import { shallowRef } from "vue"
import { list } from "../api"
import type { TierRow } from "../api/types"

/** The tiers of members from the lowest upwards; asked for once, and again after their rules were decided. */
export const tiers = shallowRef<TierRow[]>([])
let asked: Promise<void> | null = null

export function knowTiers(again = false): Promise<void> {
  if (again) asked = null
  asked ??= list<TierRow>("tiers")
    .then((page) => void (tiers.value = page.items))
    .catch(() => void (asked = null))
  return asked
}
/** What a tier is called; one that the rules do not have any more is called by its code. */
export function tierName(code: string): string {
  const found = tiers.value.find((tier) => tier.code === code)
  return found ? pick(found.name) : code
}
/** 0 for the lowest, growing upwards; what is no tier any more stands with the lowest. */
export const tierRank = (code: string): number => Math.max(0, tiers.value.findIndex((tier) => tier.code === code))
