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
  /** The tier of members whose price it is; empty for everybody's. */
  price_tier: string
  /** What everybody pays here, when `price` is a tier's. */
  usual_price: Money | null
  online_available: number
  store_available: number | null
  /** The store sells the product at all; what it does not can be sent, or collected elsewhere. */
  sold_here: boolean
}

export interface ProductPage {
  product: Product
  live: LiveSku[]
  /** Whether one of its variants is on pre-sale, now or later. */
  presale: boolean
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

/** What became of the WeChat account that was to be linked. */
export type WechatLinked = "linked" | "taken" | "second" | "expired"

export interface MemberSession {
  token: string
  member: Me
  wechat?: WechatLinked | null
}

/** Whether logging in by WeChat is offered inside WeChat and in other browsers, and whether my account is linked. */
export interface WechatStanding {
  inside: boolean
  outside: boolean
  linked: boolean
}

/** What WeChat's script is told of a page, null where WeChat is off; the member's own code; whether `t` is their share. */
export interface WechatMenu {
  config: { script: string; app_id: string; timestamp: number; nonce: string; signature: string } | null
  own: string | null
  mine: boolean
}

export interface WechatOutcome {
  outcome: "entered" | "phone_needed" | "linked" | "taken" | "second"
  session: MemberSession | null
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

/** What an offer takes off a line. */
export interface OfferShare {
  name: Text
  amount: Money
}

/** Whether a coupon is good again with everything it took off (`whole`), or only when the order comes to nothing before
 * anything of it is handed over; and for how many days, if it has ended by then. */
export interface CouponTerms {
  returned: "never" | "whole"
  grace_days: number
}

/** Units of a gift that the customer keeps, though what they were given for goes back: they bring them too, or this is kept. */
export interface GiftKept {
  line_id: string
  name: Text
  quantity: number
  worth: Money
}

/** A coupon of which nothing would be left: whether it is good again, and until when. */
export interface CouponFate {
  name: Text
  back: boolean
  until: string | null
}

/** A coupon that an order used; `back_at` since when it is good again. */
export interface UsedCoupon extends CouponTerms {
  name: Text
  back_at: string | null
}

/** What an offer takes off a basket, or that it pays the delivery. */
export interface OfferTaken {
  promotion_id: string
  name: Text
  amount: Money
  free_delivery: boolean
  /** It counts by a coupon. */
  coupon: boolean
  coupon_terms: CouponTerms | null
  /** Lost when the units that earned it are given back. */
  clawback: boolean
}

/** A product's lowest price of one unit with the offers that count for anybody, what that costs without, and up to three
 * promotions: those that count for one unit (`alone`) first. `skus` are the variants that cost less. */
export interface ProductOffer {
  product_code: string
  price: Money
  net: Money
  tags: { promotion_id: string; name: Text; alone: boolean }[]
  skus: { sku_id: string; price: Money; net: Money }[]
}

export type OfferKind = "percent_off" | "amount_off" | "fixed_price" | "threshold" | "every_nth" | "buy_get" | "bundle" | "free_delivery"

/** A coupon of the member's. `until` is null as long as its promotion lasts. */
export interface Coupon extends CouponTerms {
  id: string
  name: Text
  kind: OfferKind
  state: "usable" | "used" | "ended"
  from_at: string
  until: string | null
  order_no: string | null
  /** The place where it was got, in the words of whoever hung the code there. */
  touchpoint: string | null
  /** When it last came back from an order. */
  back_at: string | null
}

/** Coupons that can be had. `left` is null without a number; `mine` are those the visitor has had. */
export interface CouponOnOffer {
  batch_id: string
  name: Text
  kind: OfferKind
  until: string | null
  valid_days: number | null
  left: number | null
  mine: number
  member_max: number
}

/** So much more of an offer's articles, and it counts or counts for more; `saves` is null when it pays the delivery. */
export interface OfferHint {
  promotion_id: string
  name: Text
  missing: Money | null
  missing_units: number | null
  saves: Money | null
}

export interface BasketOffers {
  applied: OfferTaken[]
  hints: OfferHint[]
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
  /** What it costs after offers. */
  net: Money
  offers: OfferShare[]
  method: Method
  store: StoreCard | null
  available: number
  ok: boolean
  /** Units kept for the member in shops that serve this line. */
  kept: { store: StoreCard; units: number; until: string }[]
  /** Put in by an offer, behind what was wished for; it costs nothing. */
  gift: boolean
}

/** What the buyer says to a gift: so many of this article, or none. */
export interface GiftWord {
  promotion_id: string
  sku_id: string | null
  quantity: number
}

export interface GiftOption {
  sku_id: string
  sku_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  available: number
}

/** A gift that is due: `quantity` of `sku_id` are in the basket, fewer than `due` when it is `short`. */
export interface Gift {
  promotion_id: string
  name: Text
  due: number
  quantity: number
  sku_id: string | null
  short: boolean
  declined: boolean
  clawback: boolean
  options: GiftOption[]
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
  /** The buyer stands in the shop and waits: promised in minutes. */
  in_shop: boolean
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
  offers: BasketOffers
  gifts: Gift[]
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
  /** The shop in which the buyer stands (scan-and-go). */
  in_shop?: string
  /** The gifts that the buyer has seen, with what they say to each. */
  gifts?: GiftWord[]
}

export interface ScannedArticle {
  sku_id: string
  sku_code: string
  product_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  /** The shop's; null where it is not sold. */
  price: Money | null
  /** What the shop has; null while it is not known which shop this is. */
  available: number | null
}

/** What a scan in a shop means. */
export interface Scanned {
  kind: "article" | "product" | "shop" | "unknown"
  store: StoreCard | null
  /** Open now, and lets collect. */
  open: boolean
  product_code: string | null
  article: ScannedArticle | null
}

export type OrderState =
  | "awaiting_payment"
  | "booked"
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

export type OrderAction = "pay" | "cancel" | "show_code" | "answer" | "pay_balance" | "show_preorder_code"

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
  /** Of those handed over, brought back to a shop. */
  returned: number
  unit_price: Money
  amount: Money
  /** What it costs after offers. */
  net: Money
  offers: OfferShare[]
  method: Method
  store_code: string | null
  /** It came with what was bought and costs nothing. */
  gift: boolean
}

/** What a location does: hand over, send to the buyer, or send to the shop where the buyer collects. */
export type FulfilmentKind = "pickup" | "ship" | "transfer"

export interface Fulfilment {
  id: string
  kind: FulfilmentKind
  state: FulfilmentState
  /** Its buyer waits for it in the shop. */
  in_shop: boolean
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

export type ReturnReason = "changed_mind" | "faulty" | "wrong_article" | "other"
export type Condition = "sellable" | "damaged"

/** What was brought back to a shop. `kept` of what it cost for lost offers; below nothing, what was kept went back too. */
export interface OrderReturn {
  id: string
  at: string
  store: StoreCard
  reason: ReturnReason
  note: string
  lines: { line_id: string; quantity: number; condition: Condition }[]
  refund: Money
  kept: Money
  ways: { tender: string; amount: Money; state: "requested" | "done" | "failed" }[]
}

export type CancelTerms = "until_balance" | "never"
export type UnpaidTerms = "kept" | "given_back"
export type PreorderStep = "deposit" | "booked" | "balance" | "paid" | "ended"

/** The terms of a pre-order, and which step of it is next. */
export interface Preorder {
  presale_id: string
  step: PreorderStep
  deposit: Money
  balance: Money
  balance_from: string
  balance_until: string
  balance_open: boolean
  expected_on: string
  cancel_terms: CancelTerms
  unpaid_terms: UnpaidTerms
  keeps_if_cancelled: boolean
  way: Method
  store: StoreCard | null
  redeemed_at: string | null
}

/** A pre-sale that is open or begins later; amounts of a unit. `left` null as long as there are plenty. */
export interface Presale {
  id: string
  version: number
  name: Text
  product_code: string
  product_name: Text
  sku_id: string
  image: Image | null
  price: Money
  deposit: Money
  balance: Money
  begun: boolean
  deposit_from: string
  deposit_until: string
  balance_from: string
  balance_until: string
  expected_on: string
  left: number | null
  member_max: number
  delivery: boolean
  pickup: "none" | "all" | "chosen"
  store_codes: string[]
  cancel_terms: CancelTerms
  unpaid_terms: UnpaidTerms
  may_keep: boolean
}

/** How the goods of a pre-order are to be had. */
export interface WayInput {
  method: Method
  contact: { name: string; phone: string }
  store_code?: string
  address_id?: string
}

/** What is shown at a till to pay the balance there. */
export interface PreorderCode {
  qr: string
  digits: string
  svg: string
}

/** What a pre-order's code opens at a till; `problem` says why it cannot be taken now. */
export interface PreorderAtTill {
  id: string
  order_no: string
  state: OrderState
  step: PreorderStep
  customer_name: string
  phone_masked: string
  lines: OrderLine[]
  total: Money
  deposit: Money
  balance: Money
  balance_from: string
  balance_until: string
  expected_on: string
  unpaid_terms: UnpaidTerms
  method: Method
  store: StoreCard | null
  in_stock: number
  problem: string | null
}

export interface Order {
  id: string
  order_no: string
  channel: string
  state: OrderState
  pay_mode: PayMode
  pay_state: "unpaid" | "deposit_paid" | "paid" | "partly_refunded" | "refunded"
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
  /** What of a pre-order's deposit was kept. */
  forfeited: Money
  preorder: Preorder | null
  lines: OrderLine[]
  fulfilments: Fulfilment[]
  timeline: TimelineEvent[]
  actions: OrderAction[]
  note: string
  /** Units that no shop could serve and that the member has to decide about. */
  waiting: { line_id: string; quantity: number }[]
  /** Units of a delivery that shops could not serve and that a person of ours looks after. */
  frozen: { line_id: string; quantity: number }[]
  /** What was brought back, the oldest first. */
  returns: OrderReturn[]
  coupons: UsedCoupon[]
}

/** A line of a receipt: what may come back of it by choice (`left`) and when it is faulty or wrong (`left_ours`). */
export interface ReturnableLine {
  line_id: string
  sku_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  unit_price: Money
  amount: Money
  net: Money
  offers: OfferShare[]
  gift: boolean
  sold: number
  returned: number
  left: number
  left_ours: number
  until: string | null
  excluded: boolean
}

/** What this shop may take back of an order. */
export interface Returnable {
  order_id: string
  order_no: string
  channel: string
  placed_at: string
  phone_masked: string
  sold_at: StoreCard[]
  delivered: boolean
  offered: boolean
  days: number
  faulty_days: number
  lines: ReturnableLine[]
}

export interface ReturnWay {
  tender: string
  amount: Money
}

/** What goes back, how, and what is kept of it because an offer's threshold is lost. */
export interface ReturnQuote {
  refund: Money
  kept: Money
  gifts: GiftKept[]
  coupons: CouponFate[]
  ways: ReturnWay[]
}

export interface ReturnDone {
  refund: Money
  ways: ReturnWay[]
  receipt: Returnable
}

/** What cancelling would give back, and what is kept of it because an offer's threshold is lost. */
export interface CancelQuote {
  refund: Money
  kept: Money
  coupons: CouponFate[]
  /** What of a pre-order's deposit would be kept. */
  forfeited: Money
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
  /** What the units cost together after offers. */
  net: Money
}

export interface Card {
  id: string
  order_id: string
  order_no: string
  kind: FulfilmentKind
  state: FulfilmentState
  /** The customer stands in the shop and waits for it. */
  in_shop: boolean
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

/** A sale over the counter, the change to give back, and the order's number as a picture (SVG) for the receipt. */
export interface SaleResult {
  order: Order
  change: Money
}

/** A part of what is to be paid at a till. `asked` while the provider has not said how it ended. */
export interface TillTender {
  id: string
  tender: "cash" | "code" | "points" | "wallet"
  amount: Money
  state: "open" | "asked" | "paid"
}

/** A sale that waits for its money, or waited; the change once its cash was taken. */
export interface TillOrder {
  id: string
  order: Order
  store_code: string
  tenders: TillTender[]
  paid: Money
  open: Money
  pay_by_at: string | null
  change: Money | null
}

/** Cash that somebody put into a drawer or took out of it, and why. */
export interface HandPayment {
  id: string
  kind: "paid_in" | "paid_out"
  amount: Money
  reason: string
  at: string
  by: string
}

/** A drawer from its float to its count. What should be in it is null while it is open and counted blind. */
export interface DrawerSession {
  id: string
  store_code: string
  drawer: string
  by_itself: boolean
  float: Money
  opened_at: string
  opened_by: string
  sales: number
  collections: number
  refunds: number
  taken: Money | null
  given_back: Money | null
  paid_in: Money
  paid_out: Money
  payments: HandPayment[]
  expected: Money | null
  closed_at: string | null
  closed_by: string | null
  counted: Money | null
  difference: Money | null
  note: string
}

/** A basket that a till put aside. */
export interface ParkedSale {
  id: string
  lines: { sku_id: string; quantity: number; name: Text; image: Image | null }[]
  units: number
  coupons: number
  phone: string
  note: string
  parked_at: string
  parked_by: string
  ends_at: string
}

/** What an order took by one tender; what came back of it went the same way: arrived, and on its way. */
export interface PaidWay {
  tender: string
  paid: Money
  back: Money
  coming: Money
}

/** The receipt of a sale over the counter, without anybody's name. */
export interface SaleReceipt {
  order_no: string
  store_name: Text
  store_address: Text
  store_phone: string
  timezone: string
  sold_at: string
  lines: { name: Text; options: OptionText[]; quantity: number; unit_price: Money; amount: Money; net: Money; offers: OfferShare[] }[]
  subtotal: Money
  discount: Money
  total: Money
  refunded: Money
  paid: { tender: string; amount: Money }[]
  phone_masked: string
}

/** A sale of this shop in the clerk's list. */
export interface SoldRow {
  id: string
  order_no: string
  sold_at: string
  units: number
  total: Money
  refunded: Money
  first: Text
  phone_masked: string
  seller: string
}

/** A sale of this shop, its receipt, and the code that opens it on the customer's phone until `until`. */
export interface SaleCase {
  id: string
  receipt: SaleReceipt
  seller: string
  code: { url: string; svg: string; until: string } | null
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
  product_code: string
  gtin: string | null
  name: Text
  options: OptionText[]
  image: Image | null
  /** Null while the article has no price here. */
  price: Money | null
  /** False for what this shop may not sell; it can be sent home. */
  sold_here: boolean
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
  kind: "stores" | "products" | "prices" | "stock" | "members" | "orders" | "signups"
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

/** What a basket costs at a till now. */
export interface TillQuote {
  lines: { sku_id: string; quantity: number; unit_price: Money; amount: Money; net: Money; offers: OfferShare[]; gift: boolean }[]
  gifts: Gift[]
  subtotal: Money
  discount: Money
  total: Money
  offers: BasketOffers
  /** The coupons on paper that were shown, with the promotion that counts by each; null while it makes no difference. */
  coupons: { code: string; name: Text | null }[]
  /** What the member whose card was just shown may pay in points; none when `most` is 0. */
  points: { most: number; worth: Money; least: number; worth_of_100: Money } | null
  /** And from their wallet. */
  wallet: { most: Money; balance: Money } | null
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
    net: Money
    available: number
    problem: string | null
    gift: boolean
  }[]
  gifts: Gift[]
  subtotal: Money
  delivery_fee: Money
  discount: Money
  total: Money
  offers: BasketOffers
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
  lines: { sku_id: string; name: Text; options: OptionText[]; image: Image | null; quantity: number; amount: Money; net: Money }[]
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
  lines: { name: Text; options: OptionText[]; image: Image | null; quantity: number; amount: Money; net: Money }[]
  store: StoreCard
  place: string
  phone_masked: string
}

export interface MemberCard {
  number: string
  /** The picture of the card says `prefix`, a full stop and the code of the step that holds now. */
  prefix: string
  /** The server's clock, because phones' clocks are wrong by minutes. */
  now: string
  starts_at: string
  step_seconds: number
  codes: string[]
}

export interface Tier {
  code: string
  name: Text
  starts_from: Money
  /** Hundredths of the points that everybody earns. */
  points_percent: number
}

export interface TierStanding {
  tier: Tier
  tiers: Tier[]
  spent: Money
  window_days: number
  next: Tier | null
  missing: Money | null
  keeps_until: string | null
  lapses_at: string | null
  /** The last tiers, the newest first. */
  history: { tier: Text; at: string; because: "joined" | "reached" | "lapsed" | "set" | "rules" | "merged" | "separated" }[]
}

export interface PointsBalance {
  spendable: number
  worth: Money
  pending: number
  owed: number
  ending: { points: number; at: string } | null
  points_per_100: number
  worth_of_100: Money
  cap_percent: number
}

export interface Membership {
  standing: TierStanding
  points: PointsBalance
  /** All that is in the wallet. */
  wallet: Money
  /** How many can be used. */
  coupons: number
}

export interface PointsLine {
  id: string
  at: string
  kind: string
  points: number
  pending: number
  order_id: string | null
  order_no: string | null
  reason: string
}

export interface UsablePoints {
  most: number
  least: number
  spendable: number
  worth_of_100: Money
  worth: Money
}

/** A member's wallet: all of it, what was paid in, what was given on top and ends next. */
export interface Wallet {
  balance: Money
  principal: Money
  bonus: Money
  ending: { amount: Money; at: string } | null
  offers: TopUpOffer[]
  least: Money
  limit: Money
  /** Of what may be topped up within 24 hours, so much is left. */
  day_limit: Money
  day_left: Money
  /** What the wallet takes, bonus included. */
  room: Money
  top_ups: boolean
}
export interface TopUpOffer {
  amount: Money
  bonus: Money
}
/** A movement of a wallet, below zero when it left. */
export interface WalletLine {
  id: string
  at: string
  kind: string
  principal: Money
  bonus: Money
  order_id: string | null
  order_no: string | null
  reason: string
}
export interface TopUp {
  id: string
  amount: Money
  bonus: Money
  state: "open" | "paid" | "closed"
  pay_url: string | null
  expires_at: string | null
}
export interface UsableWallet {
  most: Money
  balance: Money
}
/** What a till may take now for the wallet of a card's member. */
export interface TopUpRules {
  offers: TopUpOffer[]
  least: Money
  limit: Money
  day_limit: Money
  day_left: Money
  room: Money
  top_ups: boolean
}
/** A top-up at a till; `asked` while the provider has not said how it ended. */
export interface TillTopUp {
  id: string
  member_name: string
  phone_masked: string | null
  amount: Money
  bonus: Money
  tender: "cash" | "code"
  state: "open" | "asked" | "paid" | "closed"
  expires_at: string | null
  balance: Money | null
  change: Money | null
}

/** Whose card a till has read; `card` goes into the sale. */
/** By what a till knows a card again without a network; steps are counted from 1970. */
export interface CardChecks {
  number: string
  starts_at: string
  step_seconds: number
  values: number[]
}
export interface CardHolder {
  card: string
  /** Until then a sale with it is the member's. */
  until: string
  checks: CardChecks | null
  display_name: string
  phone_masked: string | null
  tier: Text
  points: number
  wallet: Money
}

// ---- privacy ----

export interface PrivacyPurpose {
  purpose: "service" | "marketing" | "profiling" | "location" | "sharing"
  version: number
  title: Text
  body: Text
  /** Being a member is this: ended by deleting the account. */
  needed: boolean
  granted: boolean
  since: string | null
  asks_again: boolean
}
export interface Privacy {
  purposes: PrivacyPurpose[]
  kept: { kind: string; entries: number }[]
}
export interface Said {
  id: string
  purpose: PrivacyPurpose["purpose"]
  granted: boolean
  text_version: number
  channel: string
  at: string
}

/** My whole number was shown: to my guide for a call, with an export by headquarters, or to another system. */
export interface NumberView {
  id: string
  what: "call" | "export" | "told"
  by: string
  shop: Text | null
  at: string
}

// ---- guides and sharing ----

export interface GuideCard {
  /** null: the shop itself looks after the member. */
  name: string | null
  store_code: string
  store_name: Text
}
export interface GuideOffer {
  code: string
  guide: GuideCard
  outcome: "binds" | "same" | "replaces" | "keeps"
  current: GuideCard | null
  until: string | null
  known: boolean
  protect_days: number
  expires_days: number
  /** For the member's first guide ever. */
  points: number
  credited: boolean
}
export type BindingSource = "scan" | "invitation" | "till" | "import" | "transfer" | "dispute"
export interface MyBinding {
  id: string
  guide: GuideCard
  source: BindingSource
  from_at: string
  until_at: string | null
  expires_at: string | null
  ended_because: "member" | "replaced" | "expired" | "transferred" | "dispute" | "guide_left" | null
}
/** A guide at the counter asks; where the outcome is `keeps`, a yes is refused unless the present one is ended first. */
export interface GuideAsk {
  id: string
  guide: GuideCard
  expires_at: string
  outcome: GuideOffer["outcome"]
  until: string | null
}
export interface MyGuide {
  binding: MyBinding | null
  asks: GuideAsk[]
  past: MyBinding[]
}
export interface ShareBody {
  kind: "product" | "outfit" | "coupon"
  name: string
  note: string
}
/** What one puts together: a product of an outfit, and the variant one has in mind. */
export interface PieceBody {
  product_code: string
  sku_id: string | null
}
export interface OutfitBody {
  name: string
  note: string
  pieces: PieceBody[]
}
/** An outfit as its maker sees it. A piece without a name is not sold any more. */
export interface Outfit {
  id: string
  name: string
  note: string
  made_at: string
  ended_at: string | null
  pieces: { product_code: string; sku_id: string | null; name: Text | null; image: Image | null }[]
}
export interface MadeOutfit {
  outfit: Outfit
  share: Share
}
export interface OutfitPiece {
  sku_id: string | null
  page: ProductPage
}
/** An outfit as everybody sees it; so many of it are `gone`. */
export interface OutfitPage {
  id: string
  name: string
  note: string
  by: string
  made_at: string
  mine: boolean
  gone: number
  pieces: OutfitPiece[]
}
export interface Share {
  id: string
  code: string
  url: string
  kind: "product" | "outfit" | "coupon"
  target?: string
  title: Text
  note: string
  shared_at: string
  ended_at?: string | null
  clicks: number
  sign_ups: number
  orders: number
  sales: Money
  /** Its QR, where it was just made. */
  svg?: string | null
}
export interface GuideCode {
  code: string
  url: string
  svg: string
  name: string
  store_name: Text
  scans: number
  members: number
}
export interface GuideMember {
  id: string
  name: string
  phone_masked: string | null
  /** False in a franchisee's shop for a member who did not agree to sharing: no name, no number. */
  shared: boolean
  source: BindingSource
  since: string
  expires_at: string | null
  last_order_at: string | null
  orders: number
  /** By which they are asked about; `id` is that of the binding. */
  member_id: string
  tier: Text | null
  /** When they ordered by this shop last. */
  last_here_at: string | null
}
export type TaskHow = "called" | "written" | "met" | "skipped"
export interface GuideTask {
  member_id: string
  kind: "pickup" | "balance" | "welcome" | "after_sale" | "coupon" | "points" | "quiet"
  /** The order, coupon or binding that it is about. */
  ref: string
  name: string
  phone_masked: string | null
  shared: boolean
  since: string
  until: string | null
  about: TaskAbout
}
/** What a task is about, as far as the guide may be told. */
export interface TaskAbout {
  order_no: string | null
  article: Text | null
  image: Image | null
  /** In all, of which `article` is one. */
  units: number | null
  coupon: Text | null
  points: number | null
}
/** What a shop knows of a member; `member_id`, `tasks` and `done` are there when they are mine. */
export interface MemberSheet {
  member_id: string | null
  /** Without names where another company's guide looks after them. */
  guide: { mine: boolean; name: string | null; store_name: Text | null } | null
  orders: number
  last_at: string | null
  pickups: { fulfilment_id: string; order_no: string; state: string; units: number; keep_until: string | null }[]
  tasks: GuideTask[]
  done: { kind: GuideTask["kind"]; how: TaskHow; note: string; done_at: string }[]
}
export interface GuideMemberSheet {
  name: string
  phone_masked: string | null
  shared: boolean
  tier: Text | null
  source: BindingSource
  since: string
  expires_at: string | null
  sheet: MemberSheet
}
/** Articles of a shop to show a member together; `personal`: what they like and bought was looked at, as they agreed. */
export interface Look {
  pieces: { product_code: string; sku_id: string; name: Text; image: Image | null; available: number; why: "liked" | "goes_with" | "new" }[]
  personal: boolean
}
/** What tasks of a kind led to in ninety days. */
export interface TaskResult {
  kind: GuideTask["kind"]
  done: number
  skipped: number
  orders: number
  sales: Money
}
export interface PerformanceSpan {
  clicks: number
  sign_ups: number
  orders: number
  sales: Money
  new_members: number
  member_orders: number
  member_sales: Money
}
export interface Performance {
  members: number
  lately: PerformanceSpan
  ever: PerformanceSpan
}

/** What I earned: not mine yet, mine and not paid (below zero: carried against what comes), on its way, had. */
export interface Earnings {
  pending: Money
  due: Money
  paying: Money
  paid: Money
  reversed: Money
  orders: number
  months: { month: string; earned: Money; paid: Money }[]
}
/**
 * One share of an order line; `rate_bp` in hundredths of a percent of `basis`. Whose order it was is not told. Of
 * `reversed`, all that was ever taken back, `went` says why.
 */
export interface EarnedShare {
  id: string
  at: string
  order_tail: string | null
  article: Text | null
  role: string
  rate_bp: number
  basis: Money
  earned: Money
  reversed: Money
  went: "cancelled" | "returned" | "corrected" | null
  state: "pending" | "matured"
  matures_at: string | null
  month: string | null
  flag: "self" | "phone" | "device" | "address" | "payer" | "circle" | null
}
/** What of a statement came from one share, as it is by now. */
export interface StatedShare {
  amount: Money
  share: EarnedShare
}
/** An account at a payment provider, or at a bank as provider `bank`; of `receiver` only an end is told. */
export interface PaidToAccount {
  provider: string
  receiver: string
  holder: string
  bank: string
  branch: string
  owner: "" | "person" | "company"
  /** It looks like a card, and its check digit is wrong. */
  doubtful: boolean
  at: string
}
/** Where somebody is paid: their one account, or none yet; `provider` is where one can be entered, null where only a bank account can. */
export interface PaidTo {
  account: PaidToAccount | null
  provider: string | null
}
export interface MyStatement {
  id: string
  month: string
  state: "closed" | "approved" | "paying" | "paid" | "carried"
  carried_in: Money
  earned: Money
  reversed: Money
  cut: Money
  to_pay: Money
  withheld: Money
  carried_out: Money
  closed_at: string
  notes: { kind: "dispute" | "answer"; note: string; at: string }[]
}
