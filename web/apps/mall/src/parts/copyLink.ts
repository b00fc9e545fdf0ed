import { t } from "@duoline/i18n"
import { copyText } from "@duoline/ui/sharing"

/** Copies a link for friends, and says so. */
export const copyLink = (text: string) => copyText(text, { copied: t("share.copied"), failed: t("share.copy_failed") })
