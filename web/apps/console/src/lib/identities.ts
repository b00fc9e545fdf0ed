import { t } from "@duoline/i18n"

const KNOWN = new Set(["phone", "wechat_openid", "wechat_unionid", "mail", "card_no"])
const PLACES = new Set(["tmall", "jd", "douyin", "pinduoduo", "meituan", "other"])

/** The name of a kind of identity; of a marketplace's buyer id, with the marketplace. */
export function identityKind(kind: string): string {
  if (KNOWN.has(kind)) return t(`identity_kind.${kind}`)
  const place = kind.replace(/^marketplace:/, "")
  return t("identity_kind.buyer", { place: PLACES.has(place) ? t(`identity_place.${place}`) : place })
}
