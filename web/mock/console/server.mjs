// Development only: answers the console's API from memory and serves dist/console, so that pages can be looked at
// without a back end.   node mock/console/server.mjs [port]     MOCK_DELAY=ms, MOCK_FAIL=word fails paths with that word
import { createServer } from "node:http"
import { existsSync, readFileSync } from "node:fs"
import { extname, join, resolve } from "node:path"
import { ago, available, brands, categories, companies, completeness, dayOf, head, hourOf, id, int, levels, M, makeOrder, NOW, now, one, optionTexts, orders, picture, pictures, products, publishMissing, ref, regions, skus, store, stores, T } from "./data.mjs"

const dist = resolve(import.meta.dirname, "../../dist/console")
const port = Number(process.argv[2] ?? 8300)
const MIN = 60_000
const iso = (ms) => new Date(ms).toISOString()
const page = (all, q, map = (x) => x) => { const from = Number(q.cursor || 0), n = Math.min(100, Number(q.limit || 20)); return { items: all.slice(from, from + n).map(map), next: from + n < all.length ? String(from + n) : null, total: all.length } }
const has = (text, q) => !q || text.toLowerCase().includes(q.toLowerCase())
const sorted = (all, sort, value) => { if (!sort) return all; const key = sort.replace("-", ""), sign = sort.startsWith("-") ? -1 : 1; return [...all].sort((a, b) => { const x = value(a, key), y = value(b, key); return sign * (x < y ? -1 : x > y ? 1 : 0) }) }
const problem = (status, code, detail, more = {}) => [status, { status, code, title: "", detail, ...more }]
const ROLES = {
  headquarters: ["fulfil", "sell", "hold", "stock.read", "stores.read", "catalogue.read", "prices.read", "orders.read", "orders.cancel", "members.read", "stock.adjust", "stock.safety", "staff.read", "staff.edit", "stores.hours", "audit.read", "today.read", "stores.edit", "policies.read", "catalogue.edit", "prices.edit", "stores.open", "organisation.edit", "policies.edit", "imports.run"],
  store: ["fulfil", "sell", "hold", "stock.read", "stores.read", "catalogue.read", "prices.read", "orders.read", "orders.cancel", "members.read", "stock.adjust", "stock.safety", "staff.read", "staff.edit", "stores.hours", "audit.read", "today.read"],
  clerk: ["fulfil", "sell", "hold", "stock.read", "stores.read", "catalogue.read", "prices.read"],
}
const card = (s) => ({ ...s, company: { name: s.company.name, franchised: s.company.franchised } })
const people = [
  ["hq", "周景行", [["headquarters", "chain", null]]], ["east", "许知夏", [["region", "region", "EAST"]]], ["sh001", "林安然", [["store", "store", "SH001"]]], ["clerk1", "陈小满", [["clerk", "store", "SH001"]]], ["clerk2", "黄一诺", [["clerk", "store", "SH001"], ["clerk", "store", "SH002"]]], ["hang", "郑书意", [["franchisee", "company", "FR-HANG"]]], ["sc001", "曾思源", [["store", "store", "SC001"]]], ["old", "叶梓涵", [["clerk", "store", "GD004"]]],
].map(([login, name, grants], n) => ({ id: id(`staff ${login}`), login, name, state: login === "old" ? "left" : "active", locked_until: login === "clerk2" ? iso(NOW + 9 * MIN) : null, created_at: ago(40000 + n * 9000),
  grants: grants.map(([role, unit_kind, code]) => grant(role, unit_kind, code)) }))
function grant(role, unit_kind, code) { const unit = unit_kind === "region" ? regions.find((r) => r.code === code) : unit_kind === "company" ? companies.find((c) => c.code === code) : unit_kind === "store" ? store(code) : null; return { role, unit_kind, unit_id: unit?.id ?? "00000000-0000-0000-0000-000000000000", unit_code: code, unit_name: unit?.name ?? T("全部门店", "All shops") } }
const session = { who: process.env.MOCK_IN ? people[0] : null }
const me = () => { const p = session.who; const role = p.grants[0].role; return { id: p.id, login: p.login, name: p.name, grants: p.grants, stores: role === "headquarters" ? stores.map(card) : [card(store("SH001"))], permissions: ROLES[role] ?? ROLES.store } }

