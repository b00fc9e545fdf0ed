/** The shapes of the console's part of the API (/api/console), where `@duoline/client` does not have them. */
import type {
  CancelTerms,
  Decision,
  Image,
  Money,
  OptionText,
  Order,
  Page,
  PaidTo,
  PayMode,
  Span,
  StoreCard,
  Text,
  UnpaidTerms,
} from "@duoline/client"

// ---- today ----

export interface HourPoint {
  hour: number
  sales_minor: number
  orders: number
}

export interface StoreDay {
  store: StoreCard
  orders: number
  sales: Money
  units: number
  to_pick: number
  ready: number
  late: number
  rejected: number
}

export interface Today {
  on: string
  at: string
  totals: { orders: number; units: number; sales: Money; to_pick: number; ready: number; late: number }
  by_channel: { line: "shop" | "online"; series: HourPoint[]; last_week: HourPoint[] }[]
  by_store: StoreDay[]
  attention: { kind: string; count: number; link: string }[]
}

// ---- stock from above ----

/** Units by status and by age; each of the two adds up to `on_hand`. */
export interface StockSums {
  shelves: number
  on_hand: number
  value: Money
  free: number
  held: number
  held_orders: number
  held_transfers: number
  held_favourites: number
  held_by_hand: number
  safety: number
  in_transit: number
  age_30: number
  age_90: number
  age_180: number
  age_older: number
  age_unknown: number
}

export interface StockGroup extends StockSums {
  code: string
  name: Text
  /** Only the shops that stand in the region itself. */
  direct: boolean
  /** There are regions below it. */
  divides: boolean
}

export interface StockOverview extends Page<StockGroup> {
  totals: StockSums
  as_of: string | null
  pending: number
  path: { code: string; name: Text }[]
}

export type AlertKind = "missing" | "stale_hold" | "rejects"

export interface StockAlert {
  kind: AlertKind
  store_code: string
  store_name: Text
  at: string
  since: string | null
  units: number
  out_of: number | null
  articles: (SkuHead & { units: number })[]
  articles_total: number
  hold_id: string | null
  ref_kind: string | null
  ref_id: string | null
  ref_no: string | null
  ends_at: string | null
  past_end: boolean
}

export interface StockAlerts extends Page<StockAlert> {
  counts: Record<AlertKind, number>
}

// ---- orders ----

/** An order in a list. `state` is the stored one: what is confirmed may be preparing, ready or on its way. */
export interface OrderRow {
  id: string
  order_no: string
  channel: string
  state: string
  /** As on the order's own page: preparing, ready, on its way, waiting for an answer. */
  visible: string
  pay_mode: PayMode | "till"
  pay_state: Order["pay_state"]
  placed_at: string
  total: Money
  units: number
  customer_name: string
  phone_masked: string
  /** False for a franchisee when the buyer did not agree to sharing and nothing is left to hand over. */
  shared: boolean
  store_codes: string[]
}

export interface Journal {
  at: string
  kind: string
  actor: string
  reason: string
  entries: { debit: string; credit: string; amount: Money }[]
}

export interface Refund {
  id: string
  amount_minor: number
  currency: string
  state: "requested" | "done" | "failed"
  reason: string
  problem: string | null
  created_at: string
  resolved_at: string | null
}

export interface Payment {
  intent_id: string
  provider: string
  state: "open" | "captured" | "closed"
  amount: Money
  captured_at: string | null
  tender: string | null
  refunds: Refund[]
}

export interface OrderHold {
  location_code: string
  sku_code: string
  quantity: number
  state: "open" | "taken" | "released" | "expired"
  created_at: string
  resolved_at: string | null
}

export interface OrderAudit {
  at: string
  actor: string
  action: string
  reason: string
  before: unknown
  after: unknown
}

export interface OrderView extends Omit<Order, "pay_mode"> {
  pay_mode: PayMode | "till"
  note: string
  /** Units that no shop serves: the member is asked about them. */
  waiting: { line_id: string; quantity: number }[]
}

/** `load` is how many orders the place had to pick at that moment. */
/** With `whole` false, only what one's own shops serve of it. */
export interface OrderCase {
  whole: boolean
  /** As in a row: whether the case tells whom it is for. */
  shared: boolean
  order: OrderView
  /** The shop and the clerk who made it for a customer. */
  sold: { store_code: string; store_name: Text; by: string } | null
  /** `page` is who they are now, where the reader may open it. */
  member: { id: string; kind: string; name: string; phone_masked: string | null; page: string | null }
  journals: Journal[]
  payments: Payment[]
  holds: OrderHold[]
  /** The transfers in which units travel to the shop where they are collected. */
  transfers: { id: string; fulfilment_id: string; number: string; state: string; expected_at: string | null }[]
  sourcing: (Omit<Decision, "policy_version"> & { policy_version: number; cost_minor: number })[]
  audit: OrderAudit[]
}

// ---- stock ----

export interface SkuHead {
  sku_id: string
  sku_code: string
  product_code: string
  gtin: string | null
  name: Text
  options: OptionText[]
  image: Image | null
}

export interface StockRow extends SkuHead {
  store_code: string
  store_name: Text
  on_hand: number
  held: number
  safety: number
  available: number
  on_the_way: number
  shelf: string | null
}

/** What channels promise besides the shop itself. */
export type BufferChannel = "mall" | "open_api"

