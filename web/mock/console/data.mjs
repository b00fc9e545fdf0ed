// The sample chain that the console's mock shows: invented names on real places, the same every time.
import { createHash } from "node:crypto"

let seed = 20261121
export const rnd = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff)
export const int = (low, high) => low + Math.floor(rnd() * (high - low + 1))
export const one = (list) => list[int(0, list.length - 1)]
let serial = 0
export const id = (word = `n${serial++}`) => {
  const hex = createHash("sha256").update(`duoline ${word}`).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
export const T = (zh, en) => ({ zh, en })
export const M = (minor) => ({ minor, currency: "CNY" })
const MIN = 60_000
const STARTED = Date.now()
export const NOW = process.env.MOCK_NOW ? Date.parse(process.env.MOCK_NOW) : STARTED
export const now = () => NOW + Date.now() - STARTED
export const ago = (minutes) => new Date(NOW - minutes * MIN).toISOString()

export const companies = [
  ["HQ", "双线母婴(上海)有限公司", "Duoline Baby (Shanghai)", false],
  ["FR-HANG", "杭州禾苗母婴用品有限公司", "Hemiao Baby, Hangzhou", true],
  ["FR-SUZ", "苏州园芽贸易有限公司", "Yuanya Trading, Suzhou", true],
  ["FR-CD", "成都蜀宝亲子有限公司", "Shubao Family, Chengdu", true],
].map(([code, zh, en, franchised]) => ({ id: id(code), code, name: T(zh, en), franchised }))
export const regions = [
  ["CN", null, "全国", "China"],
  ["EAST", "CN", "华东", "East"], ["SH", "EAST", "上海", "Shanghai"], ["ZJ", "EAST", "浙江", "Zhejiang"], ["JS", "EAST", "江苏", "Jiangsu"],
  ["SOUTH", "CN", "华南", "South"], ["GD", "SOUTH", "广东", "Guangdong"],
  ["WEST", "CN", "西南", "South-west"], ["SC", "WEST", "四川", "Sichuan"], ["CQ", "WEST", "重庆", "Chongqing"],
].map(([code, parent_code, zh, en]) => ({ id: id(`region ${code}`), code, parent_code, name: T(zh, en) }))

const places = [
  ["SH001", "徐汇滨江店", "Xuhui Riverside", "SH", "HQ", "上海市", "上海市", "徐汇区龙腾大道 2000 号", 31.1776, 121.4561],
  ["SH002", "静安大融城店", "Jing'an Joy", "SH", "HQ", "上海市", "上海市", "静安区沪太路 1111 弄 5 号", 31.2774, 121.4306],
  ["SH003", "浦东世纪汇店", "Century Link", "SH", "HQ", "上海市", "上海市", "浦东新区世纪大道 1192 号", 31.2304, 121.5273],
  ["SH004", "张江汇智店", "Zhangjiang", "SH", "HQ", "上海市", "上海市", "浦东新区祖冲之路 1239 弄", 31.2033, 121.5905],
  ["SH005", "闵行莘庄店", "Xinzhuang", "SH", "HQ", "上海市", "上海市", "闵行区都市路 5001 号", 31.1089, 121.3812],
  ["SH006", "杨浦五角场店", "Wujiaochang", "SH", "HQ", "上海市", "上海市", "杨浦区淞沪路 77 号", 31.3017, 121.5146],
  ["SH007", "嘉定新城店", "Jiading New Town", "SH", "HQ", "上海市", "上海市", "嘉定区云谷路 599 弄", 31.3381, 121.2583],
  ["SH008", "松江万达店", "Songjiang Wanda", "SH", "HQ", "上海市", "上海市", "松江区广富林路 658 弄", 31.0451, 121.2263],
  ["ZJ001", "杭州西溪店", "Hangzhou Xixi", "ZJ", "FR-HANG", "浙江省", "杭州市", "西湖区文二西路 551 号", 30.2799, 120.0721],
  ["ZJ002", "杭州湖滨店", "Hangzhou Hubin", "ZJ", "FR-HANG", "浙江省", "杭州市", "上城区延安路 258 号", 30.2534, 120.164],
  ["ZJ003", "宁波天一店", "Ningbo Tianyi", "ZJ", "FR-HANG", "浙江省", "宁波市", "海曙区中山东路 188 号", 29.8696, 121.5566],
  ["ZJ004", "温州五马店", "Wenzhou Wuma", "ZJ", "FR-HANG", "浙江省", "温州市", "鹿城区五马街 86 号", 28.0168, 120.6547],
  ["JS001", "苏州园区店", "Suzhou SIP", "JS", "FR-SUZ", "江苏省", "苏州市", "工业园区旺墩路 268 号", 31.3203, 120.7124],
  ["JS002", "南京新街口店", "Nanjing Xinjiekou", "JS", "HQ", "江苏省", "南京市", "玄武区中山路 18 号", 32.0431, 118.7844],
  ["JS003", "无锡海岸城店", "Wuxi Coastal City", "JS", "FR-SUZ", "江苏省", "无锡市", "滨湖区立信大道 168 号", 31.4901, 120.3119],
  ["GD001", "深圳海岸城店", "Shenzhen Coastal", "GD", "HQ", "广东省", "深圳市", "南山区文心五路 33 号", 22.5184, 113.9365],
  ["GD002", "深圳龙华店", "Shenzhen Longhua", "GD", "HQ", "广东省", "深圳市", "龙华区人民路 2020 号", 22.6568, 114.0262],
  ["GD003", "广州天河城店", "Guangzhou Tianhe", "GD", "HQ", "广东省", "广州市", "天河区天河路 208 号", 23.1323, 113.3225],
  ["GD004", "佛山千灯湖店", "Foshan Qiandeng", "GD", "HQ", "广东省", "佛山市", "南海区桂澜北路 28 号", 23.0475, 113.1482],
  ["SC001", "成都太古里店", "Chengdu Taikoo", "SC", "FR-CD", "四川省", "成都市", "锦江区中纱帽街 8 号", 30.6537, 104.0837],
  ["SC002", "成都银泰城店", "Chengdu in99", "SC", "FR-CD", "四川省", "成都市", "高新区天府大道 1199 号", 30.5415, 104.0628],
  ["SC003", "绵阳凯德店", "Mianyang", "SC", "FR-CD", "四川省", "绵阳市", "涪城区临园路 66 号", 31.4675, 104.7402],
  ["CQ001", "重庆观音桥店", "Chongqing Guanyinqiao", "CQ", "FR-CD", "重庆市", "重庆市", "江北区观音桥步行街 9 号", 29.5772, 106.5331],
  ["CQ002", "重庆沙坪坝店", "Chongqing Shapingba", "CQ", "FR-CD", "重庆市", "重庆市", "沙坪坝区小龙坎新街 49 号", 29.5567, 106.4578],
  ["DC-EAST", "嘉兴华东仓", "Jiaxing DC", "EAST", "HQ", "浙江省", "嘉兴市", "南湖区凌公塘路 3339 号", 30.7408, 120.7878],
]
const week = (dc) => Array.from({ length: 7 }, (_, d) => (dc ? [{ opens: "00:00", closes: "24:00" }] : [{ opens: d > 4 ? "09:30" : "10:00", closes: d > 3 && d < 6 ? "22:00" : "21:30" }]))
export const stores = places.map(([code, zh, en, region, company, province, city, address, lat, lon], n) => {
  const dc = code.startsWith("DC")
  return {
    id: id(code), code, kind: dc ? "dc" : "store", name: T(zh, en), address: T(address, `${en}, ${city === province ? "" : ""}${regions.find((r) => r.code === region).name.en}`), province, city,
    phone: dc ? "0573-82550190" : `0${int(21, 755)}-5555${String(1000 + n * 37).slice(-4)}`, lat, lon, timezone: "Asia/Shanghai", distance_m: null,
    region: (({ code, name }) => ({ code, name }))(regions.find((r) => r.code === region)), company: (({ code, name, franchised }) => ({ code, name, franchised }))(companies.find((c) => c.code === company)),
    services: { pickup: !dc, ship: true, returns: !dc }, share: { kind: "all", units: 0, fee_minor: 0 }, pick_capacity_hour: dc ? 240 : int(8, 20), pickup_lead_min: dc ? 0 : one([20, 30, 30, 45]),
    state: code === "SC003" ? "draft" : code === "GD004" ? "closed" : "open", opened_on: code === "SC003" ? null : `20${int(17, 25)}-0${int(1, 9)}-1${int(0, 9)}`, version: int(1, 9),
    week: code === "SH005" ? week(false).map((d) => [{ opens: "10:00", closes: "14:00" }, { opens: "15:00", closes: d[0].closes }]) : week(dc),
    exceptions: dc ? [] : [{ on: "2026-12-24", spans: [{ opens: "10:00", closes: "18:00" }], reason: T("平安夜提前打烊", "Christmas Eve") }, { on: "2027-01-01", spans: [], reason: T("元旦休息", "New Year") }],
    hours_today: week(dc)[0], open_now: true, next_change_at: null,
  }
})
export const store = (code) => stores.find((s) => s.code === code)
export const ref = (s) => ({ id: s.id, code: s.code, name: s.name })
export const shops = stores.filter((s) => s.kind === "store" && s.state === "open")

// ---- goods
export const brands = [["SPROUT", "小禾苗", "Sprout"], ["MUMU", "牧牧", "Mumu"], ["YUNDUO", "云朵", "Cloudlet"], ["BEIBEI", "贝贝鲸", "Baby Whale"], ["NUANNUAN", "暖暖家", "Warm Home"], ["TANG", "唐小满", "Tang"]].map(([code, zh, en]) => ({ id: id(`brand ${code}`), code, name: T(zh, en) }))
export const categories = [
  ["milk", null, "奶粉", "Formula"], ["milk-infant", "milk", "婴儿奶粉", "Infant formula"], ["milk-toddler", "milk", "幼儿奶粉", "Toddler formula"],
  ["diaper", null, "纸尿裤", "Nappies"], ["diaper-pants", "diaper", "拉拉裤", "Pull-ups"], ["diaper-tape", "diaper", "纸尿裤", "Taped"],
  ["feed", null, "喂养", "Feeding"], ["wash", null, "洗护", "Bath & care"], ["clothing", null, "童装", "Clothing"], ["clothing-body", "clothing", "连体衣", "Bodysuits"],
  ["toy", null, "玩具图书", "Toys & books"], ["ride", null, "出行", "Out and about"],
].map(([code, parent_code, zh, en], position) => ({ id: id(`cat ${code}`), code, parent_code, name: T(zh, en), position }))
const shade = { milk: "f3e3cf", diaper: "d9e8ef", feed: "e4eadb", wash: "e2e7f3", clothing: "f4dfe0", toy: "fbedc6", ride: "dfe6e4" }
const goods = [
  ["milk-infant", "有机婴儿配方奶粉", "Organic infant formula", 29800, "milk"], ["milk-infant", "A2 蛋白婴儿奶粉", "A2 infant formula", 33800, "milk"], ["milk-toddler", "幼儿成长配方奶粉", "Toddler growing-up milk", 25800, "milk"], ["milk-toddler", "水解蛋白特殊配方粉", "Hydrolysed formula", 41800, "milk"],
  ["diaper-pants", "超薄透气拉拉裤", "Ultra-thin pull-ups", 11900, "size"], ["diaper-tape", "夜用加护纸尿裤", "Overnight nappies", 13900, "size"], ["diaper-tape", "新生儿柔护纸尿裤", "Newborn soft nappies", 9900, "size"],
  ["feed", "宽口径防胀气玻璃奶瓶", "Wide-neck anti-colic bottle", 8900, "ml"], ["feed", "硅胶吸管学饮杯", "Silicone straw cup", 6900, null], ["feed", "恒温调奶器 1.2 L", "Formula kettle 1.2 L", 25900, null], ["feed", "仿母乳奶嘴两只装", "Natural teats, pair", 3990, null], ["feed", "辅食碗勺套装", "Bowl and spoon set", 5900, null],
  ["wash", "氨基酸洗发沐浴二合一", "Amino wash & shampoo", 6800, "ml"], ["wash", "婴儿柔湿巾 80 抽 × 5 包", "Soft wipes 80 × 5", 4590, null], ["wash", "玉米爽身粉", "Corn dusting powder", 3200, null], ["wash", "儿童防晒乳 SPF50", "Children's sun milk SPF50", 8800, null],
  ["clothing-body", "新疆长绒棉连体衣", "Long-staple cotton bodysuit", 9900, "wear"], ["clothing-body", "竹纤维哈衣", "Bamboo romper", 11900, "wear"], ["clothing", "轻薄羽绒外套", "Light down jacket", 25900, "wear"], ["clothing", "竹纤维小方巾 6 条", "Bamboo face cloths, six", 2990, null],
  ["toy", "大颗粒木质积木 60 块", "Wooden blocks, 60", 12900, null], ["toy", "布书早教触摸书", "Cloth touch book", 4500, null], ["toy", "磁力片 42 片", "Magnetic tiles, 42", 15900, null], ["toy", "洗澡戏水小黄鸭", "Bath ducks", 2900, null],
  ["ride", "一键折叠轻便婴儿车", "One-hand folding pram", 89900, null], ["ride", "360° 旋转安全座椅", "360° car seat", 168000, null], ["ride", "妈咪双肩包", "Changing backpack", 25900, null],
]
const V = (key, zh, en) => ({ key, name: T(zh, en) })
const OPTIONS = {
  milk: [{ key: "stage", name: T("段位", "Stage"), values: [V("1", "1 段", "Stage 1"), V("2", "2 段", "Stage 2"), V("3", "3 段", "Stage 3")] }, { key: "size", name: T("规格", "Size"), values: [V("400", "400 g", "400 g"), V("800", "800 g", "800 g")] }],
  size: [{ key: "size", name: T("尺码", "Size"), values: ["S", "M", "L", "XL"].map((k) => V(k.toLowerCase(), k, k)) }],
  ml: [{ key: "ml", name: T("容量", "Volume"), values: [V("160", "160 ml", "160 ml"), V("240", "240 ml", "240 ml")] }],
  wear: [{ key: "colour", name: T("颜色", "Colour"), values: [V("oat", "燕麦", "Oat"), V("sea", "海盐蓝", "Sea blue")] }, { key: "height", name: T("身高", "Height"), values: ["66", "73", "80"].map((k) => V(k, `${k} cm`, `${k} cm`)) }],
}
const checkDigit = (digits) => String((10 - ([...digits].reverse().reduce((s, d, i) => s + d * (i % 2 ? 1 : 3), 0) % 10)) % 10)
let gtinNext = 690123400100
const gtin = () => { const body = String(gtinNext++); return body + checkDigit(body) }
export const picture = (category, n) => { const sha = createHash("sha256").update(`${category} ${n}`).digest("hex"); const top = categories.find((c) => c.code === category)?.parent_code ?? category; pictures.set(sha, [shade[top] ?? "e9e2f0", n]); return { sha, url: `/media/${sha}`, thumb_url: `/media/${sha}?w=320`, width: 800, height: 800 } }
export const pictures = new Map()
const combos = (options) => options.reduce((all, option) => all.flatMap((combo) => option.values.map((value) => ({ ...combo, [option.key]: value.key }))), [{}])
export const products = goods.map(([category, zh, en, price, kind], n) => {
  const options = kind ? OPTIONS[kind] : []
  const code = `P${10021 + n}`
  const brand = brands[n % brands.length]
  const full = n % 5 !== 3
  return {
    id: id(code), code, version: int(1, 7), name: T(`${brand.name.zh} ${zh}`, full ? `${brand.name.en} ${en}` : ""), brand_code: n % 9 === 8 ? null : brand.code, category_code: category,
    description: T(full ? `${zh},门店现货,支持到店自提与送货到家。` : "", full ? `${en}. In stock in shops; collect in store or have it delivered.` : ""),
    attributes: full ? [{ name: T("产地", "Origin"), value: T("浙江", "Zhejiang") }, { name: T("适用年龄", "Age"), value: T("0–3 岁", "0–3 years") }, { name: T("执行标准", "Standard"), value: T("GB 31701-2015 A 类", "GB 31701-2015 A") }].slice(0, 1 + (n % 3)) : [],
    options, state: n === 3 ? "draft" : n === 14 ? "withdrawn" : "published", images: n === 3 ? [] : Array.from({ length: 1 + (n % 4) }, (_, i) => picture(category, n * 7 + i)),
    skus: combos(options).map((chosen, k) => ({ id: id(`${code} ${k}`), code: `${code}${options.length ? `-${Object.values(chosen).join("-").toUpperCase()}` : ""}`, options: chosen, gtins: n === 3 ? [] : [gtin()], unit: "piece", weight_g: n % 6 === 5 ? 0 : int(80, 1400), state: "active", image_sha: null, price: price + (chosen.size === "800" ? Math.round(price * 0.7 / 100) * 100 : 0) + (chosen.ml === "240" ? 1000 : 0) })),
    published_at: n === 3 ? null : ago(int(4000, 90000)), updated_at: ago(int(5, 9000)),
  }
})
const NEEDS = {
  mall: { name_zh: 20, name_en: 5, description_zh: 15, description_en: 5, picture: 25, pictures_3: 5, brand: 5, attributes: 5, sku: 10, weight: 5 },
  till: { name_zh: 30, sku: 30, gtin: 40 },
  agent: { name_zh: 10, name_en: 10, description_zh: 10, description_en: 10, picture: 10, brand: 10, gtin: 20, attributes_3: 10, sku: 10 },
}
export function completeness(p) {
  const live = p.skus.filter((s) => s.state === "active")
  const has = { name_zh: p.name.zh, name_en: p.name.en, description_zh: p.description.zh, description_en: p.description.en, picture: p.images.length, pictures_3: p.images.length >= 3, brand: p.brand_code, attributes: p.attributes.length, attributes_3: p.attributes.length >= 3, sku: live.length, gtin: live.length && live.every((s) => s.gtins.length), weight: live.length && live.every((s) => s.weight_g > 0) }
  return Object.fromEntries(Object.entries(NEEDS).map(([face, needs]) => { const missing = Object.keys(needs).filter((k) => !has[k]).sort((a, b) => needs[b] - needs[a]); return [face, { score: 100 - missing.reduce((s, k) => s + needs[k], 0), missing }] }))
}
export const publishMissing = (p) => [...(p.name.zh.trim() ? [] : ["name_zh"]), ...(p.skus.some((s) => s.state === "active") ? [] : ["sku"])]
export const skus = products.flatMap((p) => p.skus.map((s) => ({ ...s, product: p })))
export const optionTexts = (p, chosen) => p.options.filter((o) => chosen[o.key]).map((o) => ({ name: o.name, value: o.values.find((v) => v.key === chosen[o.key])?.name ?? T(chosen[o.key], chosen[o.key]) }))
export const head = (s) => ({ sku_id: s.id, sku_code: s.code, product_code: s.product.code, gtin: s.gtins[0] ?? null, name: s.product.name, options: optionTexts(s.product, s.options), image: s.product.images[0] ?? null })

// ---- stock
export const levels = new Map()
for (const s of stores) for (const k of skus) {
  if (s.kind === "store" && rnd() < 0.3) continue
  const on_hand = s.kind === "dc" ? int(20, 400) : rnd() < 0.08 ? 0 : int(1, 24)
  levels.set(`${s.code} ${k.id}`, { store: s, sku: k, on_hand, held: Math.min(on_hand, rnd() < 0.25 ? int(1, 4) : 0), safety: s.kind === "dc" ? 10 : one([0, 1, 2, 2]), shelf: s.kind === "dc" ? `D${int(1, 9)}-${int(10, 40)}` : `${one(["A", "B", "C"])}-0${int(1, 9)}-${int(1, 4)}` })
}
export const available = (l) => Math.max(0, l.on_hand - l.held - l.safety)

// ---- orders
const FAMILY = [..."林陈黄张李王吴刘蔡杨许郑谢郭洪曾周叶"]
const GIVEN = ["小满", "安然", "思源", "雨桐", "子墨", "佳宁", "一诺", "梓涵", "晓彤", "知夏", "书意", "景行"]
const AHEAD = { awaiting_payment: "waiting", preparing: "to_pick", ready: "ready", on_the_way: "shipped", completed: "handed_over", cancelled: "cancelled", expired: "cancelled", needs_answer: "rejected" }
const shanghaiHour = (ms) => Number(new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", hour12: false }).format(ms))
export const orders = []
export function makeOrder(placed, forced) {
  const method = one(["pickup", "pickup", "delivery", "delivery", "till", "till"])
  const shop = one(shops)
  const age = (NOW - placed) / MIN
  const state = forced ?? (method === "till" ? "completed" : age < 12 ? one(["awaiting_payment", "preparing", "preparing"]) : age < 90 ? one(["preparing", "ready", "ready", "preparing", "cancelled"]) : age < 900 ? one(["ready", "completed", "completed", "on_the_way", "completed", "preparing"]) : one(["completed", "completed", "completed", "completed", "cancelled", "expired"]))
  const number = `D26${new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit" }).format(placed).split("/").reverse().join("")}-${String(int(1000, 9999))}${"ABCDEFGHJKMNPQRSTUVWXYZ"[int(0, 22)]}`
  const chosen = [...new Set(Array.from({ length: one([1, 1, 2, 2, 3]) }, () => one(skus)))]
  const where = method === "delivery" ? one([store("DC-EAST"), store("DC-EAST"), shop]) : shop
  const lines = chosen.map((k, n) => { const quantity = k.price > 50000 ? 1 : int(1, 3); return { id: id(), n: n + 1, sku_id: k.id, sku_code: k.code, product_code: k.product.code, name: k.product.name, options: optionTexts(k.product, k.options), image: k.product.images[0] ?? null, quantity, handed: state === "completed" ? quantity : 0, cancelled: state === "cancelled" || state === "expired" ? quantity : 0, unit_price: M(k.price), amount: M(k.price * quantity), method, store_code: method === "delivery" ? null : where.code } })
  const subtotal = lines.reduce((s, l) => s + l.amount.minor, 0)
  const fee = method === "delivery" && subtotal < 9900 ? 800 : 0
  const unpaid = state === "awaiting_payment" || state === "expired"
  const pay_mode = method === "till" ? "till" : method === "pickup" && rnd() < 0.3 && !unpaid ? "at_store" : "online"
  const paid = unpaid || (pay_mode === "at_store" && state !== "completed") ? 0 : subtotal + fee
  const refunded = state === "cancelled" ? paid : 0
  const name = one(FAMILY) + one(GIVEN)
  const promise = placed + (method === "pickup" ? 60 : method === "delivery" ? 60 * 26 : 0) * MIN
  const order = { id: id(), order_no: number, channel: method === "till" ? "till" : rnd() < 0.06 ? "open_api" : "mall", state, pay_mode, placed, promise, where, method, name, phone: `1${int(30, 99)}****${int(1000, 9999)}`, lines, subtotal, fee, total: subtotal + fee, paid, refunded, fulfilment_state: method === "delivery" && state === "completed" ? "delivered" : AHEAD[state], note: rnd() < 0.15 ? one(["请放到前台,谢谢", "给宝宝生日用,麻烦包装一下", "下午三点后来取"]) : "", member: id() }
  order.late = (state === "preparing" && promise < NOW) || state === "needs_answer"
  return order
}
for (let day = 0; day <= 8; day++) {
  const count = day === 0 ? 150 : 130 + int(0, 40)
  for (let n = 0; n < count; n++) {
    const placed = NOW - day * 1440 * MIN - Math.floor((rnd() ** 1.2) * 1200) * MIN
    const hour = shanghaiHour(placed)
    if (hour < 8 || hour > 22) continue
    if (rnd() < 0.5 && (hour < 10 || (hour > 12 && hour < 15))) continue
    orders.push(makeOrder(placed))
  }
}
orders.push(makeOrder(NOW - 95 * MIN, "needs_answer"), makeOrder(NOW - 41 * MIN, "needs_answer"))
orders.sort((a, b) => b.placed - a.placed)
export const hourOf = (o) => shanghaiHour(o.placed)
export const dayOf = (ms) => new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(ms)
