import { isAbort } from "@duoline/client"
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef, type WatchSource } from "vue"
import { session } from "./session"

export interface Loaded<T> {
  data: ShallowRef<T | null>
  error: ShallowRef<unknown>
  loading: Ref<boolean>
  /** Asks again; what is shown stays until the answer is there. */
  reload: () => Promise<void>
}

/**
 * One thing from the API. Loads at once and again when `source` changes or somebody logs in again; a late
 * answer to an earlier question is dropped.
 */
export function useLoad<T>(ask: () => Promise<T>, source?: WatchSource | WatchSource[]): Loaded<T> {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<unknown>(null)
  const loading = ref(false)
  let turn = 0

  async function reload(): Promise<void> {
    const mine = ++turn
    loading.value = true
    try {
      const answer = await ask()
      if (mine !== turn) return
      data.value = answer
      error.value = null
    } catch (problem) {
      if (mine === turn && !isAbort(problem)) error.value = problem
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  if (source) {
    watch(source, () => {
      data.value = null
      void reload()
    })
  }
  watch(
    () => session.epoch,
    () => error.value && void reload(),
  )
  onScopeDispose(() => turn++)
  void reload()
  return { data, error, loading, reload }
}