// ---- orders
const payState = (o) => (o.paid === 0 ? "unpaid" : o.refunded === 0 ? "paid" : o.refunded < o.paid ? "partly_refunded" : "refunded")
const stored = (o) => (["preparing", "ready", "on_the_way", "needs_answer"].includes(o.state) ? "confirmed" : o.state)
const row = (o) => ({ id: o.id, order_no: o.order_no, channel: o.channel, state: stored(o), pay_mode: o.pay_mode, pay_state: payState(o), placed_at: iso(o.placed), total: M(o.total), units: o.lines.reduce((s, l) => s + l.quantity, 0), customer_name: o.name, phone_masked: o.phone, store_codes: [o.where.code] })
const km = (a, b) => Math.round(Math.hypot((a.lat - b.lat) * 111.2, (a.lon - b.lon) * 111.2 * Math.cos((a.lat * Math.PI) / 180)))
const home = { name: "林小满", phone: "139****0001", province: "上海市", city: "上海市", district: "长宁区", line: "愚园路 1088 弄 12 号 601 室", lat: 31.2197, lon: 121.4189 }
function decision(o) {
  const lines = o.lines.map((l) => l.id)
  const candidates = stores.filter((s) => s.services.ship && s.state === "open").map((s) => { const distance_km = km(home, s), load = km(s, { lat: 30, lon: 120 }) % 9; const covers = s === o.where ? lines : lines.filter((_, n) => (distance_km + n) % 3 > 0); const cost_minor = 600 + distance_km + (s.kind === "dc" ? 60 : 120) * lines.length + Math.round((400 * load) / s.pick_capacity_hour)
    return { location_code: s.code, cost_minor, distance_km, load, covers, rejected_because: s === o.where ? null : covers.length < lines.length ? "incomplete" : "dearer" } }).sort((a, b) => (a.location_code === o.where.code ? -1 : b.location_code === o.where.code ? 1 : (a.cost_minor ?? 1e9) - (b.cost_minor ?? 1e9))).slice(0, 9)
  const chosen = candidates[0]; chosen.cost_minor = Math.min(chosen.cost_minor ?? 900, ...candidates.filter((c) => c.rejected_because === "dearer").map((c) => c.cost_minor - 40)); candidates.forEach((c) => { if (c !== chosen && c.rejected_because === null) c.rejected_because = "dearer" })
  return { id: id(), order_id: o.id, at: iso(o.placed + 300), cost_minor: chosen.cost_minor, policy_version: 3, chosen: [{ location_code: o.where.code, line_ids: lines, cost_minor: chosen.cost_minor }], candidates, terms: { parcel: 600, per_km: 1, pick_store: 120, pick_dc: 60, load: 400, parcels_max: 4 }, summary: T(`${o.where.name.zh}能一次配齐,离收货地 ${chosen.distance_km} km,费用最低。`, `${o.where.name.en} has every line, is ${chosen.distance_km} km away and costs least.`), solver_us: int(90, 420) }
}
function details(o) {
  const f = o.method === "till" ? [] : [{ id: id(`f ${o.id}`), kind: o.method === "delivery" ? "ship" : "pickup", state: o.fulfilment_state, store: card(o.where), to: null, promise_at: iso(o.promise), ready_at: ["ready", "handed_over", "shipped", "delivered"].includes(o.fulfilment_state) ? iso(o.placed + 34 * MIN) : null, keep_until: o.method === "pickup" ? iso(o.promise + 72 * 60 * MIN) : null, done_at: null, lines: o.lines.map((l) => ({ line_id: l.id, quantity: l.quantity - l.cancelled })), carrier: ["shipped", "delivered"].includes(o.fulfilment_state) ? "SF" : null, tracking_no: ["shipped", "delivered"].includes(o.fulfilment_state) ? "SF1482200917364" : null }]
  const say = (min, kind, data = {}) => ({ at: iso(o.placed + min * MIN), kind, data })
  const where = { fulfilment_id: f[0]?.id }
  const shares = o.lines.map((l) => ({ line_id: l.id, quantity: l.quantity }))
  const timeline = o.method === "till" ? [say(0, "sold", { location_code: o.where.code })] : [say(0, "placed", { channel: o.channel })]
  if (o.paid && o.method !== "till") timeline.push(say(2, "paid", { amount_minor: o.paid }))
  if (f[0]?.ready_at) timeline.push(say(34, "ready", where))
  if (["shipped", "delivered"].includes(f[0]?.state)) timeline.push(say(70, "shipped", { ...where, carrier: "SF", tracking_no: "SF1482200917364" }))
  if (o.state === "completed" && f.length) timeline.push(say(f[0].state === "delivered" ? 1500 : 120, f[0].state === "delivered" ? "delivered" : "handed_over", where))
  if (o.state === "needs_answer") timeline.push(say(20, "rejected", { location_code: o.where.code, lines: [{ ...shares[0], reason: "missing" }], note: "货架空了" }), say(20, "asks_member", { lines: [shares[0]] }))
  if (o.state === "cancelled") timeline.push(say(8, "cancelled", { reason: "顾客改变主意", lines: shares }), ...(o.refunded ? [say(8, "refund_requested", { amount_minor: o.refunded }), say(9, "refunded", { amount_minor: o.refunded })] : []))
  if (o.state === "expired") timeline.push(say(15, "expired"))
  const tender = o.pay_mode === "online" ? "clearing:sandbox" : `cash:${o.where.id}`
  const post = (min, kind, actor, entries, reason = "") => ({ at: iso(o.placed + min * MIN), kind, actor, reason, entries })
  const journals = [...(o.paid ? [post(2, "capture", "system:1", [{ debit: tender, credit: "deposits", amount: M(o.paid) }])] : []), ...(o.state === "completed" ? [post(120, "sale", "staff:1", [{ debit: "deposits", credit: `sales:${o.where.id}`, amount: M(o.subtotal) }]), ...(o.fee ? [post(120, "delivery_fee", "staff:1", [{ debit: "deposits", credit: "income:delivery", amount: M(o.fee) }])] : [])] : []), ...(o.refunded ? [post(9, "refund", "system:1", [{ debit: "deposits", credit: tender, amount: M(o.refunded) }], "顾客改变主意")] : [])]
  const order = { id: o.id, order_no: o.order_no, channel: o.channel, state: o.state, pay_mode: o.pay_mode, pay_state: payState(o), placed_at: iso(o.placed), pay_by_at: o.state === "awaiting_payment" ? iso(o.placed + 15 * MIN) : null, contact: { name: o.name, phone: o.phone }, address: o.method === "delivery" ? { ...home, name: o.name, phone: o.phone } : null, note: o.note, subtotal: M(o.subtotal), delivery_fee: M(o.fee), discount: M(0), total: M(o.total), paid: M(o.paid), refunded: M(o.refunded), lines: o.lines, fulfilments: f, waiting: o.state === "needs_answer" ? [shares[0]] : [], timeline, actions: ["completed", "cancelled", "expired", "on_the_way"].includes(o.state) ? [] : ["cancel"] }
  return { order, member: { id: o.member, kind: o.method === "till" ? "guest" : "member", name: o.name, phone_masked: o.phone }, journals, payments: o.paid || o.state === "awaiting_payment" ? [{ intent_id: id(), provider: o.pay_mode === "online" ? "sandbox" : "till", state: o.paid ? "captured" : "open", amount: M(o.total), captured_at: o.paid ? iso(o.placed + 2 * MIN) : null, tender: o.paid ? (o.pay_mode === "online" ? "sandbox" : "cash") : null, refunds: o.refunded ? [{ id: id(), amount_minor: o.refunded, currency: "CNY", state: "done", reason: "顾客改变主意", problem: null, created_at: iso(o.placed + 8 * MIN), resolved_at: iso(o.placed + 9 * MIN) }] : [] }] : [],
    transfers: [],
    holds: o.method === "till" ? [] : o.lines.map((l) => ({ location_code: o.where.code, sku_code: l.sku_code, quantity: l.quantity, state: o.state === "completed" ? "taken" : l.cancelled ? "released" : "open", created_at: iso(o.placed), resolved_at: o.state === "completed" || l.cancelled ? iso(o.placed + 20 * MIN) : null })),
    sourcing: o.method === "delivery" ? [decision(o)] : [], audit: o.state === "cancelled" ? [{ at: iso(o.placed + 8 * MIN), actor: "林安然", action: "order.cancel", reason: "顾客改变主意", before: { state: "confirmed" }, after: { units: 2, refund_minor: o.refunded } }] : [] }
}

