import type { Page } from "@duoline/client"
import { ref, type Ref } from "vue"
import { useLoad, type Loaded } from "./load"
import { overIf } from "./session"

export interface Pages<T> extends Loaded<Page<T>> {
  /** The next page is on its way. */
  more: Ref<boolean>
  loadMore: () => Promise<void>
}

/**
 * A list that grows page by page: `load` reads its beginning, `loadMore` what follows. A page that follows another list
 * than is there by now is dropped. `failed` hears why a page did not come; without it that
 * is the list's error.
 */
export function usePages<T>(fetch: (cursor?: string) => Promise<Page<T> | null>, failed?: (error: unknown) => void): Pages<T> {
  const list = useLoad<Page<T> | null>(() => fetch())
  const more = ref(false)
  async function loadMore() {
    const next = list.data.value?.next
    if (!next) return
    more.value = true
    try {
      const page = await fetch(next)
      const shown = list.data.value
      if (page && shown?.next === next) list.data.value = { ...page, items: [...shown.items, ...page.items] }
    } catch (error) {
      overIf(error)
      if (failed) failed(error)
      else list.error.value = error
    } finally {
      more.value = false
    }
  }
  return { ...list, more, loadMore }
}
