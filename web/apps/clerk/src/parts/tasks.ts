import type { GuideTask } from "@duoline/client"
import { count, date, dayTime, pick, t, tn } from "@duoline/i18n"
import type { IconName } from "@duoline/ui"

export const TASK_ICONS: Record<GuideTask["kind"], IconName> = { pickup: "bag", balance: "card", welcome: "user", after_sale: "heart", coupon: "ticket", points: "coins", quiet: "clock" }

/** How a member is called; in a franchisee's shop those who did not agree to sharing have no name. */
export const memberName = (one: { name: string; shared: boolean }): string => one.name || t(one.shared ? "guide.no_name" : "guide.not_shared")

/** What a task is about, in lines: the article, the order, the coupon, the points. */
export function aboutTask({ about }: GuideTask): string[] {
  const { article, units, order_no, coupon, points } = about
  const goods = article ? [pick(article), units && units > 1 ? tn("tasks.units", units) : ""].filter(Boolean).join(" · ") : ""
  return [goods, order_no ? t("tasks.order", { no: order_no }) : "", coupon ? pick(coupon) : "", points ? tn("till.member_points", points, { points: count(points) }) : ""].filter(Boolean)
}

/** Until when it makes sense, or since when it is so. */
export function whenTask(task: GuideTask): string {
  if (!task.until) return t("tasks.since", { date: date(task.since) })
  return t(task.kind === "pickup" ? "tasks.kept" : "tasks.until", { at: dayTime(task.until) })
}
