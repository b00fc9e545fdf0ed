import { read, write } from "./http"
import type {
  Card,
  CardPage,
  Count,
  CountLine,
  CountScan,
  GoodsBooked,
  HandoverResult,
  Hold,
  HomeAddress,
  HomeQuote,
  HomeSale,
  HomeSaleRow,
  Money,
  Page,
  Queue,
  QueueTab,
  Receipt,
  RejectionLine,
  RejectionOutcome,
  SaleResult,
  ScanResult,
  Shortage,
  StaffMe,
  StockLine,
  StoreCard,
  Transfer,
  TransferList,
} from "./types"

const at = encodeURIComponent
const one = (id: string) => `/api/clerk/fulfilments/${at(id)}`
const moved = (id: string) => `/api/clerk/transfers/${at(id)}`
const decided = (id: string) => `/api/staff/transfers/${at(id)}`

export const staff = {
  logIn: (login: string, password: string, key: string) =>
    write<{ token: string; staff: StaffMe }>("POST", "/api/staff/sessions", { body: { login, password }, key }),
  logOut: (key: string) => write<void>("DELETE", "/api/staff/sessions", { key }),
  me: () => read<StaffMe>("/api/staff/me"),
  /** The shops in reach: by words, by name (codes or ids, by commas), or the nearest to a place. */
  stores: (query: { q?: string; named?: string; lat?: number; lon?: number; limit?: number; cursor?: string }) =>
    read<Page<StoreCard>>("/api/staff/stores", { query }),
}

