const CODE = /^[0-9A-HJKMNP-TV-Z]{12}$/

/** A coupon's code as it was meant: no dashes or blanks, capitals, letters that look like digits as digits. */
export const tidyCoupon = (text: string): string =>
  text.replace(/[\s-]/g, "").toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1")

/** Whether a text can be the code on a paper coupon: twelve letters of Crockford's alphabet. */
export const isCoupon = (text: string): boolean => CODE.test(tidyCoupon(text))
