import type { GuideCode } from "@duoline/client"
import { lastKnown } from "../state/last-known"

const LINK = /^https?:\/\/[^/]+\/t\/([0-9A-Za-z]+)/

/** A link that customers scan to come to their guide, or to what was shared: mine, somebody's, or none at all. */
export function guideLink(text: string): "mine" | "other" | null {
  const code = LINK.exec(text.trim())?.[1]?.toUpperCase()
  if (!code) return null
  return lastKnown<GuideCode>("my-code")?.value.code.toUpperCase() === code ? "mine" : "other"
}
