import type { Text } from "@duoline/client"
import { t } from "@duoline/i18n"
import type { Option, ProductCase, SkuRow } from "../api/types"
import { codeFault } from "./codes"
import { gtinFault } from "./gtin"

/** A variant in the editor; `id` is null until it has been saved. */
export interface SkuDraft extends Omit<SkuRow, "id" | "position"> {
  id: string | null
}

export interface ProductDraft {
  name: Text
  brand_code: string
  category_code: string
  description: Text
  attributes: { name: Text; value: Text }[]
  options: Option[]
  skus: SkuDraft[]
}

export function draftOf(product: ProductCase): ProductDraft {
  const { name, category_code, description, attributes, options } = product
  return {
    name,
    brand_code: product.brand_code ?? "",
    category_code,
    description,
    attributes,
    options,
    skus: product.skus.map(({ position: _position, ...sku }) => sku),
  }
}

/** Every way to choose one value for each option. */
export function combinations(options: readonly Option[]): Record<string, string>[] {
  return options.reduce<Record<string, string>[]>((all, option) => all.flatMap((chosen) => option.values.map((value) => ({ ...chosen, [option.key]: value.key }))), [{}])
}

export const sameChoice = (one: Record<string, string>, other: Record<string, string>): boolean =>
  Object.keys(one).length === Object.keys(other).length && Object.entries(one).every(([key, value]) => other[key] === value)

const WEIGHT_G_MAX = 1_000_000

/** What is wrong with one variant, by field. */
export function skuFaults(sku: SkuDraft, all: readonly SkuDraft[], options: readonly Option[]): Partial<Record<"code" | "gtins" | "weight_g" | "options", string>> {
  const faults: Partial<Record<"code" | "gtins" | "weight_g" | "options", string>> = {}
  if (sku.id === null && sku.code && codeFault(sku.code)) faults.code = t("field.bad-code")
  if (sku.code && all.some((other) => other !== sku && other.code === sku.code)) faults.code = t("field.twice")
  for (const gtin of sku.gtins) {
    const found = gtinFault(gtin)
    if (found) faults.gtins = found.fault === "check" ? t("gtin.check", { expected: found.expected ?? "" }) : t(`gtin.${found.fault}`)
    else if (all.some((other) => other !== sku && other.gtins.includes(gtin))) faults.gtins = t("gtin.twice")
  }
  if (!Number.isInteger(sku.weight_g) || sku.weight_g < 0 || sku.weight_g > WEIGHT_G_MAX) faults.weight_g = t("variant.bad_weight")
  if (sku.state === "active") {
    if (options.some((option) => !option.values.some((value) => value.key === sku.options[option.key])) || Object.keys(sku.options).length !== options.length) faults.options = t("variant.incomplete")
    else if (all.some((other) => other !== sku && other.state === "active" && sameChoice(other.options, sku.options))) faults.options = t("variant.twice")
  }
  return faults
}

export interface Step {
  /** What it does, to say how far saving got. */
  say: string
  method: "POST" | "PATCH" | "PUT"
  path: string
  body: unknown
}

const differs = (one: unknown, other: unknown) => JSON.stringify(one) !== JSON.stringify(other)

/**
 * What has to be sent to bring `before` to `after`, in an order the back end takes: variants that leave first, then
 * the product (its options may then lose a value), then new variants and changes.
 */
export function steps(product: ProductCase, before: ProductDraft, after: ProductDraft): Step[] {
  const found: Step[] = []
  const was = new Map(before.skus.map((sku) => [sku.id, sku]))
  const sku = (id: string | null) => `skus/${id}`
  const kept = after.skus.filter((one) => one.id !== null)
  for (const one of kept) {
    if (one.state === "withdrawn" && was.get(one.id)?.state === "active") found.push({ say: t("saving.withdraw", { code: one.code }), method: "PATCH", path: sku(one.id), body: { state: "withdrawn" } })
  }
  const fields: Record<string, unknown> = {}
  if (differs(before.name, after.name)) fields["name"] = after.name
  if (before.brand_code !== after.brand_code) fields["brand"] = after.brand_code || null
  if (before.category_code !== after.category_code) fields["category"] = after.category_code
  if (differs(before.description, after.description)) fields["description"] = after.description
  if (differs(before.attributes, after.attributes)) fields["attributes"] = after.attributes
  if (differs(before.options, after.options)) fields["options"] = after.options
  if (Object.keys(fields).length) found.push({ say: t("saving.product"), method: "PATCH", path: `products/${encodeURIComponent(product.code)}`, body: { version: product.version + found.length, ...fields } })
  for (const one of kept) {
    const old = was.get(one.id)
    if (!old) continue
    const edit: Record<string, unknown> = {}
    if (one.unit !== old.unit) edit["unit"] = one.unit
    if (one.weight_g !== old.weight_g) edit["weight_g"] = one.weight_g
    if (one.image_sha !== old.image_sha) edit["image_sha"] = one.image_sha
    if (one.state === "active" && old.state === "withdrawn") edit["state"] = "active"
    if (Object.keys(edit).length) found.push({ say: t("saving.sku", { code: one.code }), method: "PATCH", path: sku(one.id), body: edit })
    if (differs(one.gtins, old.gtins)) found.push({ say: t("saving.gtins", { code: one.code }), method: "PUT", path: `${sku(one.id)}/barcodes`, body: { gtins: one.gtins } })
  }
  for (const one of after.skus.filter((each) => each.id === null)) {
    const { id: _id, state: _state, image_sha: _image, code, ...rest } = one
    found.push({ say: t("saving.new", { code: code || t("saving.no_code") }), method: "POST", path: `products/${encodeURIComponent(product.code)}/skus`, body: { ...rest, ...(code && { code }) } })
  }
  return found
}
