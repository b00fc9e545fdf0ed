import assert from "node:assert/strict"
import { beforeEach, test } from "node:test"
import { load } from "./load.mjs"

const { countdown, dayTime, distance, joined, langOf, money, nameOr, pick, relativeTime, sentences, setLocale } = await load("packages/i18n/src/index.ts")
const { contrast } = await load("packages/ui/src/theme.ts")
globalThis.document = { documentElement: {} } // all of the page that the language touches
const now = new Date("2026-11-21T04:00:00Z") // 12:00 in Shanghai

beforeEach(() => setLocale("zh-CN", { remember: false }))

test("money is exact, with its separators", () => {
  assert.equal(money({ minor: 1990, currency: "CNY" }), "¥19.90")
  assert.equal(money({ minor: 120400, currency: "CNY" }), "¥1,204.00")
  assert.equal(money({ minor: -5, currency: "CNY" }), "−¥0.05")
})

test("distances as people say them", () => {
  assert.deepEqual([4, 852, 1240, 34_400].map(distance), ["10 m", "850 m", "1.2 km", "34 km"])
})

test("a promise is told in the shop's own day, not the reader's", async () => {
  assert.equal(dayTime("2026-11-21T07:40:00Z", "Asia/Shanghai", now), "今天 15:40")
  assert.equal(dayTime("2026-11-21T16:30:00Z", "Asia/Shanghai", now), "明天 00:30")
  assert.equal(dayTime("2026-11-21T16:30:00Z", "Europe/London", now), "今天 16:30")
  await setLocale("en", { remember: false })
  assert.equal(dayTime("2026-11-21T07:40:00Z", "Asia/Shanghai", now), "15:40 today")
  assert.equal(dayTime("2026-11-24T07:40:00Z", "Asia/Shanghai", now), "15:40 on Tue")
})

test("relative times become day and time from the next day on", () => {
  assert.equal(relativeTime("2026-11-21T03:57:00Z", "Asia/Shanghai", now), "3 分钟前")
  assert.equal(relativeTime(new Date(now.getTime() + 50_000), "Asia/Shanghai", now), relativeTime(now, "Asia/Shanghai", now))
  assert.equal(relativeTime("2026-11-20T03:57:00Z", "Asia/Shanghai", now), "昨天 11:57")
})

test("a countdown never goes below zero", () => {
  assert.equal(countdown("2026-11-21T04:14:05Z", now), "14 分 05 秒")
  assert.equal(countdown("2026-11-21T03:00:00Z", now), "0 分 00 秒")
  assert.equal(countdown("2026-11-21T05:04:00Z", now), "1 小时 04 分")
})

test("a name falls back to the language it was written in", async () => {
  await setLocale("en", { remember: false })
  assert.equal(pick({ zh: "奶瓶", en: "" }), "奶瓶")
})

test("contrast as WCAG counts it", () => {
  assert.equal(contrast("#000000", "#ffffff").toFixed(1), "21.0")
  assert.ok(contrast("#c03f1a", "#fdeee9") >= 4.5)
})

test("a name that we have no words for stands as it is, in both languages", async () => {
  assert.deepEqual(["sandbox", "some-bank", "", "a.b"].map((name) => nameOr(`earn.provider.${name}`, name)), ["沙盒支付", "some-bank", "", "a.b"])
  await setLocale("en", { remember: false })
  assert.deepEqual(["sandbox", "some-bank"].map((name) => nameOr(`earn.provider.${name}`, name)), ["Sandbox", "some-bank"])
})

test("facts in one line are said once, with no dot left where one is missing", () => {
  assert.equal(joined(["Guide", "Li Na \u00b7 Longhu", "Longhu"]), "Guide \u00b7 Li Na \u00b7 Longhu")
  assert.equal(joined(["Scanned", "", null, undefined, false]), "Scanned")
  assert.equal(joined(["Scanned", " \u00b7 ", "\u00b7 Longhu"]), "Scanned \u00b7 Longhu")
  assert.equal(joined([]), "")
})

test("sentences stand apart in English and together in Chinese", async () => {
  assert.equal(sentences("随时可以解除。", null, "到期自动解除。"), "随时可以解除。到期自动解除。")
  await setLocale("en", { remember: false })
  assert.equal(sentences("You can end it.", undefined, "It ends by itself."), "You can end it. It ends by itself.")
})

test("what somebody typed is read out in its own language", () => {
  assert.equal(langOf("外盒压坏了"), "zh-CN")
  assert.equal(langOf("Jason 生日"), "zh-CN")
  assert.equal(langOf("12 a.m."), undefined)
})
