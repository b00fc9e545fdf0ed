export interface Target {
  lat: number
  lon: number
  name: string
}

export interface MapLink {
  kind: "amap" | "baidu" | "apple" | "geo"
  /** Opens the app where it is installed; null where the web address does so itself. */
  app: string | null
  web: string
}

/**
 * Ways to a shop, the likeliest first. Our coordinates are WGS-84; each address says so, because Amap (GCJ-02)
 * and Baidu (BD-09) would otherwise be off by some hundred metres.
 */
export function mapLinks({ lat, lon, name }: Target, userAgent: string): MapLink[] {
  const called = encodeURIComponent(name)
  const apple = /iPhone|iPad|Macintosh/.test(userAgent)
  const android = /Android/.test(userAgent)
  const phone = android || /iPhone|iPad/.test(userAgent)
  const links: MapLink[] = [
    {
      kind: "amap",
      app: android
        ? `androidamap://route?sourceApplication=duoline&dlat=${lat}&dlon=${lon}&dname=${called}&dev=1&t=2`
        : phone
          ? `iosamap://path?sourceApplication=duoline&dlat=${lat}&dlon=${lon}&dname=${called}&dev=1&t=2`
          : null,
      web: `https://uri.amap.com/navigation?to=${lon},${lat},${called}&mode=walk&coordinate=wgs84&callnative=1`,
    },
    {
      kind: "baidu",
      app: phone
        ? `${android ? "bdapp" : "baidumap"}://map/direction?destination=name:${called}|latlng:${lat},${lon}&coord_type=wgs84&mode=walking&src=duoline`
        : null,
      web: `https://api.map.baidu.com/marker?location=${lat},${lon}&title=${called}&content=${called}&coord_type=wgs84&output=html&src=duoline`,
    },
  ]
  if (apple) links.unshift({ kind: "apple", app: null, web: `https://maps.apple.com/?daddr=${lat},${lon}&q=${called}&dirflg=w` })
  if (android) links.push({ kind: "geo", app: null, web: `geo:${lat},${lon}?q=${lat},${lon}(${called})` })
  return links
}

const APP_OPENS_WITHIN_MS = 1200

/** Tries the app; when the page is still in front after a moment, the app is not there, and the web map opens. */
export function openMap(event: MouseEvent, link: MapLink): void {
  if (!link.app) return // the plain link does it
  event.preventDefault()
  const fallback = setTimeout(() => {
    if (document.visibilityState === "visible") location.assign(link.web)
  }, APP_OPENS_WITHIN_MS)
  document.addEventListener("visibilitychange", () => clearTimeout(fallback), { once: true })
  location.assign(link.app)
}
