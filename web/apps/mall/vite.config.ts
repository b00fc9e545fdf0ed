import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { mergeConfig, type Plugin } from "vite"
import { face } from "../../vite.shared.ts"
import { wordsWhenNeeded } from "./words.ts"

/** Pages that open on an installed phone without a network, in either language: the first one, the card, and Me that leads to it. */
const KEPT = ["src/main.ts", "src/pages/Card.vue", "src/pages/Me.vue", "src/locales/en.json", "../../packages/i18n/src/locales/en.json"]

/** Writes sw.js from src/sw.js with the names of the files that those pages need. */
function serviceWorker(): Plugin {
  return {
    name: "duoline-service-worker",
    apply: "build",
    generateBundle(_options, bundle) {
      const files = new Set<string>()
      const gather = (name: string) => {
        const part = bundle[name]
        if (files.has(name) || part?.type !== "chunk") return
        files.add(name)
        for (const style of part.viteMetadata?.importedCss ?? []) files.add(style)
        part.imports.forEach(gather)
      }
      for (const page of KEPT) {
        const source = resolve(import.meta.dirname, page)
        const part = Object.values(bundle).find((one) => one.type === "chunk" && (one.facadeModuleId === source || one.moduleIds.includes(source)))
        if (!part) throw new Error(`${page} is in no file of the build`)
        gather(part.fileName)
      }
      const entry = Object.values(bundle).find((one) => one.type === "chunk" && one.isEntry)
      if (entry) gather(entry.fileName)
      const names = [...files].sort()
      const source = readFileSync(resolve(import.meta.dirname, "src/sw.js"), "utf8")
      const version = createHash("sha256").update(names.join() + source).digest("hex").slice(0, 12)
      this.emitFile({
        type: "asset",
        fileName: "sw.js",
        source: source.replace('"__VERSION__"', JSON.stringify(version)).replace('["__FILES__"]', JSON.stringify(names.map((name) => `/${name}`))),
      })
    },
  }
}

export default mergeConfig(face({ name: "mall", base: "/" }), { plugins: [wordsWhenNeeded(), serviceWorker()] })
