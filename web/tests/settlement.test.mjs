import assert from "node:assert/strict"
import { test } from "node:test"
import { load } from "./load.mjs"

// The same rules as settlement/policy.py and reckon.py: what the editor draws and refuses is what the back end does.
const ALLOCATION = { bringer_store: 10, guide_store: 10, touchpoint_store: 5, territory: 0, ship_store: 15, hand_over_store: 20, online: 15, headquarters: 10, bringing_minor: 500 }
const COMMISSION = { guide_bp: 250, seller_bp: 100, referrer_bp: 300, second_bp: 0, levels: 1, several_roles: false, mature_days: 8, month_cap_minor: 2_000_050, bringing_minor: 0, products: [], categories: [{ category: "milk", percent: 50 }], tiers: [{ tier: "gold", percent: 120 }] }

test("100 yuan are shared to the cent, whoever hands over", async () => {
  const { sharesOfHundred } = await load("apps/console/src/lib/payRules.ts")
  for (const goods of [0, 33, 60, 100]) {
    for (const sent of [true, false]) {
      const parts = sharesOfHundred(ALLOCATION, goods, sent)
      assert.equal(parts.reduce((sum, one) => sum + one.minor, 0), 10_000)
      assert.ok(!parts.some((one) => one.part === (sent ? "hand_over_store" : "ship_store")))
    }
  }
  assert.equal(sharesOfHundred(ALLOCATION, 60, false)[0].minor, 7_200)
})

test("a territory gets its part of what is sent, and nothing of what is handed over", async () => {
  const { sharesOfHundred, allocationBody, allocationForm } = await load("apps/console/src/lib/payRules.ts")
  const rules = { ...ALLOCATION, territory: 20 }
  const sent = sharesOfHundred(rules, 60, true)
  assert.equal(sent.find((one) => one.part === "territory").minor, 800)
  assert.equal(sent.reduce((sum, one) => sum + one.minor, 0), 10_000)
  assert.ok(!sharesOfHundred(rules, 60, false).some((one) => one.part === "territory"))
  assert.deepEqual(allocationBody(allocationForm({ ...rules, territory: 36 })).faults.headquarters !== undefined, true)
  assert.deepEqual(allocationBody(allocationForm({ ...rules, territory: 35 })).faults, {})
})

const CONTRACT = { company: "FA", mode: "all_franchise", stock_owner: "company", price_right: "company", promo_payer: "company", goods_percent: 60, price_floor_percent: 80, price_ceiling_percent: 120, regions: ["north"] }
test("a contract says what each term does, and what cannot be beside its field", async () => {
  const { contractOf, contractRow, termsOf } = await load("apps/console/src/lib/payRules.ts")
  assert.deepEqual(contractOf(contractRow(CONTRACT), "contracts.0"), { contract: CONTRACT, faults: {} })
  const faults = (change) => Object.keys(contractOf(contractRow({ ...CONTRACT, ...change }), "contracts.0").faults)
  assert.deepEqual(faults({ price_floor_percent: 90, price_ceiling_percent: 90 }), ["contracts.0.price_ceiling_percent"])
  assert.deepEqual(faults({ price_right: "chain" }), ["contracts.0.stock_owner"])
  assert.deepEqual(faults({ mode: "direct" }), ["contracts.0.stock_owner"])
  // Limits go with the right: where the chain sets prices there are none.
  const chains = contractOf(contractRow({ ...CONTRACT, mode: "franchise", price_right: "chain" }), "contracts.0")
  assert.deepEqual([chains.contract.price_floor_percent, chains.contract.price_ceiling_percent, chains.faults], [0, 0, {}])
  const keys = (change, territory = "", percent = 0) => termsOf({ ...CONTRACT, ...change }, "FA", territory, percent).map((one) => one.key)
  assert.deepEqual(keys({}), ["owner_company", "price_between", "promo_company"])
  assert.deepEqual(keys({ price_floor_percent: 0, price_ceiling_percent: 0, promo_payer: "chain" }, "North", 10), ["owner_company", "price_free", "promo_chain", "territory"])
  assert.deepEqual(keys({ price_right: "chain", stock_owner: "chain" }, "North", 0), ["owner_chain", "price_chain", "promo_company", "territory_idle"])
})

test("rules are written in percent and yuan, and come back as they were kept", async () => {
  const { commissionForm, commissionBody, allocationForm, allocationBody } = await load("apps/console/src/lib/payRules.ts")
  const form = commissionForm(COMMISSION)
  assert.equal(form.guide_bp, "2.50")
  assert.equal(form.month_cap_minor, "20000.50")
  assert.deepEqual(commissionBody(form), { body: COMMISSION, faults: {} })
  assert.deepEqual(allocationBody(allocationForm(ALLOCATION)), { body: ALLOCATION, faults: {} })
})

test("what cannot be is said beside its field", async () => {
  const { commissionForm, commissionBody, allocationForm, allocationBody } = await load("apps/console/src/lib/payRules.ts")
  const form = commissionForm(COMMISSION)
  const twice = commissionBody({ ...form, guide_bp: "50.01", mature_days: "x", categories: [...form.categories, { code: "milk", percent: "1001" }], products: [{ code: "", percent: "100" }] })
  assert.deepEqual(Object.keys(twice.faults).sort(), ["categories.1.code", "categories.1.percent", "guide_bp", "mature_days", "products.0.code"])
  assert.deepEqual(Object.keys(allocationBody({ ...allocationForm(ALLOCATION), online: "46" }).faults), ["headquarters"])
})

test("a bank account's number is read as people write it, and a mistyped card is said", async () => {
  const { plainNumber, grouped, doubtful, bankFaults, emptyBank } = await load("packages/ui/src/earnings/bank.ts")
  const card = "6222021234567890128"
  for (const written of ["6222 0212 3456 7890 128", "6222-0212-3456-7890-128", "６２２２０２１２３４５６７８９０１２８"]) assert.equal(plainNumber(written), card)
  assert.equal(plainNumber(grouped(card)), card)
  assert.deepEqual([...Array(10).keys()].filter((digit) => !doubtful(`${card.slice(0, -1)}${digit}`, "person")), [8])
  assert.equal(doubtful(`${card.slice(0, -1)}9`, "company"), false)
  const filled = { ...emptyBank(), holder: "Li Na", bank: "招商银行" }
  assert.deepEqual(bankFaults({ ...filled, number: card }), {})
  assert.deepEqual(bankFaults({ ...filled, number: "1".repeat(11) }), { number: "number_wrong" })
  assert.deepEqual(bankFaults({ ...filled, number: "1".repeat(31) }), { number: "number_wrong" })
  assert.deepEqual(bankFaults({ ...filled, holder: " ", bank: "", number: "62o2" }), { holder: "holder_missing", bank: "bank_missing", number: "number_wrong" })
})
