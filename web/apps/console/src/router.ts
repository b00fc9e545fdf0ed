import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router"
import { PLACES, places } from "./lib/nav"
import { may, recallSession, session } from "./lib/session"
import Shell from "./parts/Shell.vue"

declare module "vue-router" {
  interface RouteMeta {
    permission?: string
    open?: boolean
  }
}

const at = (path: string, name: string, permission: string, component: RouteRecordRaw["component"]): RouteRecordRaw =>
  ({ path, name, component, meta: { permission } }) as RouteRecordRaw

const routes: RouteRecordRaw[] = [
  { path: "/login", name: "login", component: () => import("./pages/LogIn.vue"), meta: { open: true } },
  {
    path: "/",
    component: Shell,
    children: [
      at("", "today", "today.read", () => import("./pages/Today.vue")),
      at("orders", "orders", "orders.read", () => import("./pages/Orders.vue")),
      at("orders/frozen", "frozen", "orders.dispatch", () => import("./pages/Frozen.vue")),
      at("orders/:id", "order", "orders.read", () => import("./pages/OrderCase.vue")),
      at("money", "money", "money.settle", () => import("./pages/MoneyCases.vue")),
      at("drawers", "drawers", "drawers.read", () => import("./pages/Drawers.vue")),
      at("stock", "stock", "stock.read", () => import("./pages/Stock.vue")),
      at("stock/overview", "stock-overview", "stock.read", () => import("./pages/StockOverview.vue")),
      at("stock/counts", "counts", "stock.read", () => import("./pages/Counts.vue")),
      at("stock/counts/:id", "count", "stock.read", () => import("./pages/CountCase.vue")),
      at("stock/missing", "shortages", "stock.read", () => import("./pages/Shortages.vue")),
      at("stock/:id", "sku", "stock.read", () => import("./pages/StockCase.vue")),
      at("kept", "kept", "today.read", () => import("./pages/Kept.vue")),
      at("promises", "promises", "today.read", () => import("./pages/Promises.vue")),
      at("promises/in-shop", "in-shop", "today.read", () => import("./pages/InShop.vue")),
      at("transfers", "transfers", "transfers", () => import("./pages/Transfers.vue")),
      at("transfers/:id", "transfer", "transfers", () => import("./pages/TransferCase.vue")),
      at("goods", "goods", "catalogue.read", () => import("./pages/Goods.vue")),
      at("goods/brands", "brands", "catalogue.read", () => import("./pages/Brands.vue")),
      at("goods/categories", "categories", "catalogue.read", () => import("./pages/Categories.vue")),
      at("goods/assortments", "assortments", "policies.read", () => import("./pages/Assortments.vue")),
      at("goods/assortments/new", "assortment-new", "catalogue.edit", () => import("./pages/AssortmentCase.vue")),
      at("goods/assortments/:id", "assortment", "policies.read", () => import("./pages/AssortmentCase.vue")),
      at("shops/:code/unlisted", "unlisted", "catalogue.read", () => import("./pages/Unlisted.vue")),
      at("goods/new", "product-new", "catalogue.edit", () => import("./pages/ProductNew.vue")),
      at("goods/:code", "product", "catalogue.read", () => import("./pages/ProductCase.vue")),
      at("prices", "prices", "prices.read", () => import("./pages/Prices.vue")),
      at("prices/exceptions", "price-exceptions", "prices.read", () => import("./pages/PriceExceptions.vue")),
      at("prices/:code", "price", "prices.read", () => import("./pages/PriceCase.vue")),
      at("promotions", "promotions", "prices.read", () => import("./pages/Promotions.vue")),
      at("promotions/new", "promotion-new", "prices.edit", () => import("./pages/PromotionCase.vue")),
      at("promotions/:id", "promotion", "prices.read", () => import("./pages/PromotionCase.vue")),
      at("presales", "presales", "prices.read", () => import("./pages/Presales.vue")),
      at("presales/new", "presale-new", "prices.edit", () => import("./pages/PresaleEdit.vue")),
      at("presales/:id", "presale", "prices.read", () => import("./pages/PresaleCase.vue")),
      at("presales/:id/edit", "presale-edit", "prices.edit", () => import("./pages/PresaleEdit.vue")),
      at("coupons", "coupons", "prices.read", () => import("./pages/Coupons.vue")),
      at("coupons/new", "coupon-new", "prices.edit", () => import("./pages/CouponNew.vue")),
      at("coupons/:id", "coupon", "prices.read", () => import("./pages/CouponCase.vue")),
      at("touchpoints", "touchpoints", "touchpoints.read", () => import("./pages/Touchpoints.vue")),
      at("touchpoints/new", "touchpoint-new", "touchpoints.edit", () => import("./pages/TouchpointNew.vue")),
      at("touchpoints/loop", "loop", "touchpoints.read", () => import("./pages/Loop.vue")),
      at("touchpoints/:id", "touchpoint", "touchpoints.read", () => import("./pages/TouchpointCase.vue")),
      at("bindings", "bindings", "bindings.read", () => import("./pages/Bindings.vue")),
      at("bindings/disputes", "binding-disputes", "bindings.read", () => import("./pages/Disputes.vue")),
      at("bindings/members/:id", "member-bindings", "bindings.read", () => import("./pages/MemberBindings.vue")),
      at("members", "members", "members.read", () => import("./pages/Members.vue")),
      at("members/tiers", "tiers", "policies.read", () => import("./pages/TierRules.vue")),
      at("members/points", "points", "policies.read", () => import("./pages/PointRules.vue")),
      at("members/consents", "consent-texts", "policies.read", () => import("./pages/ConsentTexts.vue")),
      at("members/pairs", "member-pairs", "members.edit", () => import("./pages/Pairs.vue")),
      at("members/wallet", "wallet", "policies.read", () => import("./pages/WalletRules.vue")),
      at("members/systems", "system-keys", "organisation.edit", () => import("./pages/SystemKeys.vue")),
      at("members/:id", "member", "members.read", () => import("./pages/MemberCase.vue")),
      at("settlement", "settlement", "settlement.read", () => import("./pages/Statements.vue")),
      at("settlement/statements/:id", "statement", "settlement.read", () => import("./pages/StatementCase.vue")),
      at("settlement/payees", "payees", "settlement.read", () => import("./pages/Payees.vue")),
      at("settlement/payees/:id", "payee", "settlement.read", () => import("./pages/PayeeCase.vue")),
      at("settlement/rules", "commission", "policies.read", () => import("./pages/CommissionRules.vue")),
      at("settlement/rules/allocation", "allocation", "policies.read", () => import("./pages/AllocationRules.vue")),
      at("settlement/rules/contracts", "contracts", "policies.read", () => import("./pages/ContractRules.vue")),
      at("settlement/contract", "my-contract", "settlement.read", () => import("./pages/MyContract.vue")),
      at("settlement/simulator", "simulator", "policies.edit", () => import("./pages/Simulator.vue")),
      at("settlement/payouts", "payouts", "settlement.pay", () => import("./pages/Payouts.vue")),
      at("shops", "shops", "stores.read", () => import("./pages/Shops.vue")),
      at("shops/regions", "regions", "stores.read", () => import("./pages/Regions.vue")),
      at("shops/companies", "companies", "stores.read", () => import("./pages/Companies.vue")),
      at("shops/new", "shop-new", "stores.open", () => import("./pages/ShopNew.vue")),
      at("shops/:code", "shop", "stores.read", () => import("./pages/ShopCase.vue")),
      at("imports", "imports", "imports.run", () => import("./pages/Imports.vue")),
      at("imports/:id", "import", "imports.run", () => import("./pages/ImportCase.vue")),
      at("staff", "staff", "staff.read", () => import("./pages/Staff.vue")),
      at("staff/:login", "person", "staff.read", () => import("./pages/StaffCase.vue")),
      at("policies", "policies", "policies.read", () => import("./pages/Policies.vue")),
      at("policies/sourcing/replays", "replays", "policies.edit", () => import("./pages/Replays.vue")),
      at("policies/sourcing/replays/:id", "replay", "policies.edit", () => import("./pages/ReplayCase.vue")),
      at("policies/sourcing/pilots/:version", "pilot", "policies.read", () => import("./pages/PilotCase.vue")),
      // Those that have an editor of their own are found there.
      { path: "policies/tiers", redirect: "/members/tiers" },
      { path: "policies/points", redirect: "/members/points" },
      { path: "policies/commission", redirect: "/settlement/rules" },
      { path: "policies/allocation", redirect: "/settlement/rules/allocation" },
      { path: "policies/contracts", redirect: "/settlement/rules/contracts" },
      { path: "policies/wallet", redirect: "/members/wallet" },
      at("policies/:kind", "policy", "policies.read", () => import("./pages/PolicyCase.vue")),
      at("audit/events", "events-aside", "money.settle", () => import("./pages/EventsAside.vue")),
      at("audit", "audit", "audit.read", () => import("./pages/Audit.vue")),
      { path: ":rest(.*)*", name: "missing", component: () => import("./pages/Missing.vue") },
    ],
  },
]

export const router = createRouter({
  history: createWebHistory("/console/"),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  const me = session.me ?? (await recallSession().catch(() => null))
  if (!me) return { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } }
  // Who may not see all rules has their own contract.
  if (to.path.startsWith("/settlement/rules") && !may("policies.read") && may("settlement.read")) return { name: "my-contract" }
  if (to.meta.permission && !may(to.meta.permission)) {
    const home = places()[0]
    return home && home.name !== to.name ? { name: home.name } : { name: "missing", params: { rest: ["none"] } }
  }
  return true
})

// After a new version has been put in place the old parts are gone: fetch the page anew, once.
router.onError((error, to) => {
  const again = `duoline.console.reloaded${to.path}`
  if (!/dynamically imported module|Importing a module script failed/.test(String(error)) || sessionStorage.getItem(again)) return
  sessionStorage.setItem(again, "1")
  location.assign(router.resolve(to).href)
})

export { PLACES }
