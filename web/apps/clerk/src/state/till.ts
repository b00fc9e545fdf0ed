import type { DrawerSession, ParkedSale, TillOrder } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { computed, reactive, watch } from "vue"
import { listen } from "./live"
import { recall, remember } from "./memory"
import { may, storeCode } from "./session"

/** What stands around this till: the drawers that are open in the shop, the baskets that were put aside and the sales that wait for their money; null until known. */
export const till = reactive({
  drawers: null as DrawerSession[] | null,
  parked: null as ParkedSale[] | null,
  /** Sales that wait for their money. */
  unpaid: null as TillOrder[] | null,
  /** The drawer that this phone's cash goes into, by name; null: the server chooses. */
  drawer: recall<string | null>("drawer", null),
})
watch(() => till.drawer, (name) => remember("drawer", name))

/** Where several are open, the one that was chosen here. */
export const chosenDrawer = computed(() => (till.drawers?.some((one) => one.drawer === till.drawer) ? till.drawer : null))

export async function lookAtDrawers(): Promise<void> {
  till.drawers = (await clerk.drawers(storeCode.value)).items
}
export async function lookAtParked(): Promise<void> {
  till.parked = (await clerk.parkedSales(storeCode.value)).items
}
export async function lookAtUnpaid(): Promise<void> {
  till.unpaid = (await clerk.tillOrders(storeCode.value)).items
}

/** The page that asks shows what went wrong; here all are hints. */
export async function lookAround(): Promise<void> {
  if (!storeCode.value || !may("sell")) return
  await Promise.allSettled([lookAtDrawers(), lookAtParked(), lookAtUnpaid()])
}
watch(storeCode, () => {
  till.drawers = till.parked = till.unpaid = null
})
listen({ till: () => void lookAround(), back: () => void lookAround() })