/** `buffers` are units that channels have to leave; `sendable` may leave the shop now. */
export interface Level {
  store_code: string
  store_name: Text
  kind: "store" | "dc"
  on_hand: number
  held: number
  safety: number
  available: number
  /** Sent from elsewhere and not there yet; not part of what is on hand. */
  on_the_way: number
  buffers: Partial<Record<BufferChannel, number>>
  sendable: number
  shelf: string | null
}

/** `quantity` is signed from the shop; `other` is a shop's code or one of the ends that are no shops: supplier, customer, … */
export interface Movement {
  at: string
  store_code: string
  other: string
  quantity: number
  on_hand_after: number | null
  reason: string
  ref_kind: string
  ref_id: string
  actor: string
  note: string
}

export interface StockHold {
  id: string
  store_code: string
  quantity: number
  state: "open" | "taken" | "released" | "expired"
  ref_kind: string
  ref_id: string
  expires_at: string | null
  created_at: string
  note: string
}

export interface StockCase {
  sku: SkuHead
  levels: Level[]
  movements: Movement[]
  holds: StockHold[]
}

// ---- goods ----

export type Publication = "draft" | "published" | "withdrawn"
export interface Completeness {
  score: number
  missing: string[]
}
export type Ready = Record<"mall" | "till" | "agent", Completeness>

export interface ProductRow {
  id: string
  code: string
  name: Text
  brand: Text | null
  category: Text
  image: Image | null
  sku_count: number
  state: Publication
  completeness: Ready
  updated_at: string
}

export interface Option {
  key: string
  name: Text
  values: { key: string; name: Text }[]
}

export interface SkuRow {
  id: string
  code: string
  /** For each option key the key of its value. */
  options: Record<string, string>
  gtins: string[]
  unit: string
  weight_g: number
  position: number
  state: "active" | "withdrawn"
  image_sha: string | null
}

export interface ProductCase {
  id: string
  code: string
  name: Text
  brand_code: string | null
  category_code: string
  description: Text
  attributes: { name: Text; value: Text }[]
  options: Option[]
  images: Image[]
  skus: SkuRow[]
  state: Publication
  published_at: string | null
  completeness: Ready
  version: number
  updated_at: string
}

export interface Brand {
  id: string
  code: string
  name: Text
  product_count: number
}

export interface CategoryRow {
  id: string
  code: string
  name: Text
  parent_code: string | null
  position: number
  image_sha: string | null
  product_count: number
}

// ---- prices ----

export interface PriceRow {
  id: string
  sku_id: string
  scope: "chain" | "region" | "store"
  scope_code: string | null
  channel: string
  /** The tier of members whose price it is; empty for everybody's. */
  tier: string
  price: Money
  valid_from: string
  valid_until: string | null
  in_force: boolean
  /** Whether whoever asks may end it: by contract a shop's are its company's or the chain's. */
  may_end: boolean
  reason: string
  created_at: string
}

/** A shop of one's own and whose its prices are by contract now; between which amounts, null for no limit. */
export interface PriceShop {
  store_code: string
  store_name: Text
  set_by: "company" | "chain"
  may_set: boolean
  least: Money | null
  most: Money | null
}

/** A price that is not the chain's for all channels. */
export interface PriceException {
  id: string
  sku_code: string
  product_code: string
  name: Text
  options: { name: Text; value: Text }[]
  scope: "chain" | "region" | "store"
  scope_code: string | null
  scope_name: Text | null
  channel: string
  tier: string
  price: Money
  chain_price: Money | null
  valid_from: string
  valid_until: string | null
  state: "now" | "later" | "past"
  reason: string
  set_by: string | null
}

// ---- promotions ----

export type OfferKind = "percent_off" | "amount_off" | "fixed_price" | "threshold" | "every_nth" | "buy_get" | "bundle" | "free_delivery"
export type OfferState = "live" | "coming" | "over"

export interface Named {
  code: string
  name: Text
}

/** What shops may sell: `only` in its places, or `never` in them. */
export interface Assortment {
  id: string
  version: number
  state: OfferState
  name: Text
  kind: "only" | "never"
  products: Named[]
  categories: Named[]
  brands: Named[]
  stores: Named[]
  regions: Named[]
  from_at: string
  until_at: string | null
  by: string | null
  reason: string
  updated_at: string
}

export interface AssortmentEffect {
  products: number
  places: number
  barred_shops: number
  units_there: number
}

export interface Unlisted {
  product_code: string
  name: Text
  because: Text[]
  units: number
}

/** Articles by code and name; nothing named is everything. */
export interface NamedGoods {
  skus: Named[]
  products: Named[]
  categories: Named[]
  brands: Named[]
}

export interface OfferStep {
  from_minor: number | null
  from_units: number | null
  off_minor: number | null
  off_bp: number | null
}

/** What comes off, with the articles it names as `G`: with their names when it is read, by code alone when it is sent. */
export type OfferEffect<G = NamedGoods> =
  | { type: "percent_off"; off_bp: number }
  | { type: "amount_off"; off_minor: number; each: boolean }
  | { type: "fixed_price"; price_minor: number }
  | { type: "threshold"; steps: OfferStep[]; times: number; before: boolean }
  | { type: "every_nth"; n: number; units: number; off_bp: number; times: number }
  | { type: "buy_get"; buy_units: number; get: G; get_units: number; off_bp: number; times: number; gift: boolean }
  | { type: "bundle"; parts: { of: G; units: number }[]; price_minor: number; times: number }
  | { type: "free_delivery"; from_minor: number; before: boolean }

export type OfferChannel = "mall" | "till" | "open_api"
export type OfferMethod = "pickup" | "delivery" | "till"

