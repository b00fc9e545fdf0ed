import { newKey, read, write } from "./http"
import type {
  CancelQuote,
  Address,
  AddressInput,
  Cart,
  Category,
  Coupon,
  CouponOnOffer,
  Favourite,
  FavouriteInput,
  FavouriteMark,
  GiftWord,
  GuideOffer,
  Home,
  InboxCode,
  Keeping,
  LineInput,
  LinkedOrder,
  MadeOutfit,
  SaleReceipt,
  Me,
  MemberCard,
  MemberSession,
  Membership,
  Method,
  MyGuide,
  Order,
  Outfit,
  OutfitBody,
  OutfitPage,
  Page,
  PaidWay,
  PaymentStart,
  PickupCode,
  PlaceOrder,
  Money,
  PointsLine,
  PreorderCode,
  Privacy,
  PrivacyPurpose,
  Presale,
  ProductAtStore,
  ProductOffer,
  ProductPage,
  Quote,
  Receipt,
  NumberView,
  Said,
  Scanned,
  SearchResult,
  Share,
  ShareBody,
  StoreCard,
  StorePage,
  Suggestion,
  TopUp,
  UsablePoints,
  UsableWallet,
  Wallet,
  WalletLine,
  WayInput,
} from "./types"

export interface Position {
  lat?: number | undefined
  lon?: number | undefined
}

export interface SearchQuery {
  q?: string | undefined
  category?: string | undefined
  brand?: string | undefined
  store?: string | undefined
  ready_today?: boolean | undefined
  sort?: string | undefined
  limit?: number | undefined
  cursor?: string | undefined
}

const at = encodeURIComponent

