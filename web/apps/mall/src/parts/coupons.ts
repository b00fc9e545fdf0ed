import type { CouponFate, CouponTerms, UsedCoupon } from "@duoline/client"
import { dayTime, pick, t, tn } from "@duoline/i18n"

/** Whether a coupon comes back with the goods, as its buyer is told before paying. */
export function couponTerms(terms: CouponTerms): string {
  if (terms.returned === "never") return t("coupon.never")
  return t("coupon.whole") + (terms.grace_days ? ` ${tn("coupon.grace", terms.grace_days)}` : "")
}

/** What becomes of a coupon of which nothing would be left. */
export function couponFate(one: CouponFate): string {
  const name = pick(one.name)
  if (!one.back) return t("coupon.stays", { name })
  return one.until ? t("coupon.back_until", { name, time: dayTime(one.until) }) : t("coupon.back", { name })
}

/** How it stands with a coupon that an order used. */
export const usedCoupon = (one: UsedCoupon): string => (one.back_at ? t("coupon.came_back", { time: dayTime(one.back_at) }) : couponTerms(one))