/** Where, how and when it counts, with shops and regions as `N`; Monday is 0, minutes are of the shop's day. */
export interface OfferWhen<N = Named> {
  channels: OfferChannel[]
  methods: OfferMethod[]
  stores: N[]
  regions: N[]
  weekdays: number[]
  from_minute: number
  until_minute: number
  /** Codes of tiers; none is for everybody. */
  tiers: string[]
  first_order: boolean
  /** Only for a buyer who has a coupon for it. */
  coupon: boolean
}

/** A version of a promotion; `by` is null for what no person has written. */
export interface Promotion {
  id: string
  version: number
  state: OfferState
  kind: OfferKind
  name: Text
  from_at: string
  until_at: string | null
  of: NamedGoods
  without: NamedGoods | null
  when: OfferWhen
  effect: OfferEffect
  priority: number
  group: string
  exclusive: boolean
  /** A threshold is asked again when units are given back. */
  clawback: boolean
  budget_minor: number | null
  orders_max: number | null
  member_orders_max: number | null
  by: string | null
  reason: string
  written_at: string
}

/** What a promotion has taken off so far, by day, with its limits. */
export interface PromotionTakings {
  amount: Money
  orders: number
  budget: Money | null
  orders_max: number | null
  days: { on: string; amount: Money; orders: number }[]
}

export interface PromotionCase {
  promotion: Promotion
  versions: Promotion[]
}

export type CouponWay = "claim" | "code" | "touchpoint" | "print" | "given"

/** A batch of coupons of a promotion, with how far it has got. */
export interface CouponBatch {
  batch_id: string
  promotion_id: string
  name: Text
  way: CouponWay
  code_tail: string
  touchpoint: string | null
  state: "coming" | "open" | "over"
  from_at: string
  until_at: string | null
  valid_days: number | null
  issued: number
  issued_max: number | null
  member_max: number
  returned: "never" | "whole"
  grace_days: number
  used: number
  back: number
  void: number
  taken: Money
  opened_by: string | null
}

/** `url` is what the QR of a place says, `picture` the QR itself: told once. */
export interface CouponsOpened {
  batch: CouponBatch
  url: string | null
  picture: string | null
}

export interface PromotionBar {
  id: string
  name: Text
  kind: OfferKind
  state: OfferState
  from_at: string
  until_at: string | null
}

export interface PromotionPreview {
  problems: { field: string; reason: Text }[]
  articles: number
  products: number
  examples: Named[]
  overlaps: {
    id: string
    name: Text
    kind: OfferKind
    from_at: string
    until_at: string | null
    relation: "adds_up" | "competes" | "excludes"
    group: string
    shared: number
    examples: Named[]
  }[]
}

export interface TrialOffer {
  id: string
  name: Text
  draft: boolean
}

export interface TrialShare {
  offer: TrialOffer
  amount: Money
}

/** A basket under what is in force, and under a draft if one was sent. */
export interface TrialResult {
  at: string
  lines: {
    sku_code: string
    product_code: string
    name: Text
    options: { name: Text; value: Text }[]
    quantity: number
    unit_price: Money
    gross: Money
    shares: TrialShare[]
    net: Money
  }[]
  gross: Money
  discount: Money
  delivery_fee: Money | null
  total: Money
  applied: TrialShare[]
  free_delivery: TrialOffer | null
  gifts: { offer: TrialOffer; units: number; choices: Named[] }[]
  hints: { offer: TrialOffer; missing: Money | null; missing_units: number | null; saves: Money | null }[]
  left_out: { offer: TrialOffer; why: Text }[]
}

// ---- shops ----

export interface Region {
  id: string
  code: string
  name: Text
  parent_code: string | null
  store_count: number
}

export interface Company {
  id: string
  code: string
  name: Text
  kind: "headquarters" | "franchisee"
  store_count: number
}

export interface HourException {
  on: string
  spans: Span[]
  reason: Text
}

/** What may leave a shop for deliveries and transfers, by contract with its owner; a unit costs `fee_minor`. */
export interface Share {
  kind: "all" | "none" | "up_to" | "all_but"
  units: number
  fee_minor: number
}

export interface Shop {
  id: string
  code: string
  kind: "store" | "dc"
  company_code: string
  company_name: Text
  region_code: string
  region_name: Text
  name: Text
  address: Text
  province: string
  city: string
  phone: string
  lat: number
  lon: number
  timezone: string
  /** Monday first. */
  week: Span[][]
  exceptions: HourException[]
  services: { pickup: boolean; ship: boolean; returns: boolean }
  share: Share
  pick_capacity_hour: number
  pickup_lead_min: number
  state: "draft" | "open" | "closed"
  opened_on: string | null
  version: number
  open_now: boolean
}

// ---- imports ----

export type ImportKind = "stores" | "products" | "prices" | "stock" | "members" | "orders" | "signups"

/** `problem` says why the file as a whole was refused. While a file is read, `rows_total` is what has been read so far. */
export interface ImportJob {
  id: string
  kind: ImportKind
  filename: string
  state: "queued" | "running" | "done" | "failed"
  dry_run: boolean
  rows_total: number | null
  rows_done: number
  rows_changed: number
  rows_same: number
  rows_bad: number
  created_at: string
  started_at: string | null
  finished_at: string | null
  by: string
  problem: string | null
}

export interface ImportColumn {
  name: string
  type: string
  zh: string
  en: string
  example: string
  required: boolean
  rule_zh: string
  rule: string
  choices: string[]
}

