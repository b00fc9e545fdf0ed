import assert from "node:assert/strict"
import { afterEach, test } from "node:test"
import { load } from "./load.mjs"

const { Intention, parseFrame, Problem, read, setLanguage, withQuery, write } = await load("packages/client/src/index.ts")
const realFetch = globalThis.fetch
afterEach(() => {
  globalThis.fetch = realFetch
})

function answering(...answers) {
  const calls = []
  globalThis.fetch = async (path, init) => {
    calls.push({ path, ...init })
    const next = answers.shift()
    if (next instanceof Error) throw next
    return new Response(next.body === undefined ? null : JSON.stringify(next.body), { status: next.status })
  }
  return calls
}

test("a write sends its key, the reader's language and its body", async () => {
  setLanguage("en")
  const calls = answering({ status: 201, body: { id: "o1" } })
  assert.deepEqual(await write("POST", "/api/mall/orders", { body: { note: "" }, key: "k1" }), { id: "o1" })
  assert.equal(calls[0].headers["Idempotency-Key"], "k1")
  assert.equal(calls[0].headers["Accept-Language"], "en")
  assert.equal(calls[0].body, '{"note":""}')
})

test("a refusal is a Problem with its code, sentence and own fields", async () => {
  answering({ status: 409, body: { type: "t", title: "x", status: 409, code: "inventory.insufficient-stock", detail: "Only 2 left.", short: [{ available: 2 }] } })
  const problem = await write("POST", "/api/mall/orders", { body: {} }).catch((error) => error)
  assert.ok(problem instanceof Problem)
  assert.equal(problem.code, "inventory.insufficient-stock")
  assert.equal(problem.detail, "Only 2 left.")
  assert.deepEqual(problem.fields, { short: [{ available: 2 }] })
  assert.equal(problem.retryable, false)
})

test("no network is a retryable Problem; an answer that is no JSON keeps its status", async () => {
  answering(new TypeError("Failed to fetch"))
  const lost = await read("/api/mall/cart").catch((error) => error)
  assert.deepEqual([lost.code, lost.status, lost.retryable], ["net.offline", 0, true])
  globalThis.fetch = async () => new Response("<html>", { status: 502 })
  const gateway = await read("/api/mall/cart").catch((error) => error)
  assert.deepEqual([gateway.code, gateway.retryable], ["http.502", true])
})

test("an intention keeps its key while the outcome is unknown, and no longer", async () => {
  const intention = new Intention()
  const keys = []
  const act = (outcome) => (key) => {
    keys.push(key)
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome)
  }
  const unavailable = new Problem(503, { code: "http.unavailable" })
  await intention.run({ a: 1 }, act(unavailable)).catch(() => undefined)
  await intention.run({ a: 1 }, act(new Problem(0, {}))).catch(() => undefined)
  await intention.run({ a: 1 }, act("done"))
  assert.equal(new Set(keys).size, 1, "retries of one intention use one key")
  await intention.run({ a: 1 }, act("again"))
  assert.notEqual(keys[3], keys[2], "what was answered is over")
  await intention.run({ a: 1 }, act(unavailable)).catch(() => undefined)
  await intention.run({ a: 2 }, act("other"))
  assert.notEqual(keys[5], keys[4], "another wish is another intention")
})

test("frames of the live stream: heartbeats are silent, data may span lines", () => {
  assert.equal(parseFrame(": hb"), null)
  assert.deepEqual(parseFrame('id: 7\nevent: order\ndata: {"order_id":\ndata: "o1"}'), { id: "7", event: "order", data: { order_id: "o1" } })
})

test("a query leaves out what is empty", () => {
  assert.equal(withQuery("/x", { q: "", store: undefined, ready_today: true, limit: 0 }), "/x?ready_today=1&limit=0")
})