// ---- stock
const levelRow = (l) => ({ ...head(l.sku), store_code: l.store.code, store_name: l.store.name, on_hand: l.on_hand, held: l.held, safety: l.safety, available: available(l), shelf: l.shelf })
const moves = new Map()
const OTHER = { sale: "customer", receipt: "supplier", opening: "supplier", count: "loss", damage: "quarantine", missing: "loss", return: "customer" }
function movesOf(sku) {
  if (moves.has(sku.id)) return moves.get(sku.id)
  const here = [...levels.values()].filter((l) => l.sku.id === sku.id)
  const made = Array.from({ length: 26 }, (_, n) => { const l = here[n % here.length]; const reason = one(["sale", "sale", "sale", "receipt", "count", "damage", "opening"]); const inward = ["receipt", "opening"].includes(reason); const quantity = inward ? int(6, 48) : -int(1, 3); return { at: ago(20 + n * 173), store_code: l.store.code, other: OTHER[reason], quantity, on_hand_after: l.on_hand + n, reason, ref_kind: reason === "sale" ? "order" : "adjustment", ref_id: reason === "sale" ? one(orders).id : id(), actor: one(["staff:1", "staff:2", "system:1"]), note: reason === "count" ? "月度盘点" : "" } })
  moves.set(sku.id, made)
  return made
}
const stockCase = (sku) => { const here = [...levels.values()].filter((l) => l.sku.id === sku.id).sort((a, b) => (a.store.code < b.store.code ? -1 : 1)); return { sku: head(sku), levels: here.map((l) => ({ store_code: l.store.code, store_name: l.store.name, kind: l.store.kind, on_hand: l.on_hand, held: l.held, safety: l.safety, available: available(l), buffers: l.buffers ?? {}, sendable: available(l), shelf: l.shelf })), movements: movesOf(sku), holds: here.filter((l) => l.held).map((l, n) => ({ id: id(`hold ${l.store.code} ${sku.id}`), store_code: l.store.code, quantity: l.held, state: "open", ref_kind: n % 3 ? "order" : "clerk", ref_id: one(orders).id, created_at: ago(int(4, 300)), expires_at: n % 3 ? null : iso(NOW + 21 * MIN), note: n % 3 ? "" : "顾客下午来取" })) } }

const facts = ({ region, company, distance_m, hours_today, next_change_at, ...s }) => ({ ...s, region_code: region.code, region_name: region.name, company_code: company.code, company_name: company.name })
const inside = (code) => { const all = new Set([code]); for (let grew = true; grew; ) { grew = false; for (const r of regions) if (all.has(r.parent_code) && !all.has(r.code)) { all.add(r.code); grew = true } } return all }
// ---- goods
const filled = (x) => ({ zh: x.zh || x.en, en: x.en || x.zh })
const productRow = (p) => ({ id: p.id, code: p.code, name: p.name, brand: brands.find((b) => b.code === p.brand_code)?.name ?? null, category: categories.find((c) => c.code === p.category_code).name, image: p.images[0] ?? null, sku_count: p.skus.filter((s) => s.state === "active").length, state: p.state, completeness: completeness(p), updated_at: p.updated_at })
const productCase = (p) => ({ ...p, skus: p.skus.map(({ price, product, ...s }, position) => ({ ...s, position })), completeness: completeness(p) })
const bump = (p) => { p.version++; p.updated_at = iso(now()); return productCase(p) }
const ofSku = (sku) => products.find((p) => p.skus.some((s) => s.id === sku))
const counted = (all, by) => all.map((one_) => ({ ...one_, product_count: products.filter((p) => p[by] === one_.code).length }))

// ---- prices
const prices = []
for (const s of skus) {
  prices.push({ id: id(), sku_id: s.id, scope: "chain", scope_code: null, channel: "*", price: M(Math.round(s.price * 1.1)), valid_from: ago(300 * 1440), valid_until: ago(60 * 1440), reason: "上市价", actor: "周景行", created_at: ago(300 * 1440) }, { id: id(), sku_id: s.id, scope: "chain", scope_code: null, channel: "*", price: M(s.price), valid_from: ago(60 * 1440), valid_until: null, reason: "秋季调价", actor: "周景行", created_at: ago(61 * 1440) })
}
for (const s of skus.slice(0, 30)) prices.push({ id: id(), sku_id: s.id, scope: "region", scope_code: "SOUTH", channel: "*", price: M(Math.round(s.price * 0.95)), valid_from: ago(20 * 1440), valid_until: iso(NOW + 12 * 1440 * MIN), reason: "华南会员月", actor: "许知夏", created_at: ago(22 * 1440) }, { id: id(), sku_id: s.id, scope: "store", scope_code: "SH001", channel: "*", price: M(Math.round(s.price * 0.88)), valid_from: iso(NOW + 3 * 1440 * MIN), valid_until: iso(NOW + 8 * 1440 * MIN), reason: "店庆", actor: "周景行", created_at: ago(200) }, { id: id(), sku_id: s.id, scope: "store", scope_code: "ZJ001", channel: "*", price: M(Math.round(s.price * 0.9)), valid_from: ago(90 * 1440), valid_until: ago(30 * 1440), reason: "开业", actor: "郑书意", created_at: ago(95 * 1440) })

