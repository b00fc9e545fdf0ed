import type { Address, StoreCard } from "@duoline/client"
import { clockTime, dayTime, pick, t } from "@duoline/i18n"

/** "Ready at Longhu from 15:40 today"; without an instant, where it is collected. */
export function pickupWords(store: StoreCard, at: string | null | undefined): string {
  const name = pick(store.name)
  return at ? t("promise.pickup", { time: dayTime(at, store.timezone), store: name }) : t("way.pickup_at", { store: name })
}

/** "Ready at Longhu's counter at 15:40, while you wait". */
export function waitWords(store: StoreCard, at: string | null | undefined): string {
  const name = pick(store.name)
  return at ? t("bag.ready_by", { time: clockTime(at, store.timezone), store: name }) : t("way.pickup_at", { store: name })
}

/** "Ready at Longhu from Thu 3 Dec, brought from another shop". */
export function bringWords(store: StoreCard, at: string | null | undefined): string {
  const name = pick(store.name)
  return at ? t("promise.bring", { time: dayTime(at, store.timezone), store: name }) : t("promise.bring_some", { store: name })
}

/** "At your door by 20:00 tomorrow". */
export function deliveryWords(at: string | null | undefined): string {
  return at ? t("promise.delivery", { time: dayTime(at) }) : t("way.delivery")
}

/** One line; a municipality is not named twice. */
export function addressWords({ province, city, district, line }: Pick<Address, "province" | "city" | "district" | "line">): string {
  return [province, city === province ? "" : city, district, line].filter(Boolean).join(" ")
}
