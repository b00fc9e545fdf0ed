import { asProblem, newKey, type Me } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { computed, reactive } from "vue"
import { changedElsewhere, forget, recall, remember } from "./memory"

interface Session {
  me: Me | null
  asked: boolean
}

/** Under this name the browser keeps the card of who is logged in (card.ts). */
export const OWN_CARD = "card"

export const session = reactive<Session>({ me: null, asked: false })
export const isMember = computed(() => session.me?.kind === "member")

/** A browser that never wrote anything has no session, so there is nothing to ask the server for. */
export function mayHaveSession(): boolean {
  return recall<boolean>("known") === true
}

export function sessionBegan(): void {
  if (!mayHaveSession()) remember("known", true)
}

/** Somebody else may log in, or leave, in another tab of this browser. */
export function hearOtherTabs(): void {
  addEventListener("storage", ({ key }) => {
    const name = key && key.replace(/^duoline\./, "")
    changedElsewhere(name)
    if (session.asked && (name === OWN_CARD || name === "known")) void askServer().catch(() => undefined)
  })
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
    heard(await mall.me())
  } catch (error) {
    if (asProblem(error).status !== 401) throw error
    signedOut()
  }
  return session.me
}

/** Whoever uses this phone now must not show the card of who used it before. */
function heard(me: Me): void {
  if (recall<{ member?: string }>(OWN_CARD)?.member !== me.id) forget(OWN_CARD)
  session.me = me
  session.asked = true
}

export function signedIn(me: Me): void {
  heard(me)
  sessionBegan()
}

export async function signOut(): Promise<void> {
  await mall.logOut(newKey())
  signedOut()
}

/** A member's session ended while a page was open: the page then says so instead of waiting for what does not come. */
export function overIf(error: unknown): void {
  if (isMember.value && asProblem(error).status === 401) signedOut()
}

/** The session is over: nothing of the member stays in this browser. */
export function signedOut(): void {
  forget(OWN_CARD)
  session.me = null
  session.asked = true
  forget("known")
}