export interface ImportKindInfo {
  name: ImportKind
  zh: string
  en: string
  key: string[]
  note_zh: string
  note: string
  columns: ImportColumn[]
}

// ---- staff ----

export type Role = "headquarters" | "region" | "store" | "clerk" | "franchisee"
export type UnitKind = "chain" | "region" | "company" | "store"

export interface Grant {
  role: Role
  unit_kind: UnitKind
  unit_id: string
  unit_code: string | null
  unit_name: Text
}

export interface Person {
  id: string
  login: string
  name: string
  state: "active" | "left"
  locked_until: string | null
  phone_masked: string | null
  created_at: string
  grants: Grant[]
}

// ---- policies ----

export interface PolicyVersion {
  kind: string
  /** 0 is what holds until somebody decides otherwise. */
  version: number
  body: Record<string, unknown>
  active_from: string
  in_force: boolean
  pilot: boolean
}

export interface Policy {
  kind: string
  current: PolicyVersion
  schema: Record<string, unknown>
  versions: PolicyVersion[]
}

// ---- replays ----

export type ReplayState = "queued" | "running" | "done" | "failed" | "cancelled"

export interface ReplayFacts {
  id: string
  state: ReplayState
  since: string
  until: string
  terms: number
  orders_total: number | null
  orders_done: number
  by: string
  created_at: string
  started_at: string | null
  finished_at: string | null
  problem: string | null
}

export interface ReplayShop {
  store_code: string
  name: Text
  kind: string
  units: number
  parcels: number
  peak: number
  capacity: number
  busy_hours: number
  over_hours: number
}

export interface ReplayOutcome {
  orders: number
  served: number
  paid: number
  late: number
  units: number
  units_served: number
  parcels: number
  /** By the terms in force; `own_cost` by the terms that were tried. */
  cost: Money
  own_cost: Money
  fees: Money
  lost_units: number
  lost: Money
  busy_hours: number
  over_hours: number
  shops: ReplayShop[]
}

export interface ReplayTerms {
  name: "in_force" | "version" | "draft"
  version: number | null
  body: Record<string, unknown>
  outcome: ReplayOutcome | null
}

export interface ReplayCase extends ReplayFacts {
  contenders: ReplayTerms[]
  cut_at: string | null
}

// ---- audit ----

/** Money that waits for a person. A misfit has `expected`, what was asked for; a refund has `problem`. */
export interface ReplanDay {
  on: string
  orders: number
  saved: Money
}
export interface ShadowRun {
  id: string
  state: "queued" | "running" | "done" | "failed"
  asked_at: string
  finished_at: string | null
  by: string
  shelves: number | null
  programs: number | null
  by_scarcity: number | null
}
export interface FrozenRow {
  order_id: string
  order_no: string
  since_at: string
  rejections: number
  units: number
  amount: Money
  articles: Text[]
  customer_name: string
  phone_masked: string
  city: string
  store_codes: string[]
}
export interface Source {
  store_code: string
  name: Text
  kind: string
  distance_km: number
  open_work: number
  lines: { line_id: string; quantity: number }[]
  units: number
  rejected: boolean
}

/** An event that a part of the system could not digest; `asked` while it waits to be told again. */
export interface EventAside {
  id: string
  consumer: string
  topic: string
  about: string
  problem: string
  asked: boolean
  at: string
  tries: number
  order: { id: string; order_no: string } | null
  member_id: string | null
}
export interface MoneyCase {
  kind: "misfit" | "refund" | "top_up" | "stored"
  id: string
  member_id: string
  order_id: string | null
  order_no: string
  provider: string
  amount: Money
  expected: Money | null
  problem: string
  state: "open" | "under_way" | "resolved"
  at: string
  note: string
}
export interface Resolution {
  do: "settled" | "again" | "by_hand"
  reason: string
}

/** What has to be settled before a member can be forgotten. */
export interface ErasureBlock {
  kind: string
  times: number
  text: Text
}

/** How many members somebody holds in a shop. */
export interface HeldMembers {
  store_code: string
  store_name: Text
  members: number
}

export interface AuditLine {
  id: string
  at: string
  actor_kind: string
  actor_id: string
  actor_name: string
  action: string
  subject_kind: string
  subject: string
  /** What an id stands for: an article, the name of a file. Null where the subject is a code already. */
  subject_name: Text | null
  /** What ids in `before` and `after` stand for, as far as known. */
  names: Record<string, Text>
  store_code: string | null
  reason: string
  before: unknown
  after: unknown
}

export type { Decision, Image, Money, Page, Span, StoreCard, Text }

/** What keeping units for favourites brings and costs, an article at a shop. */
export interface KeptCost {
  store_code: string
  store_name: Text
  sku_code: string
  product_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  given: number
  used: number
  expired: number
  given_up: number
  open: number
  minutes_to_use: number | null
  minutes_now: number
  refused: number
  refused_value: Money
}

export interface KeptReport {
  since: string
  until: string
  given: number
  used: number
  expired: number
  given_up: number
  open: number
  refused: number
  refused_value: Money
  rows: KeptCost[]
  days: { on: string; given: number; used: number; refused: number }[]
}

export interface PilotFacts {
  version: number
  state: "planned" | "running" | "ended" | "replaced"
  body: Record<string, unknown>
  regions: { code: string; name: Text }[]
  controls: { code: string; name: Text }[]
  since: string
  until: string
}

export interface PilotSums {
  orders: number
  cost_minor: number
  parcels: number
  km: number
  rejected: number
  late: number
}

