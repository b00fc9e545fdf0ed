import { pick } from "@duoline/i18n"
import type { StoreCard } from "@duoline/client"
import { staff } from "@duoline/client/clerk"
import { shallowReactive, watch } from "vue"
import { session } from "./session"

/** The shops that were heard of, by code and by id: names for the codes and ids that lists carry. */
const known = shallowReactive(new Map<string, StoreCard>())
function learn(shops: readonly StoreCard[]): void {
  for (const shop of shops) known.set(shop.code, shop).set(shop.id, shop)
}
watch(
  () => session.me,
  (me) => {
    if (!me) known.clear()
    learn(me?.stores ?? [])
  },
  { immediate: true },
)

/** All of them came with the log-in, unless the chain is large: then the server is asked. */
const allAtHand = (): boolean => session.me !== null && session.me.stores.length >= session.me.store_count
export const shopsAtHand = (): StoreCard[] => session.me?.stores ?? []

export async function findShops(query: { q?: string; named?: string; lat?: number; lon?: number; limit?: number }): Promise<StoreCard[]> {
  const { items } = await staff.stores(query)
  learn(items)
  return items
}
export async function searchShops(q: string): Promise<StoreCard[]> {
  if (!allAtHand()) return findShops({ q, limit: 50 })
  const words = q.toLowerCase()
  return shopsAtHand().filter((shop) => !words || `${shop.code} ${shop.name.zh} ${shop.name.en}`.toLowerCase().includes(words))
}
/** The shop of a code or id; null when it is out of reach. */
export const shopNamed = async (name: string): Promise<StoreCard | null> => known.get(name) ?? (allAtHand() ? null : ((await findShops({ named: name }))[0] ?? null))

// Names that a page shows are asked for together; the page shows them as soon as they are there.
const asked = new Set<string>()
let wanted: string[] = []
function want(name: string): undefined {
  if (!name || allAtHand() || session.me === null || asked.has(name)) return
  asked.add(name)
  if (wanted.push(name) === 1) setTimeout(() => void ask(), 30)
}
async function ask(): Promise<void> {
  const names = wanted
  wanted = []
  for (let n = 0; n < names.length; n += 100) {
    const some = names.slice(n, n + 100)
    await findShops({ named: some.join(","), limit: 100 }).catch(() => some.forEach((name) => asked.delete(name)))
  }
}

export const shopWithId = (id: string): StoreCard | undefined => known.get(id) ?? want(id)

/** A shop's name for its code; the code itself for a shop out of reach. */
export function shopName(code: string | null | undefined): string {
  if (!code) return ""
  const found = known.get(code) ?? want(code)
  return found ? pick(found.name) : code
}
