import type { Text } from "@duoline/client"
import { count, i18n, money, pick, t, tn } from "@duoline/i18n"
import type { IconName } from "@duoline/ui"
import type { Named, NamedGoods, OfferChannel, OfferEffect, OfferKind, OfferMethod, OfferWhen, Promotion } from "../api/types"
import { readYuan } from "./prices"
import { tierName } from "./tiers"

/** Every kind of offer, in the order in which shops use them, with its picture. */
export const KINDS: { kind: OfferKind; icon: IconName }[] = [
  { kind: "percent_off", icon: "percent" },
  { kind: "amount_off", icon: "coins" },
  { kind: "fixed_price", icon: "tag" },
  { kind: "threshold", icon: "steps" },
  { kind: "every_nth", icon: "layers" },
  { kind: "buy_get", icon: "gift" },
  { kind: "bundle", icon: "box" },
  { kind: "free_delivery", icon: "truck" },
]
export const iconOf = (kind: OfferKind): IconName => KINDS.find((one) => one.kind === kind)!.icon
export const CHANNELS: OfferChannel[] = ["mall", "till", "open_api"]
export const METHODS: OfferMethod[] = ["pickup", "delivery", "till"]
export const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6]

export const NO_GOODS: NamedGoods = { skus: [], products: [], categories: [], brands: [] }
export const GOODS = ["categories", "brands", "products", "skus"] as const
export const everything = (goods: NamedGoods) => GOODS.every((kind) => goods[kind].length === 0)

/** An offer as it stands in the editor: what is typed is text, and what was typed for another kind is still there. */
export interface OfferForm {
  name: Text
  kind: OfferKind
  percent: string
  amount: string
  each: boolean
  price: string
  asks: "minor" | "units"
  takes: "amount" | "share"
  steps: { from: string; off: string }[]
  repeat: "once" | "every" | "up_to"
  before: boolean
  n: string
  cheap: string
  buy: string
  get: NamedGoods
  got: string
  parts: { of: NamedGoods; units: string }[]
  free_from: string
  /** How often in one basket; empty is without limit. */
  times: string
  from_at: string
  until_at: string
  of: NamedGoods
  without: NamedGoods
  channels: OfferChannel[]
  methods: OfferMethod[]
  stores: Named[]
  regions: Named[]
  weekdays: number[]
  from_time: string
  until_time: string
  /** Codes of tiers; none is for everybody. */
  tiers: string[]
  first_order: boolean
  coupon: boolean
  priority: string
  group: string
  exclusive: boolean
  /** Limits; empty is without limit. */
  budget: string
  orders_max: string
  member_orders_max: string
  clawback: boolean
  /** What is got is put into the order by itself. */
  gift: boolean
}

export const EMPTY: OfferForm = {
  name: { zh: "", en: "" },
  kind: "percent_off",
  percent: "",
  amount: "",
  each: false,
  price: "",
  asks: "minor",
  takes: "amount",
  steps: [{ from: "", off: "" }],
  repeat: "once",
  before: false,
  n: "2",
  cheap: "1",
  buy: "2",
  get: NO_GOODS,
  got: "1",
  parts: [
    { of: NO_GOODS, units: "1" },
    { of: NO_GOODS, units: "1" },
  ],
  free_from: "",
  times: "",
  from_at: "",
  until_at: "",
  of: NO_GOODS,
  without: NO_GOODS,
  channels: [],
  methods: [],
  stores: [],
  regions: [],
  weekdays: [],
  from_time: "",
  until_time: "",
  tiers: [],
  first_order: false,
  coupon: false,
  priority: "100",
  group: "",
  exclusive: false,
  budget: "",
  orders_max: "",
  member_orders_max: "",
  clawback: false,
  gift: false,
}

// ---- from what is kept

