import { t } from "@duoline/i18n"
import { copyText } from "@duoline/ui/sharing"

/** Copies a link for customers, and says so. */
export const copyLink = (text: string) => copyText(text, { copied: t("guide.copied"), failed: t("guide.copy_failed") })
