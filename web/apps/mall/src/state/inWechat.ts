/** Whether this is WeChat's own browser: the account is at hand, and the menu at the top right sends pages. */
export const inWechat = /MicroMessenger/i.test(navigator.userAgent)
