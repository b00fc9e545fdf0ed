/*
 * Asks for the first page's data while the application itself is still on its way: on a slow line that is
 * a third of a second. state/early.ts takes the answer over, if it is the question it would have asked.
 */
if (location.pathname === "/") {
  // A visitor without a shop has the answer in the page itself; with one, the server could not know.
  var query = new URLSearchParams()
  try {
    var shop = JSON.parse(localStorage.getItem("duoline.shop"))
    var place = JSON.parse(sessionStorage.getItem("duoline.place"))
    if (shop) query.set("store", shop.code)
    if (place) {
      query.set("lat", place.lat)
      query.set("lon", place.lon)
    }
  } catch (_) {
    // No storage: the question for a visitor without a shop.
  }
  if (String(query)) {
    var url = "/api/mall/home?" + query
    var answer = fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } }).then(function (response) {
      if (!response.ok) throw new Error(String(response.status))
      return response.json()
    })
    answer.catch(function () {}) // the application asks again and says what is wrong
    window.duolineEarly = { url: url, answer: answer }
  }
}
