import { computed, ref } from "vue"

export type ThemeChoice = "auto" | "light" | "dark"
const THEME = "duoline.console.theme"

function recall(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // storage can be refused; the choice then lasts for this visit
  }
}
function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // See recall.
  }
}

const stored = recall(THEME)
export const theme = ref<ThemeChoice>(stored === "light" || stored === "dark" ? stored : "auto")
const system = matchMedia("(prefers-color-scheme: dark)")
const systemDark = ref(system.matches)
system.addEventListener("change", () => (systemDark.value = system.matches))

/** Whether the page is dark now; charts redraw on it. */
export const dark = computed(() => theme.value === "dark" || (theme.value === "auto" && systemDark.value))

export function setTheme(choice: ThemeChoice): void {
  theme.value = choice
  document.documentElement.dataset["theme"] = choice
  remember(THEME, choice)
}
document.documentElement.dataset["theme"] = theme.value

/** What somebody has read and put away, such as how a closing ended; the last few by their ids. */
const READ = "duoline.console.read"
const READ_MAX = 20
export const wasRead = (id: string): boolean => (recall(READ) ?? "").split(",").includes(id)
export const rememberRead = (id: string): void => remember(READ, [id, ...(recall(READ) ?? "").split(",").filter(Boolean)].slice(0, READ_MAX).join(","))

/** The columns somebody has taken out of a list, by list. */
export function hiddenColumns(list: string): Set<string> | null {
  const text = recall(`duoline.console.columns.${list}`)
  return text === null ? null : new Set(text.split(",").filter(Boolean))
}
export function rememberHidden(list: string, hidden: Iterable<string>): void {
  remember(`duoline.console.columns.${list}`, [...hidden].join(","))
}

const phone = matchMedia("(max-width: 719px)")
/** Too narrow for a table: rows become cards. */
export const narrow = ref(phone.matches)
phone.addEventListener("change", () => (narrow.value = phone.matches))