/** The clerk's part of the API. `store` is a store code. */
export const clerk = {
  queue: (query: { store: string; tab: QueueTab; q?: string; limit?: number; cursor?: string }) =>
    read<Queue>("/api/clerk/queue", { query }),
  fulfilment: (id: string) => read<CardPage>(one(id)),
  markReady: (id: string, key: string) => write<Card>("POST", `${one(id)}/ready`, { body: {}, key }),
  undoReady: (id: string, key: string) => write<Card>("POST", `${one(id)}/unready`, { body: {}, key }),
  reject: (id: string, body: { lines: RejectionLine[]; note?: string }, key: string) =>
    write<RejectionOutcome>("POST", `${one(id)}/rejection`, { body, key }),
  handOver: (id: string, body: { code: string; tender?: "cash"; tendered?: Money }, key: string) =>
    write<HandoverResult>("POST", `${one(id)}/handover`, { body, key }),
  ship: (id: string, body: { carrier: string; tracking_no: string }, key: string) =>
    write<Card>("POST", `${one(id)}/shipment`, { body, key }),
  /** Of a transfer: the box leaves for the shop where it is collected. */
  sendToShop: (id: string, key: string) => write<Card>("POST", `${one(id)}/sending`, { body: {}, key }),
  delivered: (id: string, key: string) => write<Card>("POST", `${one(id)}/delivery`, { body: {}, key }),
  scan: (text: string, store: string, key: string) =>
    write<ScanResult>("POST", "/api/clerk/scans", { body: { text, store }, key }),
  stock: (query: { store: string; q?: string; gtin?: string; sku?: string; limit?: number; cursor?: string }) =>
    read<Page<StockLine>>("/api/clerk/stock", { query }),
  sell: (
    body: {
      store: string
      lines: { sku_id?: string; gtin?: string; quantity: number }[]
      tender: "cash"
      tendered: Money
      phone?: string
      expected_total?: Money
    },
    key: string,
  ) => write<SaleResult>("POST", "/api/clerk/sales", { body, key }),
  /** What it costs to send articles to a customer's home, and when they come. */
  quoteHome: (
    body: { store: string; lines: { sku_id: string; quantity: number }[]; address?: HomeAddress; phone?: string },
    key: string,
  ) => write<HomeQuote>("POST", "/api/clerk/home-quotes", { body, key }),
  sellHome: (
    body: {
      store: string
      lines: { sku_id: string; quantity: number }[]
      name: string
      phone: string
      address: HomeAddress
      expected_total: Money
    },
    key: string,
  ) => write<Receipt>("POST", "/api/clerk/home-sales", { body, key }),
  homeSales: (query: { store: string; limit?: number; cursor?: string }) =>
    read<Page<HomeSaleRow>>("/api/clerk/home-sales", { query }),
  homeSale: (id: string) => read<HomeSale>(`/api/clerk/home-sales/${at(id)}`),
  cancelHomeSale: (id: string, key: string) =>
    write<HomeSale>("POST", `/api/clerk/home-sales/${at(id)}/cancellation`, { body: {}, key }),
  holds: (store: string) => read<{ items: Hold[] }>("/api/clerk/holds", { query: { store } }),
  hold: (body: { store: string; sku_id: string; quantity: number; minutes: number; note: string }, key: string) =>
    write<Hold>("POST", "/api/clerk/holds", { body, key }),
  releaseHold: (id: string, store: string, key: string) =>
    write<void>("DELETE", `/api/clerk/holds/${at(id)}`, { query: { store }, key }),
  /** Lets go of a unit that is kept for a member. */
  releaseFavourite: (id: string, body: { store: string; reason: string }, key: string) =>
    write<void>("POST", `/api/clerk/favourite-holds/${at(id)}/release`, { body, key }),
  shelves: (store: string) => read<Page<{ shelf: string; articles: number }>>("/api/clerk/shelves", { query: { store } }),
  counts: (query: { store: string; which: "current" | "past"; limit?: number; cursor?: string }) =>
    read<Page<Count>>("/api/clerk/counts", { query }),
  openCount: (
    body: { store: string; kind: "cycle" | "full"; blind: boolean; title?: string; shelf?: string; sku_ids?: string[] },
    key: string,
  ) => write<Count>("POST", "/api/clerk/counts", { body, key }),
  count: (id: string) => read<Count>(`/api/clerk/counts/${at(id)}`),
  countLines: (id: string, query: { only?: string; limit?: number; cursor?: string }) =>
    read<Page<CountLine>>(`/api/clerk/counts/${at(id)}/lines`, { query }),
  countScans: (id: string, scans: CountScan[], key: string) =>
    write<{ count: Count; lines: CountLine[] }>("POST", `/api/clerk/counts/${at(id)}/scans`, { body: { scans }, key }),
  submitCount: (id: string, rest: "absent" | "leave" | null, key: string) =>
    write<Count>("POST", `/api/clerk/counts/${at(id)}/submission`, { body: { rest }, key }),
  cancelCount: (id: string, key: string) =>
    write<Count>("POST", `/api/clerk/counts/${at(id)}/cancellation`, { body: {}, key }),
  bookGoods: (
    which: "receipts" | "breakages",
    body: { store: string; lines: { sku_id: string; quantity: number }[]; note: string },
    key: string,
  ) => write<GoodsBooked>("POST", `/api/clerk/${which}`, { body, key }),
  shortages: (store: string) => read<Page<Shortage>>("/api/clerk/shortages", { query: { store } }),
  releaseForShortage: (id: string, hold: string, key: string) =>
    write<Shortage>("POST", `/api/clerk/shortages/${at(id)}/release`, { body: { hold_id: hold }, key }),
  foundShortage: (id: string, key: string) =>
    write<Shortage>("POST", `/api/clerk/shortages/${at(id)}/found`, { body: {}, key }),
  transfers: (query: { store: string; side: "in" | "out"; which: "open" | "done"; limit?: number; cursor?: string }) =>
    read<TransferList>("/api/clerk/transfers", { query }),
  transfer: (id: string) => read<Transfer>(decided(id)),
  askTransfer: (
    body: { store: string; source_code: string; lines: { sku_id: string; quantity: number }[]; note: string },
    key: string,
  ) => write<Transfer>("POST", "/api/clerk/transfers", { body, key }),
  approveTransfer: (id: string, key: string) => write<Transfer>("POST", `${decided(id)}/approval`, { body: {}, key }),
  declineTransfer: (id: string, reason: string, key: string) =>
    write<Transfer>("POST", `${decided(id)}/refusal`, { body: { reason }, key }),
  cancelTransfer: (id: string, reason: string, key: string) =>
    write<Transfer>("POST", `${decided(id)}/cancellation`, { body: { reason }, key }),
  sendTransfer: (id: string, body: { version: number; lines: { sku_id: string; quantity: number }[] }, key: string) =>
    write<Transfer>("POST", `${moved(id)}/shipment`, { body, key }),
  receiveTransfer: (
    id: string,
    body: { version: number; lines: { sku_id: string; received: number; damaged: number }[]; note: string },
    key: string,
  ) => write<Transfer>("POST", `${moved(id)}/receipt`, { body, key }),
  eventsUrl: (store: string) => `/api/clerk/events?store=${at(store)}`,
}
