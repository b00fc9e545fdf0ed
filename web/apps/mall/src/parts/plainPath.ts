/** A page as anybody may have it, and which of its parameters say what it is about: the others tell about its reader. */
const SHARED: Record<string, readonly string[]> = {
  home: [],
  categories: [],
  search: ["q", "category", "brand", "sort"],
  product: [],
  store: [],
  stores: [],
  outfit: [],
  "guide-code": [],
}

export interface Place {
  name?: unknown
  path: string
  query: Record<string, unknown>
}

/**
 * The address of a page for friends: without the shop and the label its reader came by, and without the code of who
 * sent them here. Null for a page that is its reader's own, such as an order.
 */
export function plainPath({ name, path, query }: Place): string | null {
  const tab = name === "coupons" && (query["tab"] === "centre" || query["batch"])
  const kept = tab ? ["tab", "batch"] : SHARED[String(name)]
  if (!kept) return null
  const asked = new URLSearchParams()
  for (const each of kept) {
    const value = query[each]
    if (typeof value === "string" && value) asked.set(each, value)
  }
  const text = asked.toString()
  return text ? `${path}?${text}` : path
}
