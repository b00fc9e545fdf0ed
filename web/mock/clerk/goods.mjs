// Invented goods with drawn pictures, for looking at the clerk's pages without a back end.
const T = (zh, en) => ({ zh, en })

const shapes = {
  can: '<rect x="250" y="230" width="300" height="400" rx="26" fill="#fff"/><rect x="250" y="230" width="300" height="74" rx="26" fill="#c9a26a"/><rect x="250" y="400" width="300" height="130" fill="#c9a26a" opacity=".35"/><circle cx="400" cy="465" r="44" fill="#fff"/>',
  pack: '<path d="M220 250q180-50 360 0v340q-180 40-360 0z" fill="#fff"/><path d="M220 380h360v96H220z" fill="#5f9db5" opacity=".6"/><circle cx="400" cy="428" r="62" fill="#fff"/>',
  bottle: '<path d="M340 330h120q40 30 40 90v190q0 40-40 40H340q-40 0-40-40V420q0-60 40-90z" fill="#fff"/><rect x="330" y="280" width="140" height="56" rx="16" fill="#8ea97c"/><path d="M365 280q0-40 20-60 0-30 15-30t15 30q20 20 20 60z" fill="#e6c9a8"/><path d="M300 470h200v140q0 40-40 40H340q-40 0-40-40z" fill="#f3e6cf"/>',
  pouch: '<path d="M290 270h220l30 360H260z" fill="#fff"/><rect x="370" y="210" width="60" height="64" rx="10" fill="#dd8a4a"/><circle cx="400" cy="460" r="84" fill="#dd8a4a" opacity=".55"/>',
  pump: '<rect x="290" y="330" width="220" height="320" rx="36" fill="#fff"/><path d="M380 330v-70h-70v-30h130v100z" fill="#7488c2"/><rect x="320" y="430" width="160" height="120" rx="12" fill="#7488c2" opacity=".3"/>',
  shirt: '<path d="M300 250q100 60 200 0l110 80-60 90-50-24v240H300V396l-50 24-60-90z" fill="#fff"/><path d="M330 262q70 60 140 0" fill="none" stroke="#c98a8d" stroke-width="14"/>',
  toy: '<rect x="240" y="440" width="150" height="150" rx="14" fill="#e8a33d"/><rect x="410" y="440" width="150" height="150" rx="14" fill="#5aa0a8"/><path d="M325 430 400 290l75 140z" fill="#d2603f"/>',
  pram: '<path d="M240 380a160 160 0 0 1 160-150v150z" fill="#40616b"/><path d="M240 390h330q-10 140-150 140h-40q-130 0-140-140z" fill="#fff"/><circle cx="310" cy="590" r="46" fill="none" stroke="#40616b" stroke-width="18"/><circle cx="500" cy="590" r="46" fill="none" stroke="#40616b" stroke-width="18"/><path d="M570 390 630 300" stroke="#40616b" stroke-width="18"/>',
  bed: '<path d="M320 230h160q50 0 50 60l40 280q10 80-70 80H300q-80 0-70-80l40-280q0-60 50-60z" fill="#fff"/><path d="M400 300v300" stroke="#9a84b8" stroke-width="10"/>',
}

const size = (zh, en = zh) => ({ name: T("规格", "Size"), value: T(zh, en) })

/** [code, zh, en, options, price in fen, shape, colour, shelf, on hand] */
export const goods = [
  ["MILK-101-2", "有机婴儿配方奶粉", "Organic infant formula", [size("2 段 · 800 g", "Stage 2 · 800 g")], 29800, "can", "f3e3cf", "A2-04", 9],
  ["MILK-102-3", "A2 蛋白幼儿配方奶粉", "A2 toddler formula", [size("3 段 · 800 g", "Stage 3 · 800 g")], 33800, "can", "efe0d2", "A2-07", 4],
  ["DIAP-100-L", "超薄透气拉拉裤", "Ultra-thin pull-up pants", [size("L 码 · 44 片", "L · 44 pieces")], 11900, "pack", "d9e8ef", "C1-11", 22],
  ["DIAP-101-M", "夜用加护纸尿裤", "Overnight nappies", [size("M 码 · 50 片", "M · 50 pieces")], 13900, "pack", "d3e2ea", "C1-13", 3],
  ["FEED-100", "宽口径防胀气玻璃奶瓶 240 ml", "Wide-neck anti-colic glass bottle 240 ml", [], 8900, "bottle", "e4eadb", "B3-02", 6],
  ["FEED-103", "仿母乳奶嘴两只装", "Natural teats, pair", [size("中流量", "Medium flow")], 3990, "bottle", "e9eddf", "B3-05", 1],
  ["FOOD-102", "星星泡芙手抓零食", "Star puffs finger snack", [size("原味 42 g", "Plain 42 g")], 1990, "pouch", "f7e6d6", "D2-01", 31],
  ["WASH-101", "婴儿柔湿巾 80 抽 × 5 包", "Soft wipes 80 × 5", [], 4590, "pump", "e2e7f3", "C3-08", 14],
  ["WEAR-100-73", "新疆长绒棉连体衣两件装", "Long-staple cotton bodysuits, two", [{ name: T("颜色", "Colour"), value: T("海盐蓝", "Sea blue") }, { name: T("身高", "Height"), value: T("73 cm", "73 cm") }], 9900, "shirt", "cfdfe9", "E1-03", 5],
  ["TOYS-100", "大颗粒木质积木 60 块", "Wooden blocks, 60", [], 12900, "toy", "fbedc6", "F2-02", 7],
  ["RIDE-100", "一键折叠轻便婴儿车", "One-hand folding pram", [{ name: T("颜色", "Colour"), value: T("雾灰", "Mist grey") }], 89900, "pram", "dfe6e4", null, 2],
  ["BEDS-100", "恒温睡袋 四季款", "All-season sleep bag", [size("80–90 cm", "80–90 cm")], 21900, "bed", "e9e2f0", "E4-01", 0],
].map(([code, zh, en, options, price, shape, colour, shelf, onHand], n) => ({
  sku_id: `00000000-0000-4000-8000-0000000000${String(n + 10)}`,
  sku_code: code,
  gtin: gtin13(`69012340${String(n * 137 + 1001).padStart(4, "0")}`),
  name: T(zh, en),
  options,
  image: { sha: `${shape}-${colour}`, url: `/media/${shape}-${colour}`, thumb_url: `/media/${shape}-${colour}?w=320`, width: 800, height: 800 },
  price: { minor: price, currency: "CNY" },
  shelf,
  on_hand: onHand,
  held: 0,
  safety: onHand > 5 ? 1 : 0,
}))

function gtin13(twelve) {
  const sum = [...twelve].reduce((total, digit, place) => total + Number(digit) * (place % 2 ? 3 : 1), 0)
  return twelve + ((10 - (sum % 10)) % 10)
}

export function picture(sha) {
  const [shape, colour] = sha.split("-")
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800"><rect width="800" height="800" fill="#${colour}"/><ellipse cx="400" cy="664" rx="210" ry="26" fill="#17202a" opacity=".07"/>${shapes[shape] ?? ""}</svg>`
}
