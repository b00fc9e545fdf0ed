/**
 * The shapes of the HTTP API, as the faces use them. Names and fields are the API's own (snake_case);
 * `npm run client` compares them with the OpenAPI document of the running back end and tells when they drift.
 */

export interface Money {
  /** Smallest unit of the currency: fen for CNY. */
  minor: number
  currency: string
}

/** Every name comes in both languages; the face picks. */
export interface Text {
  zh: string
  en: string
}

export interface Span {
  opens: string
  closes: string
}

export interface StoreCard {
  id: string
  code: string
  name: Text
  kind: "store" | "dc"
  address: Text
  phone: string
  lat: number
  lon: number
  distance_m: number | null
  timezone: string
  hours_today: Span[]
  open_now: boolean
  next_change_at: string | null
  services: { pickup: boolean; ship: boolean; returns: boolean }
  pickup_lead_min: number
  company: { name: Text; franchised: boolean }
}

export interface StorePage extends StoreCard {
  /** Monday first. */
  week: Span[][]
  exceptions: { on: string; spans: Span[]; reason: string | Text | null }[]
  pickup_policy: { keep_hours: number }
}

export interface PromiseTime {
  method: Method
  at: string
  store_code: string | null
}

export interface Image {
  sha: string
  url: string
  thumb_url: string
  width: number
  height: number
}

export interface ProductCard {
  id: string
  code: string
  name: Text
  brand: Text | null
  image: Image | null
  price: Money
  price_max: Money | null
  store_available: number | null
  online_available: number | null
  sku_count: number
}

export interface Category {
  id: string
  code: string
  name: Text
  parent_code: string | null
  image: Image | null
  product_count: number
}

export interface Page<T> {
  items: T[]
  next: string | null
  total?: number
}

export type Method = "pickup" | "delivery"
export type PayMode = "online" | "at_store"

export interface Home {
  store: StoreCard | null
  categories: Category[]
  ready_today: ProductCard[]
  feed: ProductCard[]
}

export interface Facet {
  code: string
  name: Text
  count: number
}

export interface SearchResult extends Page<ProductCard> {
  total: number
  did_you_mean: string | null
  facets: { categories: Facet[]; brands: Facet[] }
}

export interface Suggestion {
  kind: "product" | "category" | "brand" | "word"
  text: string | Text
  code: string | null
  image: Image | null
}

export interface Sku {
  id: string
  code: string
  gtin: string | null
  options: Record<string, string>
  image_sha: string | null
}

export interface Product {
  id: string
  code: string
  name: Text
  brand: Text | null
  category: { code: string; name: Text; path: { code: string; name: Text }[] } | null
  description: Text
  attributes: { name: Text; value: Text }[]
  options: { key: string; name: Text; values: { key: string; name: Text }[] }[]
  images: Image[]
  skus: Sku[]
}

export interface LiveSku {
  sku_id: string
  price: Money
  chain_price: Money
  price_scope: "chain" | "region" | "store"
  online_available: number
  store_available: number | null
}

export interface ProductPage {
  product: Product
  live: LiveSku[]
  store: StoreCard | null
  pickup_promise: PromiseTime | null
  delivery_promise: PromiseTime | null
  delivery_fee: Money
  free_delivery_from: Money
}

/** A unit kept for the member until then, at a shop; `delivers` when that shop also sends it, for nothing. */
export interface HoldClock {
  id: string
  sku_id: string
  sku_code: string
  options: OptionText[]
  image: Image | null
  store: StoreCard
  kept_at: string
  until: string
  collects: boolean
  delivers: boolean
}

export interface Favourite {
  id: string
  product_code: string
  added_at: string
  store: StoreCard | null
  sku_id: string | null
  /** Null when the product is no longer sold. */
  card: ProductCard | null
  holds: HoldClock[]
  ended: { store: StoreCard; at: string } | null
}

export type Keeping = "plain" | "kept" | "log_in" | "none_left" | "left_for_others" | "not_here"

