import { newKey, read, write } from "./http"
import type {
  CardHolder,
  Card,
  CardPage,
  Count,
  CountLine,
  CountScan,
  DrawerSession,
  GoodsBooked,
  GuideCode,
  GuideMember,
  GuideMemberSheet,
  GuideTask,
  TaskHow,
  TaskResult,
  HandoverResult,
  Hold,
  HomeAddress,
  GiftWord,
  HomeQuote,
  HomeSale,
  HomeSaleRow,
  Money,
  Page,
  ParkedSale,
  Performance,
  PreorderAtTill,
  Queue,
  QueueTab,
  Receipt,
  Condition,
  Returnable,
  ReturnDone,
  ReturnQuote,
  ReturnReason,
  RejectionLine,
  TillOrder,
  TillQuote,
  TillTopUp,
  TopUpRules,
  RejectionOutcome,
  SaleCase,
  SaleResult,
  Look,
  MadeOutfit,
  MemberSheet,
  Outfit,
  OutfitBody,
  Share,
  ShareBody,
  ScanResult,
  Shortage,
  SoldRow,
  StaffMe,
  StockLine,
  StoreCard,
  Transfer,
  TransferList,
} from "./types"

/** Units of a line on the counter, and how they are. */
export interface BroughtLine {
  line_id: string
  quantity: number
  condition: Condition
}

