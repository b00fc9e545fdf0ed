import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { mergeConfig, type Plugin } from "vite"
import { face } from "../../vite.shared.ts"

/**
 * Writes sw.js from src/sw.js with the names of the files that the app needs to open without a network. The code
 * reader (1 MB) is left out: a phone that needs it keeps it after its first scan.
 */
function serviceWorker(): Plugin {
  return {
    name: "duoline-service-worker",
    apply: "build",
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => /\.(?:js|css)$/.test(name) && !name.includes("decode.worker"))
        .sort()
      const source = readFileSync(resolve(import.meta.dirname, "src/sw.js"), "utf8")
      const version = createHash("sha256").update(files.join() + source).digest("hex").slice(0, 12)
      this.emitFile({
        type: "asset",
        fileName: "sw.js",
        source: source.replace('"__VERSION__"', JSON.stringify(version)).replace('["__FILES__"]', JSON.stringify(files.map((name) => `/clerk/${name}`))),
      })
    },
  }
}

export default mergeConfig(face({ name: "clerk", base: "/clerk/" }), {
  plugins: [serviceWorker()],
  worker: { format: "es" },
})
