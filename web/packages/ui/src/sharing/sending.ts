import { toast } from "../toast"

/** A link to hand on: `said` stands before it where it is copied; `title` and `text` go to another app with it. */
export interface Link {
  said: string[]
  title: string
  text: string
  url: string
}

/** Copies, and says so or that the browser refused, in the face's own words. */
export async function copyText(text: string, says: { copied: string; failed: string }): Promise<void> {
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false)
  if (copied || copySelected(text)) toast({ text: says.copied, tone: "good" })
  else toast({ text: says.failed, tone: "bad" })
}

/** The old way, for browsers without the new one and where it is refused, such as inside other apps. A field outside an open dialog cannot be selected. */
function copySelected(text: string): boolean {
  const field = document.createElement("textarea")
  field.value = text
  field.readOnly = true
  field.setAttribute("aria-hidden", "true")
  field.style.cssText = "position: fixed; top: 0; opacity: 0"
  const before = document.activeElement
  const room = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body
  room.append(field)
  field.select()
  try {
    return document.execCommand("copy")
  } catch {
    return false
  } finally {
    field.remove()
    if (before instanceof HTMLElement) before.focus()
  }
}

/** Hands a link on: by the face's own way of copying, or by another app where the phone offers that. */
export function useSending(link: () => Link, copyLink: (text: string) => Promise<void>): { canSend: boolean; copy: () => Promise<void>; send: () => Promise<void> } {
  return {
    canSend: "share" in navigator,
    async copy() {
      const { said, url } = link()
      await copyLink(`${said.filter(Boolean).join(" · ")} ${url}`)
    },
    async send() {
      const { title, text, url } = link()
      await navigator.share({ title, text, url }).catch(() => undefined) // called off by who shares
    },
  }
}