export interface FavouriteInput {
  product_code: string
  sku_id?: string | null
  store_code?: string | null
  scan?: boolean
}

export interface FavouriteMark {
  id: string
  product_code: string
  until: string | null
}

export interface ProductAtStore {
  store: StoreCard
  available: number
  promise: PromiseTime | null
}

export interface Me {
  id: string
  kind: "guest" | "member"
  display_name: string | null
  phone_masked: string | null
  locale: "zh" | "en" | null
  home_store: StoreCard | null
}

export interface Address {
  id: string
  name: string
  phone: string
  province: string
  city: string
  district: string
  line: string
  lat: number | null
  lon: number | null
  is_default: boolean
}
export type AddressInput = Omit<Address, "id" | "lat" | "lon"> & { lat?: number | null; lon?: number | null }

export interface OptionText {
  name: Text
  value: Text
}

export interface QuoteLine {
  n: number
  line_id: string | null
  sku_id: string
  sku_code: string
  product_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  quantity: number
  unit_price: Money
  amount: Money
  method: Method
  store: StoreCard | null
  available: number
  ok: boolean
  /** Units kept for the member in shops that serve this line. */
  kept: { store: StoreCard; units: number; until: string }[]
}

export interface QuoteGroup {
  method: Method
  store: StoreCard | null
  line_ns: number[]
  promise: PromiseTime | null
  fee: Money
  /** The fee not charged because everything was kept in a shop. */
  waived: Money
  /** The shop has not the units: another sends them there by the time promised. Paid online. */
  brought: boolean
}

export interface QuoteProblem {
  code: string
  n: number
  detail: string
  available: number | null
}

export interface Quote {
  lines: QuoteLine[]
  groups: QuoteGroup[]
  subtotal: Money
  delivery_fee: Money
  discount: Money
  total: Money
  problems: QuoteProblem[]
  quoted_at: string
}

export interface Cart extends Quote {
  cart: { id: string | null; version: number }
}

export interface LineInput {
  sku_id: string
  quantity: number
  method: Method
  store_code?: string | null
}

export interface PlaceOrder {
  lines?: LineInput[]
  pay_mode: PayMode
  address_id?: string
  address?: AddressInput
  contact: { name: string; phone: string }
  expected_total?: Money
  note?: string
  /** The buyer saw that something is brought from another shop, and when. */
  bring?: boolean
}

export type OrderState =
  | "awaiting_payment"
  | "preparing"
  | "ready"
  | "on_the_way"
  | "completed"
  | "cancelled"
  | "expired"
  | "needs_answer"
  | "needs_person"

export type FulfilmentState =
  | "waiting"
  | "to_pick"
  | "ready"
  | "handed_over"
  | "shipped"
  | "delivered"
  | "cancelled"
  | "uncollected"
  | "rejected"

export type OrderAction = "pay" | "cancel" | "show_code" | "answer"

export interface OrderLine {
  id: string
  n: number
  sku_id: string
  sku_code: string
  product_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  quantity: number
  handed: number
  cancelled: number
  unit_price: Money
  amount: Money
  method: Method
  store_code: string | null
}

/** What a location does: hand over, send to the buyer, or send to the shop where the buyer collects. */
export type FulfilmentKind = "pickup" | "ship" | "transfer"

export interface Fulfilment {
  id: string
  kind: FulfilmentKind
  state: FulfilmentState
  store: StoreCard
  /** Of a transfer the shop where it will be collected. */
  to: StoreCard | null
  promise_at: string | null
  ready_at: string | null
  keep_until: string | null
  reminded_at: string | null
  done_at: string | null
  lines: { line_id: string; quantity: number }[]
  carrier: string | null
  tracking_no: string | null
}

export interface TimelineEvent {
  at: string
  kind: string
  data: Record<string, unknown>
}

