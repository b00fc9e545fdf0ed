import type { Image, MadeOutfit, OutfitBody, Text } from "@duoline/client"
import { computed, ref } from "vue"
import { useSending } from "./sending"

export const PIECES_MIN = 2
export const PIECES_MAX = 8
export const WORDS_MAX = 60

/** An article of an outfit that is being put together. */
export interface Piece {
  code: string
  sku_id: string | null
  name: Text | null
  image: Image | null
}

/** An outfit while it is put together: its name and words, its pieces in their order, and the link once it is made. */
export function useOutfit(copyLink: (text: string) => Promise<void>) {
  const name = ref("")
  const note = ref("")
  const chosen = ref<Piece[]>([])
  const made = ref<MadeOutfit | null>(null)
  const tried = ref(false)
  const said = computed(() => ({ name: name.value.trim(), note: note.value.trim() }))
  /** Said once it was tried: what is not there yet. */
  const missing = computed(() => ({ name: tried.value && !said.value.name, pieces: tried.value && chosen.value.length < PIECES_MIN }))
  const full = computed(() => chosen.value.length >= PIECES_MAX)
  const has = (code: string) => chosen.value.some((one) => one.code === code)

  function put(one: Piece) {
    chosen.value = [...chosen.value, one]
  }
  function drop(code: string) {
    chosen.value = chosen.value.filter((one) => one.code !== code)
  }
  /** One place up. */
  function move(n: number) {
    const next = [...chosen.value]
    next.splice(n - 1, 2, next[n]!, next[n - 1]!)
    chosen.value = next
  }
  /** What is to be saved, or null while something is missing. */
  function body(): OutfitBody | null {
    tried.value = true
    if (missing.value.name || missing.value.pieces) return null
    return { ...said.value, pieces: chosen.value.map((one) => ({ product_code: one.code, sku_id: one.sku_id })) }
  }
  const sending = useSending(() => {
    const { name, note } = said.value
    return { said: [name, note], title: name, text: note || name, url: made.value!.share.url }
  }, copyLink)
  return { name, note, chosen, made, missing, full, has, put, drop, move, body, ...sending }
}
