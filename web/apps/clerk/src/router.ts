import { createRouter, createWebHistory } from "vue-router"
import Queue from "./pages/Queue.vue"
import { check, session, store } from "./state/session"

declare module "vue-router" {
  interface RouteMeta {
    /** Reached without a person or a shop. */
    open?: boolean
    /** Fills the screen by itself. */
    bare?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory("/clerk/"),
  scrollBehavior: (to, from, saved) => {
    if (to.path.startsWith("/queue") && from.path.startsWith("/queue")) return false // the list keeps its own place
    return saved ?? { top: 0 }
  },
  routes: [
    { path: "/", redirect: "/queue" },
    { path: "/log-in", name: "log-in", component: () => import("./pages/LogIn.vue"), meta: { open: true, bare: true } },
    { path: "/shops", name: "shops", component: () => import("./pages/ChooseShop.vue"), meta: { bare: true } },
    {
      path: "/queue",
      component: Queue,
      children: [
        { path: "", name: "queue", component: { render: () => null } },
        { path: ":id", name: "work", component: () => import("./pages/Work.vue"), props: true },
        { path: ":id/hand-over", name: "hand-over", component: () => import("./pages/HandOver.vue"), props: true },
      ],
    },
    { path: "/scan", name: "scan", component: () => import("./pages/Scan.vue") },
    { path: "/stock", name: "stock", component: () => import("./pages/Stock.vue") },
    { path: "/stock/:sku", name: "article", component: () => import("./pages/Article.vue"), props: true },
    { path: "/counts", name: "counts", component: () => import("./pages/Counts.vue") },
    { path: "/counts/:id", name: "count", component: () => import("./pages/CountPage.vue"), props: true },
    { path: "/goods-in", name: "goods-in", component: () => import("./pages/Goods.vue"), props: { kind: "receipts" } },
    { path: "/breakage", name: "breakage", component: () => import("./pages/Goods.vue"), props: { kind: "breakages" } },
    { path: "/missing", name: "missing", component: () => import("./pages/Missing.vue") },
    { path: "/transfers", name: "transfers", component: () => import("./pages/Transfers.vue") },
    { path: "/transfers/:id", name: "transfer", component: () => import("./pages/Transfer.vue"), props: true },
    { path: "/send-home", name: "send-home", component: () => import("./pages/SendHome.vue") },
    { path: "/home-sales", name: "home-sales", component: () => import("./pages/HomeSales.vue") },
    { path: "/home-sales/:id", name: "home-sale", component: () => import("./pages/HomeSale.vue"), props: true },
    { path: "/till", name: "till", component: () => import("./pages/Till.vue") },
    { path: "/preorder", name: "preorder", component: () => import("./pages/Preorder.vue") },
    { path: "/return", name: "return", component: () => import("./pages/Return.vue") },
    { path: "/drawer", name: "drawer", component: () => import("./pages/Drawer.vue") },
    { path: "/drawer/:id", name: "drawer-report", component: () => import("./pages/DrawerReport.vue"), props: true },
    { path: "/sales", name: "sales", component: () => import("./pages/Sales.vue") },
    { path: "/sales/:id", name: "sale", component: () => import("./pages/SalePage.vue"), props: true },
    { path: "/my-code", name: "my-code", component: () => import("./pages/MyCode.vue") },
    { path: "/tasks", name: "tasks", component: () => import("./pages/GuideTasks.vue") },
    { path: "/members", name: "members", component: () => import("./pages/Members.vue") },
    { path: "/members/:id", name: "member", component: () => import("./pages/GuideMember.vue"), props: true },
    { path: "/member-card", name: "member-card", component: () => import("./pages/MemberCard.vue") },
    { path: "/outfits", name: "outfits", component: () => import("./pages/Outfits.vue") },
    { path: "/outfits/new", name: "outfit-new", component: () => import("./pages/OutfitMake.vue") },
    { path: "/outfits/:id", name: "outfit-edit", component: () => import("./pages/OutfitMake.vue"), props: true },
    { path: "/earnings", name: "earnings", component: () => import("./pages/Earnings.vue") },
    { path: "/performance", name: "performance", component: () => import("./pages/Performance.vue") },
    { path: "/me", name: "me", component: () => import("./pages/Me.vue") },
    { path: "/:rest(.*)*", redirect: "/queue" },
  ],
})

// A page of an older build may ask for a file that the newer one no longer has: load the newer one, once.
router.onError((error, to) => {
  if (!navigator.onLine || !/dynamically imported module|Importing a module script/i.test(String(error))) return
  const last = Number(sessionStorage.getItem("duoline.reloaded") ?? 0)
  if (Date.now() - last < 60_000) return
  sessionStorage.setItem("duoline.reloaded", String(Date.now()))
  location.assign(router.resolve(to).href)
})

let asked: Promise<void> | null = null

router.beforeEach(async (to) => {
  // The last known person may go in at once; the answer comes while they read.
  asked ??= check().catch(() => undefined)
  if (!session.me) await asked
  if (!session.me) return to.name === "log-in" ? true : { name: "log-in", query: to.fullPath === "/queue" ? {} : { to: to.fullPath } }
  if (to.name === "log-in") return { name: "queue" }
  if (!store.value && to.name !== "shops") return { name: "shops", query: { to: to.fullPath } }
  return true
})