export interface PilotEffect {
  measure: Exclude<keyof PilotSums, "orders">
  pilot_before: number | null
  pilot_since: number | null
  control_before: number | null
  control_since: number | null
  change: number | null
  low: number | null
  high: number | null
}

export interface PilotCase extends PilotFacts {
  compared_from: string
  days: { on: string; pilot: PilotSums; control: PilotSums }[]
  effects: PilotEffect[]
}

export interface PromiseSums {
  promises: number
  kept: number
  plain_kept: number
  loss: number | null
  plain_loss: number | null
}

export interface PromiseDay extends PromiseSums {
  on: string
  aim: number | null
}

export interface PromiseBand extends PromiseSums {
  from_hour: number | null
  reach: "near" | "far" | "beyond" | null
  lag: number
  seen: number
}

export interface InShopSums {
  ready: number
  in_time: number
  waiting: number
  median_minutes: number | null
  p90_minutes: number | null
}

export interface InShopReport extends InShopSums {
  since: string
  until: string
  promised: number
  days: (InShopSums & { on: string })[]
}

export interface InShopShop extends InShopSums {
  store_code: string
  store_name: Text
}

export interface PromiseShop extends PromiseSums {
  store_code: string
  store_name: Text
}

export interface PromiseReport extends PromiseSums {
  kind: "pickup" | "ship"
  since: string
  until: string
  aim: number
  learned: boolean
  learned_at: string | null
  days: PromiseDay[]
  bands: PromiseBand[]
}

// ---- touchpoints ----

export type TouchKind = "guide" | "store" | "shelf" | "product" | "poster" | "share" | "campaign"
export type TouchTarget = "home" | "product" | "category" | "store" | "coupon" | "guide" | "outfit"

export interface Touchpoint {
  id: string
  code: string
  url: string
  kind: TouchKind
  name: Text
  owner_kind: "staff" | "member" | "store" | "chain"
  owner_name: string
  store_code: string | null
  store_name: Text | null
  place: string
  target: { kind: TouchTarget; name: string; title: Text | null }
  note: string
  /** A shop's label of a product. */
  label: boolean
  created_at: string
  ended_at: string | null
  scans: number
  devices: number
  sign_ups: number
  orders: number
  sales: Money
  /** Scans of the last fourteen days, today last. */
  spark: number[]
}

/** Members whom a code or somebody brought, and what they have bought since. */
export interface BroughtFor {
  members: number
  buyers: number
  orders: number
  sales: Money
  per_member: Money
}

export interface Effect {
  clicks: number
  sign_ups: number
  orders: number
  sales: Money
  new_members: BroughtFor
  pending: Money
  settled: Money
  reversed: Money
}

export interface TouchpointCase {
  touchpoint: Touchpoint
  /** People who were known as members when they scanned it. */
  scanned_by: number
  new_members: BroughtFor
  picture: string
  days: { on: string; scans: number; orders: number }[]
}

// ---- bindings ----

export type BindingSource = "scan" | "invitation" | "till" | "import" | "transfer" | "dispute"

export interface Binding {
  id: string
  member_id: string
  member_name: string
  phone_masked: string | null
  /** null: the shop itself. */
  guide_id: string | null
  guide_name: string | null
  store_code: string
  store_name: Text
  source: BindingSource
  touchpoint_code: string | null
  rule_version: number
  from_at: string
  expires_at: string | null
  until_at: string | null
  ended_because: "member" | "replaced" | "expired" | "transferred" | "dispute" | "guide_left" | null
  flags: ("guides_device" | "shared_device" | "swapped")[]
  disputed: boolean
}

export interface Dispute {
  id: string
  member_id: string
  member_name: string
  phone_masked: string | null
  claimant: string
  claimant_store: Text
  held_by: string | null
  held_store: Text
  held_since: string
  held_source: BindingSource
  /** The binding it is about has ended: the member cannot be moved any more. */
  over: boolean
  /** Who reads this is a party to it and may not decide it. */
  own: boolean
  reason: string
  raised_by: string | null
  raised_at: string
  decided_at: string | null
  decided_by: string | null
  decision: "stands" | "moves" | null
  decision_reason: string
}

// ---- the closed loop ----

export interface LoopSums {
  people: number
  orders: number
  sales: Money
}
export interface LoopReport {
  since: string
  until: string
  totals: LoopSums
  flows: (LoopSums & { kind: TouchKind | null; met: "shop" | "online" | null; side: "shop" | "online" })[]
  paths: (LoopSums & { steps: ("shop" | "online")[] })[]
  ways: (LoopSums & { touchpoint_id: string; kind: TouchKind; name: Text; store_code: string | null; store_name: Text | null })[]
}

// ---- pre-sales ----

export type PresaleStateName = "coming" | "deposits" | "between" | "balances" | "over" | "withdrawn"

/** A pre-sale in a list: `booked` of `units_max` units. */
export interface PresaleRow {
  id: string
  version: number
  name: Text
  sku_code: string
  product_name: Text
  image: Image | null
  state: PresaleStateName
  price: Money
  deposit: Money
  deposit_from: string
  deposit_until: string
  balance_from: string
  balance_until: string
  units_max: number
  booked: number
}

