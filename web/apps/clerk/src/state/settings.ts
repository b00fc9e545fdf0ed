import { reactive, watch } from "vue"
import { recall, remember } from "./memory"

export type Theme = "auto" | "light" | "dark"

export const settings = reactive({
  sound: recall("sound", true),
  buzz: recall("buzz", true),
  theme: recall<Theme>("theme", "auto"),
})

const PAPER = { light: "#ffffff", dark: "#12171c" }

function applyTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches)
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", dark ? PAPER.dark : PAPER.light)
}

watch(
  () => settings.theme,
  (theme) => {
    applyTheme(theme)
    remember("theme", theme)
  },
  { immediate: true },
)
watch(() => settings.sound, (on) => remember("sound", on))
watch(() => settings.buzz, (on) => remember("buzz", on))
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme(settings.theme))
