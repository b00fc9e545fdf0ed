// Development only: answers the clerk's API from memory and serves dist/clerk, so that pages can be looked at
// without a back end.  node mock/clerk/server.mjs [port]
// Log in with clerk / clerk, or two / two for somebody with several shops. Pickup codes are 8 digits or DL1:….
// Levers: POST /mock/arrive, /mock/lost-reply (the next write acts, its answer is lost), /mock/down?s=20, /mock/reset.
import { randomUUID } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import { extname, join, resolve } from "node:path"
import { goods, picture } from "./goods.mjs"

const dist = resolve(import.meta.dirname, "../../dist/clerk")
const port = Number(process.argv[2] ?? 8101)
const T = (zh, en) => ({ zh, en })
const M = (minor) => ({ minor, currency: "CNY" })
const inMin = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString()
const now = () => new Date().toISOString()

const stores = [
  ["SH-XH-01", "徐汇龙华店", "Xuhui Longhua", "徐汇区龙华中路 600 号 B1-12", "B1-12, 600 Longhua Middle Rd, Xuhui", null],
  ["SH-PD-01", "浦东世纪汇店", "Century Link", "浦东新区世纪大道 1192 号 L2-08", "L2-08, 1192 Century Ave, Pudong", 7600],
  ["SH-JA-01", "静安大融城店", "Jing'an Joy", "静安区沪太路 1111 弄 5 号 2 层", "2F, 5 Lane 1111 Hutai Rd, Jing'an", 9900],
  ["SH-MH-01", "闵行莘庄店", "Xinzhuang", "闵行区都市路 5001 号 3 层", "3F, 5001 Dushi Rd, Minhang", 11800],
  ["SH-YP-01", "杨浦五角场店", "Wujiaochang", "杨浦区淞沪路 77 号 B1", "B1, 77 Songhu Rd, Yangpu", 15300],
].map(([code, zh, en, az, ae, distance_m], n) => ({
  id: `00000000-0000-4000-9000-00000000000${n}`, code, name: T(zh, en), kind: "store", address: T(az, ae), phone: `021-5460 ${1200 + n * 37}`,
  lat: 31.19 + n / 50, lon: 121.45 + n / 50, distance_m, timezone: "Asia/Shanghai", hours_today: [{ opens: "09:30", closes: "21:30" }],
  open_now: n !== 3, next_change_at: inMin(400), services: { pickup: true, ship: true, returns: true }, pickup_lead_min: 40,
  company: { name: T("双线直营", "Duoline Retail"), franchised: n === 3 },
}))
const staffOf = {
  clerk: { id: randomUUID(), login: "clerk", name: "陈嘉怡", grants: [{ role: "clerk", unit_kind: "store", unit_id: stores[0].id, unit_name: stores[0].name }], stores: [stores[0]], permissions: ["fulfil", "sell", "hold", "stock.read"] },
  two: { id: randomUUID(), login: "two", name: "周启明", grants: [{ role: "region", unit_kind: "region", unit_id: randomUUID(), unit_name: T("华东", "East China") }], stores, permissions: ["fulfil", "sell", "hold", "stock.read", "orders.read"] },
}

