import { t } from "@duoline/i18n"
import { toast } from "@duoline/ui"
import { reactive } from "vue"

interface InstallPrompt extends Event {
  prompt: () => Promise<void>
  userChoice: Promise<{ outcome: "accepted" | "dismissed" }>
}

const standalone = () => matchMedia("(display-mode: standalone)").matches || (navigator as { standalone?: boolean }).standalone === true
const apple = () => /iPhone|iPad|iPod/.test(navigator.userAgent)

/** How this app can be put on the phone's first screen. */
export const install = reactive({
  prompt: null as InstallPrompt | null,
  done: standalone(),
  byHand: apple() && !standalone(),
})

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault()
  install.prompt = event as InstallPrompt
})
addEventListener("appinstalled", () => Object.assign(install, { prompt: null, done: true }))

export async function installApp(): Promise<void> {
  const prompt = install.prompt
  if (!prompt) return
  await prompt.prompt()
  if ((await prompt.userChoice).outcome === "accepted") install.done = true
  install.prompt = null
}

/** The service worker keeps the shell, so that the app opens without a network. A new version waits for a tap. */
export function registerShell(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return
  navigator.serviceWorker
    .register("/clerk/sw.js", { scope: "/clerk/", updateViaCache: "none" })
    .then((registration) => {
      registration.addEventListener("updatefound", () => {
        const next = registration.installing
        next?.addEventListener("statechange", () => {
          if (next.state !== "installed" || !navigator.serviceWorker.controller) return
          toast({ text: t("me.new_version"), seconds: 30, action: { label: t("me.reload"), run: () => renew(next) } })
        })
      })
    })
    .catch(() => undefined) // private windows have none; the app works without
}

function renew(next: ServiceWorker): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true })
  next.postMessage("take over")
}
