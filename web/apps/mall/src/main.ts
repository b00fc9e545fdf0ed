import "@duoline/ui/tokens.css"
import "@duoline/ui/base.css"
import "./mall.css"
import { startI18n } from "@duoline/i18n"
import { createApp } from "vue"
import zh from "virtual:words/first"
import App from "./App.vue"
import { router } from "./router"
import { inWechat } from "./state/inWechat"
import { readCard } from "./state/card"
import { hearOtherTabs, isMember, mayHaveSession, whoAmI } from "./state/session"

/** The address at which the browser opened, before the router changes it. */
const landed = location.href.split("#")[0]!
const i18n = await startI18n(zh, () => import("./locales/en.json"))
createApp(App).use(i18n).use(router).mount("#app")
hearOtherTabs()

// The words of later pages come with those, and before them once this one stands, so that nobody waits for them.
const fetchWords = () => setTimeout(() => void import("./locales/later").catch(() => undefined), 300)
if (document.readyState === "complete") fetchWords()
else addEventListener("load", fetchWords)

// What WeChat's menu sends is said once the page stands; no other browser fetches any of it.
if (inWechat) {
  const follow = () => setTimeout(() => void import("./state/wechatMenu").then((menu) => menu.followMenu(landed, router)).catch(() => undefined), 300)
  if (document.readyState === "complete") follow()
  else addEventListener("load", follow)
}

// Keeps the shell for days without a network. Registered late, so that it takes nothing from the first page.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => setTimeout(() => void navigator.serviceWorker.register("/sw.js").catch(() => undefined), 2000))
}
// An installed phone has its card at hand before it is asked for, also where there is no network.
const keepCard = () => void (mayHaveSession() && whoAmI().then(() => (isMember.value ? readCard() : null)).catch(() => undefined))
addEventListener("appinstalled", keepCard)
if (matchMedia("(display-mode: standalone)").matches) addEventListener("load", () => setTimeout(keepCard, 2000))