let world
function start() {
  world = { sessions: new Map(), wrong: 0, lockedUntil: 0, work: new Map(), holds: [], answers: new Map(), serial: 4800, events: [], eventNo: 0, loseReply: false, downUntil: 0, streams: new Set() }
  for (const good of goods) Object.assign(good, { held: 0 })
  const seed = [
    ["林小满", "8000", [[0, 1], [2, 2], [6, 3]], "to_pick", "pickup", -52, 6, "online", "要两个大袋子,谢谢"],
    ["王芷若", "6612", [[4, 1]], "to_pick", "pickup", -20, 24, "at_store", null],
    ["Emma Clarke", "0934", [[8, 1], [5, 1]], "to_pick", "ship", -14, 60 * 22, "online", null],
    ["赵一鸣", "7741", [[10, 1]], "to_pick", "pickup", -4, 41, "online", null],
    ["孙雨桐", "2087", [[7, 2], [3, 1], [9, 1], [6, 2]], "to_pick", "pickup", -70, -12, "online", null],
    ["吴敏", "5530", [[2, 1]], "ready", "pickup", -180, -130, "at_store", null],
    ["何思远", "1190", [[0, 1], [4, 2]], "ready", "pickup", -300, -240, "online", null],
    ["郑楠", "3356", [[9, 1]], "ready", "ship", -120, 60 * 20, "online", null],
    ["黄蕾", "9028", [[1, 1]], "waiting", "pickup", -3, 40, "online", null],
    ["徐静", "4402", [[7, 1]], "waiting", "ship", -6, 60 * 24, "online", null],
    ["高远", "6181", [[6, 4]], "handed_over", "pickup", -400, -350, "online", null],
    ["罗颖", "2749", [[8, 2]], "shipped", "ship", -600, 60 * 12, "online", null],
  ]
  for (const row of seed) add(...row)
  Object.assign(find((card) => card.customer_name === "罗颖"), { carrier: "SF", tracking_no: "SF1402889317745" })
  hold({ sku_id: goods[5].sku_id, quantity: 1, minutes: 48, note: "胡女士 尾号 2210,下班来拿" }, "陈嘉怡")
}

function add(name, tail, lines, state, kind, placed, promise, payMode, note) {
  world.serial += 7
  const id = randomUUID()
  const short = String(48210000 + world.serial * 13).slice(-8)
  const card = {
    id, order_id: randomUUID(), order_no: `D2611${21000 + world.serial}`, kind, state, code_tail: kind === "pickup" && state !== "waiting" ? `…${short.slice(-2)}` : null,
    customer_name: name, phone_tail: tail, channel: "mall", pay_mode: payMode, paid: payMode === "online" && state !== "waiting",
    due: M(0), promise_at: inMin(promise), placed_at: inMin(placed), ready_at: state === "ready" ? inMin(promise - 5) : null,
    keep_until: state === "ready" && kind === "pickup" ? inMin(60 * (name === "何思远" ? 3 : 66)) : null,
    lines: lines.map(([n, quantity], at) => ({ line_id: `${id}-${at}`, sku_id: goods[n].sku_id, sku_code: goods[n].sku_code, gtin: goods[n].gtin, name: goods[n].name, options: goods[n].options, image: goods[n].image, quantity, shelf: goods[n].shelf, unit_price: goods[n].price })),
    note, why: kind === "ship" ? { policy_version: 7, summary: T("本店距收件地址 3.1 km,两件都有货,一个包裹即可;总仓要多用一天。", "This shop is 3.1 km from the address and has both; one parcel. The warehouse would take a day longer.") } : null,
    address: kind === "ship" ? { name, phone: `138****${tail}`, province: "上海市", city: "上海市", district: "徐汇区", line: "龙腾大道 2599 号 8 幢 1203 室", lat: null, lon: null } : null,
    to: null, carrier: null, tracking_no: null, done_at: ["handed_over", "shipped"].includes(state) ? inMin(promise) : null,
  }
  card.due = M(payMode === "at_store" ? sum(card) : 0)
  card.short = short
  card.qr = `DL1:${Array.from({ length: 16 }, (_, at) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(world.serial * (at + 3) + at * at) % 32]).join("")}`
  card.timeline = [{ at: card.placed_at, kind: "placed", data: {} }, ...(card.paid ? [{ at: inMin(placed + 1), kind: "paid", data: { amount: M(sum(card)) } }] : []), ...(card.ready_at ? [{ at: card.ready_at, kind: "ready", data: {} }] : [])]
  world.work.set(id, card)
  for (const line of card.lines) if (["waiting", "to_pick", "ready"].includes(state)) good(line.sku_id).held += line.quantity
  return card
}
const sum = (card) => card.lines.reduce((total, line) => total + line.unit_price.minor * line.quantity, 0)
const good = (id) => goods.find((one) => one.sku_id === id)
const find = (test) => [...world.work.values()].find(test)
const tabOf = { to_pick: ["to_pick"], ready: ["ready"], incoming: ["waiting"], done: ["handed_over", "shipped", "delivered", "cancelled", "rejected"] }
const wire = ({ short: _short, qr: _qr, timeline: _timeline, ...card }) => card
const stockOf = (one) => ({
  sku_id: one.sku_id, sku_code: one.sku_code, gtin: one.gtin, name: one.name, options: one.options, image: one.image, price: one.price,
  here: { on_hand: one.on_hand, held: one.held, safety: one.safety, available: one.on_hand - one.held - one.safety, shelf: one.shelf, on_the_way: 0 },
  elsewhere: stores.slice(1).map((store, at) => ({ store, available: Math.max(0, (one.on_hand * 7 + at * 5) % 11 - 2), on_the_way: 0 })).map((other) => ({ ...other, sendable: other.available })).filter((other) => other.available > 0),
})
function hold(body, by) {
  const one = good(body.sku_id)
  one.held += body.quantity
  const made = { id: randomUUID(), sku_id: one.sku_id, sku_code: one.sku_code, name: one.name, image: one.image, quantity: body.quantity, note: body.note, expires_at: inMin(body.minutes), created_at: now(), by }
  world.holds.push(made)
  return made
}
function tell(event, data) {
  const frame = { id: String(++world.eventNo), text: `id: ${world.eventNo}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n` }
  world.events.push(frame)
  for (const stream of world.streams) stream.write(frame.text)
}
function move(card, state, kind = state) {
  card.state = state
  if (tabOf.done.includes(state)) card.done_at = now()
  card.timeline.push({ at: now(), kind, data: {} })
  tell("fulfilment", { fulfilment_id: card.id, order_id: card.order_id, order_no: card.order_no, kind: card.kind, state })
  return card
}
const refuse = (status, code, zh, en, fields = {}) => ({ status, problem: { code, detail: { zh, en }, ...fields } })
const ok = (json, status = 200) => ({ status, json })

