/*
 * Stands for WeChat's jweixin-1.6.0.js: `wx` with what sharing needs of it. See menu.py.
 * Like WeChat's it answers later, never within the call, and forgets what was named before `config` was good.
 */
;(() => {
  const base = document.currentScript.src.replace(/\/open\/js\/.*$/, "")
  // What an iPhone's WeChat checks is the address at which the page was opened.
  const opened = performance.getEntriesByType("navigation")[0]?.name ?? location.href
  const bare = (address) => address.split("#")[0]
  const seen = () => bare(/iPhone|iPad/.test(navigator.userAgent) ? opened : location.href)
  const ask = async (path, body) => {
    const answer = await fetch(base + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
    return answer.ok ? (await answer.json()).says : "fail, " + answer.status
  }
  let good = null
  let readies = []
  let failed = null

  async function config({ appId, timestamp, nonceStr, signature, jsApiList }) {
    good = null
    const says = await ask("/jssdk/config", { app_id: appId, timestamp: Number(timestamp), nonce: nonceStr, signature, page: seen() })
    if (says !== "config:ok") return failed?.({ errMsg: says })
    good = { appId, jsApiList }
    const waiting = readies
    readies = []
    waiting.forEach((ready) => ready())
  }

  const named = (name, toWhom) => async ({ title = "", desc = "", link = "", imgUrl = "", success, fail }) => {
    const says = !good ? "fail, no config" : !good.jsApiList.includes(name) ? "permission denied"
      : await ask("/jssdk/shares", { app_id: good.appId, to_whom: toWhom, page: location.href, title, text: desc, link, picture: imgUrl })
    ;(says === "ok" ? success : fail)?.({ errMsg: `${name}:${says}` })
  }

  window.wx = {
    config: (asked) => void config(asked),
    ready: (then) => void (good ? setTimeout(then) : readies.push(then)),
    error: (then) => void (failed = then),
    updateAppMessageShareData: named("updateAppMessageShareData", "friend"),
    updateTimelineShareData: named("updateTimelineShareData", "moments"),
  }
})()