/** A part of what is to be paid, and in which way. */
export interface TenderPart {
  tender: "cash" | "code" | "points" | "wallet"
  amount: Money
}

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
  guideCode: (store: string, key: string) => write<GuideCode>("POST", "/api/clerk/guide-codes", { body: { store }, key }),
  guideMembers: (query: { store: string; q?: string; limit?: number; cursor?: string }) =>
    read<Page<GuideMember>>("/api/clerk/guide-members", { query }),
  guideMember: (memberId: string, store: string) => read<GuideMemberSheet>(`/api/clerk/guide-members/${at(memberId)}`, { query: { store } }),
  /** What the shop knows of whose card was read; `card` is the pass that the reading gave. */
  memberSheet: (body: { store: string; card: string }) => write<MemberSheet>("POST", "/api/clerk/member-sheets", { body, key: newKey() }),
  askByCard: (body: { store: string; card: string }, key: string) =>
    write<{ minutes: number }>("POST", "/api/clerk/member-asks", { body, key }),
  guideTasks: (store: string) => read<Page<GuideTask>>("/api/clerk/guide-tasks", { query: { store, limit: 100 } }),
  /** What was noted by a slip is suggested again; for two minutes. */
  takeTaskBack: (body: { store: string; member_id: string; kind: GuideTask["kind"]; ref: string }, key: string) =>
    write<void>("POST", "/api/clerk/guide-task-undos", { body, key }),
  takeUpTask: (body: { store: string; member_id: string; kind: GuideTask["kind"]; ref: string; how: TaskHow; note: string }, key: string) =>
    write<void>("POST", "/api/clerk/guide-tasks", { body, key }),
  /** A number to call, for this once: it is kept nowhere. */
  callMember: (body: { store: string; member_id: string; kind: GuideTask["kind"]; ref: string }, key: string) =>
    write<{ tel: string }>("POST", "/api/clerk/guide-task-calls", { body, key }),
  look: (memberId: string, store: string) => read<Look>(`/api/clerk/members/${at(memberId)}/look`, { query: { store } }),
  guideTaskResults: (store: string) => read<Page<TaskResult>>("/api/clerk/guide-task-results", { query: { store } }),
  /** The customer confirms on their own phone; the answer is the same whether anybody has the number or not. */
  askMember: (body: { store: string; phone: string }, key: string) =>
    write<{ minutes: number }>("POST", "/api/clerk/guide-asks", { body, key }),
  disputeMember: (body: { store: string; phone: string; reason: string }, key: string) =>
    write<{ id: string }>("POST", "/api/clerk/guide-disputes", { body, key }),
  share: (body: ShareBody & { store: string }, key: string) => write<Share>("POST", "/api/clerk/shares", { body, key }),
  /** My code in this shop, by which a page of the mall has WeChat's menu send it under my name. */
  ownCode: (store: string, key: string) => write<{ code: string }>("POST", "/api/clerk/own-code", { body: { store }, key }),
  shares: (query: { store: string; cursor?: string }) => read<Page<Share>>("/api/clerk/shares", { query }),
  outfits: (query: { store: string; cursor?: string }) => read<Page<Outfit>>("/api/clerk/outfits", { query }),
  makeOutfit: (body: OutfitBody & { store: string }, key: string) => write<MadeOutfit>("POST", "/api/clerk/outfits", { body, key }),
  editOutfit: (id: string, body: OutfitBody, key: string) => write<Outfit>("PUT", `/api/clerk/outfits/${at(id)}`, { body, key }),
  endOutfit: (id: string, key: string) => write<void>("POST", `/api/clerk/outfits/${at(id)}/end`, { key }),
  performance: (store: string) => read<Performance>("/api/clerk/performance", { query: { store } }),

  queue: (query: { store: string; tab: QueueTab; q?: string; limit?: number; cursor?: string }) =>
    read<Queue>("/api/clerk/queue", { query }),
  fulfilment: (id: string) => read<CardPage>(one(id)),
  markReady: (id: string, key: string) => write<Card>("POST", `${one(id)}/ready`, { body: {}, key }),
  undoReady: (id: string, key: string) => write<Card>("POST", `${one(id)}/unready`, { body: {}, key }),
  reject: (id: string, body: { lines: RejectionLine[]; note?: string }, key: string) =>
    write<RejectionOutcome>("POST", `${one(id)}/rejection`, { body, key }),
  handOver: (id: string, body: { code: string; tender?: "cash"; tendered?: Money; drawer?: string }, key: string) =>
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
  quoteSale: (body: { store: string; lines: { sku_id: string; quantity: number }[]; phone?: string; card?: string; coupon_codes?: string[]; gifts?: GiftWord[] }) =>
    write<TillQuote>("POST", "/api/clerk/till-quotes", { body, key: newKey() }),
  sell: (
    body: {
      store: string
      lines: { sku_id?: string; gtin?: string; quantity: number }[]
      tender: "cash"
      tendered: Money
      phone?: string
      card?: string
      expected_total?: Money
      coupon_codes?: string[]
      gifts?: GiftWord[]
      drawer?: string
    },
    key: string,
  ) => write<SaleResult>("POST", "/api/clerk/sales", { body, key }),
  /** Rings up what is not paid in cash alone; it waits a few minutes for its parts. */
  ringUp: (
    body: {
      store: string
      lines: { sku_id: string; quantity: number }[]
      tenders: TenderPart[]
      expected_total: Money
      phone?: string
      card?: string
      coupon_codes?: string[]
      gifts?: GiftWord[]
    },
    key: string,
  ) => write<TillOrder>("POST", "/api/clerk/till-orders", { body, key }),
  /** Whose card it is. A code that has run out and a number that is none are refused. */
  scanCard: (body: { store: string; text: string }) => write<CardHolder>("POST", "/api/clerk/cards", { body, key: newKey() }),
  /** What the code of a pre-order opens at this till. */
  lookUpPreorder: (body: { store: string; code: string }, key: string) =>
    write<PreorderAtTill>("POST", "/api/clerk/preorder-lookups", { body, key }),
  /** Lets it wait here for its balance, as a sale of this till. */
  takePreorder: (body: { store: string; code: string; tenders: TenderPart[] }, key: string) =>
    write<TillOrder>("POST", "/api/clerk/preorders", { body, key }),
  tillOrders: (store: string) => read<Page<TillOrder>>("/api/clerk/till-orders", { query: { store } }),
  tillOrder: (id: string) => read<TillOrder>(`/api/clerk/till-orders/${at(id)}`),
  /** Takes one part by the code on the customer's phone. */
  chargeCode: (id: string, tender: string, code: string, key: string) =>
    write<TillOrder>("POST", `/api/clerk/till-orders/${at(id)}/tenders/${at(tender)}/charges`, { body: { code }, key }),
  checkTillOrder: (id: string, key: string) =>
    write<TillOrder>("POST", `/api/clerk/till-orders/${at(id)}/payment-check`, { key }),
  /** Pays what is still open in other parts. */
  topUpRules: (body: { store: string; card: string }, key: string) => write<TopUpRules>("POST", "/api/clerk/top-up-quotes", { body, key }),
  takeTopUp: (body: { store: string; card: string; amount: Money; expected_bonus: Money; tender: "cash" | "code"; tendered?: Money; drawer?: string }, key: string) =>
    write<TillTopUp>("POST", "/api/clerk/top-ups", { body, key }),
  topUp: (id: string) => read<TillTopUp>(`/api/clerk/top-ups/${at(id)}`),
  chargeTopUp: (id: string, code: string, key: string) => write<TillTopUp>("POST", `/api/clerk/top-ups/${at(id)}/charges`, { body: { code }, key }),
  checkTopUp: (id: string, key: string) => write<TillTopUp>("POST", `/api/clerk/top-ups/${at(id)}/payment-check`, { body: {}, key }),
  cancelTopUp: (id: string, key: string) => write<TillTopUp>("POST", `/api/clerk/top-ups/${at(id)}/cancellation`, { body: {}, key }),
  splitTillOrder: (id: string, tenders: TenderPart[], key: string) =>
    write<TillOrder>("PUT", `/api/clerk/till-orders/${at(id)}/tenders`, { body: { tenders }, key }),
  completeTillOrder: (id: string, body: { tendered?: Money; drawer?: string }, key: string) =>
    write<TillOrder>("POST", `/api/clerk/till-orders/${at(id)}/completion`, { body, key }),
  cancelTillOrder: (id: string, key: string) =>
    write<TillOrder>("POST", `/api/clerk/till-orders/${at(id)}/cancellation`, { body: {}, key }),
  /** What this shop may take back of the order that a receipt's number names. */
  returnable: (query: { store: string; order_no: string }) => read<Returnable>("/api/clerk/returnable-orders", { query }),
  quoteReturn: (body: { store: string; order_id: string; reason: ReturnReason; lines: BroughtLine[] }) =>
    write<ReturnQuote>("POST", "/api/clerk/return-quotes", { body, key: newKey() }),
  takeReturn: (
    body: { store: string; order_id: string; reason: ReturnReason; lines: BroughtLine[]; expected_refund: Money; note?: string },
    key: string,
  ) => write<ReturnDone>("POST", "/api/clerk/returns", { body, key }),
  sales: (query: { store: string; q?: string; limit?: number; cursor?: string }) => read<Page<SoldRow>>("/api/clerk/sales", { query }),
  sale: (id: string) => read<SaleCase>(`/api/clerk/sales/${at(id)}`),
  /** The drawers that are open at the shop. */
  drawers: (store: string) => read<Page<DrawerSession>>("/api/clerk/drawers", { query: { store } }),
  /** Those that were counted, the newest first. */
  drawerSessions: (query: { store: string; limit?: number; cursor?: string }) =>
    read<Page<DrawerSession>>("/api/clerk/drawer-sessions", { query }),
  drawerSession: (id: string) => read<DrawerSession>(`/api/clerk/drawer-sessions/${at(id)}`),
  openDrawer: (body: { store: string; float: Money; drawer: string }, key: string) =>
    write<DrawerSession>("POST", "/api/clerk/drawer-sessions", { body, key }),
  /** Says, once, what lay in a drawer that opened by itself. */
  setFloat: (id: string, body: { float: Money }, key: string) =>
    write<DrawerSession>("POST", `/api/clerk/drawer-sessions/${at(id)}/float`, { body, key }),
  payByHand: (id: string, body: { kind: "paid_in" | "paid_out"; amount: Money; reason: string }, key: string) =>
    write<DrawerSession>("POST", `/api/clerk/drawer-sessions/${at(id)}/payments`, { body, key }),
  closeDrawer: (id: string, body: { counted: Money; note: string }, key: string) =>
    write<DrawerSession>("POST", `/api/clerk/drawer-sessions/${at(id)}/closing`, { body, key }),
  parkedSales: (store: string) => read<Page<ParkedSale>>("/api/clerk/parked-sales", { query: { store } }),
  park: (
    body: { store: string; lines: { sku_id: string; quantity: number }[]; phone?: string; note: string; coupons: number },
    key: string,
  ) => write<ParkedSale>("POST", "/api/clerk/parked-sales", { body, key }),
  resumeParked: (id: string, key: string) =>
    write<ParkedSale>("POST", `/api/clerk/parked-sales/${at(id)}/resumption`, { body: {}, key }),
  discardParked: (id: string, key: string) =>
    write<void>("POST", `/api/clerk/parked-sales/${at(id)}/discarding`, { body: {}, key }),
  /** What it costs to send articles to a customer's home, and when they come. */
  quoteHome: (
    body: { store: string; lines: { sku_id: string; quantity: number }[]; address?: HomeAddress; phone?: string; gifts?: GiftWord[] },
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
      gifts?: GiftWord[]
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
