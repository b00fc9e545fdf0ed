import { asProblem, read, write, type StaffMe } from "@duoline/client"
import { computed, reactive } from "vue"

interface Session {
  me: StaffMe | null
  /** Set when a request was answered 401 while somebody was at work: what they typed stays on the page. */
  expired: boolean
  /** Counts log-ins, so that what failed for want of a session loads again. */
  epoch: number
}

export const session = reactive<Session>({ me: null, expired: false, epoch: 0 })
const held = computed(() => new Set(session.me?.permissions ?? []))

/** Whether the person may do this somewhere; the server decides for each object. */
export function may(permission: string): boolean {
  return held.value.has(permission)
}

/** Who is logged in, from the cookie; null when nobody is. */
export async function recallSession(): Promise<StaffMe | null> {
  if (session.me) return session.me
  try {
    session.me = await read<StaffMe>("/api/staff/me")
  } catch (error) {
    const status = asProblem(error).status
    if (status !== 401 && status !== 403) throw error
  }
  return session.me
}

export async function logIn(login: string, password: string, key: string): Promise<void> {
  const answer = await write<{ token: string; staff: StaffMe }>("POST", "/api/staff/sessions", { body: { login, password }, key })
  session.me = answer.staff
  session.expired = false
  session.epoch++
}

export async function logOut(key: string): Promise<void> {
  await write<void>("DELETE", "/api/staff/sessions", { key })
  session.me = null
}

/** Asks anew who one is and which shops there are, after a shop was added. */
export async function renewSession(): Promise<void> {
  session.me = await read<StaffMe>("/api/staff/me").catch(() => session.me)
}
