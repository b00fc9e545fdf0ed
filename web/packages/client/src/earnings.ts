import { read, write } from "./http"
import type { EarnedShare, Earnings, MyStatement, Page, PaidTo, StatedShare } from "./types"

/** What somebody earns, as they see it: the same for staff and for members. */
const of = (face: "clerk" | "mall") => ({
  show: () => read<Earnings>(`/api/${face}/earnings`),
  shares: (cursor?: string) => read<Page<EarnedShare>>(`/api/${face}/earnings/shares`, { query: { cursor } }),
  statements: (cursor?: string) => read<Page<MyStatement>>(`/api/${face}/statements`, { query: { cursor } }),
  lines: (statement_id: string, cursor?: string) => read<Page<StatedShare>>(`/api/${face}/statement-lines/${encodeURIComponent(statement_id)}`, { query: { cursor } }),
  // A member who was several may have two statements of a month.
  dispute: (one: MyStatement, note: string, key: string) =>
    write<MyStatement>("POST", `/api/${face}/statements/${encodeURIComponent(one.month)}/notes`, { body: face === "mall" ? { note, statement_id: one.id } : { note }, key }),
  account: () => read<PaidTo>(`/api/${face}/payout-account`),
  setAccount: (body: { receiver: string; holder: string }, key: string) => write<PaidTo>("PUT", `/api/${face}/payout-account`, { body, key }),
  setBank: (body: { owner: string; holder: string; bank: string; branch: string; number: string }, key: string) => write<PaidTo>("PUT", `/api/${face}/payout-account/bank`, { body, key }),
  dropAccount: (key: string) => write<PaidTo>("DELETE", `/api/${face}/payout-account`, { key }),
})
export type EarningsApi = ReturnType<typeof of>
export const earningsOf = of