const priceRow = ({ actor, ...p }) => ({ ...p, in_force: Date.parse(p.valid_from) <= now() && (!p.valid_until || Date.parse(p.valid_until) > now()) })
// ---- imports, policies, audit
const dictionary = JSON.parse(readFileSync(join(import.meta.dirname, "dictionary.json"), "utf8"))
const jobs = [["products", "商品主档_2026-11.xlsx", "done", 2148, 312, 1828, 8], ["stock", "opening_stock_east.parquet", "done", 61204, 61204, 0, 0], ["prices", "双十一价格.csv", "done", 4210, 4197, 0, 13], ["members", "crm_export.csv", "failed", 1048576, 402113, 0, 0], ["stores", "stores.csv", "done", 25, 25, 0, 0]].map(([kind, filename, state, total, changed, same, bad], n) => ({ id: id(), kind, filename, state, rows_total: total, rows_done: state === "failed" ? 402113 : total, rows_changed: changed, rows_same: same, rows_bad: bad, dry_run: n === 2, created_at: ago(61 + n * 1500), started_at: ago(60 + n * 1500), finished_at: ago(55 + n * 1500), by: "周景行", problem: state === "failed" ? "文件在第 402,114 行中断:引号没有闭合。前面的行已经导入。" : null }))
const policyBodies = { sourcing: [{ parcel: 600, per_km: 2, pick_store: 120, pick_dc: 60, load: 300, parcels_max: 3 }, { parcel: 600, per_km: 1, pick_store: 120, pick_dc: 60, load: 300, parcels_max: 4 }, { parcel: 600, per_km: 1, pick_store: 120, pick_dc: 60, load: 400, parcels_max: 4 }], pickup: [{ keep_hours: 48, pay_minutes: 15 }, { keep_hours: 72, pay_minutes: 15 }], delivery: [{ cutoff_hour: 16, near_km: 150, far_km: 900, days_near: 1, days_far: 2, days_beyond: 3, by_hour: 20 }], delivery_fee: [{ fee: 800, free_from: 9900, currency: "CNY" }] }
const schemaOf = (body) => ({ title: "Policy", type: "object", properties: Object.fromEntries(Object.entries(body).map(([k, v]) => [k, { type: typeof v === "boolean" ? "boolean" : typeof v === "number" ? "integer" : "string", default: v }])), required: [] })
const policies = Object.entries(policyBodies).map(([kind, bodies]) => { const versions = bodies.map((body, n) => ({ kind, version: n, body, active_from: n ? ago((bodies.length - n) * 30 * 1440) : "1970-01-01T00:00:00Z", in_force: n === bodies.length - 1 })).reverse(); return { kind, current: versions[0], schema: schemaOf(bodies[0]), versions } })
const audit = Array.from({ length: 140 }, (_, n) => { const s = one(stores.filter((x) => x.kind === "store")), k = one(skus); const line = one([
  () => ({ action: "price.set", subject_kind: "sku", subject: k.code, reason: "秋季调价", before: { price_minor: k.price + 1000 }, after: { price_minor: k.price, scope: "chain" }, store: null }), () => ({ action: "stock.count", subject_kind: "sku", subject: k.code, reason: "月度盘点", before: { on_hand: 12 }, after: { on_hand: 11 }, store: ref(s) }), () => ({ action: "stock.safety", subject_kind: "sku", subject: k.code, reason: "", before: { safety: 1 }, after: { safety: 2 }, store: ref(s) }), () => ({ action: "order.cancel", subject_kind: "order", subject: one(orders).order_no, reason: "顾客改变主意", before: { state: "confirmed" }, after: { state: "cancelled", refund_minor: 12900 }, store: ref(s) }), () => ({ action: "staff.grants", subject_kind: "staff", subject: "clerk2", reason: "支援静安店", before: { grants: ["clerk SH001"] }, after: { grants: ["clerk SH001", "clerk SH002"] }, store: null }), () => ({ action: "store.hours", subject_kind: "store", subject: s.code, reason: "冬令时", before: { week: [[["10:00", "21:30"]]] }, after: { week: [[["10:00", "21:00"]]] }, store: ref(s) }), () => ({ action: "policy.set", subject_kind: "policy", subject: "sourcing", reason: "大促前调高负荷权重", before: { load: 300 }, after: { version: 2, body: { load: 400 } }, store: null }) ])()
  return (({ store: s, ...l }) => { const p = one(people); return { id: id(), at: ago(3 + n * 37), actor_kind: "staff", actor_id: p.id, actor_name: p.name, ...l, store_code: s?.code ?? null } })(line) })

