import type { Grant, Role, UnitKind } from "../api/types"
import { session } from "./session"

export const UNIT_OF_ROLE: Record<Role, UnitKind> = { headquarters: "chain", region: "region", franchisee: "company", store: "store", clerk: "store" }

/** The roles one may hand out; the back end checks the place as well. */
const MAY_GIVE: Record<string, readonly Role[]> = {
  headquarters: ["headquarters", "region", "franchisee", "store", "clerk"],
  region: ["store", "clerk"],
  franchisee: ["store", "clerk"],
  store: ["clerk"],
}
export function rolesToGive(): Role[] {
  const mine = new Set((session.me?.grants ?? []).flatMap((grant) => MAY_GIVE[grant.role] ?? []))
  return (["headquarters", "region", "franchisee", "store", "clerk"] as const).filter((role) => mine.has(role))
}

/** A grant as it is edited and sent: the unit by its code. */
export interface GrantDraft {
  role: Role
  unit_code: string
}
export const grantDraft = (grant: Grant): GrantDraft => ({ role: grant.role, unit_code: grant.unit_code ?? "" })
export const grantBody = (grant: GrantDraft) => ({ role: grant.role, unit_code: UNIT_OF_ROLE[grant.role] === "chain" ? null : grant.unit_code })
export const grantFault = (grant: GrantDraft, all: readonly GrantDraft[]): "unit" | "twice" | null => {
  if (UNIT_OF_ROLE[grant.role] !== "chain" && !grant.unit_code) return "unit"
  return all.filter((other) => other.role === grant.role && other.unit_code === grant.unit_code).length > 1 ? "twice" : null
}

/** At least ten characters; the back end also refuses common ones. */
export const PASSWORD_LENGTH_MIN = 10
export function newPassword(): string {
  const letters = "abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679"
  return Array.from(crypto.getRandomValues(new Uint8Array(14)), (byte) => letters[byte % letters.length]).join("")
}
