import "@duoline/ui/tokens.css"
import "@duoline/ui/base.css"
import "./console.css"
import "./lib/prefs"
import { startI18n } from "@duoline/i18n"
import { createApp } from "vue"
import App from "./App.vue"
import zh from "./locales/zh-CN.json"
import { router } from "./router"

const i18n = await startI18n(zh, () => import("./locales/en.json"))
createApp(App).use(i18n).use(router).mount("#app")