// ---- today
const pad = (n) => String(n).padStart(2, "0")
function today() {
  const on = dayOf(now()), last = dayOf(now() - 7 * 1440 * MIN)
  const point = (all) => Array.from({ length: 24 }, (_, hour) => { const these = all.filter((o) => hourOf(o) === hour && o.state !== "cancelled"); return { hour, sales_minor: these.reduce((s, o) => s + o.total, 0), orders: these.length } }).filter((p) => p.orders)
  const on_ = (day) => orders.filter((o) => dayOf(o.placed) === day)
  const line = (o) => (o.method === "till" ? "shop" : "online")
  const these = on_(on)
  return { on, at: iso(now()), totals: { orders: these.length, units: these.reduce((s, o) => s + o.lines.reduce((t, l) => t + l.quantity, 0), 0), sales: M(these.reduce((s, o) => s + o.total, 0)), to_pick: orders.filter((o) => o.state === "preparing").length, ready: orders.filter((o) => o.state === "ready").length, late: orders.filter((o) => o.late && o.state === "preparing").length },
    by_channel: ["shop", "online"].map((l) => ({ line: l, series: point(these.filter((o) => line(o) === l)), last_week: point(on_(last).filter((o) => line(o) === l)) })),
    by_store: stores.map((s) => { const mine = these.filter((o) => o.where === s); return { store: card(s), orders: mine.length, sales: M(mine.reduce((t, o) => t + o.total, 0)), units: mine.reduce((t, o) => t + o.lines.length, 0), to_pick: orders.filter((o) => o.where === s && o.state === "preparing").length, ready: orders.filter((o) => o.where === s && o.state === "ready").length, late: orders.filter((o) => o.where === s && o.late).length, rejected: mine.filter((o) => o.state === "needs_answer").length } }),
    attention: [{ kind: "late", count: orders.filter((o) => o.late && o.state === "preparing").length, link: "/orders?state=confirmed" }, { kind: "asks_member", count: orders.filter((o) => o.state === "needs_answer").length, link: "/orders?state=confirmed" }, { kind: "rejected", count: 2, link: "/orders?state=confirmed" }, { kind: "refund_failed", count: 1, link: "/orders" }].filter((x) => x.count) }
}

const streams = new Set()
let eventId = 1000
const tell = (event, data) => { eventId++; for (const s of streams) s.write(`id: ${eventId}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`) }
if (!process.env.MOCK_STILL) setInterval(() => { const o = makeOrder(now()); orders.unshift(o); tell("orders", { topic: "orders.placed", order_id: o.id }); const due = orders.find((x) => x.state === "preparing"); if (due) { due.state = "ready"; due.fulfilment_state = "ready"; due.late = false; tell("fulfilment", { topic: "fulfilment.ready", order_id: due.id }) } }, 7000).unref()

