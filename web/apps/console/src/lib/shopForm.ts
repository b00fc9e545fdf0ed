import type { Span, Text } from "@duoline/client"
import { t } from "@duoline/i18n"
import type { HourException, Share, Shop } from "../api/types"
import { spanFaults } from "./hours"
import { readYuan } from "./prices"

/** A shop in the editor: numbers are as typed. */
export interface ShopDraft {
  code: string
  kind: "store" | "dc"
  company_code: string
  region_code: string
  name: Text
  address: Text
  province: string
  city: string
  phone: string
  lat: string
  lon: string
  timezone: string
  week: Span[][]
  services: { pickup: boolean; ship: boolean; returns: boolean }
  pick_capacity_hour: string
  pickup_lead_min: string
  share_kind: Share["kind"]
  share_units: string
  share_fee: string
  state: Shop["state"]
  opened_on: string
  exceptions: HourException[]
}

export function newShop(): ShopDraft {
  return {
    code: "",
    kind: "store",
    company_code: "",
    region_code: "",
    name: { zh: "", en: "" },
    address: { zh: "", en: "" },
    province: "",
    city: "",
    phone: "",
    lat: "",
    lon: "",
    timezone: "Asia/Shanghai",
    week: Array.from({ length: 7 }, () => [{ opens: "10:00", closes: "21:00" }]),
    services: { pickup: true, ship: true, returns: true },
    pick_capacity_hour: "12",
    pickup_lead_min: "30",
    share_kind: "all",
    share_units: "0",
    share_fee: "0.00",
    state: "draft",
    opened_on: "",
    exceptions: [],
  }
}

export function shopDraft(shop: Shop): ShopDraft {
  const { code, kind, company_code, region_code, name, address, province, city, phone, timezone, week, services, state, exceptions } = shop
  return {
    code,
    kind,
    company_code,
    region_code,
    name,
    address,
    province,
    city,
    phone,
    timezone,
    week,
    services,
    state,
    exceptions,
    lat: String(shop.lat),
    lon: String(shop.lon),
    pick_capacity_hour: String(shop.pick_capacity_hour),
    pickup_lead_min: String(shop.pickup_lead_min),
    share_kind: shop.share.kind,
    share_units: String(shop.share.units),
    share_fee: (shop.share.fee_minor / 100).toFixed(2),
    opened_on: shop.opened_on ?? "",
  }
}

const CODE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/
const whole = (text: string, low: number, high: number) => /^\d{1,6}$/.test(text.trim()) && Number(text) >= low && Number(text) <= high
const degrees = (text: string, most: number) => /^-?\d{1,3}(\.\d{1,12})?$/.test(text.trim()) && Math.abs(Number(text)) <= most

export type ShopField = "code" | "name" | "company_code" | "region_code" | "address" | "province" | "city" | "lat" | "lon" | "pick_capacity_hour" | "pickup_lead_min" | "week" | "exceptions" | "share_units" | "share_fee"

/** What is wrong with a shop, by field; the rules of the back end. */
export function shopFaults(draft: ShopDraft, today: string): Partial<Record<ShopField, string>> {
  const faults: Partial<Record<ShopField, string>> = {}
  const needed = (field: ShopField, text: string) => {
    if (!text.trim()) faults[field] = t("field.missing")
  }
  needed("code", draft.code)
  if (draft.code && !CODE.test(draft.code)) faults.code = t("field.bad-code")
  needed("name", draft.name.zh)
  needed("company_code", draft.company_code)
  needed("region_code", draft.region_code)
  needed("address", draft.address.zh)
  needed("province", draft.province)
  needed("city", draft.city)
  if (!degrees(draft.lat, 90)) faults.lat = t("shops.bad_lat")
  if (!degrees(draft.lon, 180)) faults.lon = t("shops.bad_lon")
  if (!whole(draft.pick_capacity_hour, 1, 100_000)) faults.pick_capacity_hour = t("shops.bad_capacity")
  if (!whole(draft.pickup_lead_min, 0, 10_080)) faults.pickup_lead_min = t("shops.bad_lead")
  if (!whole(draft.share_units, 0, 999_999)) faults.share_units = t("stock.bad_number")
  if ((readYuan(draft.share_fee) ?? -1) < 0 || (readYuan(draft.share_fee) ?? 0) > 1_000_000) faults.share_fee = t("shops.bad_fee")
  if (draft.week.some((day) => spanFaults(day).size)) faults.week = t("shops.bad_week")
  const days = draft.exceptions.map((one) => one.on)
  if (draft.exceptions.some((one) => !one.on || one.on < today || spanFaults(one.spans).size) || new Set(days).size < days.length) faults.exceptions = t("shops.bad_exceptions")
  return faults
}

/** The body of the API for a draft; `only` limits it to fields that differ from `before`. */
export function shopBody(draft: ShopDraft, before?: ShopDraft): Record<string, unknown> {
  const { exceptions: _exceptions, code, kind, opened_on, lat, lon, pick_capacity_hour, pickup_lead_min, share_kind, share_units, share_fee, ...rest } = draft
  const body: Record<string, unknown> = { ...rest, lat: Number(lat), lon: Number(lon), pick_capacity_hour: Number(pick_capacity_hour), pickup_lead_min: Number(pickup_lead_min) }
  if (!before) return { ...body, code, kind, ...(opened_on && { opened_on }) }
  const differs = (key: keyof ShopDraft) => JSON.stringify(draft[key]) !== JSON.stringify(before[key])
  const share: Share = { kind: share_kind, units: Number(share_units), fee_minor: readYuan(share_fee) ?? 0 }
  return {
    ...Object.fromEntries(Object.entries(body).filter(([key]) => differs(key as keyof ShopDraft))),
    ...(["share_kind", "share_units", "share_fee"] as const).some(differs) && { share },
  }
}

/** Exceptions as the API takes them: a reason without words is none. */
export const exceptionItems = (days: readonly HourException[]) => days.map(({ on, spans, reason }) => ({ on, spans, ...(reason.zh.trim() || reason.en.trim() ? { reason: { zh: reason.zh.trim() || reason.en.trim(), en: reason.en.trim() } } : {}) }))
