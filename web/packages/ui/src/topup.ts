import type { TopUpRules } from "@duoline/client"

/** What of a wallet, the member's own or the one at the till, says how much may be topped up. */
export type Rules = Pick<TopUpRules, "offers" | "least" | "day_left" | "room">

/** By the highest offer that is reached, as the back end has it. */
export const bonusFor = ({ offers }: Pick<Rules, "offers">, minor: number): number =>
  Math.max(0, ...offers.filter((one) => one.amount.minor <= minor).map((one) => one.bonus.minor))

/** Why the back end would refuse to top up so much; null when it would not. */
export function refusalOf(rules: Rules, minor: number): "least" | "day" | "room" | null {
  if (minor < rules.least.minor) return "least"
  if (minor > rules.day_left.minor) return "day"
  return minor + bonusFor(rules, minor) > rules.room.minor ? "room" : null
}

/** The most that may be topped up at once; 0 when nothing may. The wallet must hold the bonus too, so that less may be
 * paid in where an offer is reached than just below it. */
export function mostOf(rules: Rules): number {
  const steps = [{ from: rules.least.minor, bonus: bonusFor(rules, rules.least.minor) }, ...rules.offers.map((one) => ({ from: one.amount.minor, bonus: bonusFor(rules, one.amount.minor) }))]
  const within = steps
    .filter((step) => step.from >= rules.least.minor)
    .map((step) => {
      const next = Math.min(Infinity, ...rules.offers.filter((one) => one.amount.minor > step.from).map((one) => one.amount.minor - 1))
      const most = Math.min(rules.day_left.minor, rules.room.minor - step.bonus, next)
      return most >= step.from ? most : 0
    })
  return Math.max(0, ...within)
}