const C = "/api/console"
const routes = [
  ["POST", "/api/staff/sessions", (m, q, b) => { const p = people.find((x) => x.login === b.login && x.state === "active"); if (!p || b.password !== "duoline") return problem(401, "stores.wrong-credentials", "账号或密码不对。"); session.who = p; return [201, { token: "t", staff: me() }] }],
  ["DELETE", "/api/staff/sessions", () => { session.who = null; return [204] }],
  ["GET", "/api/staff/me", () => (session.who ? [200, me()] : problem(401, "kernel.unauthorised", "请先登录。"))],
  ["GET", `${C}/today`, () => [200, today()]],
  ["GET", `${C}/orders`, (m, q) => { let all = orders.filter((o) => has(`${o.order_no} ${o.name} ${o.phone} ${o.lines.map((l) => l.sku_code + l.name.zh).join(" ")}`, q.q) && (!q.state || stored(o) === q.state) && (!q.channel || o.channel === q.channel) && (!q.store || o.where.code === q.store) && (!q.late || o.late) && (!q.from || dayOf(o.placed) >= q.from) && (!q.to || dayOf(o.placed) <= q.to)); all = sorted(all, q.sort, (o, k) => (k === "total" ? o.total : k === "promise_at" ? o.promise : o.placed)); return [200, page(all, q, row)] }],
  ["GET", `${C}/orders/:id`, (m) => { const o = orders.find((x) => x.id === m.id || x.order_no === m.id); return o ? [200, details(o)] : problem(404, "kernel.not-found", "没有找到。") }],
  ["POST", `${C}/orders/:id/cancellation`, (m, q, b) => { const o = orders.find((x) => x.id === m.id); const lines = b.lines ?? o.lines.map((l) => ({ line_id: l.id, quantity: l.quantity - l.cancelled - l.handed })); let back = 0; for (const x of lines) { const l = o.lines.find((y) => y.id === x.line_id); l.cancelled += x.quantity; back += l.unit_price.minor * x.quantity } const all = o.lines.every((l) => l.cancelled + l.handed >= l.quantity); if (all) { o.state = "cancelled"; o.fulfilment_state = "cancelled"; o.late = false; back += o.fee } if (o.paid) o.refunded += back; tell("orders", { topic: "orders.cancelled", order_id: o.id }); return [200, details(o)] }],
  ["GET", `${C}/stock`, (m, q) => [200, page([...levels.values()].filter((l) => has(`${l.sku.code} ${l.sku.product.name.zh} ${l.sku.product.name.en} ${l.sku.gtins.join(" ")}`, q.q) && (!q.store || l.store.code === q.store) && (q.status === "negative" ? l.on_hand < l.held : q.status === "low" ? available(l) === 0 : q.status === "held" ? l.held > 0 : true)), q, levelRow)]],
  ["GET", `${C}/stock/:id`, (m) => { const s = skus.find((x) => x.id === m.id || x.code === m.id); return s ? [200, stockCase(s)] : problem(404, "catalog.no-such-sku", "没有找到这个规格。") }],
  ["POST", `${C}/stock/adjustments`, (m, q, b) => { const l = levels.get(`${b.store} ${b.sku_id}`); const then = b.counted ?? l.on_hand + b.delta; if (then < l.held) return problem(409, "inventory.count-below-held", `有 ${l.held} 件已为顾客占用,不能少于这个数。`, { held: l.held }); const delta = then - l.on_hand; l.on_hand = then; if (delta) movesOf(l.sku).unshift({ at: iso(now()), store_code: l.store.code, other: OTHER[b.reason], quantity: delta, on_hand_after: then, reason: b.reason, ref_kind: "adjustment", ref_id: id(), actor: "staff:1", note: b.note ?? "" }); return [201, stockCase(l.sku)] }],
  ["PUT", `${C}/stock/buffers`, (m, q, b) => { const l = levels.get(`${b.store} ${b.sku_id}`); l.buffers = b.buffers; return [200, stockCase(l.sku)] }],
  ["PUT", `${C}/stock/safety`, (m, q, b) => { const l = levels.get(`${b.store} ${b.sku_id}`); l.safety = b.safety; return [200, stockCase(l.sku)] }],
  ["GET", `${C}/stores`, (m, q) => [200, page(stores.filter((s) => has(`${s.code} ${s.name.zh} ${s.name.en} ${s.city}`, q.q) && (!q.region || inside(q.region).has(s.region.code)) && (!q.company || s.company.code === q.company) && (!q.state || s.state === q.state) && (!q.kind || s.kind === q.kind)).sort((a, b) => (a.code < b.code ? -1 : 1)), q, facts)]],
  ["POST", `${C}/stores`, (m, q, b) => { if (store(b.code)) return problem(409, "stores.code-taken", `编码 ${b.code} 已经有人用了,请换一个。`); const s = { ...stores[0], id: id(), version: 1, exceptions: [], ...b, region: regions.find((r) => r.code === b.region_code), company: companies.find((c) => c.code === b.company_code) }; stores.push(s); return [201, facts(s)] }],
  ["GET", `${C}/stores/:code`, (m) => { const s = store(m.code); return s ? [200, facts(s)] : problem(404, "kernel.not-found", "没有找到。") }],
  ["PATCH", `${C}/stores/:code`, (m, q, b) => { const s = store(m.code); const { region_code, company_code, version, ...rest } = b; Object.assign(s, rest, { version: s.version + 1 }); if (region_code) s.region = regions.find((r) => r.code === region_code); if (company_code) s.company = companies.find((c) => c.code === company_code); return [200, facts(s)] }],
  ["PUT", `${C}/stores/:code/exceptions`, (m, q, b) => { const s = store(m.code); s.exceptions = b.items; s.version++; return [200, facts(s)] }],
  ["GET", `${C}/regions`, () => [200, { items: [...regions].sort((a, b) => (a.code < b.code ? -1 : 1)).map((r) => ({ ...r, store_count: stores.filter((s) => s.region.code === r.code).length })), next: null, total: null }]],
  ["POST", `${C}/regions`, (m, q, b) => { const made = { id: id(), parent_code: null, ...b }; regions.push(made); return [201, { ...made, store_count: 0 }] }],
  ["PATCH", `${C}/regions/:code`, (m, q, b) => [200, Object.assign(regions.find((r) => r.code === m.code), b)]],
  ["GET", `${C}/companies`, () => [200, { items: companies.map((c) => ({ id: c.id, code: c.code, name: c.name, kind: c.franchised ? "franchisee" : "headquarters", store_count: stores.filter((s) => s.company.code === c.code).length })), next: null, total: null }]],
  ["GET", `${C}/products`, (m, q) => { let all = products.filter((p) => has(`${p.code} ${p.name.zh} ${p.name.en} ${p.skus.map((s) => `${s.code} ${s.gtins.join(" ")}`).join(" ")}`, q.q) && (!q.state || p.state === q.state) && (!q.brand || p.brand_code === q.brand) && (!q.category || p.category_code === q.category || categories.find((c) => c.code === p.category_code).parent_code === q.category)); all = sorted(all, q.sort || "-updated", (p, k) => (k === "code" ? p.code : k === "name" ? p.name.zh : p.updated_at)); return [200, page(all, q, productRow)] }],
  ["POST", `${C}/products`, (m, q, b) => { const code = b.code ?? `P${int(20000, 99999)}`; if (products.some((p) => p.code === code)) return problem(409, "catalog.code-taken", `编码 ${code} 已经有人用了,请换一个。`); const p = { id: id(), version: 1, code, name: b.name, brand_code: b.brand ?? null, category_code: b.category, description: T("", ""), attributes: [], options: [], skus: [], images: [], state: "draft", published_at: null, updated_at: iso(now()) }; products.unshift(p); return [201, productCase(p)] }],
  ["GET", `${C}/products/:code`, (m) => { const p = products.find((x) => x.code === m.code); return p ? [200, productCase(p)] : problem(404, "catalog.no-such-product", "没有找到这件商品。") }],
  ["PATCH", `${C}/products/:code`, (m, q, b) => { const p = products.find((x) => x.code === m.code); if (b.version !== p.version) return problem(409, "catalog.changed-meanwhile", "这件商品刚被别人改过,请先刷新再保存。"); const { version, brand, category, ...rest } = b; Object.assign(p, rest); if (brand !== undefined) p.brand_code = brand; if (category) p.category_code = category; return [200, bump(p)] }],
  ["POST", `${C}/products/:code/publication`, (m, q, b) => { const p = products.find((x) => x.code === m.code); const missing = publishMissing(p); if (b.state === "published" && missing.length) return problem(409, "catalog.not-complete", "商品资料还不完整,暂时不能上架。", { missing }); p.state = b.state; return [200, bump(p)] }],
  ["POST", `${C}/products/:code/skus`, (m, q, b) => { const p = products.find((x) => x.code === m.code); p.skus.push({ id: id(), state: "active", image_sha: null, unit: "piece", weight_g: 0, gtins: [], options: {}, ...b, code: b.code ?? `${p.code}-${p.skus.length + 1}` }); return [201, bump(p)] }],
  ["PATCH", `${C}/skus/:id`, (m, q, b) => { const p = ofSku(m.id); Object.assign(p.skus.find((s) => s.id === m.id), b); return [200, bump(p)] }],
  ["PUT", `${C}/skus/:id/barcodes`, (m, q, b) => { const p = ofSku(m.id); p.skus.find((s) => s.id === m.id).gtins = b.gtins; return [200, bump(p)] }],
  ["POST", `${C}/products/:code/images`, (m) => { const p = products.find((x) => x.code === m.code); p.images.push(picture(p.category_code, int(1, 9999))); return [201, bump(p)] }],
  ["PUT", `${C}/products/:code/images`, (m, q, b) => { const p = products.find((x) => x.code === m.code); p.images = b.shas.map((sha) => p.images.find((i) => i.sha === sha)); return [200, bump(p)] }],
  ["DELETE", `${C}/products/:code/images/:sha`, (m) => { const p = products.find((x) => x.code === m.code); p.images = p.images.filter((i) => i.sha !== m.sha); return [200, bump(p)] }],
  ["GET", `${C}/brands`, (m, q) => [200, page(counted(brands, "brand_code").filter((b) => has(`${b.code} ${b.name.zh} ${b.name.en}`, q.q)), q)]],
  ["POST", `${C}/brands`, (m, q, b) => { if (brands.some((x) => x.code === b.code)) return problem(409, "catalog.code-taken", `编码 ${b.code} 已经有人用了,请换一个。`); const made = { id: id(), ...b }; brands.push(made); return [201, made] }],
  ["PATCH", `${C}/brands/:code`, (m, q, b) => [200, Object.assign(brands.find((x) => x.code === m.code), b)]],
  ["GET", `${C}/categories`, (m, q) => [200, page(counted(categories, "category_code"), { ...q, limit: 100 })]],
  ["POST", `${C}/categories`, (m, q, b) => { const made = { id: id(), position: 99, ...b }; categories.push(made); return [201, made] }],
  ["PATCH", `${C}/categories/:code`, (m, q, b) => [200, Object.assign(categories.find((x) => x.code === m.code), b)]],
  ["GET", `${C}/prices`, (m, q) => [200, { items: prices.filter((p) => p.sku_id === q.sku).map(priceRow).sort((a, b) => ["chain", "region", "store"].indexOf(a.scope) - ["chain", "region", "store"].indexOf(b.scope) || (a.valid_from < b.valid_from ? 1 : -1)), next: null, total: null }]],
  ["GET", `${C}/price-shops`, () => [200, { items: [], next: null, total: null }]],
  ["POST", `${C}/prices`, (m, q, b) => { const begins = b.valid_from ?? iso(now()); const from = Date.parse(begins), until = b.valid_until ? Date.parse(b.valid_until) : Infinity; const same = prices.filter((p) => p.sku_id === b.sku_id && p.scope === b.scope && (p.scope_code ?? null) === (b.scope_code ?? null) && p.channel === (b.channel ?? "*")); const open = same.find((p) => !p.valid_until && Date.parse(p.valid_from) < from); if (same.some((p) => p !== open && Date.parse(p.valid_from) < until && (p.valid_until ? Date.parse(p.valid_until) : Infinity) > from)) return problem(409, "pricing.overlap", "这个时间段已有同一范围的价格,请先结束原价格或调整日期。"); if (open) open.valid_until = begins; const made = { id: id(), channel: "*", scope_code: null, valid_until: null, reason: "", ...b, valid_from: begins, created_at: iso(now()) }; prices.push(made); return [201, priceRow(made)] }],
  ["DELETE", `${C}/prices/:id`, (m) => { const p = prices.find((x) => x.id === m.id); if (Date.parse(p.valid_from) >= now()) prices.splice(prices.indexOf(p), 1); else p.valid_until = iso(now()); return [204] }],
  ["GET", `${C}/imports/dictionary`, () => [200, dictionary]],
  ["GET", `${C}/imports`, (m, q) => [200, page(jobs.filter((j) => !q.kind || j.kind === q.kind), q)]],
  ["POST", `${C}/imports`, (m, q) => { const j = { id: id(), kind: q.kind, filename: q.filename ?? "upload.csv", state: "queued", dry_run: q.dry_run === "1", created_at: iso(now()), rows_total: 24800, rows_done: 0, rows_changed: 0, rows_same: 0, rows_bad: 0, started_at: null, finished_at: null, by: session.who.name, problem: null }; jobs.unshift(j); const tick = setInterval(() => { if (j.state === "queued") { j.state = "running"; j.started_at = iso(now()) } j.rows_done = Math.min(j.rows_total, j.rows_done + 1837); j.rows_changed = Math.round(j.rows_done * 0.93); j.rows_bad = Math.floor(j.rows_done / 2400); j.rows_same = j.rows_done - j.rows_changed - j.rows_bad; if (j.rows_done === j.rows_total) { j.state = "done"; j.finished_at = iso(now()); clearInterval(tick) } tell("import", { import_id: j.id }) }, 600); return [202, j] }],
  ["GET", `${C}/imports/:id`, (m) => { const j = jobs.find((x) => x.id === m.id); return j ? [200, j] : problem(404, "kernel.not-found", "没有找到。") }],
  ["GET", `${C}/imports/:id/errors.csv`, () => [200, readFileSync(join(import.meta.dirname, "errors.csv"), "utf8")]],
  ["GET", `${C}/staff`, (m, q) => [200, page(people.filter((p) => has(`${p.login} ${p.name}`, q.q) && (!q.state || p.state === q.state) && (!q.role || p.grants.some((g) => g.role === q.role)) && (!q.store || p.grants.some((g) => g.unit_code === q.store))), q)]],
  ["POST", `${C}/staff`, (m, q, b) => { if (people.some((p) => p.login === b.login)) return problem(409, "stores.login-taken", "这个登录名已经有人用了。"); const { password, reason, grants = [], ...rest } = b; const p = { id: id(), state: "active", locked_until: null, created_at: iso(now()), ...rest, grants: grants.map(named) }; people.unshift(p); return [201, p] }],
  ["PATCH", `${C}/staff/:id`, (m, q, b) => { const p = people.find((x) => x.id === m.id); const { password, reason, ...rest } = b; Object.assign(p, rest, { locked_until: null }); return [200, p] }],
  ["PUT", `${C}/staff/:id/grants`, (m, q, b) => { const p = people.find((x) => x.id === m.id); p.grants = b.grants.map(named); return [200, p] }],
  ["GET", `${C}/policies`, () => [200, { items: policies, next: null }]],
  ["PUT", `${C}/policies/:kind`, (m, q, b) => { const p = policies.find((x) => x.kind === m.kind); const later = b.active_from && Date.parse(b.active_from) > now(); const v = { kind: m.kind, version: p.versions[0].version + 1, body: b.body, active_from: b.active_from ?? iso(now()), in_force: !later }; audit.unshift({ id: id(), at: iso(now()), actor_kind: "staff", actor_id: people[0].id, actor_name: session.who.name, action: "policy.set", subject_kind: "policy", subject: m.kind, store_code: null, reason: b.reason, before: p.versions[0].body, after: { version: v.version, body: v.body } }); p.versions.unshift(v); if (!later) { p.versions.slice(1).forEach((x) => (x.in_force = false)); p.current = v } return [200, v] }],
  ["GET", `${C}/audit`, (m, q) => [200, page(audit.filter((a) => (!q.action || a.action.startsWith(q.action)) && (!q.subject_kind || a.subject_kind === q.subject_kind) && (!q.actor_id || a.actor_id === q.actor_id) && (!q.store || a.store_code === q.store) && (!q.subject || a.subject === q.subject) && (!q.since || a.at >= q.since) && (!q.until || a.at < q.until)), q)]],
]
function named(g) { const kind = { headquarters: "chain", region: "region", franchisee: "company" }[g.role] ?? "store"; return grant(g.role, kind, g.unit_code) }

