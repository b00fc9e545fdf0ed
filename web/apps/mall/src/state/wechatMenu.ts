import { newKey } from "@duoline/client"
import { wechat } from "@duoline/client/wechat"
import { t } from "@duoline/i18n"
import { computed, nextTick, ref, shallowRef, watch } from "vue"
import type { Router } from "vue-router"
import { plainPath } from "../parts/plainPath"
import { isMember, session, whoAmI } from "./session"
import { draft, shareable } from "./shareable"

/**
 * What WeChat's menu at the top right sends from this page: title, words, picture, and a link that says whose it is.
 *
 * WeChat believes a page that shows a signature of its address. Which address differs: on Android it is that of the
 * moment, so each page is signed anew; an iPhone's WeChat goes on taking the address at which the browser opened, however
 * the router has changed it since, so that one is signed. Should a WeChat hold it the other way round, the other address
 * is tried once. Whatever fails, the page is as it was, and the menu sends its bare address as before.
 */
interface Named {
  title: string
  desc?: string
  link: string
  imgUrl: string
}
interface Wx {
  config(asked: { debug: boolean; appId: string; timestamp: number; nonceStr: string; signature: string; jsApiList: string[] }): void
  ready(then: () => void): void
  error(then: () => void): void
  updateAppMessageShareData(named: Named): void
  updateTimelineShareData(named: Named): void
}
declare global {
  interface Window {
    wx?: Wx
  }
}

const APIS = ["updateAppMessageShareData", "updateTimelineShareData"]
const PICTURE = "/icon-512.png"
const WORDS_MAX = 80
const onPhone = /iPhone|iPad|iPod/.test(navigator.userAgent)
const here = () => location.href.split("#")[0]!
const absolute = (path: string) => new URL(path, location.origin).href

/** WeChat's script, fetched once; a fetch that failed may be tried again on the next page. */
let script: Promise<Wx> | null = null
function fetchScript(address: string): Promise<Wx> {
  return (script ??= new Promise<Wx>((resolve, reject) => {
    const tag = document.createElement("script")
    tag.src = address
    tag.onload = () => (window.wx ? resolve(window.wx) : reject(new Error("no wx")))
    tag.onerror = () => reject(new Error("no script"))
    document.head.append(tag)
  }).catch((error: unknown) => {
    script = null
    throw error
  }))
}

export function followMenu(landed: string, router: Router): void {
  const route = router.currentRoute
  /** The member's own code, and whether the link by which this page was opened is the reader's own share. */
  const own = ref<string | null>(null)
  const mine = ref(false)
  const title = ref(document.title)
  const wx = shallowRef<Wx | null>(null)
  let turn = 0

  const sent = computed(() => (typeof route.value.query["t"] === "string" ? route.value.query["t"] : null))
  const link = computed(() => {
    if (draft.value?.url) return draft.value.url
    if (sent.value && mine.value) return absolute(`/t/${sent.value}`)
    const about = shareable.value
    if (about && own.value) return absolute(`/t/${own.value}/${about.kind}/${encodeURIComponent(about.name)}`)
    if (about?.kind === "coupon") return absolute(`/coupons?tab=centre&batch=${encodeURIComponent(about.name)}`)
    return absolute(plainPath(route.value) ?? "/")
  })
  const card = computed(() => {
    const about = shareable.value
    const note = draft.value?.note ?? ""
    const name = about?.title ?? (plainPath(route.value) === null ? t("app.title") : title.value)
    const words = note || about?.text || t("app.idea")
    const text = words.length > WORDS_MAX ? `${words.slice(0, WORDS_MAX - 1)}…` : words
    // Moments show a title and no words.
    return { name, moment: note ? `${note} · ${name}` : name, text, link: link.value, imgUrl: absolute(about?.image ?? PICTURE) }
  })

  function tell() {
    const { name, moment, text, link, imgUrl } = card.value
    wx.value?.updateAppMessageShareData({ title: name, desc: text, link, imgUrl })
    wx.value?.updateTimelineShareData({ title: moment, link, imgUrl })
  }
  watch(card, (now, before) => JSON.stringify(now) !== JSON.stringify(before) && tell())

  async function begin(address: string, { again }: { again: boolean }) {
    const mineNow = ++turn
    const answer = await wechat.menu({ address, t: sent.value ?? undefined })
    if (mineNow !== turn || !answer.config) return
    mine.value = answer.mine
    own.value = answer.own
    if (!own.value && shareable.value) await makeOwn()
    const found = await fetchScript(answer.config.script)
    if (mineNow !== turn) return
    const { app_id: appId, timestamp, nonce: nonceStr, signature } = answer.config
    wx.value = null
    found.error(() => {
      const other = address === here() ? landed : here()
      if (again && mineNow === turn && other !== address) void begin(other, { again: false }).catch(() => undefined)
    })
    found.config({ debug: false, appId, timestamp, nonceStr, signature, jsApiList: APIS })
    found.ready(() => {
      if (mineNow !== turn) return
      wx.value = found
      tell()
    })
  }
  /** Made once in a member's life, when they are first on a page that they may share. */
  async function makeOwn() {
    if (isMember.value) own.value = (await wechat.ownCode(newKey())).code
  }
  const start = () => void begin(onPhone ? landed : here(), { again: true }).catch(() => undefined)

  watch(shareable, (now) => now && !own.value && wx.value && void makeOwn().catch(() => undefined))
  router.afterEach((to, from) => {
    if (to.fullPath === from.fullPath) return
    mine.value = false
    void nextTick(start)
  })
  new MutationObserver(() => (title.value = document.title)).observe(document.head, { childList: true, subtree: true, characterData: true })
  void whoAmI().catch(() => undefined).then(() => {
    start()
    // Somebody else's code must not stay when who is logged in changes.
    watch(() => session.me?.id, () => {
      own.value = null
      mine.value = false
      start()
    })
  })
}
