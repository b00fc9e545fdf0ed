import { asProblem, type StaffMe, type StoreCard } from "@duoline/client"
import { staff } from "@duoline/client/clerk"
import { computed, reactive } from "vue"
import { recall, remember } from "./memory"

/** Who works here and in which shop. The last known person is kept, so that the app opens without a network too. */
export const session = reactive({
  me: recall<StaffMe | null>("me", null),
  storeCode: recall<string | null>("store", null),
  /** The shop one stands in, when the chain is so large that it did not come with the log-in. */
  far: recall<StoreCard | null>("far", null),
})

const reached = (code: string | null) => [...(session.me?.stores ?? []), ...(session.far ? [session.far] : [])].find((one) => one.code === code)
export const store = computed<StoreCard | null>(() => (session.me ? (reached(session.storeCode) ?? null) : null))
export const storeCode = computed(() => store.value?.code ?? "")
export const zone = computed(() => store.value?.timezone ?? "Asia/Shanghai")

export function may(permission: string): boolean {
  return session.me?.permissions.includes(permission) ?? false
}

export function choose(shop: StoreCard): void {
  session.storeCode = shop.code
  session.far = session.me?.stores.some((one) => one.code === shop.code) ? null : shop
  remember("store", shop.code)
  remember("far", session.far)
}

async function enter(me: StaffMe): Promise<void> {
  session.me = me
  remember("me", me)
  const only = me.store_count === 1 ? me.stores[0] : undefined
  if (only) return choose(only)
  const code = session.storeCode
  const mine = me.stores.find((one) => one.code === code)
  if (mine) return choose(mine)
  // Headquarters reach thousands of shops; only the first ones came along.
  const asked = code && me.store_count > me.stores.length ? await staff.stores({ named: code, limit: 1 }).catch(() => null) : { items: [] }
  if (!asked) return // no network: the shop stays, and the server checks every call anyway
  const far = asked.items[0]
  if (far) return choose(far)
  session.storeCode = session.far = null
  remember("far", null)
}

/** Forgets the person and the customers' names. Who logs out on purpose also leaves no work behind. */
export function leave({ forgetWork }: { forgetWork: boolean }): void {
  session.me = null
  for (const name of ["me", "list.to_pick", "list.ready", "list.incoming", "seen", "cards", "sale.member", "parked.members", "my-code", "members", "tasks"]) remember(name, null)
  if (forgetWork) for (const name of ["ticks", "sale"]) remember(name, null)
}

/** Sends to the log-in when the server says that it is over; the work on this phone waits for the same person. */
export function expired(error: unknown): boolean {
  if (asProblem(error).status !== 401) return false
  leave({ forgetWork: false })
  return true
}

export async function logIn(login: string, password: string, key: string): Promise<void> {
  await enter((await staff.logIn(login, password, key)).staff)
}

/** Asks who is logged in. Without a network the last known person stays; the server checks every call anyway. */
export async function check(): Promise<void> {
  try {
    await enter(await staff.me())
  } catch (error) {
    if (!expired(error) && !session.me) throw error
  }
}
