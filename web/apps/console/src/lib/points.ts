/** What points come to, by the rules of the back end (loyalty/reckon.py). */

export interface Earning {
  rate: number
  tiers: { tier: string; percent: number }[]
  categories: { category: string; percent: number }[]
  campaigns: { from_at: string; until_at: string; percent: number }[]
}
/** Points for an amount in minor units; `categories` are the article's own code and those above it, the nearest first. */
export function pointsFor(rules: Earning, minor: number, tier: string, categories: readonly string[], at: number): number {
  const byTier = rules.tiers.find((one) => one.tier === tier)?.percent ?? 100
  const near = categories.find((code) => rules.categories.some((one) => one.category === code))
  const byCategory = rules.categories.find((one) => one.category === near)?.percent ?? 100
  const running = rules.campaigns.filter((one) => Date.parse(one.from_at) <= at && at < Date.parse(one.until_at)).map((one) => one.percent)
  const rate = Math.floor((rules.rate * byTier * byCategory * (running.length ? Math.max(...running) : 100)) / 1_000_000)
  return Math.floor((minor * rate) / 10_000)
}
