/**
 * What a face's first page costs: the entry script and everything it imports statically, plus its own styles,
 * gzipped. Fails over budget. The budgets are the ones the faces promise.
 */
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { gzipSync } from "node:zlib"

const dist = resolve(import.meta.dirname, "../dist")
const KIB = 1024
const SCRIPT_MAX = { mall: 100 * 1000, clerk: 130 * 1000, console: 260 * 1000 }

for (const [face, max] of Object.entries(SCRIPT_MAX)) {
  const page = join(dist, face, "index.html")
  if (!existsSync(page)) continue
  const base = face === "mall" ? "/" : `/${face}/`
  const html = readFileSync(page, "utf8")
  const load = (url) => readFileSync(join(dist, face, url.slice(base.length)))
  const scripts = new Set()
  const visit = (url) => {
    if (scripts.has(url)) return
    scripts.add(url)
    const source = load(url).toString()
    for (const found of source.matchAll(/(?:^|[;\n}])import\s*(?:[\w*{}$,\s]+from\s*)?["'`](\.\.?\/[^"'`]+)["'`]/g)) {
      visit(new URL(found[1], `http://x${url}`).pathname)
    }
  }
  for (const found of html.matchAll(/<script type="module"[^>]*src="([^"]+)"/g)) visit(found[1])
  for (const found of html.matchAll(/<link rel="modulepreload"[^>]*href="([^"]+)"/g)) visit(found[1])
  const styles = [...html.matchAll(/<link rel="stylesheet"[^>]*href="([^"]+)"/g)].map((found) => found[1])
  const weigh = (urls) => [...urls].reduce((sum, url) => sum + gzipSync(load(url), { level: 6 }).length, 0)
  const script = weigh(scripts)
  console.log(`${face}: ${(script / KIB).toFixed(1)} KiB script, ${(weigh(styles) / KIB).toFixed(1)} KiB style (gzip), ${scripts.size} files`)
  if (script > max) {
    console.error(`${face}: the first page's script is over its budget of ${(max / KIB).toFixed(0)} KiB`)
    process.exitCode = 1
  }
}
