import { read, write } from "./http"
import type {
  Address,
  AddressInput,
  Cart,
  Category,
  Favourite,
  FavouriteInput,
  FavouriteMark,
  Home,
  InboxCode,
  Keeping,
  LineInput,
  LinkedOrder,
  Me,
  Method,
  Order,
  Page,
  PaymentStart,
  PickupCode,
  PlaceOrder,
  ProductAtStore,
  ProductPage,
  Quote,
  Receipt,
  SearchResult,
  StoreCard,
  StorePage,
  Suggestion,
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
  logIn: (phone: string, code: string, key: string) =>
    write<{ token: string; member: Me }>("POST", "/api/mall/sessions", { body: { phone, code }, key }),
  logOut: (key: string) => write<void>("DELETE", "/api/mall/sessions", { key }),
  me: () => read<Me>("/api/mall/me"),
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
  quote: (body: { lines?: LineInput[]; address_id?: string; address?: AddressInput }, key: string, near?: string) =>
    write<Quote>("POST", "/api/mall/quotes", { body, key, query: { near } }),

  favourites: (query: { store?: string | undefined; limit?: number; cursor?: string | undefined }) =>
    read<Page<Favourite>>("/api/mall/favourites", { query }),
  favouriteMarks: () => read<{ items: FavouriteMark[] }>("/api/mall/favourite-marks"),
  putFavourite: (body: FavouriteInput, key: string) =>
    write<{ favourite: Favourite; outcome: Keeping }>("PUT", "/api/mall/favourites", { body, key }),
  removeFavourite: (id: string, key: string) => write<void>("DELETE", `/api/mall/favourites/${at(id)}`, { key }),
  giveUpHold: (id: string, key: string, store?: string) =>
    write<Favourite>("DELETE", `/api/mall/favourites/${at(id)}/hold`, { key, query: { store } }),

  placeOrder: (order: PlaceOrder, key: string) => write<Receipt>("POST", "/api/mall/orders", { body: order, key }),
  orders: (query: { state?: "open" | "done" | "all"; limit?: number; cursor?: string | undefined }) =>
    read<Page<Order>>("/api/mall/orders", { query }),
  order: (id: string) => read<Order>(`/api/mall/orders/${at(id)}`),
  /** The order that a clerk made, by the link on the clerk's screen. */
  linkedOrder: (link: string) => read<LinkedOrder>(`/api/mall/order-links/${at(link)}`),
  payLink: (link: string, key: string) => write<PaymentStart>("POST", `/api/mall/order-links/${at(link)}/payment`, { body: {}, key }),
  checkLink: (link: string, key: string) =>
    write<LinkedOrder>("POST", `/api/mall/order-links/${at(link)}/payment-check`, { body: {}, key }),
  startPayment: (id: string, key: string) => write<PaymentStart>("POST", `/api/mall/orders/${at(id)}/payment`, { body: {}, key }),
  checkPayment: (id: string, key: string) => write<Order>("POST", `/api/mall/orders/${at(id)}/payment-check`, { body: {}, key }),
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