export interface Order {
  id: string
  order_no: string
  channel: string
  state: OrderState
  pay_mode: PayMode
  pay_state: "unpaid" | "paid" | "partly_refunded" | "refunded"
  placed_at: string
  pay_by_at: string | null
  contact: { name: string; phone: string }
  address: Omit<Address, "id" | "is_default"> | null
  subtotal: Money
  delivery_fee: Money
  discount: Money
  total: Money
  paid: Money
  refunded: Money
  lines: OrderLine[]
  fulfilments: Fulfilment[]
  timeline: TimelineEvent[]
  actions: OrderAction[]
  note: string
  /** Units that no shop could serve and that the member has to decide about. */
  waiting: { line_id: string; quantity: number }[]
  /** Units of a delivery that shops could not serve and that a person of ours looks after. */
  frozen: { line_id: string; quantity: number }[]
}

/** What placing answers: the order's first state, without what only its page shows. */
export type Receipt = Pick<
  Order,
  | "id"
  | "order_no"
  | "channel"
  | "state"
  | "pay_mode"
  | "pay_state"
  | "placed_at"
  | "pay_by_at"
  | "subtotal"
  | "delivery_fee"
  | "discount"
  | "total"
  | "actions"
>

export interface PaymentStart {
  intent_id: string
  pay_url: string
  expires_at: string | null
}

export interface PickupCode {
  fulfilment_id: string
  qr: string
  short: string
  svg: string
  store: StoreCard
  /** False while the shop is still picking: the code exists, but nothing is handed over on it yet. */
  ready: boolean
  keep_until: string | null
}

export interface ShortLine {
  sku_id: string
  location_code: string | null
  wanted: number
  available: number | null
}

export interface InboxCode {
  phone: string
  code: string
  [field: string]: unknown
}

// ---- staff ----

export interface Grant {
  role: string
  unit_kind: "chain" | "region" | "company" | "store"
  unit_id: string
  unit_name: Text | string
}

export interface StaffMe {
  id: string
  login: string
  name: string
  grants: Grant[]
  /** The first ones by code; when there are more, `staff.stores` finds the others. */
  stores: StoreCard[]
  store_count: number
  permissions: string[]
}

// ---- clerk ----

export type QueueTab = "to_pick" | "ready" | "incoming" | "done"

export interface CardLine {
  line_id: string
  sku_id: string
  sku_code: string
  gtin: string | null
  name: Text
  options: OptionText[]
  image: Image | null
  quantity: number
  shelf: string | null
  unit_price: Money
}

export interface Card {
  id: string
  order_id: string
  order_no: string
  kind: FulfilmentKind
  state: FulfilmentState
  code_tail: string | null
  customer_name: string
  phone_tail: string
  channel: string
  pay_mode: PayMode
  paid: boolean
  due: Money
  promise_at: string | null
  placed_at: string
  ready_at: string | null
  keep_until: string | null
  done_at: string | null
  lines: CardLine[]
  note: string | null
  why: { policy_version: number; summary: Text } | null
  address: Omit<Address, "id" | "is_default"> | null
  /** Of a transfer the shop where the customer collects it; who that is, only that shop is told. */
  to: { code: string; name: Text } | null
  carrier: string | null
  tracking_no: string | null
}

export interface CardPage extends Card {
  timeline: TimelineEvent[]
  sourcing: Decision | null
}

export interface Queue extends Page<Card> {
  counts: { to_pick: number; ready: number; incoming: number }
}

export interface RejectionLine {
  line_id: string
  quantity: number
  reason: "missing" | "damaged" | "display" | "other"
}

export interface RejectionOutcome {
  card: Card
  outcome: {
    line_id: string
    quantity: number
    result: "resourced" | "asks_member" | "frozen" | "refunded"
    location_code: string | null
  }[]
}

export interface HandoverResult {
  card: Card
  taken: Money
  change: Money
  member_name: string
}

/** A sale over the counter, and the change to give back. */
export interface SaleResult {
  order: Order
  change: Money
}

export interface ScanResult {
  kind: "pickup" | "product" | "order" | "unknown"
  fulfilment_id?: string | null
  sku_id?: string | null
  order_no?: string | null
}

