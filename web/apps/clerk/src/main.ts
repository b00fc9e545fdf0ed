import "@duoline/ui/tokens.css"
import "@duoline/ui/base.css"
import "./clerk.css"
import { startI18n } from "@duoline/i18n"
import { createApp } from "vue"
import App from "./App.vue"
import zh from "./locales/zh-CN.json"
import { registerShell } from "./shell"
import "./state/settings"
import { router } from "./router"

const i18n = await startI18n(zh, () => import("./locales/en.json"))
const app = createApp(App).use(i18n).use(router)
// Whether the first page stands in the frame is known once it is: mounted before, the frame would jump. Not awaited
// here, for the page's own file waits for this one.
void router
  .isReady()
  .catch(() => undefined)
  .then(() => app.mount("#app"))
registerShell()
