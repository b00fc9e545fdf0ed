import { nameOr, t } from "@duoline/i18n"
import type { EventAside } from "../api/types"
import { whyOf } from "./asideWhy"

/** The part of the system that could not digest it. */
export const partName = (one: EventAside): string => nameOr(`aside_part.${one.consumer.replaceAll(".", "_")}`, one.consumer)
/** What happened; the topic itself where it has no words of ours. */
export const topicName = (one: EventAside): string => nameOr(`aside_topic.${one.topic}`, one.topic)
export const whySay = (one: EventAside): string => t(`aside_why.${whyOf(one.problem)}`)
