import type { Card } from "@duoline/client"

/**
 * What the list shows after the server was asked again, so that nothing moves under a thumb: cards that are on the
 * screen keep their place and take their new content; a card that has left stays, marked; new ones wait.
 * `partial` says that the server's list goes on after `latest`, so that a missing card may only be further down.
 */
export function hold(shown: Card[], latest: Card[], { partial }: { partial: boolean }): { shown: Card[]; left: Set<string>; waiting: Card[] } {
  const now = new Map(latest.map((card) => [card.id, card]))
  const onScreen = new Set(shown.map((card) => card.id))
  const last = latest.at(-1)
  const further = (card: Card) =>
    partial && last !== undefined && (card.done_at && last.done_at ? card.done_at <= last.done_at : (card.promise_at ?? "") >= (last.promise_at ?? ""))
  return {
    shown: shown.map((card) => now.get(card.id) ?? card),
    left: new Set(shown.filter((card) => !now.has(card.id) && !further(card)).map((card) => card.id)),
    waiting: latest.filter((card) => !onScreen.has(card.id)),
  }
}
