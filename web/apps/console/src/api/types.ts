/** The shapes of the console's part of the API (/api/console), where `@duoline/client` does not have them. */
import type {
  Decision,
  Image,
  Money,
  OptionText,
  Order,
  Page,
  PayMode,
  Span,
  StoreCard,
  Text,
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
  order: OrderView
  /** The shop and the clerk who made it for a customer. */
  sold: { store_code: string; store_name: Text; by: string } | null
  member: { id: string; kind: string; name: string; phone_masked: string | null }
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
  price: Money
  valid_from: string
  valid_until: string | null
  in_force: boolean
  reason: string
  created_at: string
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
  price: Money
  chain_price: Money | null
  valid_from: string
  valid_until: string | null
  state: "now" | "later" | "past"
  reason: string
  set_by: string | null
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

export type ImportKind = "stores" | "products" | "prices" | "stock" | "members" | "orders"

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

export interface MoneyCase {
  kind: "misfit" | "refund"
  id: string
  member_id: string
  order_id: string
  order_no: string
  provider: string
  amount: Money
  expected: Money | null
  problem: string
  state: "open" | "resolved"
  at: string
  note: string
}
export interface Resolution {
  do: "settled" | "again" | "by_hand"
  reason: string
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
