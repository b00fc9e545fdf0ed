import { read, write } from "./http"
import type { WechatMenu, WechatOutcome, WechatStanding } from "./types"

/** Logging in by WeChat, whose account it is, and what its menu sends. Apart from the mall's other functions: the first page needs none of it. */
export const wechat = {
  standing: () => read<WechatStanding>("/api/mall/wechat"),
  start: (body: { place: "inside" | "outside"; next?: string }, key: string) => write<{ address: string }>("POST", "/api/mall/wechat-starts", { body, key }),
  back: (body: { code: string; state: string }, key: string) => write<WechatOutcome>("POST", "/api/mall/wechat-sessions", { body, key }),
  menu: (query: { address: string; t?: string | undefined }) => read<WechatMenu>("/api/mall/wechat-menu", { query }),
  ownCode: (key: string) => write<{ code: string }>("POST", "/api/mall/own-code", { key }),
  unlink: (key: string) => write<void>("DELETE", "/api/mall/wechat", { key }),
}