function media(sha) { const [colour, n] = pictures.get(sha) ?? ["e6e9ec", 0]; const turn = (n % 5) * 9 - 18
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800"><rect width="800" height="800" fill="#${colour}"/><ellipse cx="400" cy="660" rx="200" ry="24" fill="#17202a" opacity=".08"/><g transform="rotate(${turn} 400 430)"><rect x="${270 + (n % 3) * 20}" y="230" width="${260 - (n % 3) * 40}" height="400" rx="${30 + (n % 4) * 22}" fill="#fff"/><rect x="${270 + (n % 3) * 20}" y="${330 + (n % 3) * 30}" width="${260 - (n % 3) * 40}" height="120" fill="${["#c8431c", "#17788c", "#e8a33d", "#7488c2", "#5aa06a"][n % 5]}" opacity=".75"/></g></svg>` }

const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8" }
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
createServer(async (req, res) => {
  const url = new URL(req.url, "http://x"), path = url.pathname, q = Object.fromEntries(url.searchParams)
  if (path.startsWith("/media/")) { res.writeHead(200, { "content-type": "image/svg+xml", "cache-control": "max-age=3600" }); return res.end(media(path.slice(7))) }
  if (path === `${C}/events`) { res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" }); res.write(": here\n\n"); streams.add(res); const beat = setInterval(() => res.write(": hb\n\n"), 15_000); req.on("close", () => { streams.delete(res); clearInterval(beat) }); return }
  const chunks = []; for await (const chunk of req) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString()
  for (const [method, pattern, run] of routes) {
    if (method !== req.method) continue
    const names = [], hit = new RegExp(`^${pattern.replace(/:(\w+)/g, (_, n) => (names.push(n), "([^/]+)"))}$`).exec(path)
    if (!hit) continue
    if (process.env.MOCK_DELAY) await new Promise((r) => setTimeout(r, Number(process.env.MOCK_DELAY)))
    if (path.startsWith(C) && !session.who) { const [s, j] = problem(401, "kernel.unauthorised", "请先登录。"); res.writeHead(s, { "content-type": "application/problem+json" }); return res.end(JSON.stringify(j)) }
    if (process.env.MOCK_FAIL && path.includes(process.env.MOCK_FAIL)) { res.writeHead(503, { "content-type": "application/problem+json" }); return res.end('{"status":503,"code":"kernel.unavailable"}') }
    let input = {}; try { input = body && req.headers["content-type"]?.startsWith("application/json") ? JSON.parse(body) : {} } catch { input = {} }
    if (req.headers["content-type"]?.startsWith("multipart/")) q.filename = /filename="([^"]*)"/.exec(Buffer.from(body, "utf8").toString())?.[1]
    const [status, json] = run(Object.fromEntries(names.map((n, i) => [n, decodeURIComponent(hit[i + 1])])), q, input)
    if (typeof json === "string") { res.writeHead(status, { "content-type": "text/csv; charset=utf-8" }); return res.end(json) }
    res.writeHead(status, { "content-type": status >= 400 ? "application/problem+json" : "application/json" })
    return res.end(json === undefined ? undefined : JSON.stringify(json))
  }
  if (path.startsWith("/api/")) { res.writeHead(404, { "content-type": "application/problem+json" }); return res.end('{"status":404,"code":"http.not-found","detail":""}') }
  const file = join(dist, path.replace(/^\/console\/?/, ""))
  if (extname(path) && existsSync(file)) { res.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }); return res.end(readFileSync(file)) }
  res.writeHead(200, { "content-type": types[".html"], "content-security-policy": POLICY }); res.end(readFileSync(join(dist, "index.html")))
}).listen(port, "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${port}/console/  hq / duoline`))
