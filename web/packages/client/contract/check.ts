/**
 * Compares the hand-written shapes in src/types.ts with the API's own OpenAPI document (`npm run client`): every field
 * a face reads is there with that type, and every body a face sends is accepted. Words of a fixed list count as text,
 * because the document does not always name the list.
 */
import type * as T from "../src/types"
import type { paths } from "./openapi"

type Json<R, S extends number> = R extends { [K in S]: { content: { "application/json": infer J } } } ? J : never
type Answer<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends { responses: infer R }
  ? Json<R, 200> | Json<R, 201> | Json<R, 202>
  : never
type Body<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends { requestBody?: { content: { "application/json": infer J } } }
  ? J
  : never

type Loose<V> = V extends string
  ? string
  : V extends number
    ? number
    : V extends (infer I)[]
      ? Loose<I>[]
      : V extends object
        ? { [K in keyof V]: Loose<V[K]> }
        : V
/** What the document declares as a free object says nothing about its fields. */
type Known<A, B> = B extends (infer J)[]
  ? A extends (infer I)[]
    ? Known<I, J>[]
    : A
  : string extends keyof B
    ? A
    : B extends object
      ? A extends object
        ? { [K in keyof B]: K extends keyof A ? Known<NonNullable<A[K]>, B[K]> : B[K] }
        : B
      : B
type Reads<Mine, Theirs> = [Loose<Required<Known<Mine, Theirs>>>] extends [Loose<Mine>] ? true : { differs: Theirs; from: Mine }
const reads = <Mine, Theirs>(_same: Reads<Mine, Theirs>) => undefined
/** A field with a default may be left out, which the document does not say. */
const sends = <Mine extends Partial<Theirs>, Theirs>(_body?: Mine) => undefined

