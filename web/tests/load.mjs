// Loads a TypeScript module of the workspace the way the faces get it.
import { resolve } from "node:path"
import { runnerImport } from "vite"

const web = resolve(import.meta.dirname, "..")

export async function load(path) {
  const { module } = await runnerImport(resolve(web, path), { configFile: false, root: web, logLevel: "error" })
  return module
}
