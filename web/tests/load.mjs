// Loads TypeScript modules of the workspace the way the faces get them, also those that they load later.
import { after } from "node:test"
import { resolve } from "node:path"
import { createServer } from "vite"

const server = await createServer({
  configFile: false,
  root: resolve(import.meta.dirname, ".."),
  logLevel: "error",
  appType: "custom",
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
})
after(() => server.close())

export const load = (path) => server.ssrLoadModule(`/${path}`)