const decision = (card) => ({
  id: randomUUID(), at: card.placed_at, policy_version: 7, solver_us: 412, terms: { parcel: 600, per_km: 1, load: 400 }, summary: card.why.summary,
  chosen: [{ location_code: stores[0].code, line_ids: card.lines.map((line) => line.line_id), cost_minor: 843 }],
  candidates: [
    { location_code: "SH-XH-01", cost_minor: 843, distance_km: 3.1, load: 0.3, covers: card.lines.map((line) => line.line_id), rejected_because: null },
    { location_code: "SH-PD-01", cost_minor: 901, distance_km: 7.6, load: 0.4, covers: card.lines.map((line) => line.line_id), rejected_because: "dearer" },
    { location_code: "DC-EAST", cost_minor: 1012, distance_km: 38, load: 0.1, covers: card.lines.map((line) => line.line_id), rejected_because: "dearer" },
    { location_code: "SH-JA-01", cost_minor: 880, distance_km: 9.9, load: 0.9, covers: [], rejected_because: "incomplete" },
  ],
})

const routes = [
  ["POST", "/api/staff/sessions", ({ body }) => {
    if (Date.now() < world.lockedUntil) return refuse(429, "stores.locked", "密码错误次数过多,请稍后再试。", "Too many wrong passwords; try later.", { until_at: new Date(world.lockedUntil).toISOString() })
    if (!staffOf[body.login] || body.password !== body.login) {
      if (++world.wrong >= 5) { world.wrong = 0; world.lockedUntil = Date.now() + 15 * 60_000; return routes[0][2]({ body }) }
      return refuse(401, "stores.wrong-credentials", "账号或密码不对。", "The login or password is wrong.")
    }
    const token = randomUUID()
    world.sessions.set(token, staffOf[body.login])
    return { ...ok({ token, staff: staffOf[body.login] }, 201), cookie: `duoline_staff=${token}; HttpOnly; SameSite=Lax; Path=/` }
  }],
  ["DELETE", "/api/staff/sessions", () => ({ status: 204, cookie: "duoline_staff=; Max-Age=0; Path=/" })],
  ["GET", "/api/staff/me", ({ who }) => (who ? ok(who) : refuse(401, "stores.no-session", "请登录。", "Please log in."))],
  ["GET", "/api/clerk/queue", ({ query }) => {
    const all = [...world.work.values()]
    const count = (tab) => all.filter((card) => tabOf[tab].includes(card.state)).length
    const wanted = (query.q ?? "").toLowerCase()
    const items = all
      .filter((card) => tabOf[query.tab].includes(card.state))
      .filter((card) => !wanted || [card.order_no, card.customer_name, card.phone_tail, card.code_tail ?? "", ...card.lines.flatMap((line) => [line.name.zh, line.name.en, line.sku_code])].some((text) => text.toLowerCase().includes(wanted)))
      .sort((a, b) => (query.tab === "done" ? b.done_at.localeCompare(a.done_at) : a.promise_at.localeCompare(b.promise_at)))
    return ok({ items: items.map(wire), next: null, counts: { to_pick: count("to_pick"), ready: count("ready"), incoming: count("incoming") } })
  }],
  ["GET", "/api/clerk/fulfilments/:id", ({ card }) => ok({ ...wire(card), timeline: card.timeline, sourcing: card.why ? decision(card) : null })],
  ["POST", "/api/clerk/fulfilments/:id/ready", ({ card }) => { card.ready_at = now(); card.keep_until = card.kind === "pickup" ? inMin(72 * 60) : null; return ok(wire(move(card, "ready"))) }],
  ["POST", "/api/clerk/fulfilments/:id/unready", ({ card }) => { card.ready_at = null; card.keep_until = null; return ok(wire(move(card, "to_pick", "unready"))) }],
  ["POST", "/api/clerk/fulfilments/:id/rejection", ({ card, body }) => {
    const outcome = body.lines.map((line, at) => ({ line_id: line.line_id, quantity: line.quantity, result: card.kind === "ship" ? "resourced" : at % 2 ? "refunded" : "asks_member", location_code: card.kind === "ship" ? stores[1].code : null }))
    for (const { line_id, quantity } of body.lines) card.lines.find((line) => line.line_id === line_id).quantity -= quantity
    card.lines = card.lines.filter((line) => line.quantity > 0)
    if (!card.paid) card.due = M(sum(card))
    move(card, card.lines.length ? card.state : "rejected", "rejected")
    return ok({ card: wire(card), outcome })
  }],
  ["POST", "/api/clerk/fulfilments/:id/handover", ({ card, body }) => {
    if (![card.short, card.qr].includes(body.code)) return refuse(422, "fulfilment.wrong-code", "这个取货码在本店无效,请让顾客刷新取货码再试。", "This code opens nothing at this shop; ask the customer to refresh it and try again.")
    if (card.state !== "ready") return refuse(409, "fulfilment.not-ready", "订单还在备货,备好后才能交付。", "This order has not been picked yet; mark it ready first.")
    const taken = card.due
    let change = M(0)
    if (card.due.minor > 0) {
      if (!body.tender) return refuse(409, "fulfilment.not-paid", "还有未付金额,请先收款。", "Money is still due; take the payment first.")
      change = M(body.tendered.minor - card.due.minor)
      card.paid = true
      card.due = M(0)
    }
    return ok({ card: wire(move(card, "handed_over")), taken, change, member_name: card.customer_name })
  }],
  ["POST", "/api/clerk/fulfilments/:id/shipment", ({ card, body }) => ok(wire(move(Object.assign(card, body), "shipped")))],
  ["POST", "/api/clerk/fulfilments/:id/delivery", ({ card }) => ok(wire(move(card, "delivered")))],
  ["POST", "/api/clerk/scans", ({ body }) => {
    const text = body.text.trim().toUpperCase()
    const digits = text.replace(/\s/g, "")
    const card = find((one) => one.qr === text || one.short === digits)
    if (card) return ok({ kind: "pickup", fulfilment_id: card.id })
    if (/^(DL1:.*|\d{8})$/.test(digits)) return refuse(422, "fulfilment.wrong-code", "这个取货码在本店无效,请让顾客刷新取货码再试。", "This code opens nothing at this shop; ask the customer to refresh it and try again.")
    const one = goods.find((item) => item.gtin === digits || item.sku_code === text)
    if (one) return ok({ kind: "product", sku_id: one.sku_id })
    const order = find((item) => item.order_no === text)
    if (order) return ok({ kind: "order", fulfilment_id: order.id, order_no: order.order_no })
    return ok({ kind: "unknown" })
  }],
  ["GET", "/api/clerk/stock", ({ query }) => {
    const wanted = (query.q ?? "").toLowerCase()
    const items = goods.filter((one) => (query.sku ? one.sku_id === query.sku : query.gtin ? one.gtin === query.gtin : [one.name.zh, one.name.en, one.sku_code, one.gtin].some((text) => text.toLowerCase().includes(wanted))))
    return ok({ items: items.map(stockOf), next: null })
  }],
  ["POST", "/api/clerk/sales", ({ body }) => {
    const lines = body.lines.map((line, n) => { const one = goods.find((item) => item.sku_id === line.sku_id || item.gtin === line.gtin); one.on_hand -= line.quantity; return { id: randomUUID(), n: n + 1, sku_id: one.sku_id, sku_code: one.sku_code, product_code: one.sku_code, name: one.name, options: one.options, image: one.image, quantity: line.quantity, handed: line.quantity, cancelled: 0, unit_price: one.price, amount: M(one.price.minor * line.quantity), method: "pickup", store_code: body.store } })
    const total = lines.reduce((all, line) => all + line.amount.minor, 0)
    if (body.tendered.minor < total) return refuse(422, "fulfilment.too-little-money", "收到的现金少于应收金额。", "The cash given is less than what is due.")
    world.serial += 7
    const order = { id: randomUUID(), order_no: `T2611${21000 + world.serial}`, channel: "till", state: "completed", pay_mode: "at_store", pay_state: "paid", placed_at: now(), pay_by_at: null, contact: { name: "", phone: body.phone ?? "" }, address: null, subtotal: M(total), delivery_fee: M(0), discount: M(0), total: M(total), paid: M(total), refunded: M(0), lines, fulfilments: [], timeline: [], actions: [] }
    return ok({ order, change: M(body.tendered.minor - total) }, 201)
  }],
  ["GET", "/api/clerk/holds", () => ok({ items: world.holds })],
  ["POST", "/api/clerk/holds", ({ body, who }) => {
    const one = stockOf(good(body.sku_id))
    if (one.here.available < body.quantity) return refuse(409, "inventory.insufficient-stock", `只剩 ${one.here.available} 件可以留货。`, `Only ${one.here.available} can be held.`, { short: [] })
    return ok(hold(body, who.name), 201)
  }],
  ["DELETE", "/api/clerk/holds/:hold", ({ path }) => {
    const found = world.holds.find((one) => one.id === path.hold)
    if (found) good(found.sku_id).held -= found.quantity
    world.holds = world.holds.filter((one) => one !== found)
    return { status: 204 }
  }],
  ["POST", "/mock/arrive", () => { const card = add(["蒋晨", "沈可欣", "韩露"][world.serial % 3], "3317", [[world.serial % 8, 1]], "waiting", "pickup", 0, 38, "online", null); move(card, "to_pick", "paid"); card.code_tail = `…${card.short.slice(-2)}`; card.paid = true; return ok(wire(card)) }],
  ["POST", "/mock/gone", () => ok(wire(move(find((card) => card.state === "to_pick"), "cancelled")))],
  ["POST", "/mock/lost-reply", () => { world.loseReply = true; return { status: 204 } }],
  ["POST", "/mock/down", ({ query }) => { world.downUntil = Date.now() + Number(query.s ?? 20) * 1000; for (const stream of world.streams) stream.destroy(); return { status: 204 } }],
  ["POST", "/mock/up", () => { world.downUntil = 0; return { status: 204 } }],
  ["POST", "/mock/reset", () => { for (const stream of world.streams) stream.destroy(); const { sessions } = world; start(); world.sessions = sessions; return { status: 204 } }],
  ["GET", "/mock/codes", () => ok([...world.work.values()].map(({ id, order_no, state, kind, customer_name, short, qr }) => ({ id, order_no, state, kind, customer_name, short, qr })))],
]

