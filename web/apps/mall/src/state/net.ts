import { onScopeDispose, ref, shallowRef, type Ref } from "vue"

/** The page that could not be opened because its script did not arrive. */
export const lost = shallowRef<{ path: string; error: unknown } | null>(null)

export function useOnline(): Ref<boolean> {
  const online = ref(navigator.onLine)
  const look = () => (online.value = navigator.onLine)
  addEventListener("online", look)
  addEventListener("offline", look)
  onScopeDispose(() => {
    removeEventListener("online", look)
    removeEventListener("offline", look)
  })
  return online
}