export interface StockLine {
  sku_id: string
  sku_code: string
  gtin: string | null
  name: Text
  options: OptionText[]
  image: Image | null
  /** Null while the article has no price here. */
  price: Money | null
  here: StockLevel
  /** `sendable` of what is available may leave for others; the rest is for who comes to that shop. */
  elsewhere: { store: StoreCard; available: number; sendable: number; on_the_way: number }[]
  kept: { hold_id: string; since: string; until: string }[]
}

export interface StockLevel {
  on_hand: number
  held: number
  safety: number
  available: number
  shelf: string | null
  /** Sent from elsewhere and not here yet. */
  on_the_way: number
}

export type TransferState = "requested" | "approved" | "sent" | "short" | "received" | "declined" | "cancelled"
export type TransferAction = "approve" | "decline" | "send" | "receive" | "cancel" | "write_off"

export interface TransferLine {
  sku_id: string
  sku_code: string
  gtin: string | null
  name: Text
  options: OptionText[]
  image: Image | null
  quantity: number
  sent: number
  received: number
  damaged: number
  lost: number
  surplus: number
  on_the_way: number
  shelf: string | null
}

export interface TransferPlace {
  code: string
  name: Text
  phone: string
}

/** Names are empty where Duoline itself acted, by policy. */
export interface Transfer {
  id: string
  number: string
  state: TransferState
  version: number
  called: boolean
  automatic: boolean
  note: string
  reason: string
  source: TransferPlace
  destination: TransferPlace
  requested_at: string
  requested_by: string
  decided_at: string | null
  decided_by: string | null
  sent_at: string | null
  sent_by: string | null
  received_at: string | null
  received_by: string | null
  expected_at: string | null
  units: number
  differs: boolean
  lines: TransferLine[]
  /** The order it brings units to: wanted as long as they are on the way, then the card under which they stand ready. */
  for_order: { order_id: string; order_no: string; wanted: boolean; ready_id: string | null } | null
  actions: TransferAction[]
}

export interface TransferCounts {
  incoming: number
  outgoing: number
  to_receive: number
  to_decide: number
  to_send: number
}

/** A box that another place is packing for an order which is collected here: not sent yet. */
export interface Packing {
  id: string
  order_no: string
  source: Transfer["source"]
  packed: boolean
  promise_at: string | null
  units: number
  lines: Pick<TransferLine, "sku_id" | "name" | "options" | "image" | "quantity">[]
}

export interface TransferList {
  items: Transfer[]
  next: string | null
  counts: TransferCounts
  packing: Packing[]
}

export interface Hold {
  id: string
  sku_id: string
  quantity: number
  expires_at: string
  created_at: string
  note: string
  sku_code: string
  name: Text
  image: Image | null
}

// ---- console ----

export interface Decision {
  id: string
  at: string
  policy_version: string
  chosen: { location_code: string; line_ids: string[]; cost_minor: number }[]
  candidates: {
    location_code: string
    cost_minor: number | null
    distance_km: number | null
    load: number | null
    covers: string[]
    rejected_because: string | null
    /** What the cost is made of, by term of the policy, in minor units; decisions of long ago do not say. */
    parts?: Record<string, number>
  }[]
  terms: Record<string, unknown>
  summary: Text
  solver_us: number
}

export interface ImportJob {
  id: string
  kind: "stores" | "products" | "prices" | "stock" | "members" | "orders"
  filename: string
  state: "queued" | "running" | "done" | "failed"
  rows_total: number | null
  rows_done: number
  rows_changed: number
  rows_same: number
  rows_bad: number
  started_at: string | null
  finished_at: string | null
  by: string | null
  problem: string | null
}

export interface Today {
  on: string
  totals: { orders: number; units: number; sales: Money; [field: string]: unknown }
  by_channel: {
    line: "shop" | "online"
    series: HourPoint[]
    last_week: HourPoint[]
  }[]
  by_store: {
    store: StoreCard
    orders: number
    sales: Money
    units: number
    to_pick: number
    late: number
    rejected: number
  }[]
  attention: { kind: string; count: number; link: string }[]
}

