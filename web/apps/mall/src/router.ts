import { t } from "@duoline/i18n"
import { createRouter, createWebHistory, START_LOCATION } from "vue-router"
import Home from "./pages/Home.vue"
import { lost } from "./state/net"

declare module "vue-router" {
  interface RouteMeta {
    /** Key of the page's name, for the window title and the phone's page head. */
    title?: string
    /** Pages with their own bar at the bottom hide the tabs. */
    bar?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory("/"),
  // The browser is at the top of a page that was just opened; asking it to go there costs a layout.
  scrollBehavior: (_to, from, saved) => saved ?? (from === START_LOCATION ? false : { top: 0 }),
  routes: [
    { path: "/", name: "home", component: Home },
    { path: "/categories", name: "categories", component: () => import("./pages/Categories.vue"), meta: { title: "categories.title" } },
    { path: "/search", name: "search", component: () => import("./pages/Search.vue"), meta: { title: "search.title" } },
    { path: "/p/:code", name: "product", component: () => import("./pages/Product.vue"), meta: { bar: true } },
    { path: "/book/:code/:id", name: "book", component: () => import("./pages/Book.vue"), meta: { title: "book.title", bar: true } },
    { path: "/cart", name: "cart", component: () => import("./pages/Cart.vue"), meta: { title: "cart.title" } },
    { path: "/scan", name: "scan", component: () => import("./pages/Scan.vue"), meta: { title: "bag.title", bar: true } },
    { path: "/checkout", name: "checkout", component: () => import("./pages/Checkout.vue"), meta: { title: "checkout.title", bar: true } },
    { path: "/pay/:id", name: "pay", component: () => import("./pages/Pay.vue"), meta: { title: "pay.title", bar: true } },
    { path: "/o/:link", name: "order-link", component: () => import("./pages/OrderLink.vue"), meta: { title: "link.title", bar: true } },
    { path: "/r/:link", name: "receipt", component: () => import("./pages/Receipt.vue"), meta: { title: "slip.title", bar: true } },
    { path: "/orders", name: "orders", component: () => import("./pages/Orders.vue"), meta: { title: "orders.title" } },
    { path: "/orders/:id", name: "order", component: () => import("./pages/Order.vue"), meta: { title: "order.title", bar: true } },
    { path: "/orders/:id/balance", name: "balance", component: () => import("./pages/Balance.vue"), meta: { title: "balance.title", bar: true } },
    { path: "/stores", name: "stores", component: () => import("./pages/Stores.vue"), meta: { title: "stores.title" } },
    { path: "/outfits/:id", name: "outfit", component: () => import("./pages/Outfit.vue"), meta: { title: "outfit.one", bar: true } },
    { path: "/me/outfits/new", name: "outfit-new", component: () => import("./pages/OutfitMake.vue"), meta: { title: "outfit.new", bar: true } },
    { path: "/me/outfits/:id", name: "outfit-edit", component: () => import("./pages/OutfitMake.vue"), meta: { title: "outfit.edit", bar: true } },
    { path: "/s/:code", name: "store", component: () => import("./pages/Store.vue"), meta: { bar: true } },
    { path: "/login", name: "login", component: () => import("./pages/Login.vue"), meta: { title: "login.title", bar: true } },
    { path: "/login/wechat", name: "login-wechat", component: () => import("./pages/LoginWechat.vue"), meta: { title: "wechat.title", bar: true } },
    { path: "/me", name: "me", component: () => import("./pages/Me.vue"), meta: { title: "me.title" } },
    { path: "/me/card", name: "card", component: () => import("./pages/Card.vue"), meta: { title: "card.title" } },
    { path: "/wallet", name: "wallet", component: () => import("./pages/Wallet.vue"), meta: { title: "wallet.title" } },
    { path: "/me/favourites", name: "favourites", component: () => import("./pages/Favourites.vue"), meta: { title: "fav.title" } },
    { path: "/coupons", name: "coupons", component: () => import("./pages/Coupons.vue"), meta: { title: "coupon.title" } },
    { path: "/coupons/:code", name: "coupon-code", component: () => import("./pages/CouponCode.vue"), meta: { title: "coupon.code_title", bar: true } },
    { path: "/guide/:code", name: "guide-code", component: () => import("./pages/GuideCode.vue"), meta: { title: "guide.title", bar: true } },
    { path: "/me/guide", name: "guide", component: () => import("./pages/MyGuide.vue"), meta: { title: "guide.mine", bar: true } },
    { path: "/me/earnings", name: "earnings", component: () => import("./pages/Earnings.vue"), meta: { title: "share.earnings", bar: true } },
    { path: "/me/shares", name: "shares", component: () => import("./pages/Shares.vue"), meta: { title: "share.mine", bar: true } },
    { path: "/me/privacy", name: "privacy", component: () => import("./pages/Privacy.vue"), meta: { title: "privacy.title", bar: true } },
    { path: "/t/:code", name: "ended", component: () => import("./pages/Ended.vue"), meta: { title: "ended.title" } },
    {
      path: "/me/addresses",
      name: "addresses",
      component: () => import("./pages/Addresses.vue"),
      meta: { title: "addresses.title", bar: true },
    },
    { path: "/:rest(.*)*", name: "missing", component: () => import("./pages/Missing.vue"), meta: { title: "missing.title" } },
  ],
})

export function setTitle(name: string): void {
  document.title = name ? `${name} - ${t("app.name")}` : t("app.title")
}

router.afterEach((to, from) => {
  lost.value = null
  setTitle(to.meta.title ? t(to.meta.title) : "")
  // A reader by ear or keyboard starts at the top of the new page, not on the link that is gone.
  if (from.name && to.path !== from.path) requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }))
})

// A page's script that cannot be fetched means no network, or a new version on the server.
router.onError((error, to) => {
  lost.value = { path: to.fullPath, error }
})