/** A pre-sale with everything that came of it: units by how far they are, money, days, changes. */
export interface PresaleCase {
  row: PresaleRow
  expected_on: string
  member_max: number
  delivery: boolean
  pickup: "none" | "all" | "chosen"
  store_codes: string[]
  cancel_terms: CancelTerms
  unpaid_terms: UnpaidTerms
  may_keep: boolean
  withdrawn_at: string | null
  steps: { waiting: number; booked: number; paid: number; forfeited: number; given_back: number }
  money: { deposits: Money; paid: Money; forfeited: Money; refunded: Money }
  days: { on: string; booked: number; paid: number }[]
  history: { at: string; actor: string; action: string; reason: string }[]
}

// ---- members ----

export interface ShopOf {
  code: string
  name: Text
}
export interface TierOf {
  code: string
  name: Text
}
export interface TierRow extends TierOf {
  from_amount: Money
}
export interface TierCounts {
  tiers: { code: string; now: number; by_spending: number }[]
  members: number
  /** Members whose tier the draft has not. */
  elsewhere: number
  /** Of the others: spent enough for a higher tier than theirs, or too little for the one they have. */
  up: number
  down: number
}

/** Everybody judged by a version of the rules of tiers, from `active_from` on. */
export interface TierRunFacts {
  version: number
  state: "queued" | "running" | "done" | "stopped"
  active_from: string
  /** Known once it runs. */
  members: number | null
  judged: number
  up: number
  down: number
  /** Their tier is none any more. */
  moved: number
  /** They have a tier above what they spent, by its time or its grace. */
  kept: number
  failed: number
  started_at: string | null
  finished_at: string | null
}

export interface MemberRow {
  id: string
  name: string
  phone_masked: string | null
  code: string | null
  /** False for a franchisee when the member did not agree to sharing: no name, no number, no page. */
  shared: boolean
  tier: TierOf
  lapses_at: string | null
  home_store: ShopOf | null
  since: string
  points: number
  orders: number
  last_order_at: string | null
  /** Who they are now: this row was merged into that member. */
  merged_into: string | null
}

export interface TierChange {
  id: string
  at: string
  before: TierOf | null
  tier: TierOf
  because: "joined" | "reached" | "lapsed" | "set" | "rules"
  spent: Money | null
  by: string | null
  reason: string
}

/** `spent`, `earned` and `next` are null for who does not see all orders. */
export interface TierStanding {
  tier: TierOf
  from_amount: Money
  spent: Money | null
  earned: TierOf | null
  next: { tier: TierOf; from_amount: Money; missing: Money } | null
  window_days: number
  keeps_until: string | null
  lapses_at: string | null
  changes: TierChange[]
}

export interface PointsMonth {
  month: string
  earned: number
  used: number
  expired: number
  taken: number
}

export interface PointsStanding {
  pending: number
  spendable: number
  owed: number
  worth: Money
  ripens_next: { points: number; at: string } | null
  ends_next: { points: number; at: string } | null
  months: PointsMonth[]
}

/** No sums of an order that shops serve too which one does not see. */
export interface MemberOrder {
  id: string
  order_no: string
  placed_at: string
  channel: string
  state: string
  total: Money | null
  units: number | null
  stores: ShopOf[]
}

export interface MemberCase {
  id: string
  /** Whether one sees all of the member's orders, or those of one's own shops. */
  whole: boolean
  name: string
  phone_masked: string | null
  code: string | null
  locale: string
  since: string
  home_store: ShopOf | null
  tier: TierStanding
  points: PointsStanding
  orders: { count: number; spent: Money; last: MemberOrder[] }
  coupons: { id: string; batch_id: string; name: Text; expires_at: string | null }[]
  favourites: { product_code: string; name: Text; image: Image | null; added_at: string; kept: ShopOf | null; kept_until: string | null }[]
  /** Whether the member agreed to their favourites being looked at; without it there are none here. */
  profiling: boolean
  consents: { purpose: string; title: Text; granted: boolean; since: string | null; text_version: number | null; asks_again: boolean }[]
  merged_into: string | null
}

export interface MemberSaid {
  id: string
  purpose: string
  granted: boolean
  text_version: number
  channel: string
  at: string
  by: string | null
}

export interface ConsentTextRow {
  purpose: string
  agree: number
  versions: { version: number; title: Text; body: Text; widens: boolean; published_at: string | null; reason: string; granted: number; withdrawn: number }[]
}

export interface PointsRow {
  id: string
  at: string
  kind: string
  points: number
  pending: number
  owed: number
  balance: number | null
  order_id: string | null
  order_no: string | null
  by: string | null
  reason: string
}

export interface MemberEvent {
  id: string
  at: string
  kind: "order" | "points" | "wallet" | "coupon" | "tier" | "guide" | "scan" | "share" | "commission" | "favourite" | "consent" | "identity"
  event: string
  order_id: string | null
  order_no: string | null
  amount: Money | null
  store: ShopOf | null
  before: TierOf | null
  tier: TierOf | null
  points: number | null
  what: string
  source: string
  name: Text | null
  guide: string | null
  /** Pages that the reader may open. */
  guide_login: string | null
  other: string | null
  touchpoint: string | null
  payee: string | null
  statement: string | null
  by: string | null
  reason: string
}

export interface MemberRelation {
  kind: "guide" | "store" | "home" | "brought_by" | "brought"
  id: string
  person: string
  /** Pages that the reader may open: of the colleague, and of what brought them. */
  login: string | null
  touchpoint: string | null
  other: string | null
  store: ShopOf | null
  source: string
  from_at: string | null
  until_at: string | null
  ended_because: string
  /** Another tie of the same person counts before this one. */
  rests: boolean
}

// ---- keys of other systems ----