const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".html": "text/html; charset=utf-8", ".json": "application/json", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm" }

function answer(request, response, status, json) {
  const language = String(request.headers["accept-language"] ?? "zh").startsWith("en") ? "en" : "zh"
  if (status === 204) return response.writeHead(204).end()
  const problem = status >= 400
  const body = problem ? { type: "about:blank", title: "", status, ...json, detail: json.detail?.[language] ?? json.detail ?? "" } : json
  response.writeHead(status, { "content-type": problem ? "application/problem+json" : "application/json", "cache-control": "no-store" }).end(JSON.stringify(body))
}

start()
createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock")
  const path = url.pathname
  const query = Object.fromEntries(url.searchParams)
  if (path.startsWith("/media/")) return response.writeHead(200, { "content-type": "image/svg+xml", "cache-control": "public, max-age=31536000, immutable" }).end(picture(path.slice(7)))
  if (path.startsWith("/api/") && Date.now() < world.downUntil) return request.socket.destroy()
  if (path === "/api/clerk/events") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" })
    response.write(": open\n\n")
    const last = Number(request.headers["last-event-id"] ?? Number.MAX_SAFE_INTEGER)
    for (const frame of world.events) if (Number(frame.id) > last) response.write(frame.text)
    world.streams.add(response)
    const beat = setInterval(() => response.write(": beat\n\n"), 15_000)
    request.on("close", () => { clearInterval(beat); world.streams.delete(response) })
    return
  }
  const who = world.sessions.get(/duoline_staff=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1])
  let text = ""
  for await (const chunk of request) text += chunk
  if (process.env.MOCK_DELAY && path.startsWith("/api/")) await new Promise((done) => setTimeout(done, Number(process.env.MOCK_DELAY)))
  for (const [method, pattern, run] of routes) {
    const names = []
    const hit = method === request.method && new RegExp(`^${pattern.replace(/:(\w+)/g, (_, name) => (names.push(name), "([^/]+)"))}$`).exec(path)
    if (!hit) continue
    if (path.startsWith("/api/clerk") && !who) return answer(request, response, 401, { code: "stores.no-session", detail: T("请登录。", "Please log in.") })
    const key = request.headers["idempotency-key"]
    if (method !== "GET" && path.startsWith("/api/")) {
      if (!key) return answer(request, response, 400, { code: "http.idempotency-key-missing", detail: "key" })
      const before = world.answers.get(key)
      if (before && before.text !== path + text) return answer(request, response, 409, { code: "idempotency.mismatch", detail: "mismatch" })
      if (before) return answer(request, response, before.status, before.json)
    }
    const parts = Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(hit[at + 1])]))
    const card = parts.id ? world.work.get(parts.id) : undefined
    if (parts.id && !card) return answer(request, response, 404, { code: "fulfilment.not-found", detail: T("没有这张单。", "No such order.") })
    const { status, json, problem, cookie } = run({ path: parts, query, body: text ? JSON.parse(text) : {}, card, who })
    if (cookie) response.setHeader("set-cookie", cookie)
    if (method !== "GET" && status < 400) world.answers.set(key, { text: path + text, status, json })
    if (world.loseReply && method !== "GET" && path.startsWith("/api/")) { world.loseReply = false; return request.socket.destroy() }
    return answer(request, response, status, problem ?? json)
  }
  if (path.startsWith("/api/") || path.startsWith("/mock/")) return answer(request, response, 404, { code: "http.not-found", detail: "" })
  const file = join(dist, path.replace(/^\/clerk/, ""))
  const real = extname(file) && existsSync(file) ? file : join(dist, "index.html")
  response.writeHead(200, { "content-type": types[extname(real)] ?? "application/octet-stream", "cache-control": path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache" }).end(readFileSync(real))
}).listen(port, "127.0.0.1", () => console.log(`clerk mock on http://127.0.0.1:${port}/clerk/`))
