import { asProblem, Intention, newKey, type Cart, type LineInput, type Method, type QuoteLine } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { computed, reactive } from "vue"
import { mayHaveSession, session, sessionBegan } from "./session"
import { shopCode } from "./shop"

interface CartState {
  cart: Cart | null
  /** Ids of lines with a change on its way. */
  changing: Set<string>
}

export const basket = reactive<CartState>({ cart: null, changing: new Set() })
export const pieces = computed(() => basket.cart?.lines.reduce((sum, line) => sum + (line.gift ? 0 : line.quantity), 0) ?? 0)

/** A visitor who never put anything in has an empty cart; the server need not be asked. */
export async function loadCart(): Promise<Cart | null> {
  if (!mayHaveSession()) return (basket.cart = null)
  try {
    basket.cart = await mall.cart(shopCode())
  } catch (error) {
    if (asProblem(error).status !== 401) throw error
    basket.cart = null
  }
  return basket.cart
}

const adding = new Intention()

export async function addToCart(line: LineInput): Promise<void> {
  basket.cart = await adding.run(line, (key) => mall.addToCart(line, key, shopCode()))
  sessionBegan()
  session.asked = session.me !== null // a guest was made by this first write
}

export async function changeLine(
  line: QuoteLine,
  change: { quantity?: number; method?: Method; store_code?: string | null },
): Promise<void> {
  await during(line, (id) => mall.changeLine(id, change, newKey(), shopCode()))
}

export async function removeLine(line: QuoteLine): Promise<void> {
  await during(line, (id) => mall.removeLine(id, newKey(), shopCode()))
}

export function asInput(line: QuoteLine): LineInput {
  return { sku_id: line.sku_id, quantity: line.quantity, method: line.method, ...(line.store && { store_code: line.store.code }) }
}

/** The lines of one cart are changed one after the other, so that a slow answer cannot undo a later press. */
let queue: Promise<unknown> = Promise.resolve()

async function during(line: QuoteLine, act: (id: string) => Promise<Cart>): Promise<void> {
  const id = line.line_id
  if (!id) return
  basket.changing.add(id)
  const turn = queue.then(async () => {
    basket.cart = await act(id)
  })
  queue = turn.catch(() => undefined)
  try {
    await turn
  } finally {
    basket.changing.delete(id)
  }
}
