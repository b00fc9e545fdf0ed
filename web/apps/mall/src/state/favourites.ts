import { asProblem, Intention, newKey, type Favourite, type FavouriteInput, type Keeping } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { reactive } from "vue"
import { mayHaveSession, session, sessionBegan } from "./session"

interface Mark {
  id: string
  until: string | null
}

/** Which products are favourites, by code, and until when one of them is kept in a shop. Null until it is known. */
export const liked = reactive<{ marks: Map<string, Mark> | null; changing: Set<string> }>({ marks: null, changing: new Set() })

export const isLiked = (code: string) => liked.marks?.has(code) ?? false

export async function loadMarks(): Promise<void> {
  if (!mayHaveSession()) {
    liked.marks = new Map()
    return
  }
  try {
    const { items } = await mall.favouriteMarks()
    liked.marks = new Map(items.map((one) => [one.product_code, { id: one.id, until: one.until }]))
  } catch (error) {
    if (asProblem(error).status !== 401) throw error
    liked.marks = new Map()
  }
}

export function noteFavourite(favourite: Favourite): void {
  const until = favourite.holds.reduce<string | null>((last, one) => (last && last > one.until ? last : one.until), null)
  liked.marks = new Map(liked.marks ?? []).set(favourite.product_code, { id: favourite.id, until })
}

export function dropMark(code: string): void {
  const marks = new Map(liked.marks ?? [])
  marks.delete(code)
  liked.marks = marks
}

/** Whoever comes next at this browser has favourites of their own. */
export function dropMarks(): void {
  liked.marks = new Map()
}

const marking = new Intention()

/** Marks a product; with a scan, asks the shop to keep one. A refusal over a limit leaves it marked all the same. */
export async function like(input: FavouriteInput): Promise<{ favourite: Favourite; outcome: Keeping }> {
  liked.changing.add(input.product_code)
  try {
    const answer = await marking.run(input, (key) => mall.putFavourite(input, key))
    sessionBegan()
    session.asked = session.me !== null // a guest may have been made by this first write
    noteFavourite(answer.favourite)
    return answer
  } catch (error) {
    if (asProblem(error).code === "favourites.too-many") void loadMarks().catch(() => undefined)
    throw error
  } finally {
    liked.changing.delete(input.product_code)
  }
}

export async function unlike(code: string): Promise<void> {
  const id = liked.marks?.get(code)?.id
  if (!id) return
  liked.changing.add(code)
  try {
    await mall.removeFavourite(id, newKey())
    dropMark(code)
  } finally {
    liked.changing.delete(code)
  }
}