reads<T.Home, Answer<"/api/mall/home", "get">>(true)
reads<T.SearchResult, Answer<"/api/mall/search", "get">>(true)
reads<{ items: T.Suggestion[] }, Answer<"/api/mall/suggestions", "get">>(true)
reads<{ items: T.Category[] }, Answer<"/api/mall/categories", "get">>(true)
reads<T.ProductPage, Answer<"/api/mall/products/{code}", "get">>(true)
reads<T.Page<T.ProductAtStore>, Answer<"/api/mall/products/{code}/stores", "get">>(true)
reads<T.StorePage, Answer<"/api/mall/stores/{code}", "get">>(true)
reads<T.Cart, Answer<"/api/mall/cart", "get">>(true)
reads<T.Quote, Answer<"/api/mall/quotes", "post">>(true)
reads<T.Scanned, Answer<"/api/mall/scanned", "get">>(true)
reads<T.Receipt, Answer<"/api/mall/orders", "post">>(true)
reads<T.Order, Answer<"/api/mall/orders/{order_id}", "get">>(true)
reads<T.Presale[], Answer<"/api/mall/presales", "get">["items"]>(true)
reads<T.Order, Answer<"/api/mall/preorders", "post">>(true)
reads<T.Order, Answer<"/api/mall/orders/{order_id}/balance", "post">>(true)
reads<T.PreorderCode, Answer<"/api/mall/orders/{order_id}/preorder-code", "get">>(true)
reads<T.PreorderAtTill, Answer<"/api/clerk/preorder-lookups", "post">>(true)
reads<T.TillOrder, Answer<"/api/clerk/preorders", "post">>(true)
reads<T.PaymentStart, Answer<"/api/mall/orders/{order_id}/payment", "post">>(true)
reads<T.PickupCode, Answer<"/api/mall/orders/{order_id}/pickup-code", "get">>(true)
reads<T.Favourite[], Answer<"/api/mall/favourites", "get">["items"]>(true)
reads<{ favourite: T.Favourite; outcome: T.Keeping }, Answer<"/api/mall/favourites", "put">>(true)
reads<{ items: T.FavouriteMark[] }, Answer<"/api/mall/favourite-marks", "get">>(true)
reads<{ items: T.ProductOffer[] }, Answer<"/api/mall/offers", "get">>(true)
reads<T.Coupon[], Answer<"/api/mall/coupons", "get">["items"]>(true)
reads<T.CouponOnOffer[], Answer<"/api/mall/coupon-centre", "get">["items"]>(true)
reads<T.Coupon, Answer<"/api/mall/coupon-codes", "post">>(true)
reads<T.Wallet, Answer<"/api/mall/wallet", "get">>(true)
reads<T.WalletLine[], Answer<"/api/mall/wallet/movements", "get">["items"]>(true)
reads<T.TopUp, Answer<"/api/mall/wallet/top-ups/{top_up_id}", "get">>(true)
reads<T.UsableWallet, Answer<"/api/mall/orders/{order_id}/wallet", "get">>(true)
reads<T.CardHolder, Answer<"/api/clerk/cards", "post">>(true)
reads<T.TopUpRules, Answer<"/api/clerk/top-up-quotes", "post">>(true)
reads<T.TillTopUp, Answer<"/api/clerk/top-ups", "post">>(true)
reads<T.StockLine[], Answer<"/api/clerk/stock", "get">["items"]>(true)
reads<T.Me, Answer<"/api/mall/me", "get">>(true)
reads<T.MemberSession, Answer<"/api/mall/sessions", "post">>(true)
reads<T.WechatStanding, Answer<"/api/mall/wechat", "get">>(true)
reads<T.WechatOutcome, Answer<"/api/mall/wechat-sessions", "post">>(true)
reads<T.StaffMe, Answer<"/api/staff/me", "get">>(true)
reads<T.Queue, Answer<"/api/clerk/queue", "get">>(true)
reads<T.Count, Answer<"/api/clerk/counts/{count_id}", "get">>(true)
reads<{ items: T.CountLine[] }, Answer<"/api/clerk/counts/{count_id}/lines", "get">>(true)
reads<{ items: T.Shortage[] }, Answer<"/api/clerk/shortages", "get">>(true)
reads<T.GoodsBooked, Answer<"/api/clerk/receipts", "post">>(true)
reads<T.TillQuote, Answer<"/api/clerk/till-quotes", "post">>(true)
reads<T.Returnable, Answer<"/api/clerk/returnable-orders", "get">>(true)
reads<T.ReturnQuote, Answer<"/api/clerk/return-quotes", "post">>(true)
reads<T.ReturnDone, Answer<"/api/clerk/returns", "post">>(true)
reads<T.SaleResult, Answer<"/api/clerk/sales", "post">>(true)
reads<T.HomeQuote, Answer<"/api/clerk/home-quotes", "post">>(true)
reads<T.HomeSale, Answer<"/api/clerk/home-sales/{order_id}", "get">>(true)
reads<{ items: T.HomeSaleRow[] }, Answer<"/api/clerk/home-sales", "get">>(true)
reads<T.LinkedOrder, Answer<"/api/mall/order-links/{link}", "get">>(true)
reads<T.DrawerSession, Answer<"/api/clerk/drawer-sessions/{session_id}", "get">>(true)
reads<{ items: T.DrawerSession[] }, Answer<"/api/console/drawer-sessions", "get">>(true)
reads<{ items: T.ParkedSale[] }, Answer<"/api/clerk/parked-sales", "get">>(true)
reads<T.ParkedSale, Answer<"/api/clerk/parked-sales/{parked_id}/resumption", "post">>(true)
reads<{ items: T.SoldRow[] }, Answer<"/api/clerk/sales", "get">>(true)
reads<T.SaleCase, Answer<"/api/clerk/sales/{order_id}", "get">>(true)
reads<T.SaleReceipt, Answer<"/api/mall/receipts/{link}", "get">>(true)
reads<T.GuideOffer, Answer<"/api/mall/guides/{code}", "get">>(true)
reads<T.MyGuide, Answer<"/api/mall/guide", "get">>(true)
reads<T.Share[], Answer<"/api/mall/shares", "get">["items"]>(true)
reads<T.Privacy, Answer<"/api/mall/privacy", "get">>(true)
reads<T.Said[], Answer<"/api/mall/privacy/history", "get">["items"]>(true)
reads<T.NumberView[], Answer<"/api/mall/privacy/number-views", "get">["items"]>(true)
reads<T.GuideCode, Answer<"/api/clerk/guide-codes", "post">>(true)
reads<T.GuideMember[], Answer<"/api/clerk/guide-members", "get">["items"]>(true)
reads<T.GuideMemberSheet, Answer<"/api/clerk/guide-members/{member_id}", "get">>(true)
reads<T.Share[], Answer<"/api/clerk/shares", "get">["items"]>(true)
reads<T.Performance, Answer<"/api/clerk/performance", "get">>(true)
sends<T.ShareBody, Body<"/api/mall/shares", "post">>()
sends<T.PlaceOrder, Body<"/api/mall/orders", "post">>()
sends<T.LineInput, Body<"/api/mall/cart/lines", "post">>()
sends<T.FavouriteInput, Body<"/api/mall/favourites", "put">>()
sends<T.AddressInput, Body<"/api/mall/addresses", "post">>()