/** The mall's part of the API, one function a route. Writes take the caller's idempotency key. */
export const mall = {
  home: (query: Position & { store?: string | undefined }, signal?: AbortSignal) =>
    read<Home>("/api/mall/home", { query: { ...query }, ...(signal && { signal }) }),
  categories: () => read<{ items: Category[] }>("/api/mall/categories"),
  search: (query: SearchQuery, signal?: AbortSignal) =>
    read<SearchResult>("/api/mall/search", { query: { ...query }, ...(signal && { signal }) }),
  suggestions: (q: string, signal?: AbortSignal) =>
    read<{ items: Suggestion[] }>("/api/mall/suggestions", { query: { q }, ...(signal && { signal }) }),
  product: (code: string, store?: string) => read<ProductPage>(`/api/mall/products/${at(code)}`, { query: { store } }),
  productStores: (
    code: string,
    query: Position & { sku?: string | undefined; q?: string | undefined; limit?: number; cursor?: string | undefined },
  ) => read<Page<ProductAtStore>>(`/api/mall/products/${at(code)}/stores`, { query: { ...query } }),
  stores: (query: Position & { q?: string | undefined; service?: string | undefined; limit?: number; cursor?: string | undefined }) =>
    read<Page<StoreCard>>("/api/mall/stores", { query: { ...query } }),
  store: (code: string, query: Position = {}) => read<StorePage>(`/api/mall/stores/${at(code)}`, { query: { ...query } }),

  sendLoginCode: (phone: string, key: string) =>
    write<{ expires_at: string; retry_at: string }>("POST", "/api/mall/login-codes", { body: { phone }, key }),
  /** With `wechat` the account that WeChat has just proved becomes the member's. */
  logIn: (body: { phone: string; code: string; wechat?: boolean }, key: string) => write<MemberSession>("POST", "/api/mall/sessions", { body, key }),
  logOut: (key: string) => write<void>("DELETE", "/api/mall/sessions", { key }),
  me: () => read<Me>("/api/mall/me"),
  card: () => read<MemberCard>("/api/mall/card"),
  membership: () => read<Membership>("/api/mall/membership"),
  points: (query: { limit?: number; cursor?: string | undefined } = {}) => read<Page<PointsLine>>("/api/mall/points", { query: { ...query } }),
  usablePoints: (orderId: string) => read<UsablePoints>(`/api/mall/orders/${at(orderId)}/points`),
  payWithPoints: (orderId: string, points: number, key: string) => write<Order>("POST", `/api/mall/orders/${at(orderId)}/points`, { body: { points }, key }),
  wallet: () => read<Wallet>("/api/mall/wallet"),
  walletMovements: (query: { limit?: number; cursor?: string | undefined } = {}) => read<Page<WalletLine>>("/api/mall/wallet/movements", { query: { ...query } }),
  beginTopUp: (body: { amount: Money; expected_bonus: Money }, key: string) => write<TopUp>("POST", "/api/mall/wallet/top-ups", { body, key }),
  topUp: (id: string) => read<TopUp>(`/api/mall/wallet/top-ups/${at(id)}`),
  openTopUp: (id: string, key: string) => write<TopUp>("POST", `/api/mall/wallet/top-ups/${at(id)}/payment`, { body: {}, key }),
  checkTopUp: (id: string, key: string) => write<TopUp>("POST", `/api/mall/wallet/top-ups/${at(id)}/payment-check`, { body: {}, key }),
  usableWallet: (orderId: string) => read<UsableWallet>(`/api/mall/orders/${at(orderId)}/wallet`),
  payFromWallet: (orderId: string, amount: Money, key: string) => write<Order>("POST", `/api/mall/orders/${at(orderId)}/wallet`, { body: { amount }, key }),
  changeMe: (change: { display_name?: string; locale?: "zh" | "en"; home_store_code?: string }, key: string) =>
    write<Me>("PATCH", "/api/mall/me", { body: change, key }),

  addresses: () => read<{ items: Address[] }>("/api/mall/addresses"),
  addAddress: (address: AddressInput, key: string) => write<Address>("POST", "/api/mall/addresses", { body: address, key }),
  changeAddress: (id: string, address: Partial<AddressInput>, key: string) =>
    write<Address>("PATCH", `/api/mall/addresses/${at(id)}`, { body: address, key }),
  removeAddress: (id: string, key: string) => write<void>("DELETE", `/api/mall/addresses/${at(id)}`, { key }),

  /** `near` is the shop chosen: without an address, a delivery is promised as to where it stands. */
  cart: (near?: string) => read<Cart>("/api/mall/cart", { query: { near } }),
  addToCart: (line: LineInput, key: string, near?: string) =>
    write<Cart>("POST", "/api/mall/cart/lines", { body: line, key, query: { near } }),
  changeLine: (lineId: string, change: { quantity?: number; method?: Method; store_code?: string | null }, key: string, near?: string) =>
    write<Cart>("PATCH", `/api/mall/cart/lines/${at(lineId)}`, { body: change, key, query: { near } }),
  removeLine: (lineId: string, key: string, near?: string) =>
    write<Cart>("DELETE", `/api/mall/cart/lines/${at(lineId)}`, { key, query: { near } }),
  quote: (body: { lines?: LineInput[]; address_id?: string; address?: AddressInput; in_shop?: string; gifts?: GiftWord[] }, key: string, near?: string) =>
    write<Quote>("POST", "/api/mall/quotes", { body, key, query: { near } }),

  /** What a scan means in a shop. */
  scanned: (text: string, store?: string) => read<Scanned>("/api/mall/scanned", { query: { text, store } }),

  favourites: (query: { store?: string | undefined; limit?: number; cursor?: string | undefined }) =>
    read<Page<Favourite>>("/api/mall/favourites", { query }),
  favouriteMarks: () => read<{ items: FavouriteMark[] }>("/api/mall/favourite-marks"),
  putFavourite: (body: FavouriteInput, key: string) =>
    write<{ favourite: Favourite; outcome: Keeping }>("PUT", "/api/mall/favourites", { body, key }),
  removeFavourite: (id: string, key: string) => write<void>("DELETE", `/api/mall/favourites/${at(id)}`, { key }),
  giveUpHold: (id: string, key: string, store?: string) =>
    write<Favourite>("DELETE", `/api/mall/favourites/${at(id)}/hold`, { key, query: { store } }),

  /** What products cost with offers, at most 60 of them. */
  offers: (products: readonly string[], near?: string, signal?: AbortSignal) => {
    const asked = new URLSearchParams([...products.map((code) => ["products", code]), ...(near ? [["near", near]] : [])])
    return read<{ items: ProductOffer[] }>(`/api/mall/offers?${asked}`, { ...(signal && { signal }) })
  },
  coupons: (query: { which: "usable" | "past"; limit?: number; cursor?: string | undefined }) =>
    read<Page<Coupon>>("/api/mall/coupons", { query }),
  couponCentre: (query: { limit?: number; cursor?: string | undefined } = {}) =>
    read<Page<CouponOnOffer>>("/api/mall/coupon-centre", { query }),
  claimCoupon: (batchId: string, key: string) =>
    write<Coupon>("POST", `/api/mall/coupon-batches/${at(batchId)}/claims`, { body: {}, key }),
  redeemCoupon: (code: string, key: string) => write<Coupon>("POST", "/api/mall/coupon-codes", { body: { code }, key }),

  /** Whose code it is, and what it would mean to confirm. */
  guideOffer: (code: string) => read<GuideOffer>(`/api/mall/guides/${at(code)}`),
  guide: () => read<MyGuide>("/api/mall/guide"),
  bindGuide: (code: string, key: string) => write<MyGuide>("POST", "/api/mall/guide", { body: { code }, key }),
  unbindGuide: (key: string) => write<MyGuide>("DELETE", "/api/mall/guide", { key }),
  answerGuide: (id: string, accept: boolean, key: string) =>
    write<MyGuide>("POST", `/api/mall/guide-asks/${at(id)}/answer`, { body: { accept }, key }),

  privacy: () => read<Privacy>("/api/mall/privacy"),
  changeConsent: (purpose: PrivacyPurpose["purpose"], granted: boolean, text_version: number, key: string) =>
    write<Privacy>("PUT", `/api/mall/privacy/${purpose}`, { body: { granted, text_version }, key }),
  said: (query: { cursor?: string | undefined }) => read<Page<Said>>("/api/mall/privacy/history", { query }),
  numberViews: (query: { cursor?: string | undefined }) => read<Page<NumberView>>("/api/mall/privacy/number-views", { query }),
  sendErasureCode: (key: string) =>
    write<{ expires_at: string; retry_at: string }>("POST", "/api/mall/privacy/erasure-codes", { key }),
  eraseMe: (code: string, key: string) => write<void>("POST", "/api/mall/privacy/erasure", { body: { code }, key }),

  share: (body: ShareBody, key: string) => write<Share>("POST", "/api/mall/shares", { body, key }),
  shares: (query: { limit?: number; cursor?: string | undefined }) => read<Page<Share>>("/api/mall/shares", { query }),
  endShare: (id: string, key: string) => write<Share>("POST", `/api/mall/shares/${at(id)}/end`, { key }),
  outfit: (id: string, store?: string | null) => read<OutfitPage>(`/api/mall/outfits/${at(id)}`, { query: { store: store ?? undefined } }),
  makeOutfit: (body: OutfitBody, key: string) => write<MadeOutfit>("POST", "/api/mall/outfits", { body, key }),
  editOutfit: (id: string, body: OutfitBody, key: string) => write<Outfit>("PUT", `/api/mall/outfits/${at(id)}`, { body, key }),
  endOutfit: (id: string, key: string) => write<void>("POST", `/api/mall/outfits/${at(id)}/end`, { key }),
  /** Who sent the reader here, and their note. */
  shared: (code: string) => read<{ by: string; note: string }>(`/api/mall/shared/${at(code)}`),
  /** Pre-sales that are open or will be, of one product or of all. */
  presales: (product?: string) => read<Page<Presale>>("/api/mall/presales", { query: { product } }),
  book: (body: WayInput & { presale_id: string; version: number; quantity: number; note?: string }, key: string) =>
    write<Order>("POST", "/api/mall/preorders", { body, key }),
  startBalance: (id: string, body: WayInput, key: string) =>
    write<Order>("POST", `/api/mall/orders/${at(id)}/balance`, { body, key }),
  preorderCode: (id: string) => read<PreorderCode>(`/api/mall/orders/${at(id)}/preorder-code`),

  placeOrder: (order: PlaceOrder, key: string) => write<Receipt>("POST", "/api/mall/orders", { body: order, key }),
  orders: (query: { state?: "open" | "done" | "all"; limit?: number; cursor?: string | undefined }) =>
    read<Page<Order>>("/api/mall/orders", { query }),
  order: (id: string) => read<Order>(`/api/mall/orders/${at(id)}`),
  paidWays: (id: string) => read<Page<PaidWay>>(`/api/mall/orders/${at(id)}/payments`),
  /** The order that a clerk made, by the link on the clerk's screen. */
  /** The receipt of a sale over the counter, by its link. */
  receipt: (link: string) => read<SaleReceipt>(`/api/mall/receipts/${at(link)}`),
  linkedOrder: (link: string) => read<LinkedOrder>(`/api/mall/order-links/${at(link)}`),
  payLink: (link: string, key: string) => write<PaymentStart>("POST", `/api/mall/order-links/${at(link)}/payment`, { body: {}, key }),
  checkLink: (link: string, key: string) =>
    write<LinkedOrder>("POST", `/api/mall/order-links/${at(link)}/payment-check`, { body: {}, key }),
  startPayment: (id: string, key: string) => write<PaymentStart>("POST", `/api/mall/orders/${at(id)}/payment`, { body: {}, key }),
  checkPayment: (id: string, key: string) => write<Order>("POST", `/api/mall/orders/${at(id)}/payment-check`, { body: {}, key }),
  quoteCancel: (id: string, lines?: { line_id: string; quantity: number }[]) =>
    write<CancelQuote>("POST", `/api/mall/orders/${encodeURIComponent(id)}/cancellation-quote`, { body: lines ? { lines } : {}, key: newKey() }),
  cancel: (id: string, body: { lines?: { line_id: string; quantity: number }[]; reason: string }, key: string) =>
    write<Order>("POST", `/api/mall/orders/${at(id)}/cancellation`, { body, key }),
  /** When no shop could serve a line: take the money back, or collect it at another shop. */
  answer: (id: string, body: { choice: "refund" } | { choice: "move"; store_code: string }, key: string) =>
    write<Order>("POST", `/api/mall/orders/${at(id)}/answer`, { body, key }),
  pickupCode: (id: string, fulfilmentId?: string) =>
    read<PickupCode>(`/api/mall/orders/${at(id)}/pickup-code`, { query: { fulfilment_id: fulfilmentId } }),

  /** Only answers where the installation runs in development. */
  inbox: () => read<{ items: InboxCode[] }>("/api/dev/inbox"),
}
