import assert from "node:assert/strict"
import { test } from "node:test"
import { load } from "./load.mjs"

// The same figures as tests/loyalty/test_reckon.py asks of the back end: the calculator must not promise more than it gives.
const RULES = {
  rate: 100,
  tiers: [{ tier: "gold", percent: 130 }],
  categories: [
    { category: "milk", percent: 200 },
    { category: "food", percent: 50 },
  ],
  campaigns: [
    { from_at: "2026-11-01T00:00:00+08:00", until_at: "2026-11-12T00:00:00+08:00", percent: 150 },
    { from_at: "2026-11-10T00:00:00+08:00", until_at: "2026-11-12T00:00:00+08:00", percent: 300 },
  ],
}
const before = Date.parse("2026-10-31T12:00:00+08:00")

test("what somebody earns: tier, nearest category and best campaign multiply, rounded down once", async () => {
  const { pointsFor } = await load("apps/console/src/lib/points.ts")
  assert.equal(pointsFor(RULES, 10_000, "member", [], before), 100)
  assert.equal(pointsFor(RULES, 10_000, "gold", [], before), 130)
  assert.equal(pointsFor(RULES, 10_000, "gold", ["milk", "food"], before), 260)
  assert.equal(pointsFor(RULES, 10_000, "member", ["cheese", "food"], before), 50)
  assert.equal(pointsFor(RULES, 199, "member", [], before), 1)
  assert.equal(pointsFor(RULES, 10_000, "member", [], Date.parse("2026-11-11T00:00:00+08:00")), 300)
  assert.equal(pointsFor(RULES, 10_000, "member", [], Date.parse("2026-11-12T00:00:00+08:00")), 100)
})

test("a price of a tier meets only prices of the same tier", async () => {
  const { effectOf } = await load("apps/console/src/lib/prices.ts")
  const open = { id: "a", sku_id: "s", scope: "chain", scope_code: null, channel: "*", tier: "", valid_from: "2026-01-01T00:00:00Z", valid_until: null }
  const wanted = { scope: "chain", scope_code: null, channel: "*", tier: "gold", from: Date.parse("2026-06-01T00:00:00Z"), until: Infinity }
  assert.deepEqual(effectOf([open], wanted), { ends: null, overlaps: [] })
  assert.equal(effectOf([{ ...open, tier: "gold" }], wanted).ends.id, "a")
  assert.equal(effectOf([open], { ...wanted, tier: "" }).ends.id, "a")
})
