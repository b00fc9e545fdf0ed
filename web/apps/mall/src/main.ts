import "@duoline/ui/tokens.css"
import "@duoline/ui/base.css"
import "./mall.css"
import { startI18n } from "@duoline/i18n"
import { createApp } from "vue"
import App from "./App.vue"
import zh from "./locales/zh-CN.json"
import { router } from "./router"
import { readCard } from "./state/card"
import { hearOtherTabs, isMember, mayHaveSession, whoAmI } from "./state/session"

const i18n = await startI18n(zh, () => import("./locales/en.json"))
createApp(App).use(i18n).use(router).mount("#app")
hearOtherTabs()

// Keeps the shell for days without a network. Registered late, so that it takes nothing from the first page.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => setTimeout(() => void navigator.serviceWorker.register("/sw.js").catch(() => undefined), 2000))
}
// An installed phone has its card at hand before it is asked for, also where there is no network.
const keepCard = () => void (mayHaveSession() && whoAmI().then(() => (isMember.value ? readCard() : null)).catch(() => undefined))
addEventListener("appinstalled", keepCard)
if (matchMedia("(display-mode: standalone)").matches) addEventListener("load", () => setTimeout(keepCard, 2000))
