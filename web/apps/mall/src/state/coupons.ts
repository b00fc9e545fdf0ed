import { asProblem, Intention, type Coupon } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { t } from "@duoline/i18n"
import { problemText } from "@duoline/ui"
import { loadCart } from "./cart"

const claiming = new Intention()
const redeeming = new Intention()

/** Takes a coupon of the coupon centre. The cart costs less from now on, perhaps. */
export async function claim(batchId: string): Promise<Coupon> {
  const coupon = await claiming.run(batchId, (key) => mall.claimCoupon(batchId, key))
  void loadCart().catch(() => undefined)
  return coupon
}

/** Turns a code into a coupon; under a key of the page's own where the same code is meant again after a reload. */
export async function redeem(code: string, key?: string): Promise<Coupon> {
  const coupon = await (key ? mall.redeemCoupon(code, key) : redeeming.run(code, (own) => mall.redeemCoupon(code, own)))
  void loadCart().catch(() => undefined)
  return coupon
}

/** Why there is no coupon. What is not found here is a code, no page. */
export function couponProblem(error: unknown): string {
  return asProblem(error).code === "coupons.no-such-code" ? t("coupon.no_code") : problemText(error)
}
