import { Intention } from "@duoline/client"
import { wechat } from "@duoline/client/wechat"
import { inWechat } from "./inWechat"

/** Inside WeChat the account is at hand; elsewhere a phone scans a code. */
export const place = inWechat ? "inside" : "outside"

const starting = new Intention()

/** Leaves for WeChat, which comes back to /login/wechat and from there to `next`. */
export async function setOut(next?: string): Promise<void> {
  const body = { place, ...(next && { next }) } as const
  const { address } = await starting.run([body, Date.now()], (key) => wechat.start(body, key))
  location.assign(address)
}
