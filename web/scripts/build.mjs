// Builds every face, or those named: `npm run build -- mall clerk`. Files whose names carry a digest get a brotli
// copy beside them, made once and as small as it can be; the server sends it to who takes that.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { brotliCompressSync } from "node:zlib"
import { build } from "vite"

const web = resolve(import.meta.dirname, "..")
const faces = process.argv.slice(2).length ? process.argv.slice(2) : ["mall", "clerk", "console"]
const COMPRESS_MIN = 1024

for (const name of faces) {
  await build({ configFile: resolve(web, "apps", name, "vite.config.ts"), logLevel: "warn" })
  const assets = join(web, "dist", name, "assets")
  for (const file of readdirSync(assets).filter((one) => /\.(js|css|svg|wasm)$/.test(one))) {
    const plain = readFileSync(join(assets, file))
    if (plain.length >= COMPRESS_MIN) writeFileSync(join(assets, `${file}.br`), brotliCompressSync(plain))
  }
  process.stdout.write(`built ${name}\n`)
}
