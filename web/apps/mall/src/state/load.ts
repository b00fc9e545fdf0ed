import { isAbort } from "@duoline/client"
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue"
import { overIf } from "./session"

export interface Loaded<T> {
  data: ShallowRef<T | null>
  error: Ref<unknown>
  busy: Ref<boolean>
  load: () => Promise<void>
}

/**
 * Reads something for a page. A later call wins over an earlier one that is still on its way, and what was
 * shown stays while it is read again.
 */
export function useLoad<T>(fetch: (signal: AbortSignal) => Promise<T>, first: T | null = null): Loaded<T> {
  const data = shallowRef<T | null>(first)
  const error = ref<unknown>(null)
  const busy = ref(false)
  let abort: AbortController | null = null

  async function load() {
    abort?.abort()
    const own = (abort = new AbortController())
    busy.value = true
    error.value = null
    try {
      const answer = await fetch(own.signal)
      if (own === abort) data.value = answer
    } catch (caught) {
      if (isAbort(caught)) return
      overIf(caught)
      if (own === abort) error.value = caught
    } finally {
      if (own === abort) busy.value = false
    }
  }
  onScopeDispose(() => abort?.abort())
  return { data, error, busy, load }
}
