import type { Me } from "@duoline/client"
import { loadCart } from "./cart"
import { loadMarks } from "./favourites"
import { signedIn } from "./session"
import { chooseShop, shop } from "./shop"

/** Somebody has logged in, whichever way. */
export function entered(member: Me): void {
  signedIn(member)
  if (!shop.chosen && member.home_store) chooseShop(member.home_store)
  void loadCart().catch(() => undefined) // what the visitor had put in came along
  void loadMarks().catch(() => undefined)
}

/** The page of the mall that an address names, else the given one: never another site's. */
export function localPath(next: unknown, otherwise = "/me"): string {
  return typeof next === "string" && /^\/(?![/\\])[^\s\\]*$/.test(next) ? next : otherwise
}
