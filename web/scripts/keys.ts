/**
 * Which strings a source file asks for: literal keys of t("a.b") and tn("a.b"), the beginnings of keys that are made at
 * run time, as t(`a.${kind}`), and whole literals "a.b", which may be keys that are kept in data.
 */
export interface Asked {
  keys: string[]
  prefixes: string[]
  words: string[]
}

export function askedBy(source: string): Asked {
  const all = (...patterns: RegExp[]) => patterns.flatMap((pattern) => [...source.matchAll(pattern)].map((found) => found[1]!))
  return {
    keys: all(/\b\$?tn?\(\s*["'`]([\w.-]+)["'`]/g),
    prefixes: all(/["'`]([a-z][\w.-]*\.)\$\{/g, /`([a-z][\w.-]*[._])\$\{/g),
    words: all(/["'`]([a-z][\w-]*(?:\.[\w-]+)+)["'`]/g),
  }
}
