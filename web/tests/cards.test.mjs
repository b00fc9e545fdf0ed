import assert from "node:assert/strict"
import { test } from "node:test"
import { load } from "./load.mjs"

const kept = new Map()
globalThis.localStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => void kept.set(name, text), removeItem: (name) => void kept.delete(name) }
const PINNED = [
  ["ABCDEFGH12", 59_000_000, "12345678", 263],
  ["ABCDEFGH12", 59_000_001, "87654321", 104],
  ["ABCDEFGH12", 59_000_001, "12345678", 124],
  ["0123456789", 0, "00000000", 935],
]
const STEP = 30_000
const NUMBER = "ABCDEFGH12"

test("the value of a code is that of the back end", async () => {
  const { checkOf } = await load("apps/clerk/src/state/cards.ts")
  // The same as tests/members/test_cards.py asks of members.cards.check_of.
  for (const [number, step, shown, value] of PINNED) assert.equal(await checkOf(number, step, shown), value)
})

test("a till knows a card that it has read, by the code of now and no other, for as long as its pass holds", async (t) => {
  const { checkOf, keepCard, knownCard } = await load("apps/clerk/src/state/cards.ts")
  const now = 59_000_000 * STEP
  t.mock.timers.enable({ apis: ["Date"], now })
  const codes = ["11111111", "22222222", "33333333", "44444444", "55555555"]
  const values = await Promise.all(codes.map((code, n) => checkOf(NUMBER, 58_999_998 + n, code)))
  const holder = { card: "pass", until: new Date(now + 7_200_000).toISOString(), checks: { number: NUMBER, starts_at: new Date(now - 2 * STEP).toISOString(), step_seconds: 30, values } }
  assert.equal(await knownCard(`DLC1.${NUMBER}.33333333`), null)
  keepCard(`DLC1.${NUMBER}.33333333`, holder)
  for (const [code, good] of [["11111111", false], ["22222222", true], ["33333333", true], ["44444444", true], ["55555555", false], ["99999999", false]])
    assert.equal((await knownCard(` dlc1.${NUMBER.toLowerCase()}.${code}`))?.holder.card ?? null, good ? "pass" : null, code)
  assert.equal(await knownCard("DLC1.ZZZZZZZZZZ.33333333"), null)
  t.mock.timers.setTime(now + 2 * STEP)
  assert.equal((await knownCard(`DLC1.${NUMBER}.55555555`))?.holder.card, "pass")
  t.mock.timers.setTime(now + 7_200_001)
  assert.equal(await knownCard(`DLC1.${NUMBER}.55555555`), null)
  // The number of an old card counts as it was typed, for the same time.
  t.mock.timers.setTime(now)
  keepCard("M0001234", { ...holder, checks: null })
  assert.equal((await knownCard(" m0001234"))?.holder.card, "pass")
  assert.equal(await knownCard("M0001235"), null)
})
