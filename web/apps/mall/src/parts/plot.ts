import type { Place } from "../state/shop"

export interface View extends Place {
  metres_per_unit: number
}
interface Size {
  wide: number
  high: number
}

const METRES_PER_DEGREE = 111_320
const NEAREST_SHOWN = 8
const FAR = 2.5
const PIN_REACH = 24
export const LABEL_GAP = 15

/** Local plane around the view's centre; good to a percent over a city, which is what is looked at. */
export function project(at: Place, view: View, size: Size): { x: number; y: number } {
  const east = (at.lon - view.lon) * METRES_PER_DEGREE * Math.cos((view.lat * Math.PI) / 180)
  const north = (at.lat - view.lat) * METRES_PER_DEGREE
  return { x: size.wide / 2 + east / view.metres_per_unit, y: size.high / 2 - north / view.metres_per_unit }
}

/**
 * The view that holds the member and the shops near them, with a margin for their names. Shops much farther away than
 * the near ones are left outside: they would shrink the city to a dot.
 */
export function fit(points: Place[], place: Place | null, size: Size): View {
  const shown = place ? [place, ...nearOf(points, place)] : points
  if (!shown.length) return { lat: 31.23, lon: 121.47, metres_per_unit: 100 }
  const lats = shown.map((one) => one.lat)
  const lons = shown.map((one) => one.lon)
  const lat = (Math.min(...lats) + Math.max(...lats)) / 2
  const lon = (Math.min(...lons) + Math.max(...lons)) / 2
  const north = (Math.max(...lats) - Math.min(...lats)) * METRES_PER_DEGREE
  const east = (Math.max(...lons) - Math.min(...lons)) * METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180)
  return { lat, lon, metres_per_unit: Math.max(4, east / (size.wide - 150), north / (size.high - 90)) }
}

const ROUND = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000]

export function scaleBar(view: View, units_max: number): { metres: number; units: number } {
  const metres = ROUND.findLast((one) => one / view.metres_per_unit <= units_max) ?? ROUND[0]!
  return { metres, units: metres / view.metres_per_unit }
}

export function ringsOf(view: View, wide: number): { metres: number; radius: number }[] {
  return ROUND.map((metres) => ({ metres, radius: metres / view.metres_per_unit }))
    .filter(({ radius }) => radius > wide / 8 && radius < wide)
    .slice(0, 3)
}

function nearOf(points: Place[], place: Place): Place[] {
  const away = (one: Place) => Math.hypot(one.lat - place.lat, (one.lon - place.lon) * Math.cos((place.lat * Math.PI) / 180))
  const sorted = [...points].sort((one, other) => away(one) - away(other)).slice(0, NEAREST_SHOWN)
  const typical = away(sorted[Math.min(2, sorted.length - 1)] ?? place)
  return sorted.filter((one) => away(one) <= typical * FAR)
}

interface Dot {
  x: number
  y: number
}

/** Pins that would cover each other become one bubble. Those outside the view are dropped. */
export function group<T extends Dot>(pins: T[], size: Size): { x: number; y: number; members: T[] }[] {
  const groups: { x: number; y: number; members: T[] }[] = []
  for (const pin of pins) {
    if (pin.x < -20 || pin.y < -20 || pin.x > size.wide + 20 || pin.y > size.high + 20) continue
    const near = groups.find((one) => Math.hypot(one.x - pin.x, one.y - pin.y) < PIN_REACH)
    if (!near) groups.push({ x: pin.x, y: pin.y, members: [pin] })
    else {
      near.members.push(pin)
      near.x += (pin.x - near.x) / near.members.length
      near.y += (pin.y - near.y) / near.members.length
    }
  }
  return groups
}

interface Span {
  from: number
  to: number
  y: number
}

/** Names a pin on the side where nothing else would be covered, or not at all. */
export function labelsOf<T extends Dot & { name: string }>(pins: T[], all: Dot[], size: Size): (T & { side: "right" | "left" | null })[] {
  const taken: Span[] = []
  return pins.map((pin) => {
    const width = widthOf(pin.name)
    const free = ({ from, to, y }: Span) =>
      from > 4 &&
      to < size.wide - 4 &&
      !all.some(
        (other) => (other.x !== pin.x || other.y !== pin.y) && Math.abs(other.y - y) < 18 && other.x > from - 14 && other.x < to + 14,
      ) &&
      !taken.some((other) => Math.abs(other.y - y) < 14 && other.from < to && other.to > from)
    const right = { from: pin.x + LABEL_GAP, to: pin.x + LABEL_GAP + width, y: pin.y }
    const left = { from: pin.x - LABEL_GAP - width, to: pin.x - LABEL_GAP, y: pin.y }
    const side = free(right) ? "right" : free(left) ? "left" : null
    if (side) taken.push(side === "right" ? right : left)
    return { ...pin, side }
  })
}

/** At 11 px bold: a Chinese character is about 11 wide, a Latin letter about 6.5. */
function widthOf(name: string): number {
  return [...name].reduce((sum, letter) => sum + (letter > "\u2e80" ? 11 : 6.5), 0)
}

/** Thin lines at every step of the scale, fixed to the ground, so that dragging is felt. */
export function gridOf(view: View, size: Size): string {
  const step = scaleBar(view, 90).units
  const zero = project({ lat: Math.round(view.lat), lon: Math.round(view.lon) }, view, size)
  const first = (at: number) => ((at % step) + step) % step
  let path = ""
  for (let x = first(zero.x); x < size.wide; x += step) path += `M${x.toFixed(1)} 0v${size.high}`
  for (let y = first(zero.y); y < size.high; y += step) path += `M0 ${y.toFixed(1)}h${size.wide}`
  return path
}