const yuan = (minor: number) => (minor % 100 ? (minor / 100).toFixed(2) : String(minor / 100))
const share = (bp: number) => String(bp / 100)
const often = (times: number) => (times ? String(times) : "")
const clock = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`

function effectFields(effect: OfferEffect): Partial<OfferForm> {
  switch (effect.type) {
    case "percent_off":
      return { percent: share(effect.off_bp) }
    case "amount_off":
      return { amount: yuan(effect.off_minor), each: effect.each }
    case "fixed_price":
      return { price: yuan(effect.price_minor) }
    case "threshold": {
      const [first] = effect.steps
      return {
        asks: first?.from_units ? "units" : "minor",
        takes: first?.off_bp ? "share" : "amount",
        steps: effect.steps.map((step) => ({ from: step.from_units ? String(step.from_units) : yuan(step.from_minor ?? 0), off: step.off_bp ? share(step.off_bp) : yuan(step.off_minor ?? 0) })),
        repeat: effect.times === 1 ? "once" : effect.times ? "up_to" : "every",
        times: effect.times > 1 ? String(effect.times) : "",
        before: effect.before,
      }
    }
    case "every_nth":
      return { n: String(effect.n), cheap: String(effect.units), percent: share(effect.off_bp), times: often(effect.times) }
    case "buy_get":
      return { buy: String(effect.buy_units), get: effect.get, got: String(effect.get_units), percent: share(effect.off_bp), times: often(effect.times), gift: effect.gift }
    case "bundle":
      return { parts: effect.parts.map((part) => ({ of: part.of, units: String(part.units) })), price: yuan(effect.price_minor), times: often(effect.times) }
    case "free_delivery":
      return { free_from: effect.from_minor ? yuan(effect.from_minor) : "", before: effect.before }
  }
}

export function formOf(kept: Promotion): OfferForm {
  const { when } = kept
  return {
    ...EMPTY,
    ...effectFields(kept.effect),
    name: kept.name,
    kind: kept.kind,
    from_at: kept.from_at,
    until_at: kept.until_at ?? "",
    of: kept.of,
    without: kept.without ?? NO_GOODS,
    channels: when.channels,
    methods: when.methods,
    stores: when.stores,
    regions: when.regions,
    weekdays: when.weekdays,
    from_time: when.from_minute ? clock(when.from_minute) : "",
    until_time: when.until_minute < 1440 ? clock(when.until_minute) : "",
    tiers: when.tiers,
    first_order: when.first_order,
    coupon: when.coupon,
    priority: String(kept.priority),
    group: kept.group,
    exclusive: kept.exclusive,
    budget: kept.budget_minor ? yuan(kept.budget_minor) : "",
    orders_max: kept.orders_max ? String(kept.orders_max) : "",
    member_orders_max: kept.member_orders_max ? String(kept.member_orders_max) : "",
    clawback: kept.clawback,
  }
}

// ---- to what is sent, with the fields that are not right yet

type Codes = Record<(typeof GOODS)[number], string[]>
const codes = (goods: NamedGoods): Codes => ({ skus: goods.skus.map(code), products: goods.products.map(code), categories: goods.categories.map(code), brands: goods.brands.map(code) })
const code = (one: Named) => one.code

export interface OfferBody {
  name: Text
  effect: OfferEffect<Codes>
  from_at: string | null
  until_at: string | null
  of: Codes
  without: Codes | null
  when: OfferWhen<string>
  priority: number
  group: string
  exclusive: boolean
  clawback: boolean
  budget_minor: number | null
  orders_max: number | null
  member_orders_max: number | null
}
export type Faults = Record<string, string>

/** Reads numbers out of what was typed, and notes by field what is none. */
class Reader {
  faults: Faults = {}

  private no(field: string, why: string): number {
    this.faults[field] ??= why
    return 0
  }
  money(field: string, text: string, least = 1): number {
    const found = text.trim() ? readYuan(text) : null
    if (found === null) return this.no(field, t(text.trim() ? "prices.bad_price" : "field.missing"))
    return found < least ? this.no(field, t("offers.more_than_nothing")) : found
  }
  whole(field: string, text: string, least: number, most: number): number {
    if (!text.trim()) return this.no(field, t("field.missing"))
    const found = /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN
    return found >= least && found <= most ? found : this.no(field, t("offers.bad_whole", { low: least, high: most }))
  }
  percent(field: string, text: string): number {
    if (!text.trim()) return this.no(field, t("field.missing"))
    const found = /^\d{1,3}(\.\d{1,2})?$/.test(text.trim()) ? Math.round(Number(text.trim()) * 100) : 0
    return found >= 1 && found <= 10_000 ? found : this.no(field, t("offers.bad_percent"))
  }
  /** Empty is without limit. */
  limit(field: string, text: string): number | null {
    return text.trim() ? this.whole(field, text, 1, 100_000) : null
  }
  times(text: string): number {
    return text.trim() ? this.whole("effect.times", text, 1, 100_000) : 0
  }
  minute(field: string, text: string, empty: number): number {
    if (!text) return empty
    const [hours = "0", minutes = "0"] = text.split(":")
    const found = Number(hours) * 60 + Number(minutes)
    return found >= 0 && found <= 1440 ? found : this.no(field, t("field.wrong"))
  }
}

/** Whether it puts gifts into orders by itself; such an offer stands beside every other. */
export const gives = (form: Pick<OfferForm, "kind" | "gift">) => form.kind === "buy_get" && form.gift
const GIFTS_MAX = 10
const namesSkus = (goods: NamedGoods) => !goods.products.length && !goods.categories.length && !goods.brands.length && goods.skus.length <= GIFTS_MAX

function effectOf(form: OfferForm, read: Reader): OfferEffect<Codes> {
  switch (form.kind) {
    case "percent_off":
      return { type: form.kind, off_bp: read.percent("effect.off_bp", form.percent) }
    case "amount_off":
      return { type: form.kind, off_minor: read.money("effect.off_minor", form.amount), each: form.each }
    case "fixed_price":
      return { type: form.kind, price_minor: read.money("effect.price_minor", form.price, 0) }
    case "threshold": {
      const one = form.steps.length === 1 && form.takes === "amount"
      return {
        type: form.kind,
        steps: form.steps.map((step, n) => ({
          from_minor: form.asks === "minor" ? read.money(`effect.steps.${n}.from`, step.from) : null,
          from_units: form.asks === "units" ? read.whole(`effect.steps.${n}.from`, step.from, 1, 100_000) : null,
          off_minor: form.takes === "amount" ? read.money(`effect.steps.${n}.off`, step.off) : null,
          off_bp: form.takes === "share" ? read.percent(`effect.steps.${n}.off`, step.off) : null,
        })),
        times: !one || form.repeat === "once" ? 1 : form.repeat === "every" ? 0 : read.whole("effect.times", form.times, 2, 100_000),
        before: form.before,
      }
    }
    case "every_nth": {
      const n = read.whole("effect.n", form.n, 2, 100)
      return { type: form.kind, n, units: read.whole("effect.units", form.cheap, 1, Math.max(1, n - 1)), off_bp: read.percent("effect.off_bp", form.percent), times: read.times(form.times) }
    }
    case "buy_get":
      if (everything(form.get)) read.faults["effect.get"] = t("offers.choose_goods")
      else if (form.gift && !namesSkus(form.get)) read.faults["effect.get"] = t("offers.gift_names")
      return { type: form.kind, buy_units: read.whole("effect.buy_units", form.buy, 1, 100_000), get: codes(form.get), get_units: read.whole("effect.get_units", form.got, 1, 100_000), off_bp: form.gift ? 10_000 : read.percent("effect.off_bp", form.percent), times: read.times(form.times), gift: form.gift }
    case "bundle":
      return {
        type: form.kind,
        parts: form.parts.map((part, n) => {
          if (everything(part.of)) read.faults[`effect.parts.${n}.of`] = t("offers.choose_goods")
          return { of: codes(part.of), units: read.whole(`effect.parts.${n}.units`, part.units, 1, 100_000) }
        }),
        price_minor: read.money("effect.price_minor", form.price, 0),
        times: read.times(form.times),
      }
    case "free_delivery":
      return { type: form.kind, from_minor: form.free_from.trim() ? read.money("effect.from_minor", form.free_from, 0) : 0, before: form.before }
  }
}

/** What would be sent, and what of it cannot be yet, by the fields' names as the API knows them. */
export function bodyOf(form: OfferForm): { body: OfferBody; faults: Faults } {
  const read = new Reader()
  const effect = effectOf(form, read)
  if (!form.name.zh.trim() && !form.name.en.trim()) read.faults["name"] = t("field.missing")
  const when = {
    channels: form.channels,
    methods: form.methods,
    stores: form.stores.map(code),
    regions: form.regions.map(code),
    weekdays: form.weekdays,
    from_minute: read.minute("when.from_minute", form.from_time, 0),
    until_minute: read.minute("when.until_minute", form.until_time, 1440),
    tiers: form.tiers,
    first_order: form.first_order,
    coupon: form.coupon,
  }
  if (when.from_minute >= when.until_minute) read.faults["when.until_minute"] ??= t("prices.until_before")
  if (form.until_at && form.from_at && form.until_at <= form.from_at) read.faults["until_at"] = t("prices.until_before")
  const body = {
    name: form.name,
    effect,
    from_at: form.from_at || null,
    until_at: form.until_at || null,
    of: codes(form.of),
    without: everything(form.without) ? null : codes(form.without),
    when,
    priority: read.whole("priority", form.priority, 0, 1000),
    group: gives(form) ? "" : form.group.trim(),
    exclusive: !gives(form) && form.exclusive,
    clawback: form.clawback && (form.kind === "threshold" || gives(form)),
    budget_minor: form.budget.trim() ? read.money("budget_minor", form.budget) : null,
    orders_max: read.limit("orders_max", form.orders_max),
    member_orders_max: read.limit("member_orders_max", form.member_orders_max),
  }
  return { body, faults: read.faults }
}

// ---- in words

const SHOWN = 3
const amount = (minor: number) => money({ minor, currency: "CNY" }).replace(/\.00$/, "")

/** Names, the first few of them. */
export function listed(names: readonly string[]): string {
  const some = names.slice(0, SHOWN).join(t("offers.comma"))
  return names.length > SHOWN ? t("offers.and_more", { some, n: names.length - SHOWN }) : some
}
export function goodsWords(goods: NamedGoods, without: NamedGoods | null = null): string {
  const names = (of: NamedGoods) => listed(GOODS.flatMap((kind) => of[kind].map((one) => pick(one.name))))
  const some = everything(goods) ? t("offers.everything") : names(goods)
  return without && !everything(without) ? t("offers.except", { some, others: names(without) }) : some
}
/** In English what comes off, in Chinese how many tenths are left to pay. */
export function offWords(bp: number): string {
  return bp >= 10_000 ? t("offers.free") : t("offers.off", { share: i18n.global.locale.value === "en" ? bp / 100 : (10_000 - bp) / 1000 })
}

function coreWords(effect: OfferEffect, goods: string): string {
  switch (effect.type) {
    case "percent_off":
      return t("offer_say.percent", { goods, off: offWords(effect.off_bp) })
    case "amount_off":
      return t(effect.each ? "offer_say.amount_each" : "offer_say.amount", { goods, amount: amount(effect.off_minor) })
    case "fixed_price":
      return t("offer_say.fixed", { goods, price: amount(effect.price_minor) })
    case "threshold": {
      const one = effect.steps.length === 1
      const steps = effect.steps.map((step) => {
        const off = step.off_minor === null ? offWords(step.off_bp ?? 0) : t("offers.takes_amount", { amount: amount(step.off_minor) })
        if (step.from_minor === null) return t(one ? "offer_say.one_units" : "offer_say.step_units", { goods, n: step.from_units ?? 0, off })
        return t(one ? "offer_say.one_minor" : "offer_say.step_minor", { goods, from: amount(step.from_minor), off })
      })
      const said = one ? steps[0]! : t("offer_say.threshold", { goods, steps: steps.join(t("offers.semicolon")) })
      if (!one || effect.steps[0]?.off_minor === null) return said
      return said + (effect.times === 1 ? t("offer_say.once") : effect.times ? t("offer_say.up_to", { n: effect.times }) : t("offer_say.repeated"))
    }
    case "every_nth": {
      const off = offWords(effect.off_bp)
      const how = effect.units === 1 ? t("offer_say.nth_one", { goods, n: effect.n, off }) : t("offer_say.nth", { goods, n: effect.n, units: effect.units, off })
      return how + limitWords(effect.times)
    }
    case "buy_get":
      return t(effect.gift ? "offer_say.gift" : "offer_say.buy_get", { goods, n: effect.buy_units, m: effect.get_units, others: goodsWords(effect.get), off: offWords(effect.off_bp) }) + limitWords(effect.times)
    case "bundle":
      return t("offer_say.bundle", { parts: effect.parts.map((part) => t("offer_say.part", { goods: goodsWords(part.of), n: part.units })).join(t("offers.plus")), price: amount(effect.price_minor) }) + limitWords(effect.times)
    case "free_delivery":
      return effect.from_minor ? t("offer_say.delivery_from", { goods, from: amount(effect.from_minor) }) : t("offer_say.delivery", { goods })
  }
}
const limitWords = (times: number) => (times ? t("offer_say.limit", { n: times }) : "")

/** How much and how often, in one sentence each; nothing without limits. */
export type OfferTerms = Pick<Promotion, "clawback" | "budget_minor" | "orders_max" | "member_orders_max"> & { when: { coupon: boolean } }
export function limitsWords(terms: OfferTerms): string {
  const some = []
  if (terms.budget_minor) some.push(t("offer_say.budget", { amount: amount(terms.budget_minor) }))
  if (terms.orders_max) some.push(tn("offer_say.orders", terms.orders_max, { n: count(terms.orders_max) }))
  if (terms.member_orders_max) some.push(tn("offer_say.each_member", terms.member_orders_max))
  return some.join(t("offers.comma"))
}
/** What an offer does, as one would say it to a customer. */
export function offerWords(effect: OfferEffect, of: NamedGoods, without: NamedGoods | null, terms?: OfferTerms): string {
  return coreWords(effect, goodsWords(of, without)) + t("offers.stop") + (terms ? termsWords(terms) : "")
}
/** Who gets it, how often, and what becomes of it when units are given back; nothing for what it does not ask. */
export function termsWords(terms: OfferTerms): string {
  const limits = limitsWords(terms)
  return [terms.when.coupon && t("offer_say.coupon"), limits && t("offer_say.limits", { limits }), terms.clawback && t("offer_say.clawback")].filter(Boolean).join("")
}
/** Where, how and when it counts, each in a few words; nothing for what it does not ask. */
export function whenWords(when: OfferWhen): string[] {
  const words = []
  if (when.stores.length) words.push(listed(when.stores.map((one) => pick(one.name))))
  if (when.regions.length) words.push(listed(when.regions.map((one) => pick(one.name))))
  if (when.methods.length) words.push(listed(when.methods.map((one) => t(`method.${one}`))))
  if (when.channels.length) words.push(listed(when.channels.map((one) => t(`channel.${one}`))))
  if (when.weekdays.length) words.push(when.weekdays.map((one) => t(`weekday_short.${one}`)).join(t("offers.comma")))
  if (when.from_minute || when.until_minute < 1440) words.push(`${clock(when.from_minute)}\u2013${clock(when.until_minute)}`)
  if (when.tiers.length) words.push(t("offers.only_tiers", { tiers: listed(when.tiers.map(tierName)) }))
  if (when.first_order) words.push(t("offers.first_order"))
  return words
}
/** The effect in the editor with the names of what it chooses, to be put into words. */
export function namedEffect(form: OfferForm, effect: OfferEffect<Codes>): OfferEffect {
  if (effect.type === "buy_get") return { ...effect, get: form.get }
  if (effect.type === "bundle") return { ...effect, parts: effect.parts.map((part, n) => ({ ...part, of: form.parts[n]!.of })) }
  return effect
}
/** A version as fields in words, to be compared with another. */
export function readableOffer(one: Promotion): Record<string, string> {
  return {
    [t("offers.name")]: [one.name.zh, one.name.en].filter(Boolean).join(" / "),
    [t("offers.what")]: offerWords(one.effect, one.of, one.without),
    [t("offers.where")]: whenWords(one.when).join(t("offers.comma")) || t("offers.anywhere"),
    [t("prices.from")]: one.from_at,
    [t("prices.until")]: one.until_at ?? "",
    [t("offers.priority")]: String(one.priority),
    [t("offers.group")]: one.group,
    [t("offers.exclusive")]: t(one.exclusive ? "offers.yes" : "offers.no"),
    [t("offers.coupon")]: t(one.when.coupon ? "offers.yes" : "offers.no"),
    [t("offers.limits")]: limitsWords(one) || t("offers.no_limit"),
    [t("offers.clawback_short")]: t(one.clawback ? "offers.yes" : "offers.no"),
  }
}
