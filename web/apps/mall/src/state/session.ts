import { asProblem, newKey, type Me } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { computed, reactive } from "vue"
import { dropCard } from "./card"
import { forget, recall, remember } from "./memory"

interface Session {
  me: Me | null
  asked: boolean
}

export const session = reactive<Session>({ me: null, asked: false })
export const isMember = computed(() => session.me?.kind === "member")

/** A browser that never wrote anything has no session, so there is nothing to ask the server for. */
export function mayHaveSession(): boolean {
  return recall<boolean>("known") === true
}

export function sessionBegan(): void {
  if (!mayHaveSession()) remember("known", true)
}

let asking: Promise<Me | null> | null = null

/** Who is here; null for a visitor. Asks the server once. */
export function whoAmI(): Promise<Me | null> {
  if (session.asked) return Promise.resolve(session.me)
  if (!mayHaveSession()) {
    session.asked = true
    return Promise.resolve(null)
  }
  asking ??= askServer().finally(() => (asking = null))
  return asking
}

async function askServer(): Promise<Me | null> {
  try {
    session.me = await mall.me()
  } catch (error) {
    if (asProblem(error).status !== 401) throw error
    session.me = null
    forget("known")
  }
  session.asked = true
  return session.me
}

export function signedIn(me: Me): void {
  session.me = me
  session.asked = true
  sessionBegan()
}

export async function signOut(): Promise<void> {
  await mall.logOut(newKey())
  signedOut()
}

/** The session is over: nothing of the member stays in this browser. */
export function signedOut(): void {
  dropCard()
  session.me = null
  session.asked = true
  forget("known")
}
