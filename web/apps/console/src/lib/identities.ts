import { t } from "@duoline/i18n"

const KNOWN = new Set(["phone", "wechat_openid", "wechat_unionid", "mail", "card_no"])
export const PLACES = ["tmall", "jd", "douyin", "pinduoduo", "meituan", "other"]
/** What is added by hand; a phone is proved by logging in with it. */
export const ADDABLE = ["wechat_unionid", "wechat_openid", "mail", "marketplace", "card_no"] as const
const SOURCES = new Set(["log-in", "member-file", "card", "electronic", "mall", "wechat", "wechat-login", "till", "marketplace", "console"])

/** The name of a kind of identity; of a marketplace's buyer id, with the marketplace. */
export function identityKind(kind: string): string {
  if (KNOWN.has(kind)) return t(`identity_kind.${kind}`)
  const place = kind.replace(/^marketplace:/, "")
  return t("identity_kind.buyer", { place: PLACES.includes(place) ? t(`identity_place.${place}`) : place })
}

/** Where an identity came from. */
export const identitySource = (source: string) => (SOURCES.has(source) ? t(`identity_source.${source.replace("-", "_")}`) : source)
