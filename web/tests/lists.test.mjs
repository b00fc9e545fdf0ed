import assert from "node:assert/strict"
import { test } from "node:test"
import { effectScope } from "vue"
import { load } from "./load.mjs"

const { usePages } = await load("apps/mall/src/state/pages.ts")
const { PIECES_MAX, useOutfit } = await load("packages/ui/src/sharing/index.ts")
/** As in a component, which takes its effects with it. */
const inside = (make) => effectScope().run(make)

test("a list grows by the page that follows, until there is none", async () => {
  const pages = { "": { items: [1, 2], next: "b" }, b: { items: [3], next: null } }
  const asked = []
  const list = inside(() => usePages(async (cursor = "") => (asked.push(cursor), pages[cursor])))
  await list.loadMore()
  assert.deepEqual(asked, [])
  await list.load()
  await list.loadMore()
  await list.loadMore()
  assert.deepEqual([list.data.value, list.more.value, asked], [{ items: [1, 2, 3], next: null }, false, ["", "b"]])
})

test("a page that follows a list which is gone is dropped; one of a list that was only marked is not", async () => {
  let answer
  const list = inside(() => usePages((cursor) => (cursor ? new Promise((resolve) => (answer = resolve)) : Promise.resolve({ items: [1], next: "b" }))))
  await list.load()
  const first = list.loadMore()
  assert.equal(list.more.value, true)
  list.data.value = { items: ["marked"], next: "b" }
  answer({ items: [2], next: "c" })
  await first
  assert.deepEqual(list.data.value, { items: ["marked", 2], next: "c" })
  const second = list.loadMore()
  list.data.value = { items: [9], next: "z" }
  answer({ items: [3], next: null })
  await second
  assert.deepEqual(list.data.value, { items: [9], next: "z" })
})

test("why a page did not come is the list's error, unless somebody hears it", async () => {
  const fails = async (cursor) => {
    if (cursor) throw new Error("gone")
    return { items: [1], next: "b" }
  }
  const heard = []
  const [told, kept] = [inside(() => usePages(fails, (error) => heard.push(error.message))), inside(() => usePages(fails))]
  for (const list of [told, kept]) {
    await list.load()
    await list.loadMore()
    assert.deepEqual([list.data.value.items, list.more.value], [[1], false])
  }
  assert.deepEqual([heard, told.error.value, kept.error.value.message], [["gone"], null, "gone"])
})

test("an outfit says what it lacks once it was tried, and keeps the order of its pieces", async () => {
  const copied = []
  const outfit = inside(() => useOutfit(async (text) => void copied.push(text)))
  assert.deepEqual(outfit.missing.value, { name: false, pieces: false })
  assert.equal(outfit.body(), null)
  assert.deepEqual(outfit.missing.value, { name: true, pieces: true })
  for (const code of ["a", "b", "c"]) outfit.put({ code, sku_id: null, name: null, image: null })
  outfit.move(2)
  outfit.drop("a")
  outfit.name.value = " Winter "
  assert.deepEqual(outfit.body(), { name: "Winter", note: "", pieces: ["c", "b"].map((product_code) => ({ product_code, sku_id: null })) })
  assert.deepEqual([outfit.has("a"), outfit.has("b"), outfit.full.value], [false, true, false])
  for (let n = 2; n < PIECES_MAX; n++) outfit.put({ code: `${n}`, sku_id: null, name: null, image: null })
  assert.equal(outfit.full.value, true)
  outfit.made.value = { share: { url: "https://shop/t/x" } }
  await outfit.copy()
  outfit.note.value = "soft"
  await outfit.copy()
  assert.deepEqual(copied, ["Winter https://shop/t/x", "Winter · soft https://shop/t/x"])
})
