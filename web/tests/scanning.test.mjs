import assert from "node:assert/strict"
import { test } from "node:test"
import { effectScope, nextTick, reactive, ref } from "vue"
import { load } from "./load.mjs"

test("a number is asked for as a card's unless it is an article's, a pickup code or a phone's", async () => {
  const { isCardNumber, isMemberCard } = await load("apps/clerk/src/scan/card-number.ts")
  for (const text of ["M0001234", "0VB3 R9JH KX", "0vb3-r9jh-kx", "88001234567", "6901234567890"]) assert.ok(isCardNumber(text), text)
  for (const text of ["6901234567892", "036000291452", "12345678", "1234 5678", "13912345678", "a", "https://x.example/t/AB", ""]) assert.ok(!isCardNumber(text), text)
  assert.ok(isMemberCard(" dlc1.0VB3R9JHKX.12345678 "))
  assert.ok(!isMemberCard("DLC1.0VB3R9JHKX"))
})

test("a member is forgotten on an empty till after two minutes, and stays while something is rung up or done for them", async (t) => {
  const { useForgetting, FORGET_AFTER_MS } = await load("apps/clerk/src/state/forgetting.ts")
  globalThis.document = { visibilityState: "visible", addEventListener() {}, removeEventListener() {} }
  const sale = reactive({ member: null, lines: [] })
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] })
  const busy = ref(false)
  const member = { card: "pass", until: "2099-01-01T00:00:00Z" }
  const page = effectScope()
  page.run(() => useForgetting(sale, busy))
  const pass = async (ms) => {
    await nextTick()
    t.mock.timers.tick(ms)
    await nextTick()
  }
  sale.member = { ...member }
  await pass(FORGET_AFTER_MS - 1)
  assert.ok(sale.member)
  await pass(1)
  assert.equal(sale.member, null)

  sale.member = { ...member }
  await pass(60_000)
  busy.value = true
  await pass(FORGET_AFTER_MS)
  assert.ok(sale.member)
  busy.value = false
  await pass(FORGET_AFTER_MS)
  assert.equal(sale.member, null)
  // What is rung up is theirs for as long as it takes.
  sale.member = { ...member }
  sale.lines = [{}]
  await pass(FORGET_AFTER_MS * 5)
  assert.ok(sale.member)
  sale.lines = []
  await pass(1)
  // Who leaves the page leaves the customer.
  page.stop()
  assert.equal(sale.member, null)
})
