// Builds every face, or those named: `npm run build -- mall clerk`.
import { resolve } from "node:path"
import { build } from "vite"

const web = resolve(import.meta.dirname, "..")
const faces = process.argv.slice(2).length ? process.argv.slice(2) : ["mall", "clerk", "console"]
for (const name of faces) {
  await build({ configFile: resolve(web, "apps", name, "vite.config.ts"), logLevel: "warn" })
  process.stdout.write(`built ${name}\n`)
}
