import { newKey, type StoreCard } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { reactive } from "vue"
import { recall, remember } from "./memory"
import { isMember, signedIn } from "./session"

export interface Place {
  lat: number
  lon: number
}

interface Shop {
  /** The shop whose stock, price and promise are shown; null until one is chosen or found. */
  card: StoreCard | null
  /** True when the member chose it, false when it is only the nearest. */
  chosen: boolean
  place: Place | null
}

const stored = recall<StoreCard>("shop")
export const shop = reactive<Shop>({ card: stored, chosen: stored !== null, place: recallPlace() })

export const shopCode = () => shop.card?.code
/** Lists of shops begin where the member is, else around the shop they chose: nobody looks for one two provinces away. */
export const nearQuery = () => (shop.place ? placeQuery() : shop.chosen && shop.card ? { lat: shop.card.lat, lon: shop.card.lon } : {})
export const placeQuery = () => (shop.place ? { lat: shop.place.lat, lon: shop.place.lon } : {})

export function chooseShop(card: StoreCard): void {
  shop.card = card
  shop.chosen = true
  remember("shop", card)
}

/** What the server found nearest is shown, but does not replace a choice. */
export function suggestShop(card: StoreCard | null): void {
  if (!card) return
  if (shop.chosen && shop.card?.code !== card.code) return
  shop.card = card
  if (shop.chosen) remember("shop", card)
}

export async function makeHomeShop(card: StoreCard): Promise<void> {
  chooseShop(card)
  if (isMember.value) signedIn(await mall.changeMe({ home_store_code: card.code }, newKey()))
}

/** Metres from where the member is; null when unknown. A card's own distance may be from another place or an older one. */
export function metresTo(card: StoreCard): number | null {
  return shop.place ? metresBetween(shop.place, card) : null
}

/** Great-circle distance by the haversine formula. */
export function metresBetween(from: Place, to: Place): number {
  const rad = Math.PI / 180
  const half = (angle: number) => Math.sin((angle * rad) / 2) ** 2
  const h = half(to.lat - from.lat) + Math.cos(from.lat * rad) * Math.cos(to.lat * rad) * half(to.lon - from.lon)
  return Math.round(2 * 6_371_000 * Math.asin(Math.sqrt(h)))
}

export type LocateRefusal = "denied" | "unavailable"

/** Asks the browser for the position. Kept for this visit only, rounded to about 100 m. */
export function locate(): Promise<Place> {
  return new Promise((resolve, reject) => {
    const refuse = (why: LocateRefusal) => reject(new Error(why))
    if (!("geolocation" in navigator)) return refuse("unavailable")
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const place = { lat: Number(coords.latitude.toFixed(3)), lon: Number(coords.longitude.toFixed(3)) }
        shop.place = place
        keepPlace(place)
        resolve(place)
      },
      (error) => refuse(error.code === error.PERMISSION_DENIED ? "denied" : "unavailable"),
      { timeout: 10_000, maximumAge: 300_000 },
    )
  })
}

function keepPlace(place: Place): void {
  try {
    sessionStorage.setItem("duoline.place", JSON.stringify(place))
  } catch {
    // It stays in memory.
  }
}

function recallPlace(): Place | null {
  try {
    return JSON.parse(sessionStorage.getItem("duoline.place") ?? "null") as Place | null
  } catch {
    return null
  }
}
