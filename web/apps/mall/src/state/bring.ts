import { newKey, type StoreCard } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { ref, shallowRef, watch } from "vue"

/** Units of an article that a shop has not, and that others could send there. */
export interface Lacking {
  sku_id: string
  quantity: number
  store: StoreCard
}
export interface Brought {
  store: StoreCard
  at: string
}

/**
 * By when what a shop has not would be there, brought from another one. Asked of the quote, which knows stock, hours and
 * ways exactly, and only while something is lacking; null when it is not, or nobody can bring it.
 */
export function useBring(lacking: () => Lacking | null) {
  const brought = shallowRef<Brought | null>(null)
  /** Nothing is known yet: the page keeps the place. */
  const asking = ref(false)
  let asked = 0
  watch(
    () => {
      const { sku_id, quantity, store } = lacking() ?? {}
      return [sku_id, store?.code, quantity] as const
    },
    async ([sku, code], before) => {
      const mine = ++asked
      const wanted = lacking()
      // Another number of the same article keeps what is said until the answer comes.
      if (!wanted || sku !== before?.[0] || code !== before?.[1]) brought.value = null
      asking.value = wanted !== null && brought.value === null
      if (!wanted) return
      const { sku_id, quantity, store } = wanted
      const lines = [{ sku_id, quantity, method: "pickup" as const, store_code: store.code }]
      const quote = await mall.quote({ lines }, newKey(), store.code).catch(() => null)
      if (mine !== asked) return
      const group = quote?.groups.find((one) => one.brought)
      brought.value = group?.promise ? { store, at: group.promise.at } : null
      asking.value = false
    },
    { immediate: true },
  )
  return { brought, asking }
}
