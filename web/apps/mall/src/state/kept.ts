import type { Home, ProductCard, SearchResult } from "@duoline/client"

/** What a page had, so that "back" shows it at once and at the same height. */
export const keptHome: { key: string; home: Home | null } = { key: "", home: null }

export interface KeptSearch {
  items: ProductCard[]
  next: string | null
  first: SearchResult
}

const SEARCHES_MAX = 12
const searches = new Map<string, KeptSearch>()

export function keepSearch(key: string, kept: KeptSearch): void {
  searches.delete(key)
  searches.set(key, kept)
  for (const oldest of searches.keys()) {
    if (searches.size <= SEARCHES_MAX) break
    searches.delete(oldest)
  }
}

export const keptSearch = (key: string): KeptSearch | undefined => searches.get(key)