export interface HourPoint {
  hour: number
  sales_minor: number
  orders: number
}

export type CountStatus = "open" | "submitted" | "approved" | "cancelled"

export interface CountDifferences {
  lines: number
  surplus: number
  missing: number
  /** Missing units that are held for customers. */
  short: number
  surplus_value: Money
  missing_value: Money
}

/** A count of stock. `differences` is null while a blind count is open to those who only count. */
export interface Count {
  id: string
  store_code: string
  kind: "cycle" | "full"
  blind: boolean
  status: CountStatus
  title: string
  shelf: string | null
  opened_at: string
  opened_by: string
  submitted_at: string | null
  submitted_by: string | null
  decided_at: string | null
  decided_by: string | null
  note: string
  lines: number
  counted_lines: number
  units: number
  differences: CountDifferences | null
}

export interface CountLine {
  sku_id: string
  sku_code: string
  gtin: string | null
  name: Text
  options: OptionText[]
  image: Image | null
  shelf: string | null
  counted: number | null
  book: number | null
  difference: number | null
  applied: number | null
  short: number | null
  /** Units came or went while they were counted. */
  moved: boolean
  last_at: string | null
  price: Money | null
}

/** One scan under the phone's own name: so many more, or so many in all. */
export interface CountScan {
  id: string
  sku_id: string
  delta?: number
  counted?: number
  age_ms: number
}

export interface ShortageHolder {
  hold_id: string
  kind: "order" | "hand"
  quantity: number
  order_no: string | null
  fulfilment_id: string | null
  status: string | null
  note: string
  expires_at: string | null
}

/** Units that are held and were counted as missing, or broke (`broken` of those left). `asks`: only a person can go on. */
export interface Shortage {
  id: string
  store_code: string
  sku_id: string
  sku_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  units: number
  left: number
  broken: number
  asks: boolean
  status: "open" | "resolved"
  opened_at: string
  holders: ShortageHolder[]
}

export interface GoodsBooked {
  id: string
  units: number
  on_hand: Record<string, number>
  /** Pieces by article that broke while they were held for customers. */
  short: Record<string, number>
}

/** What it costs to send articles home, and when they come; `around` is where the shop stands. */
export interface HomeQuote {
  ok: boolean
  lines: {
    sku_id: string
    sku_code: string | null
    name: Text | null
    image: Image | null
    quantity: number
    unit_price: Money
    amount: Money
    available: number
    problem: string | null
  }[]
  subtotal: Money
  delivery_fee: Money
  discount: Money
  total: Money
  promise_at: string | null
  sent_from: StoreCard[]
  around: { province: string; city: string }
}

export interface HomeAddress {
  province: string
  city: string
  district: string
  line: string
}

/** An order that a shop made for a customer. `code` while it waits for payment. */
export interface HomeSale {
  id: string
  order_no: string
  state: OrderState
  pay_state: string
  placed_at: string
  pay_by_at: string | null
  subtotal: Money
  delivery_fee: Money
  discount: Money
  total: Money
  promise_at: string | null
  lines: { sku_id: string; name: Text; options: OptionText[]; image: Image | null; quantity: number; amount: Money }[]
  sent_from: StoreCard[]
  name: string
  phone_masked: string
  place: string
  store_code: string
  seller: string
  code: { url: string; svg: string } | null
}

export interface HomeSaleRow {
  id: string
  order_no: string
  state: OrderState
  pay_state: string
  placed_at: string
  total: Money
  units: number
  name: string
  phone_masked: string
  seller: string
  image: Image | null
  first: Text
}

/** The same order for whoever has its link. */
export interface LinkedOrder {
  order_no: string
  state: OrderState
  pay_state: string
  pay_by_at: string | null
  subtotal: Money
  delivery_fee: Money
  discount: Money
  total: Money
  promise_at: string | null
  lines: { name: Text; options: OptionText[]; image: Image | null; quantity: number; amount: Money }[]
  store: StoreCard
  place: string
  phone_masked: string
}
