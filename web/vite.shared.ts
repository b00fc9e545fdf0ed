import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import vue from "@vitejs/plugin-vue"
import { defineConfig } from "vite"

const web = dirname(fileURLToPath(import.meta.url))
const backend = process.env.DUOLINE_API ?? "http://127.0.0.1:8000"

type ModuleOf = { getModuleInfo: (id: string) => { importedIds: readonly string[] } | null }

/**
 * What the first page needs is one file. Left alone, every part that a later page shares with it becomes a file of
 * its own, and two dozen small requests cost a phone more than the bytes.
 */
function firstPage(entry: string): (id: string, modules: ModuleOf) => string | null {
  const needed = new Set<string>()
  const gather = (id: string, modules: ModuleOf) => {
    if (needed.has(id)) return
    needed.add(id)
    for (const next of modules.getModuleInfo(id)?.importedIds ?? []) gather(next, modules)
  }
  return (id, modules) => {
    gather(entry, modules)
    return needed.has(id) ? "first" : null
  }
}

/** One face is one build: its own base path, its own output folder, the same rules. */
export function face({ name, base }: { name: string; base: string }) {
  return defineConfig({
    root: resolve(web, "apps", name),
    base,
    plugins: [vue()],
    define: {
      __VUE_OPTIONS_API__: true, // Vant and Element Plus still use it
      __VUE_PROD_DEVTOOLS__: false,
      __VUE_I18N_LEGACY_API__: false,
      __VUE_I18N_FULL_INSTALL__: false,
      __INTLIFY_PROD_DEVTOOLS__: false,
    },
    build: {
      outDir: resolve(web, "dist", name),
      emptyOutDir: true,
      manifest: true, // tells the server which files a page needs, so that they come with the first answer
      assetsDir: "assets",
      target: "es2022",
      assetsInlineLimit: 2048,
      reportCompressedSize: false,
      rolldownOptions: {
        checks: { bundlerTimings: false },
        output: { codeSplitting: { groups: [{ debugName: "first page", name: firstPage(resolve(web, "apps", name, "src/main.ts")) }] } },
      },
    },
    server: {
      host: "127.0.0.1",
      proxy: Object.fromEntries(["/api", "/media", "/sandbox", "/wechat", "/dev"].map((path) => [path, { target: backend, changeOrigin: false }])),
    },
  })
}
