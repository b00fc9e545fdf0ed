import type { Page, Query } from "@duoline/client"
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue"
import { useRoute, useRouter, type LocationQueryValue } from "vue-router"
import { list as ask } from "../api"
import { session } from "./session"

const FIRST = ""
const ALL_MAX = 20_000

interface Kept<Row> {
  rows: Row[]
  next: string | null
  total: number | null
}
/** What a list showed at an address, so that "back" shows it at once while it is asked for anew. */
const kept = new Map<string, Kept<unknown>>()
const KEPT_MAX = 30

export interface ListState<Row> {
  rows: ShallowRef<Row[]>
  total: Ref<number | null>
  next: Ref<string | null>
  /** The answer as it came, with what it says beside its rows; null while another one is on its way. */
  answer: ShallowRef<Page<Row> | null>
  loading: Ref<boolean>
  error: ShallowRef<unknown>
  /** What the address says: `q`, `sort` and the filters; absent ones are "". */
  filter: ComputedRef<Record<string, string>>
  filtered: ComputedRef<boolean>
  cursor: ComputedRef<string>
  set: (patch: Record<string, string | null | undefined>) => void
  clear: () => void
  newer: () => void
  older: () => void
  reload: () => Promise<void>
  /** The first page as of now with the same filters, without showing it. */
  peek: () => Promise<Page<Row>>
  /** Everything the filters find, page after page; `onCount` hears how far it is. Ends early when told to stop. */
  all: (onCount: (count: number) => void, stopped: () => boolean) => Promise<Row[]>
}

/** A list of the API whose search, filters, order and page stand in the address. `query` says how the API names them. */
export function useList<Row>(path: string, options: { filters?: readonly string[]; limit?: number; query?: (filter: Record<string, string>) => Query } = {}): ListState<Row> {
  const route = useRoute()
  const router = useRouter()
  const here = route.name
  const names = ["q", "sort", ...(options.filters ?? [])]
  const limit = options.limit ?? 50

  const rows = shallowRef<Row[]>([])
  const answer = shallowRef<Page<Row> | null>(null)
  const total = ref<number | null>(null)
  const next = ref<string | null>(null)
  const loading = ref(false)
  const error = shallowRef<unknown>(null)
  const trail: string[] = []
  let turn = 0

  const text = (value: LocationQueryValue | LocationQueryValue[] | undefined) => (Array.isArray(value) ? (value[0] ?? "") : (value ?? ""))
  const filter = computed(() => Object.fromEntries(names.map((name) => [name, text(route.query[name])])))
  const filtered = computed(() => names.some((name) => name !== "sort" && filter.value[name]))
  const cursor = computed(() => text(route.query["cursor"]))
  const query = computed<Query>(() => ({ ...(options.query?.(filter.value) ?? filter.value), limit }))
  const address = computed(() => JSON.stringify([path, query.value, cursor.value]))

  async function reload(): Promise<void> {
    const mine = ++turn
    const key = address.value
    loading.value = true
    try {
      const page = await ask<Row>(path, { ...query.value, cursor: cursor.value })
      if (mine !== turn) return
      rows.value = page.items
      answer.value = page
      next.value = page.next
      if (typeof page.total === "number") total.value = page.total
      else if (!cursor.value) total.value = page.next === null ? page.items.length : null
      error.value = null
      kept.delete(key)
      kept.set(key, { rows: page.items, next: page.next, total: total.value })
      if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string)
    } catch (problem) {
      if (mine === turn) error.value = problem
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  watch(
    address,
    (key) => {
      if (route.name !== here) return
      const before = kept.get(key) as Kept<Row> | undefined
      rows.value = before?.rows ?? []
      answer.value = null
      next.value = before?.next ?? null
      if (before) total.value = before.total
      error.value = null
      void reload()
    },
    { immediate: true },
  )
  watch(
    () => session.epoch,
    () => error.value && void reload(),
  )
  onScopeDispose(() => turn++)

  function go(patch: Record<string, string | null | undefined>): void {
    const merged = { ...route.query, ...patch }
    const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== "" && value !== null && value !== undefined))
    void router.replace({ query: kept })
  }
  const set = (patch: Record<string, string | null | undefined>) => {
    trail.length = 0
    go({ ...patch, cursor: null })
  }
  const older = () => {
    if (!next.value) return
    trail.push(cursor.value || FIRST)
    go({ cursor: next.value })
  }
  const newer = () => go({ cursor: trail.pop() ?? FIRST })
  const clear = () => set(Object.fromEntries(names.filter((name) => name !== "sort").map((name) => [name, null])))
  const peek = () => ask<Row>(path, query.value)

  async function all(onCount: (count: number) => void, stopped: () => boolean): Promise<Row[]> {
    const found: Row[] = []
    let from: string | null = FIRST
    while (from !== null && !stopped() && found.length < ALL_MAX) {
      const page: Page<Row> = await ask<Row>(path, { ...query.value, limit: 100, cursor: from })
      found.push(...page.items)
      onCount(found.length)
      from = page.next
    }
    return found
  }

  return { rows, total, next, answer, loading, error, filter, filtered, cursor, set, clear, newer, older, reload, peek, all }
}
