import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { test } from "node:test"
import { load } from "./load.mjs"

const { choose, firstChoice, skuOf, valueState } = await load("apps/mall/src/parts/variants.ts")
const { fit, group, labelsOf, project, scaleBar } = await load("apps/mall/src/parts/plot.ts")
const { mostOf, refusalOf } = await load("packages/ui/src/topup.ts")
const { mapLinks } = await load("apps/mall/src/parts/maps.ts")
const { firstFiles, split } = await load("apps/mall/words.ts")
const { plainPath } = await load("apps/mall/src/parts/plainPath.ts")

const sku = (id, stage, size) => ({ id, code: id, gtin: null, image_sha: null, options: { stage, size } })
const product = {
  options: [
    { key: "stage", values: [{ key: "1" }, { key: "2" }, { key: "3" }] },
    { key: "size", values: [{ key: "400" }, { key: "800" }] },
  ],
  skus: [sku("a", "1", "400"), sku("b", "1", "800"), sku("c", "2", "800"), sku("d", "3", "800")],
}
const live = [
  { sku_id: "a", online_available: 0, store_available: 0 },
  { sku_id: "b", online_available: 4, store_available: 0 },
  { sku_id: "c", online_available: 4, store_available: 2 },
  { sku_id: "d", online_available: 0, store_available: null },
]

test("what the shop has is chosen first", () => {
  assert.deepEqual(firstChoice(product, live), { stage: "2", size: "800" })
  assert.deepEqual(firstChoice(product, []), { stage: "1", size: "400" })
})

test("a choice that is not made moves the others to the nearest one that is", () => {
  assert.deepEqual(choose(product, { stage: "1", size: "400" }, "stage", "3"), { stage: "3", size: "800" })
  assert.equal(skuOf(product, { stage: "3", size: "400" }), null)
})

test("each value says how it stands beside the others", () => {
  const at = (stage, size) => valueState(product, live, { stage, size }, "stage", stage)
  assert.deepEqual([at("2", "800"), at("1", "800"), at("1", "400"), at("3", "400")], ["ok", "elsewhere", "sold_out", "never"])
})

const size = { wide: 400, high: 260 }

test("north is up, and the view holds the member and the shops near them", () => {
  const place = { lat: 31.23, lon: 121.47 }
  const shops = [{ lat: 31.25, lon: 121.45 }, { lat: 31.2, lon: 121.5 }, { lat: 31.22, lon: 121.4 }, { lat: 39.9, lon: 116.4 }]
  const view = fit(shops, place, size)
  for (const near of shops.slice(0, 3)) {
    const { x, y } = project(near, view, size)
    assert.ok(x > 0 && x < 400 && y > 0 && y < 260)
  }
  assert.ok(project(shops[0], view, size).y < project(shops[1], view, size).y)
  assert.ok(project(shops[3], view, size).y < 0, "Beijing is not squeezed into a map of Shanghai")
})

test("pins that would cover each other become one, and nothing is lost", () => {
  const groups = group([{ x: 100, y: 100 }, { x: 108, y: 104 }, { x: 300, y: 100 }], size)
  assert.deepEqual(groups.map(({ members }) => members.length), [2, 1])
})

test("names stand where they cover nothing, at the left where the right has no room", () => {
  const pins = [{ x: 380, y: 50, name: "West Lake" }, { x: 100, y: 150, name: "One" }, { x: 140, y: 150, name: "Two" }]
  assert.deepEqual(labelsOf(pins, pins, size).map(({ side }) => side), ["left", "left", "right"])
})

test("the scale bar is a round length", () => {
  assert.deepEqual(scaleBar({ lat: 0, lon: 0, metres_per_unit: 30 }, 110), { metres: 2000, units: 2000 / 30 })
})

