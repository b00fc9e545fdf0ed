import { distance } from "@duoline/i18n"

export interface Place {
  lat: number
  lon: number
}

/** What the map shows: its middle, and pixels to a degree of latitude. Equirectangular, true at the middle. */
export interface View extends Place {
  scale: number
}

const METRES_A_DEGREE = 111_195
const stretch = (lat: number) => Math.max(0.1, Math.cos((lat * Math.PI) / 180))

export function toScreen(place: Place, view: View, width: number, height: number): { x: number; y: number } {
  return { x: width / 2 + (place.lon - view.lon) * view.scale * stretch(view.lat), y: height / 2 - (place.lat - view.lat) * view.scale }
}

/** The view in which all places are seen, with room around them. */
export function fit(places: readonly Place[], width: number, height: number, margin = 44): View {
  if (!places.length) return { lat: 31.2, lon: 121.4, scale: 40 }
  const lats = places.map((place) => place.lat)
  const lons = places.map((place) => place.lon)
  const [south, north] = [Math.min(...lats), Math.max(...lats)]
  const [west, east] = [Math.min(...lons), Math.max(...lons)]
  const lat = (south + north) / 2
  const across = Math.max(0.02, (east - west) * stretch(lat))
  const up = Math.max(0.02, north - south)
  return { lat, lon: (west + east) / 2, scale: Math.min((width - 2 * margin) / across, (height - 2 * margin) / up) }
}

export interface Dot<T> {
  x: number
  y: number
  r: number
  members: T[]
}

/** Puts dots that would cover each other together, largest first. */
export function cluster<T extends { x: number; y: number; r: number }>(dots: readonly T[], gap: number): Dot<T>[] {
  const groups: Dot<T>[] = []
  for (const dot of [...dots].sort((a, b) => b.r - a.r)) {
    const near = groups.find((group) => Math.hypot(group.x - dot.x, group.y - dot.y) < Math.max(gap, (group.r + dot.r) * 0.72))
    if (!near) {
      groups.push({ x: dot.x, y: dot.y, r: dot.r, members: [dot] })
      continue
    }
    near.members.push(dot)
    near.r = Math.min(24, Math.max(11, Math.sqrt(near.r ** 2 + dot.r ** 2)))
  }
  return groups
}

const STEPS = [20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]

export interface GridLine {
  x1: number
  y1: number
  x2: number
  y2: number
  label: string
  down: boolean
}

/** Lines of latitude and longitude about 110 px apart. */
export function graticule(view: View, width: number, height: number): GridLine[] {
  const step = STEPS.find((one) => one * view.scale <= 160) ?? 0.01
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0
  const lines: GridLine[] = []
  const half = height / 2 / view.scale
  for (let n = Math.ceil((view.lat - half) / step); n * step <= view.lat + half; n++) {
    const { y } = toScreen({ lat: n * step, lon: view.lon }, view, width, height)
    lines.push({ x1: 0, y1: y, x2: width, y2: y, label: `${(n * step).toFixed(digits)}\u00b0N`, down: false })
  }
  const side = width / 2 / view.scale / stretch(view.lat)
  for (let n = Math.ceil((view.lon - side) / step); n * step <= view.lon + side; n++) {
    const { x } = toScreen({ lat: view.lat, lon: n * step }, view, width, height)
    lines.push({ x1: x, y1: 0, x2: x, y2: height, label: `${(n * step).toFixed(digits)}\u00b0E`, down: true })
  }
  return lines
}

/** A round distance of 40 to 100 px. */
export function scaleBar(view: View): { px: number; label: string } {
  const metres_px = METRES_A_DEGREE / view.scale
  const most = metres_px * 100
  const power = 10 ** Math.floor(Math.log10(most))
  const metres = [5, 2, 1].map((one) => one * power).find((one) => one <= most) ?? power
  return { px: metres / metres_px, label: distance(metres) }
}

/** Metres between two places (haversine). */
export function metresBetween(one: Place, other: Place): number {
  const rad = Math.PI / 180
  const h = Math.sin(((other.lat - one.lat) * rad) / 2) ** 2 + Math.cos(one.lat * rad) * Math.cos(other.lat * rad) * Math.sin(((other.lon - one.lon) * rad) / 2) ** 2
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(Math.min(1, h)))
}
