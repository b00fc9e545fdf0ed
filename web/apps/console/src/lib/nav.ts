import type { IconName } from "@duoline/ui"
import { may } from "./session"

export interface Place {
  name: string
  to: string
  icon: IconName
  /** Without this permission the place is not shown, and its address leads home. */
  permission: string
  /** Second stroke of `g …`. */
  key: string
}

export const PLACES: readonly Place[] = [
  { name: "today", to: "/", icon: "chart", permission: "today.read", key: "t" },
  { name: "orders", to: "/orders", icon: "receipt", permission: "orders.read", key: "o" },
  { name: "money", to: "/money", icon: "card", permission: "money.settle", key: "m" },
  { name: "drawers", to: "/drawers", icon: "coins", permission: "drawers.read", key: "w" },
  { name: "stock", to: "/stock", icon: "box", permission: "stock.read", key: "s" },
  { name: "transfers", to: "/transfers", icon: "swap", permission: "transfers", key: "f" },
  { name: "kept", to: "/kept", icon: "heart", permission: "today.read", key: "k" },
  { name: "promises", to: "/promises", icon: "clock", permission: "today.read", key: "c" },
  { name: "goods", to: "/goods", icon: "bag", permission: "catalogue.read", key: "g" },
  { name: "prices", to: "/prices", icon: "tag", permission: "prices.read", key: "p" },
  { name: "promotions", to: "/promotions", icon: "gift", permission: "prices.read", key: "d" },
  { name: "presales", to: "/presales", icon: "clock", permission: "prices.read", key: "y" },
  { name: "coupons", to: "/coupons", icon: "ticket", permission: "prices.read", key: "v" },
  { name: "touchpoints", to: "/touchpoints", icon: "qr", permission: "touchpoints.read", key: "l" },
  { name: "bindings", to: "/bindings", icon: "user", permission: "bindings.read", key: "b" },
  { name: "members", to: "/members", icon: "user", permission: "members.read", key: "e" },
  { name: "settlement", to: "/settlement", icon: "coins", permission: "settlement.read", key: "x" },
  { name: "shops", to: "/shops", icon: "shop", permission: "stores.read", key: "h" },
  { name: "imports", to: "/imports", icon: "upload", permission: "imports.run", key: "i" },
  { name: "staff", to: "/staff", icon: "users", permission: "staff.read", key: "u" },
  { name: "policies", to: "/policies", icon: "gear", permission: "policies.read", key: "r" },
  { name: "audit", to: "/audit", icon: "list", permission: "audit.read", key: "a" },
]

/** The places somebody may go, in order. */
export const places = (): readonly Place[] => PLACES.filter((place) => may(place.permission))
