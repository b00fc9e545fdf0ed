import { newKey, type StoreCard } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { shallowRef, watch } from "vue"

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
  let asked = 0
  watch(
    () => {
      const { sku_id, quantity, store } = lacking() ?? {}
      return [sku_id, quantity, store?.code] as const
    },
    async () => {
      const mine = ++asked
      brought.value = null
      const wanted = lacking()
      if (!wanted) return
      const { sku_id, quantity, store } = wanted
      const lines = [{ sku_id, quantity, method: "pickup" as const, store_code: store.code }]
      const quote = await mall.quote({ lines }, newKey(), store.code).catch(() => null)
      const group = quote?.groups.find((one) => one.brought)
      if (mine === asked && group?.promise) brought.value = { store, at: group.promise.at }
    },
    { immediate: true },
  )
  return brought
}
