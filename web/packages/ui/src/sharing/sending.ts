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
  try {
    await navigator.clipboard.writeText(text)
    toast({ text: says.copied, tone: "good" })
  } catch {
    toast({ text: says.failed, tone: "bad" })
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