export interface SystemKey {
  id: string
  name: string
  rights: string[]
  purposes: string[]
  made_by: string
  made_at: string
  expires_at: string | null
  used_at: string | null
  revoked_at: string | null
  revoked_by: string | null
}

export interface SystemKeyMade {
  key: SystemKey
  token: string
}

// ---- rules of members ----

export interface TierRules {
  tiers: { code: string; name: Text; from_minor: number }[]
  window_days: number
  keep_days: number
  grace_days: number
}

export interface WalletRules {
  top_ups: boolean
  offers: { pay_minor: number; bonus_minor: number }[]
  least_minor: number
  max_balance_minor: number
  day_top_up_minor: number
  day_spend_minor: number
  spend: "pro_rata" | "principal_first"
  bonus_days: number
  back_days: number
}
/** What is in a member's wallet. */
export interface MemberWallet {
  balance: Money
  principal: Money
  bonus: Money
}
/** A movement of a wallet, below zero when it left, and what was in it after that. */
export interface WalletRow {
  id: string
  at: string
  kind: string
  principal: Money
  bonus: Money
  balance: Money
  order_id: string | null
  order_no: string | null
  by: string | null
  reason: string
}
export interface PointRules {
  rate: number
  wait: boolean
  lasts_days: number
  worth_minor: number
  cap_percent: number
  least: number
  back_days: number
  binding: number
  tiers: { tier: string; percent: number }[]
  categories: { category: string; percent: number }[]
  campaigns: { name: Text; from_at: string; until_at: string; percent: number }[]
}

// ---- who is one person ----

export interface IdentityRow {
  /** By what it is ended; null for who may not, and for what cannot be. */
  ref: string | null
  kind: string
  shown: string
  /** Whether whoever shows it is this person. */
  leads: boolean
  /** Whether nobody but this person has it. */
  alone: boolean
  source: string
  since: string
  member_id: string
}
export interface PairMember {
  id: string
  name: string
  phone_masked: string | null
  code: string | null
  tier: MemberRow["tier"]
  home_store: MemberRow["home_store"]
  since: string
  points: number
  orders: number
  last_order_at: string | null
  merged_into: string | null
  others: number
  identities: IdentityRow[]
}
/** What a person has: points less what is owed, stored value, tier, orders, whose they are, coupons. */
export interface MemberTotals {
  points: number
  pending: number
  wallet: Money
  tier: TierOf
  orders: number
  spent: Money
  guide: string | null
  guide_shop: ShopOf | null
  coupons: number
}
export interface MergeTotals {
  kept: MemberTotals
  other: MemberTotals
  together: MemberTotals
}
/** Two members who may be one person: points for it up to 100, why, and what was decided. */
export interface MemberPair {
  first: PairMember
  second: PairMember
  state: "open" | "same" | "different"
  score: number
  reasons: string[]
  source: string
  found_at: string
  decided_at: string | null
  decided_by: string | null
  decided_reason: string
}
export interface NamedMember {
  id: string
  name: string
  phone_masked: string | null
}
export interface MemberMerge {
  id: string
  survivor: NamedMember
  other: NamedMember
  at: string
  by: string | null
  reason: string
  undone_at: string | null
  undone_by: string | null
  undone_reason: string
}
export interface MemberIdentity {
  member_id: string
  merged_into: NamedMember | null
  identities: IdentityRow[]
  merges: MemberMerge[]
  open_pairs: number
}

// ---- settlement ----

export type PayeeKind = "staff" | "member" | "store" | "company" | "chain"
export type StatementState = "closing" | "closed" | "approved" | "paying" | "paid" | "carried"
export type PayRole = "guide" | "seller" | "referrer" | "second" | "bringing" | "owner" | "bringer_store" | "guide_store" | "touchpoint_store" | "territory" | "ship_store" | "hand_over_store" | "online" | "headquarters" | "bringing_store"
export type PayFlag = "self" | "phone" | "device" | "address" | "payer" | "circle" | "gone"

export interface PayeeOf {
  id: string
  kind: PayeeKind
  name: Text
  /** A code or a masked phone, to tell two of one name apart. */
  note: string
}

export interface PayeeRow {
  payee: PayeeOf
  pending: Money
  due: Money
  paying: Money
  paid: Money
  /** When the last statement was paid or booked. */
  paid_at: string | null
  flagged: number
  /** The chain's own: booked, not paid. */
  booked: boolean
}

export interface PayeeCase {
  payee: PayeeRow
  months: { month: string; earned: Money; paid: Money }[]
  payouts: PayoutRow[]
}

/** One share of one order line; `rate_bp` in hundredths of a percent of `basis`. */
export interface ShareRow {
  order_id: string
  order_no: string | null
  placed_at: string | null
  article: Text | null
  book: "commission" | "allocation"
  role: PayRole
  store_code: string | null
  rate_bp: number
  basis: Money
  earned: Money
  state: "pending" | "matured"
  matures_at: string | null
  month: string | null
  flag: PayFlag | null
  /** How an organisation's share follows from the line; null of commission. */
  margin: { worth: Money; goods_percent: number; goods: Money; margin: Money; funded: Money; rest: Money } | null
  paid_at: string | null
  booked: boolean
  run_id: string | null
  run_no: string | null
}

export interface StatementRow {
  id: string
  /** What people call it by. */
  no: string
  payee: PayeeOf
  month: string
  way: "payout" | "internal"
  state: StatementState
  carried_in: Money
  earned: Money
  reversed: Money
  cut: Money
  to_pay: Money
  withheld: Money
  carried_out: Money
  approvals: number
  approvals_needed: number
  disputed: boolean
  /** Its payout failed; the next run pays it. */
  payout_failed: boolean
  /** I can approve it now. */
  mine_to_approve: boolean
  closed_at: string
}