test("each phone gets the map apps it may have, and each link says which coordinates it holds", () => {
  const target = { lat: 31.2, lon: 121.4, name: "龙华店" }
  const kinds = (agent) => mapLinks(target, agent).map(({ kind }) => kind)
  assert.deepEqual(kinds("iPhone"), ["apple", "amap", "baidu"])
  assert.deepEqual(kinds("Linux; Android 14"), ["amap", "baidu", "geo"])
  assert.match(mapLinks(target, "iPhone")[1].web, /coordinate=wgs84/)
})

const yuan = (minor) => ({ minor, currency: "CNY" })
const filling = (more) => ({ offers: [{ amount: yuan(20_000), bonus: yuan(1_000) }, { amount: yuan(50_000), bonus: yuan(5_000) }], least: yuan(5_000), day_left: yuan(500_000), room: yuan(500_000), ...more })

test("a top-up that would be refused is known before it is sent", () => {
  assert.deepEqual([4_999, 5_000, 495_000, 495_001, 500_001].map((minor) => refusalOf(filling(), minor)), ["least", null, null, "room", "day"])
  assert.equal(refusalOf(filling({ day_left: yuan(30_000) }), 30_001), "day")
  assert.equal(refusalOf(filling({ room: yuan(54_999) }), 50_000), "room", "with its bonus it does not fit")
})

test("the most that may be topped up is never refused, and a cent more is", () => {
  for (const day of [0, 4_999, 5_000, 20_000, 49_999, 50_000, 500_000])
    for (const room of [0, 5_000, 20_500, 21_000, 51_000, 54_999, 55_000, 500_000]) {
      const rules = filling({ day_left: yuan(day), room: yuan(room) })
      const most = mostOf(rules)
      if (most) assert.equal(refusalOf(rules, most), null)
      for (const more of [most + 1, 5_000, 20_000, 50_000]) if (more > most) assert.notEqual(refusalOf(rules, more), null, `${day} ${room}: ${more} beyond ${most}`)
    }
})

test("a page for friends keeps what it is about and nothing of its reader", () => {
  const at = (name, path, query = {}) => plainPath({ name, path, query })
  assert.equal(at("product", "/p/MILK", { t: "ABCD1234", store: "S1", scan: "1", gtin: "690", sku: "x" }), "/p/MILK")
  assert.equal(at("search", "/search", { q: "奶粉", category: "milk", ready: "1", t: "ABCD1234" }), "/search?q=%E5%A5%B6%E7%B2%89&category=milk")
  assert.equal(at("coupons", "/coupons", { tab: "centre", batch: "b1", t: "ABCD1234" }), "/coupons?tab=centre&batch=b1")
  assert.equal(at("home", "/", { t: "ABCD1234" }), "/")
  for (const own of ["orders", "order", "order-link", "receipt", "me", "card", "cart", "checkout", "pay", "shares", "login", "missing"]) assert.equal(at(own, "/x", { t: "A" }), null, own)
  assert.equal(at("coupons", "/coupons", {}), null)
})

test("the first page's words come with it, all others once, and none is lost", () => {
  const source = resolve(import.meta.dirname, "../apps/mall/src")
  const files = firstFiles(resolve(source, "main.ts"))
  for (const file of ["pages/Home.vue", "parts/TabBar.vue", "state/session.ts"]) assert.ok(files.has(resolve(source, file)), file)
  assert.ok(!files.has(resolve(source, "pages/Product.vue")))
  const words = JSON.parse(readFileSync(resolve(source, "locales/zh-CN.json"), "utf8"))
  const flat = (group, path = "") => Object.entries(group).flatMap(([name, value]) => (typeof value === "string" ? [path + name] : flat(value, `${path}${name}.`)))
  const [first, later] = ["first", "later"].map((which) => flat(split(words, files, which)))
  assert.deepEqual([...first, ...later].sort(), flat(words).sort())
  // Said in a template, kept in data (the names of pages), and made at run time.
  for (const key of ["home.feed", "wallet.title", "tabs.cart", "search.kind.brand"]) assert.ok(first.includes(key), key)
  for (const key of ["wallet.least", "wallet.may", "share.visitor"]) assert.ok(later.includes(key), key)
  assert.ok(first.length < later.length / 5)
})
