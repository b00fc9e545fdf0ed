import { dayTime, pick, t } from "@duoline/i18n"
import type { Binding } from "../api/types"

export const memberWords = (row: { member_name: string; phone_masked: string | null }): string => [row.member_name, row.phone_masked].filter(Boolean).join(" \u00b7 ") || t("bind.no_name")
export const guideWords = (row: Pick<Binding, "guide_name">): string => row.guide_name ?? t("bind.the_shop")
export const flagWords = (row: Pick<Binding, "flags">): string => row.flags.map((flag) => t(`bind_flag.${flag}`)).join(", ")
/** Whether it holds now: it may have run out before that was written down. */
export const lives = (row: Pick<Binding, "until_at" | "expires_at">): boolean => row.until_at === null && (row.expires_at === null || Date.parse(row.expires_at) > Date.now())
export const endWords = (row: Binding): string => (lives(row) ? (row.expires_at ? t("bind.runs_out", { at: dayTime(row.expires_at) }) : t("bind.open_end")) : `${dayTime(row.until_at ?? row.expires_at ?? row.from_at)} \u00b7 ${t(`bind_end.${row.ended_because ?? "expired"}`)}`)
export const shopWords = (row: Pick<Binding, "store_name">): string => pick(row.store_name)