export interface StatementCase {
  statement: StatementRow
  approvals: { by: string; at: string }[]
  notes: { id: string; kind: "dispute" | "answer"; note: string; by: string; at: string }[]
  payouts: PayoutRow[]
}

/** What became of one statement of many that were approved in one go. */
export interface StatementApproval {
  id: string
  outcome: "approved" | "waits" | "refused"
  amount: Money
  code: string | null
  says: Text | null
}

/** A month that is being closed, or was; the totals are known once it runs. */
export interface ClosingFacts {
  id: string
  month: string
  state: "queued" | "running" | "done" | "failed"
  payees_total: number | null
  payees_done: number
  payees_failed: number
  shares_total: number | null
  shares_done: number
  by: string
  at: string
  started_at: string | null
  finished_at: string | null
  problem: string | null
}

export interface StatementLine {
  amount: Money
  share: ShareRow
}

export interface MonthSums {
  month: string
  statements: number
  closing: number
  closed: number
  approved: number
  paying: number
  paid: number
  carried: number
  /** What goes out, and of that what was paid; what is only booked, the chain's own, and of that what is. */
  to_pay: Money
  paid_out: Money
  to_book: Money
  booked: Money
}

/** What a run that I begin would pay. */
export interface PayoutQuote {
  month: string
  statements: number
  amount: Money
  disputed: number
  disputed_amount: Money
  by_file: number
  by_file_amount: Money
  /** Of those by file, the ones whose account nobody knows. */
  without: number
  without_amount: Money
  without_account: { payee: PayeeOf; statement_id: string; amount: Money }[]
  /** Those whose account was not set by the payee alone, and has received nothing yet. */
  new: number
  new_accounts: { payee: PayeeOf; statement_id: string; amount: Money; account_set: AccountSet }[]
  needs_colleague: boolean
  alone: Money
  limit: Money
}

export interface PayoutRun {
  id: string
  no: string
  month: string
  by: string
  at: string
  payouts: number
  amount: Money
  requested: number
  done: number
  failed: number
}

/** Who set an account, and when; `by` is empty where they are no staff. */
export interface AccountSet {
  by: string
  at: string
}

export interface PayeePaidTo extends PaidTo {
  /** The chain's own: booked, not paid. */
  booked: boolean
  /** Nothing has arrived at the account yet, and not the payee alone set it. */
  new: boolean
  by: string
}

export interface PayoutRow {
  id: string
  payee: PayeeOf
  statement_id: string
  run_id: string
  run_no: string
  amount: Money
  state: "requested" | "done" | "failed"
  /** Executes it, to `receiver`; empty for one by file, to the account of which `receiver` is the end at `bank`. */
  provider: string
  receiver: string
  bank: string
  account_set: AccountSet | null
  problem: string
  at: string
  resolved_at: string | null
}

export interface CommissionRules {
  guide_bp: number
  seller_bp: number
  referrer_bp: number
  second_bp: number
  levels: number
  several_roles: boolean
  mature_days: number
  month_cap_minor: number
  bringing_minor: number
  products: { product: string; percent: number }[]
  categories: { category: string; percent: number }[]
  tiers: { tier: string; percent: number }[]
}

export interface AllocationRules {
  bringer_store: number
  guide_store: number
  touchpoint_store: number
  territory: number
  ship_store: number
  hand_over_store: number
  online: number
  headquarters: number
  bringing_minor: number
}

export interface Contract {
  company: string
  mode: "direct" | "franchise" | "all_franchise"
  stock_owner: "company" | "chain"
  price_right: "company" | "chain"
  promo_payer: "company" | "chain"
  goods_percent: number
  /** Of the chain's price, where the company sets its own; 0 for no limit. */
  price_floor_percent: number
  price_ceiling_percent: number
  regions: string[]
}

/** What holds with a company in reach, agreed or as usual for its mode. */
export interface OwnContract {
  code: string
  name: Text
  contract: Contract
  usual: boolean
  regions: Text[]
}

export interface OwnContracts {
  contracts: OwnContract[]
  since: string | null
  allocation: AllocationRules
}

export interface PlanCheck {
  lawful: boolean
  /** The most that one line can pay in all, in hundredths of a percent. */
  most_bp: number
  findings: { rule: string; field: string; refused: boolean; says: Text; source: string }[]
}

export interface SignOff {
  id: string
  levels: number
  document: string
  reason: string
  by: string
  at: string
  revoked_at: string | null
}

export interface Evidence {
  level_1: number
  level_2: number
  deeper: number
  flagged: Record<string, number>
  earned: Money
  taken_back: Money
  own_sales: Money
  by_sharing: Money
  bringing: Money
  payees: number
  top_hundredth: Money
  without_orders: number
}

export interface Simulation {
  month: string
  orders: number
  commission_before: Money
  commission_after: Money
  allocation_before: Money
  allocation_after: Money
  /** What is left to headquarters: its part less the commission. */
  net_before: Money
  net_after: Money
  payees: { payee: PayeeOf; book: "commission" | "allocation"; before: Money; after: Money }[]
  more: number
}

export interface OrderShares {
  commission_version: number | null
  allocation_version: number | null
  contracts_version: number | null
  shares: { payee: PayeeOf; share: ShareRow }[]
}
