import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { Plugin } from "vite"
import { askedBy } from "../../scripts/keys.ts"

const source = resolve(import.meta.dirname, "src")
const later = resolve(source, "locales/later.ts")
const chinese = resolve(source, "locales/zh-CN.json")
/** Static imports and re-exports of files of our own; what is only a type comes to nothing. */
const IMPORT = /^\s*(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?["'](\.[^"']+)["']/gm
const ENDS = ["", ".ts", ".vue", "/index.ts"]

type Words = { [key: string]: string | Words }

/** The files that the first page is made of. */
export function firstFiles(entry: string): Set<string> {
  const found = new Set<string>()
  const open = [entry]
  for (let file = open.pop(); file; file = open.pop()) {
    if (found.has(file) || !/\.(ts|vue)$/.test(file)) continue
    found.add(file)
    for (const [, path] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const whole = resolve(dirname(file), path!)
      const end = ENDS.find((one) => existsSync(whole + one) && statSync(whole + one).isFile())
      if (end !== undefined) open.push(whole + end)
    }
  }
  return found
}

/** The words whose key is asked for by the files, or those that are not. */
export function split(words: Words, files: Iterable<string>, which: "first" | "later"): Words {
  const asked = [...files].map((file) => askedBy(readFileSync(file, "utf8")))
  const keys = new Set(asked.flatMap((one) => [...one.keys, ...one.words]))
  const prefixes = asked.flatMap((one) => one.prefixes)
  const pick = (group: Words, path: string): Words =>
    Object.fromEntries(
      Object.entries(group).flatMap(([name, value]): [string, string | Words][] => {
        const key = path + name
        if (typeof value !== "string") {
          const inner = pick(value, `${key}.`)
          return Object.keys(inner).length ? [[name, inner]] : []
        }
        const first = keys.has(key) || prefixes.some((one) => key.startsWith(one))
        return first === (which === "first") ? [[name, value]] : []
      }),
    )
  return pick(words, "")
}

/**
 * The first script has the Chinese words that the first page asks for, found as the check of strings finds them; all
 * others are a file that every later page brings with it. Served for development they come at once.
 */
export function wordsWhenNeeded(): Plugin {
  let files: Set<string> | null = null
  return {
    name: "duoline-words",
    configResolved(config) {
      if (config.command === "build") files = firstFiles(resolve(source, "main.ts"))
    },
    resolveId: (id) => (/^virtual:words\/(first|later)$/.test(id) ? `\0${id}` : null),
    load(id) {
      const which = /^\0virtual:words\/(first|later)$/.exec(id)?.[1] as "first" | "later" | undefined
      if (!which) return null
      this.addWatchFile(chinese)
      const words = JSON.parse(readFileSync(chinese, "utf8")) as Words
      const picked = files ? split(words, files, which) : which === "first" ? words : {}
      return `export default ${JSON.stringify(picked)}`
    },
    transform(code, id) {
      if (!files || files.has(id) || id === later || !id.startsWith(source) || !/^[^?]+\.(ts|vue)$/.test(id)) return null
      return { code: `import ${JSON.stringify(later)}\n${code}`, map: null }
    },
  }
}
